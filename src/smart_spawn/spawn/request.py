"""What a caller can ask to be done: a routing request, and how to carry it out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Mode
from smart_spawn.routing.request import ModelId, RouteRequest
from smart_spawn.spawn.gate import check_verifier
from smart_spawn.spawn.plan import Plan
from smart_spawn.spawn.roles import Role
from smart_spawn.spawn.steps import StepBody, plan_of_steps

_ONLY_WITH: Mapping[str, tuple[Mode, ...]] = {
    "steps": (Mode.PLAN, Mode.SWARM),
    "judge": (Mode.COLLECTIVE, Mode.CASCADE),
    "min_confidence": (Mode.CASCADE,),
    "max_escalation": (Mode.CASCADE,),
    "adaptive": (Mode.COLLECTIVE,),
    "verify": (Mode.CASCADE, Mode.COLLECTIVE),
    "dry_run": (Mode.PLAN, Mode.SWARM),
}
"""Fields that have an effect in some modes only. Elsewhere they are a warning, since clients send defaults along."""


class Verify(BaseModel):
    """What an answer must satisfy to count."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    json_schema: Mapping[str, Any] | None = None
    pattern: str | None = None
    """A regular expression that must be found in the answer."""
    parts: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """Words that must be in it."""


class SpawnRequest(RouteRequest):
    """One task to be done by the models that routing chooses."""

    mode: Mode = Mode.SINGLE
    timeout_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] | None = None
    """The deadline of everything together; `None` is the owner's setting."""
    max_cost_usd: Annotated[Decimal, Field(gt=0, le=1_000_000)] | None = None
    """What the run may cost at the very most; `None` is the owner's setting."""
    wait: bool = True
    """Whether the answer is held back until the run is over."""
    min_confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    max_escalation: Annotated[int, Field(ge=0, le=10)] | None = None
    judge: ModelId | None = None
    steps: tuple[str | StepBody, ...] = ()
    """Of a plan or swarm; without them the task is taken apart."""
    role: str | Role | None = None
    """Whom the models are asked to be: the id of a persona, or role blocks."""
    verify: Verify | None = None
    adaptive: bool = False
    """Ask two members first, and others only while they disagree."""
    dry_run: bool = False
    """Plan, say what it would cost, and call nobody."""

    @classmethod
    def of(cls, values: Mapping[str, Any] | None = None, /, **options: Any) -> Self:
        """Check what a caller gave. Raises InvalidRequest, naming the field and what would have been right."""
        request = super().of(values, **options)
        if not request.task.strip():
            raise InvalidRequest("`task` is empty", hint="say what is to be done", code="MISSING_PARAM")
        if request.verify is not None:
            check_verifier(request.verifier)
        if request.steps:
            request.plan()
        return request

    @property
    def verifier(self) -> Mapping[str, Any]:
        """What an answer must satisfy, by name; empty where nothing was said."""
        return {} if self.verify is None else self.verify.model_dump(by_alias=True, exclude_none=True)

    def plan(self) -> Plan:
        """Return the given steps as a checked plan. Raises InvalidRequest, naming the step."""
        in_order = self.mode is Mode.PLAN
        return plan_of_steps(self.steps, in_order=in_order, prefix="step" if in_order else "swarm")

    @property
    def idle_fields(self) -> tuple[str, ...]:
        """The fields that were given and have no effect in this mode, as JSON names them."""
        return tuple(
            type(self).model_fields[name].alias or name
            for name, modes in _ONLY_WITH.items()
            if getattr(self, name) and self.mode not in modes
        )
