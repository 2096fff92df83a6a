"""The one object that every surface calls, and what it hands back."""

from smart_spawn.app.smart_spawn import Replay, RunView, SmartSpawn, SpawnResult

__all__ = ["Replay", "RunView", "SmartSpawn", "SpawnResult"]
