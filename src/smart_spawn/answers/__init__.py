"""What Smart Spawn answers, as values with names: the JSON of the API, wherever it came from."""

from smart_spawn.answers.answer import Answer
from smart_spawn.answers.decision import Alternative, Change, Choice, Decision, Pricing, Replay, RunnerUp
from smart_spawn.answers.models import Comparison, Model, Recommendation, Recommendations
from smart_spawn.answers.runs import Artifact, Cost, Response, Run, RunEvent, RunRow, SpawnResult, Usage, Vote

__all__ = [
    "Alternative",
    "Answer",
    "Artifact",
    "Change",
    "Choice",
    "Comparison",
    "Cost",
    "Decision",
    "Model",
    "Pricing",
    "Recommendation",
    "Recommendations",
    "Replay",
    "Response",
    "Run",
    "RunEvent",
    "RunRow",
    "RunnerUp",
    "SpawnResult",
    "Usage",
    "Vote",
]
