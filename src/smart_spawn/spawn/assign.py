"""Who does which step of a plan: each step is routed by itself, within the limits of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import RoutingError
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.request import RouteRequest
from smart_spawn.spawn.plan import Plan, Step
from smart_spawn.spawn.roles import PERSONA_OF

LONG_ANSWER = 4
"""A step may answer this many times the expected length: what the high end of an estimate assumes."""

Choose = Callable[[RouteRequest], Decision]
"""Routing, as `SmartSpawn.preview` does it. Raises RoutingError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """One step with the decision who does it, or the reason why nobody can."""

    step: Step
    request: RouteRequest
    decision: Decision | None = None
    error: RoutingError | None = None

    @property
    def persona(self) -> str:
        """Whom the model is asked to be: the step's own wish, else who usually does such steps."""
        if self.step.persona:
            return self.step.persona
        return PERSONA_OF[self.decision.category] if self.decision else "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a plan may cost, in USD. A step without a known price counts nothing in either."""

    low_usd: float
    high_usd: float


def step_request(step: Step, whole: RouteRequest) -> RouteRequest:
    """Return the routing request of one step: its own task, category and budget, the limits of the whole."""
    fields = {name: getattr(whole, name) for name in RouteRequest.model_fields}
    return RouteRequest.model_construct(
        **fields
        | {
            "task": step.task,
            "category": step.category,
            "budget": step.budget or whole.budget,
            "session_id": None,
            "count": 1,
        }
    )


def assign(plan: Plan, whole: RouteRequest, choose: Choose) -> tuple[Assigned, ...]:
    """Choose a model for every step. A step that nobody can do is marked; the others are not disturbed.

    Raises UnknownModel and NoCatalog when they concern the whole, which is when no step could be routed by them.
    """
    return tuple(_assigned(step, whole, choose) for step in plan.steps)


def _assigned(step: Step, whole: RouteRequest, choose: Choose) -> Assigned:
    request = step_request(step, whole)
    try:
        return Assigned(step=step, request=request, decision=choose(request))
    except RoutingError as error:
        return Assigned(step=step, request=request, error=error)


def estimate(assigned: Sequence[Assigned], catalog: Catalog, *, answer_tokens: int, at: datetime) -> Estimate:
    """Return what the steps may cost: as expected, and with long answers that are handed on whole."""
    low, high = Decimal(0), Decimal(0)
    long_answer = LONG_ANSWER * answer_tokens
    for one in assigned:
        if one.decision is None:
            continue
        price = catalog.listings[catalog.index[one.decision.selected.model]].price
        low += Decimal(str(one.decision.selected.expected_cost_usd or 0))
        handed_on = len(one.step.depends_on) * long_answer
        high += (
            price.cost_usd(
                prompt_tokens=one.decision.task.tokens + handed_on, completion_tokens=long_answer, at=at
            )
            or 0
        )
    return Estimate(low_usd=float(round(low, 6)), high_usd=float(round(max(low, high), 6)))


def waves_of_at_most(plan: Plan, most: int | None) -> tuple[tuple[str, ...], ...]:
    """Return the waves with none longer than asked: a longer one becomes several, one after the other."""
    if most is None:
        return plan.waves
    return tuple(wave[at : at + most] for wave in plan.waves for at in range(0, len(wave), most))


def wave_numbers(waves: Sequence[Sequence[str]]) -> Mapping[str, int]:
    """Return the number of each step's wave, from 0."""
    return {step_id: number for number, wave in enumerate(waves) for step_id in wave}
