"""The ladder from shadow to active: what the caller's own model and our choices would each have been worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from smart_spawn.app import SmartSpawn
from smart_spawn.app.voting import LOCAL
from smart_spawn.routing.decision import Decision, decode_decision
from smart_spawn.routing.rank import chance_above

LOOKED_AT = 5_000
"""The newest decisions that a report looks at."""
LEAST_DIFFERENT = 50
"""Decisions with another choice than the caller's own, without which no promotion is earned."""
NEXT = {"shadow": "advise", "advise": "active"}


def stages_json(app: SmartSpawn) -> dict[str, Any]:
    """Return, for each caller that names its `current` model, how often we would choose otherwise, and win.

    A win rate is the mean chance that our choice really is at least as good, by benchmarks and votes of the time. The
    next stage is earned once the lower end of its 95 % interval is above one half, over enough differing choices.
    """
    held: dict[tuple[str, str], list[Decision]] = {}
    for row in app.store.decisions.recent(LOOKED_AT):
        decision = decode_decision(row.body)
        if decision.request.current is not None:
            held.setdefault((decision.caller or LOCAL, decision.stage), []).append(decision)
    return {
        "data": [
            _report(app, caller, stage, decisions) for (caller, stage), decisions in sorted(held.items())
        ],
        "meta": {"stage": app.settings.routing.stage, "lookedAt": LOOKED_AT},
    }


def _report(app: SmartSpawn, caller: str, stage: str, decisions: Sequence[Decision]) -> dict[str, Any]:
    differing = [d for d in decisions if d.advised is not None]
    wins = [_chance(d) for d in differing]
    interval = _interval(wins)
    earned = len(wins) >= LEAST_DIFFERENT and interval is not None and interval[0] > 0.5
    return {
        "caller": caller,
        "stage": stage,
        "stageNow": app.stage_of(None if caller == LOCAL else caller),
        "decisions": len(decisions),
        "differing": len(differing),
        "winRate": round(fmean(wins), 4) if wins else None,
        "interval95": interval,
        "ownUsd": _total([d.selected.expected_cost_usd for d in differing]),
        "advisedUsd": _total([d.advised.expected_cost_usd for d in differing if d.advised]),
        "earned": NEXT.get(stage) if earned else None,
    }


def _chance(decision: Decision) -> float:
    """Return the chance that the advised model is at least as good as the one that was served."""
    own, ours = decision.selected, decision.advised
    assert ours is not None  # noqa: S101  # our own caller looked
    return chance_above(ours.score - own.score, own.variance + ours.variance)


def _interval(values: Sequence[float]) -> list[float] | None:
    if len(values) < 2:
        return None
    half = 1.96 * stdev(values) / math.sqrt(len(values))
    return [round(fmean(values) - half, 4), round(fmean(values) + half, 4)]


def _total(costs: Sequence[float | None]) -> float:
    """Return a sum in USD; what is unknown counts nothing."""
    return round(sum(cost for cost in costs if cost is not None), 6)
