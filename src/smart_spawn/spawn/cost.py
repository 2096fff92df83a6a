"""What calls cost: as the provider billed them, else by the list price, and beside the baseline.

Unknown is never zero: a missing usage or rate gives `None`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from smart_spawn.model import Price
from smart_spawn.runs.ports import ModelAnswer, Usage
from smart_spawn.spawn.outcome import Attempt, Baseline, Cost, CostSource


def listed_usd(price: Price, usage: Usage | None, at: datetime) -> Decimal | None:
    """Return the list price of these tokens, in USD."""
    if usage is None:
        return None
    return price.cost_usd(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        at=at,
    )


def billed(answer: ModelAnswer, listed: Decimal | None) -> tuple[Decimal | None, CostSource]:
    """Return what an answer cost in USD, and who says so: the provider before the list price."""
    if answer.cost_usd is not None:
        return answer.cost_usd, "provider"
    return (listed, "list-price") if listed is not None else (None, "unknown")


def cost_of(
    answer: Attempt | None,
    *,
    listed_usd: Decimal | None,
    in_doubt_usd: Decimal,
    baseline: Baseline | None,
    at: datetime,
) -> Cost:
    """Return the cost of a run that ended with this answer, or with none."""
    name = baseline.model_id if baseline else None
    if answer is None:
        return Cost(in_doubt_usd=in_doubt_usd, baseline=name)
    saved_usd = None
    baseline_usd = baseline.cost_usd(answer.usage, at) if baseline else None
    if baseline_usd is not None and answer.cost_usd is not None:
        saved_usd = baseline_usd - answer.cost_usd
    return Cost(
        usd=answer.cost_usd,
        estimated_usd=listed_usd,
        source=answer.cost_source,
        in_doubt_usd=in_doubt_usd,
        baseline_usd=baseline_usd,
        saved_usd=saved_usd,
        baseline=name,
    )
