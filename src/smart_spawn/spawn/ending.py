"""What a mode hands back: all attempts with their bills, added up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import add
from typing import Any

from smart_spawn.errors import BudgetExceeded, SmartSpawnError
from smart_spawn.model import Mode
from smart_spawn.runs.ports import Usage
from smart_spawn.spawn.outcome import Attempt, Baseline, Cost, CostSource, SpawnOutcome, Status


def outcome_of(
    mode: Mode,
    attempts: Sequence[Attempt],
    *,
    output: str,
    model: str | None,
    counted: Iterable[Attempt],
    baseline: Baseline | None,
    at: datetime,
    **more: Any,
) -> SpawnOutcome:
    """Return a success. `counted` are the answers that one model would have had to give without a mode."""
    return SpawnOutcome(
        mode=mode,
        status="succeeded",
        output=output,
        model=model,
        responses=_compared(attempts, baseline, at),
        usage=total_usage(attempts),
        cost=total_cost(attempts, counted=counted, baseline=baseline, at=at),
        **more,
    )


def failure_of(
    mode: Mode,
    attempts: Sequence[Attempt],
    error: SmartSpawnError,
    *,
    baseline: Baseline | None,
    at: datetime,
    **more: Any,
) -> SpawnOutcome:
    """Return a failure, with what was paid all the same."""
    status: Status = "budget_exceeded" if isinstance(error, BudgetExceeded) else "failed"
    return SpawnOutcome(
        mode=mode,
        status=status,
        output="",
        model=None,
        responses=_compared(attempts, baseline, at),
        usage=total_usage(attempts),
        cost=total_cost(attempts, counted=(), baseline=baseline, at=at),
        error=error,
        **more,
    )


def _compared(attempts: Iterable[Attempt], baseline: Baseline | None, at: datetime) -> tuple[Attempt, ...]:
    """Put beside each answer what the baseline would have cost."""
    if baseline is None:
        return tuple(attempts)
    return tuple(replace(each, baseline_usd=baseline.cost_usd(each.usage, at)) for each in attempts)


def total_usage(attempts: Iterable[Attempt]) -> Usage | None:
    """Return the tokens of all answers; `None` when no provider said."""
    known = [attempt.usage for attempt in attempts if attempt.usage is not None]
    return reduce(add, known) if known else None


def total_cost(
    attempts: Sequence[Attempt], *, counted: Iterable[Attempt], baseline: Baseline | None, at: datetime
) -> Cost:
    """Add the bills up. Unknown is never zero: one answer without a bill makes the total unknown."""
    answered = [attempt for attempt in attempts if attempt.error is None]
    known = [attempt.cost_usd for attempt in answered if attempt.cost_usd is not None]
    listed = [attempt.listed_usd for attempt in answered if attempt.listed_usd is not None]
    paid = sum(known, Decimal(0)) if answered and len(known) == len(answered) else None
    sources = {attempt.cost_source for attempt in answered}
    source: CostSource = (
        sources.pop() if len(sources) == 1 else "list-price" if paid is not None else "unknown"
    )
    instead = [baseline.cost_usd(attempt.usage, at) for attempt in counted] if baseline else []
    whole = [cost for cost in instead if cost is not None]
    baseline_usd = sum(whole, Decimal(0)) if whole and len(whole) == len(instead) else None
    return Cost(
        usd=paid,
        estimated_usd=sum(listed, Decimal(0)) if answered and len(listed) == len(answered) else None,
        source=source,
        in_doubt_usd=sum((attempt.in_doubt_usd for attempt in attempts), Decimal(0)),
        baseline_usd=baseline_usd,
        saved_usd=baseline_usd - paid if baseline_usd is not None and paid is not None else None,
        baseline=baseline.model_id if baseline else None,
    )
