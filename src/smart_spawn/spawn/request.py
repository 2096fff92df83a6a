"""What a caller can ask to be done: a routing request, and how to carry it out."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field

from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Mode
from smart_spawn.routing.request import ModelId, RouteRequest

AVAILABLE_MODES: tuple[Mode, ...] = (Mode.SINGLE,)
"""The modes that can be carried out today. Every surface checks here, through `SpawnRequest.of`."""

MAX_STEPS = 200

_ONLY_WITH: Mapping[str, tuple[Mode, ...]] = {
    "steps": (Mode.PLAN, Mode.SWARM),
    "judge": (Mode.COLLECTIVE, Mode.CASCADE),
    "min_confidence": (Mode.CASCADE,),
    "max_escalation": (Mode.CASCADE,),
}
"""Fields that have an effect in some modes only. Elsewhere they are a warning, since clients send defaults along."""


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
    steps: Annotated[tuple[str | Mapping[str, Any], ...], Field(max_length=MAX_STEPS)] = ()
    role: str | Mapping[str, Any] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any] | None = None, /, **options: Any) -> Self:
        """Check what a caller gave. Raises InvalidRequest, naming the field and what would have been right."""
        request = super().of(values, **options)
        if not request.task.strip():
            raise InvalidRequest("`task` is empty", hint="say what is to be done", code="MISSING_PARAM")
        _check_available(request)
        return request

    @property
    def idle_fields(self) -> tuple[str, ...]:
        """The fields that were given and have no effect in this mode, as JSON names them."""
        return tuple(
            type(self).model_fields[name].alias or name
            for name, modes in _ONLY_WITH.items()
            if getattr(self, name) and self.mode not in modes
        )


def _check_available(request: SpawnRequest) -> None:
    available = ", ".join(f"`{mode}`" for mode in AVAILABLE_MODES)
    if request.mode not in AVAILABLE_MODES:
        raise InvalidRequest(
            f"mode `{request.mode}` is not available yet",
            hint=f"available: {available}",
            details={"field": "mode", "valid": [str(mode) for mode in AVAILABLE_MODES]},
        )
    if request.role:
        raise InvalidRequest(
            "`role` is not available yet",
            hint="put what the model should be into `task`",
            details={"field": "role"},
        )
