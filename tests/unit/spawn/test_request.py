"""What can be asked of a spawn, checked in one place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Budget, Mode
from smart_spawn.spawn.request import SpawnRequest


def test_routing_fields_and_spawn_fields_come_together() -> None:
    """A spawn takes all that routing takes, in camelCase, and its own limits."""
    request = SpawnRequest.of(
        {"task": "x", "budget": "low", "timeoutS": 12.5, "maxCostUsd": "0.25", "wait": False}
    )
    assert (request.budget, request.timeout_s, request.wait) == (Budget.LOW, 12.5, False)
    assert request.max_cost_usd == Decimal("0.25")
    assert request.mode is Mode.SINGLE


@pytest.mark.parametrize(
    ("values", "code", "says"),
    [
        ({"task": "x", "mode": "duet"}, "INVALID_PARAM", "`duet` is not a valid `mode`"),
        ({"task": "x", "timeoutS": 0}, "INVALID_PARAM", "`timeoutS` is wrong"),
        ({"task": "x", "timeoutS": float("nan")}, "INVALID_PARAM", "`timeoutS` is wrong"),
        ({"task": "x", "maxCostUsd": -1}, "INVALID_PARAM", "`maxCostUsd` is wrong"),
        ({"task": "x", "count": 6}, "INVALID_PARAM", "`count` is wrong"),
        ({"task": "x", "mode": "collective", "count": 0}, "INVALID_PARAM", "`count` is wrong"),
        ({"task": "x", "mode": "collective", "count": 50}, "INVALID_PARAM", "`count` is wrong"),
        ({"task": "x", "mode": "cascade", "minConfidence": 1.5}, "INVALID_PARAM", "`minConfidence` is wrong"),
        ({"task": "x", "mode": "cascade", "maxEscalation": -1}, "INVALID_PARAM", "`maxEscalation` is wrong"),
        ({"task": "x", "mode": "swarm", "steps": ["a"] * 1001}, "INVALID_PARAM", "1,001 steps"),
        ({"task": "x", "steps": [{"id": "a", "task": "b", "dependsOn": "a"}]}, "INVALID_PARAM", "circle"),
        ({"task": "x", "steps": ["a" * 200_001]}, "TOO_LARGE", "200,001"),
        ({"task": "x", "verify": {"pattern": "("}}, "INVALID_PARAM", "`verify.pattern`"),
        ({"task": "x", "role": {"persna": "a"}}, "INVALID_PARAM", "role"),
        ({"task": "x", "maxCost": 1}, "INVALID_PARAM", "did you mean `maxCostUsd`?"),
        ({"task": "  "}, "MISSING_PARAM", "`task` is empty"),
        ({"category": "coding"}, "MISSING_PARAM", "`task` is empty"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object], code: str, says: str) -> None:
    """Each mistake gets one message with the field and the way out."""
    with pytest.raises(InvalidRequest) as caught:
        SpawnRequest.of(values)
    assert caught.value.code == code
    assert says in str(caught.value)
