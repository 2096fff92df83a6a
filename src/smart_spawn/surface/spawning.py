"""The answer of a spawn: the output, every attempt, the decision and the bill."""

from __future__ import annotations

from typing import Any

from smart_spawn.app import SpawnResult
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.spawn.report import outcome_json
from smart_spawn.surface.decisions import decision_json


def spawn_json(result: SpawnResult, policy: RoutingPolicy) -> dict[str, Any]:
    """Return what `/spawn` answers."""
    return {
        "id": result.id,
        **outcome_json(result.outcome),
        "routingDecision": decision_json(result.decision, result.catalog, policy),
    }
