"""What can be asked of a spawn, checked in one place."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Budget, Mode
from smart_spawn.spawn.request import AVAILABLE_MODES, SpawnRequest


def test_routing_fields_and_spawn_fields_come_together() -> None:
    """A spawn takes all that routing takes, in camelCase, and its own limits."""
    request = SpawnRequest.of(
        {"task": "x", "budget": "low", "timeoutS": 12.5, "maxCostUsd": "0.25", "wait": False}
    )
    assert (request.budget, request.timeout_s, request.wait) == (Budget.LOW, 12.5, False)
    assert request.max_cost_usd == Decimal("0.25")
    assert request.mode is Mode.SINGLE


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode not in AVAILABLE_MODES])
def test_a_mode_that_is_not_there_yet_is_named(mode: Mode) -> None:
    """The answer says which modes there are."""
    with pytest.raises(InvalidRequest, match=f"mode `{mode}` is not available yet") as caught:
        SpawnRequest.of(task="x", mode=str(mode))
    assert caught.value.details["valid"] == ["single"]


@pytest.mark.parametrize(
    ("values", "code", "says"),
    [
        ({"task": "x", "mode": "duet"}, "INVALID_PARAM", "`duet` is not a valid `mode`"),
        ({"task": "x", "timeoutS": 0}, "INVALID_PARAM", "`timeoutS` is wrong"),
        ({"task": "x", "timeoutS": float("nan")}, "INVALID_PARAM", "`timeoutS` is wrong"),
        ({"task": "x", "maxCostUsd": -1}, "INVALID_PARAM", "`maxCostUsd` is wrong"),
        ({"task": "x", "count": 6}, "INVALID_PARAM", "`count` is wrong"),
        ({"task": "x", "steps": ["a"] * 201}, "INVALID_PARAM", "`steps` is wrong"),
        ({"task": "x", "role": "engineer"}, "INVALID_PARAM", "`role` is not available yet"),
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
