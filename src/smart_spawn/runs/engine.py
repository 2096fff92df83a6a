"""What those who start and watch runs see: `RunSpec` in, `Run` out, and the `Engine` between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

RunStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "budget_exceeded", "timed_out"]
ENDED: frozenset[RunStatus] = frozenset({"succeeded", "failed", "cancelled", "budget_exceeded", "timed_out"})
StepState = Literal["running", "succeeded", "failed"]

MAX_DEPTH = 5
"""How deep runs may start runs."""
MAX_STEPS = 5_000
"""Steps of one run, whatever its mode makes of it."""
MAX_REQUEST_BYTES = 4_000_000
"""The longest request that is kept with a run, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCap:
    """Whose money it is: all runs of one key share this cap."""

    key: str
    """What its money is counted under: the id of the API key, with the month behind it where the cap is a month's."""
    cap_usd: Decimal | None = None
    """`None` counts without a limit. The newest value holds."""

    @property
    def owner(self) -> str:
        """The id of the API key, never the key itself."""
        return self.key.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """What is to be run."""

    mode: str
    """The name that the mode is registered by."""
    request: Mapping[str, Any]
    """JSON; what the mode reads. Kept until the run is pruned."""
    cap_usd: Decimal | None = None
    """What it may cost at the very most, runs that it starts included; `None` is no limit."""
    timeout_s: float = 1800.0
    """From the submission to the end, the time in the queue included."""
    key_cap: KeyCap | None = None
    parent: str | None = None
    """The run that starts this one: its cap holds for both, and its cancellation reaches both."""
    allow_unknown_price: bool = False
    """Whether a model without a known price may be called under a cap, uncounted."""
    asked: Mapping[str, Any] | None = None
    """What the caller asked for: the same again, under the same idempotency key, is the same run. `None` is
    `request` itself; what was made of the caller's words, such as the models chosen, may differ each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """What a run cost so far, in USD, without the runs that it started."""

    spent_usd: Decimal = Decimal(0)
    in_doubt_usd: Decimal = Decimal(0)
    """The most that calls may have cost whose bill is not known. Counted against the caps."""
    reserved_usd: Decimal = Decimal(0)
    """Set aside for calls under way."""
    cap_usd: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a run, as it stands."""

    name: str
    state: StepState
    model: str | None = None
    provider: str | None = None
    tries: int = 0
    in_doubt: int = 0
    """Calls that broke off without a bill, by a crash or otherwise."""
    cost_usd: Decimal | None = None
    started_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
    """In one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many steps there are so far, by state."""

    total: int = 0
    done: int = 0
    running: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as it stands."""

    id: str
    mode: str
    status: RunStatus
    created_at: datetime
    deadline_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_requested: bool = False
    parent: str | None = None
    keys: frozenset[str] = frozenset()
    """The ids of the API keys whose money it spends: whoever started it, and the runs above it."""
    executor: str | None = None
    """The process that carries it out, or did so last."""
    executions: int = 0
    """How often it was begun; more than once means that a process died under it."""
    request: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    """`code`, `message`, `hint`, `details`."""
    cost: RunCost = field(default_factory=RunCost)
    progress: Progress = field(default_factory=Progress)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """One run in a list: what it costs nothing to show."""

    id: str
    mode: str
    status: RunStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run. `number` counts from 1 within the run, without gaps."""

    number: int
    name: str
    """`run.queued`, `run.started`, `run.resumed`, `run.ended`, `step.started`, `step.ended`, or the mode's own."""
    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A text that a step left behind."""

    step: str
    name: str
    content: str
    model: str
    kind: str
    created_at: datetime


class Engine(Protocol):
    """Somebody who carries runs out, or hands them to those who do."""

    async def submit(self, spec: RunSpec, *, idempotency_key: str | None = None) -> str:
        """Queue a run and return its id; it is stored before this returns.

        The same key with the same spec returns the first run. Raises IdempotencyConflict for the same key with
        another spec, InvalidRequest for an unknown mode, a request too long or runs nested too deep.
        """
        ...

    async def status(self, run_id: str) -> Run:
        """Return a run as it stands. Raises NotFound."""
        ...

    async def has_ended(self, run_id: str) -> bool:
        """Tell whether nothing will change any more: cheap, for those who ask often. Raises NotFound."""
        ...

    async def wait(self, run_id: str, timeout_s: float | None = None) -> Run:
        """Return the run when it has ended, or as it stands when the time is over. Raises NotFound."""
        ...

    async def cancel(self, run_id: str) -> Run:
        """Stop a run and the runs that it started. Raises NotFound, RunNotCancellable when it has ended."""
        ...

    async def events(
        self, run_id: str, *, after: int = 0, limit: int = 500, name: str | None = None
    ) -> Sequence[Event]:
        """Return the events numbered above `after`, of one name or all, in order. Raises NotFound."""
        ...

    async def list(
        self,
        *,
        status: RunStatus | None = None,
        limit: int = 50,
        before: str | None = None,
        key: str | None = None,
    ) -> Sequence[RunLine]:
        """Return runs, newest first; `before` is the id of the last one seen, `key` whose runs to show."""
        ...

    async def steps(self, run_id: str) -> Sequence[Step]:
        """Return the steps begun so far, in the order in which they began. Raises NotFound."""
        ...

    async def artifacts(self, run_id: str) -> Sequence[Artifact]:
        """Return what the steps left behind, contents included. Raises NotFound."""
        ...

    async def artifact(self, run_id: str, step: str) -> Artifact:
        """Return what one step left behind. Raises NotFound."""
        ...
