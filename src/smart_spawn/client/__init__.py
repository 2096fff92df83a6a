"""Smart Spawn for Python programs: in this process or over HTTP, with the same methods and answers."""

from smart_spawn.client.once import route, spawn
from smart_spawn.client.runs import Runs
from smart_spawn.client.smart_spawn import SmartSpawn

__all__ = ["Runs", "SmartSpawn", "route", "spawn"]
