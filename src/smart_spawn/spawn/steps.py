"""Steps as callers give them: names, or objects that say what they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Budget, Category
from smart_spawn.routing.request import RouteRequest
from smart_spawn.spawn.plan import MAX_ID_CHARS, MAX_PLAN_STEPS, Plan, Step


class StepBody(BaseModel):
    """One step. At least one of `task`, `description` and `name` says what it does."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    id: str | None = None
    name: str | None = None
    task: str | None = None
    description: str | None = None
    """Another word for `task`, as answers of `/swarm` have it, so that they can be sent back."""
    depends_on: Annotated[tuple[str | int, ...], Field(max_length=MAX_PLAN_STEPS)] | None = None
    """Ids or names of other steps, or their numbers from 1."""
    category: Category | None = None
    budget: Budget | None = None
    persona: str | None = None
    role: Mapping[str, Any] | None = None

    @field_validator("depends_on", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str | int) and not isinstance(given, bool) else given


RawSteps = Sequence[str | StepBody]


class PlanningRequest(RouteRequest):
    """What `/decompose` and `/swarm` take: a task to be taken apart, and the limits for each step's model."""

    max_parallel: Annotated[int, Field(ge=1, le=MAX_PLAN_STEPS)] | None = None
    """The most steps that one wave may hold."""
    steps: tuple[str | StepBody, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any] | None = None, /, **options: Any) -> Self:
        """Check what a caller gave. Raises InvalidRequest, naming the field and what would have been right."""
        request = super().of(values, **options)
        if not request.task.strip():
            raise InvalidRequest("`task` is empty", hint="say what is to be done", code="MISSING_PARAM")
        return request


def plan_of_steps(given: RawSteps, *, in_order: bool, prefix: str) -> Plan:
    """Turn given steps into a checked plan. Raises InvalidRequest, naming the step.

    `in_order` makes a step that does not say what it depends on wait for the one before it.
    """
    bodies = [StepBody(name=one) if isinstance(one, str) else one for one in given]
    ids = [body.id or _id_of(body, prefix, number) for number, body in enumerate(bodies, start=1)]
    known = _references(bodies, ids)
    steps = []
    for at, (step_id, body) in enumerate(zip(ids, bodies, strict=True)):
        if body.depends_on is not None:
            before = tuple(known.get(str(one), str(one)) for one in body.depends_on)
        else:
            before = (ids[at - 1],) if in_order and at else ()
        steps.append(
            Step(
                id=step_id,
                task=body.task or body.description or body.name or "",
                name=(body.name or "")[:MAX_ID_CHARS],
                depends_on=before,
                category=body.category,
                budget=body.budget,
                persona=body.persona,
                role=body.role or {},
            )
        )
    return Plan.of(steps)


def _id_of(body: StepBody, prefix: str, number: int) -> str:
    """Let a step with a short name and a task of its own be known by its name, any other by its number."""
    named = body.name and (body.task or body.description) and len(body.name) <= MAX_ID_CHARS
    return body.name if named and body.name else f"{prefix}-{number}"


def _references(bodies: Sequence[StepBody], ids: Sequence[str]) -> dict[str, str]:
    """Map what a step may be called by others to its id: its number, its name (the first of that name), its id."""
    known = {str(number): step_id for number, step_id in enumerate(ids, start=1)}
    for step_id, body in zip(reversed(ids), reversed(bodies), strict=True):
        if body.name:
            known[body.name] = step_id
    return known | {step_id: step_id for step_id in ids}
