"""What the engines need of a database: runs to watch, the journal of steps with the money, who carries out what.

`store/` implements them (`Store.runs`, `Store.journal`, `Store.roster`). Every method is one transaction and blocks
on the disk. Those that change a run take its `Claim`: they do nothing and raise RunLost once another execution of
the run has begun, so a process that was taken for dead cannot write into what its successor does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from smart_spawn.runs.engine import Artifact, Event, Run, RunLine, RunStatus, Step
from smart_spawn.runs.ports import RunEnd


class Interrupted(Exception):
    """The execution must stop. No SmartSpawnError, so that a mode that handles failures lets it pass."""


class RunLost(Interrupted):
    """Another execution of this run has begun, or it has ended."""


class RunCancelled(Interrupted):
    """Somebody cancelled the run."""


class JournalAway(Interrupted):
    """The database did not answer for too long: what comes next could not be remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run to be stored. Money in micro-USD."""

    id: str
    mode: str
    request: bytes
    fingerprint: str
    """Hash of everything asked, to recognise the same request under one idempotency key."""
    created_at: datetime
    deadline_at: datetime
    cap_micro_usd: int | None
    allow_unknown_price: bool
    key: str | None
    key_cap_micro_usd: int | None
    parent: str | None
    idempotency_key: str | None
    max_depth: int
    handed_out: bool = False
    """Whether somebody has it in hand already; others see it in the queue once that one is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A queued run, to be handed to an executor. `number` counts how often it was queued."""

    run_id: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to carry a run out, until the next execution of it begins."""

    run_id: str
    execution: int
    executor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A step that has ended: the JSON of its result, or of its error."""

    failed: bool
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that is to be carried out now, with what earlier executions finished."""

    claim: Claim
    mode: str
    request: bytes
    deadline_at: datetime
    capped: bool
    allow_unknown_price: bool
    finished: Mapping[str, Finished]
    tries: Mapping[str, int]
    """How often each unfinished call was made before."""
    in_doubt_micro_usd: Mapping[str, int]
    """What the interrupted calls of each unfinished step may have cost."""
    said: frozenset[str]
    """The events that the mode has emitted."""
    kept: frozenset[str]
    """The steps that have left an artifact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What a provider may be asked at once and in a minute, by all processes together; `None` is no limit."""

    at_once: int | None = None
    per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIntent:
    """A call that is about to be made: written down before it is."""

    step: str
    number: int
    """Which try of this step, from 0."""
    model: str
    provider: str
    worst_micro_usd: int
    limits: CallLimits = CallLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The worst case is reserved and the intent is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """The worst case does not fit. `left_micro_usd` is what does, under the tightest cap."""

    left_micro_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """The provider's limit is reached; ask again after this many seconds."""

    wait_s: float


Grant = Granted | Short | Later


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What became of a call. `cost_micro_usd` is `None` when nobody knows: the reservation then stays."""

    step: str
    number: int
    cost_micro_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnd:
    """A step's end, stored together with the bill of its last call."""

    step: str
    body: bytes
    failed: bool = False
    error: str | None = None
    """In one line, for lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """A process that carries runs out."""

    id: str
    machine: str
    """Where its process number means something; empty when that is not known."""
    pid: int
    process_started: str
    """Tells two processes with the same number apart."""
    version: str


class RunReader(Protocol):
    """Submitting and watching runs: what a process needs that carries none out."""

    def submit(self, new: NewRun) -> str:
        """Store a run, queued, and return its id; that of the first run under the same idempotency key.

        Raises IdempotencyConflict, NotFound for an unknown parent, InvalidRequest for one nested too deep.
        """
        ...

    def run(self, run_id: str) -> Run:
        """Return a run with its cost and progress. Raises NotFound."""
        ...

    def status(self, run_id: str) -> RunStatus:
        """Return where a run stands. Raises NotFound."""
        ...

    def lines(
        self, *, status: RunStatus | None, limit: int, before: str | None, key: str | None = None
    ) -> Sequence[RunLine]:
        """Return runs, newest first; with `key` those that spend this key's money."""
        ...

    def steps(self, run_id: str) -> Sequence[Step]:
        """Return the steps begun so far, in order. Raises NotFound."""
        ...

    def events(self, run_id: str, *, after: int, limit: int, name: str | None = None) -> Sequence[Event]:
        """Return the events numbered above `after`, of one name or all. Raises NotFound."""
        ...

    def artifacts(self, run_id: str, step: str | None = None) -> Sequence[Artifact]:
        """Return what all steps or one left behind. Raises NotFound."""
        ...

    def cancel(self, run_id: str) -> None:
        """End a queued run and ask a running one to stop, with all runs below it. Raises RunNotCancellable."""
        ...


class Journal(Protocol):
    """Carrying a run out: each step, and the money that it costs."""

    def begin(self, ticket: Ticket, executor: str) -> Begun | None:
        """Take a queued run over; `None` when somebody else did, or it ended. Open calls become in doubt."""
        ...

    def open_step(self, claim: Claim, step: str, *, model: str | None, provider: str | None) -> None:
        """Note that a step has begun. Raises RunLost, RunCancelled."""
        ...

    def close_step(self, claim: Claim, end: StepEnd, bill: Bill | None) -> None:
        """Store the end of a step and the bill of its last call, both or none. Raises RunLost.

        The bill is stored even when the run is lost: what was paid is paid.
        """
        ...

    def open_call(self, claim: Claim, intent: CallIntent) -> Grant:
        """Reserve the worst case under every cap and write the intent down. Raises RunLost, RunCancelled."""
        ...

    def settle(self, claim: Claim, bill: Bill) -> None:
        """Replace a reservation by the bill, the step going on. Works for a lost run too."""
        ...

    def left_micro_usd(self, claim: Claim) -> int | None:
        """Return what can still be reserved under the tightest cap; `None` without one."""
        ...

    def emit(self, claim: Claim, name: str, data: Mapping[str, Any], *, once: str) -> None:
        """Store an event of the mode, unless there is one under `once`. Raises RunLost, RunCancelled."""
        ...

    def keep(self, claim: Claim, artifact: Artifact) -> None:
        """Store an artifact, unless the step has one. Raises RunLost, RunCancelled."""
        ...

    def finish(
        self, claim: Claim, status: RunEnd, outcome: Mapping[str, Any] | None, error: Mapping[str, Any] | None
    ) -> None:
        """End a run. Raises RunLost."""
        ...


class Roster(Protocol):
    """Which executors there are, and what they carry out."""

    def queued(self, limit: int) -> Sequence[Ticket]:
        """Return runs that are queued and not handed out yet, the oldest first."""
        ...

    def handed_out(self, tickets: Sequence[Ticket]) -> None:
        """Note that these are known to the scheduler now."""
        ...

    def hand_out_again(self) -> None:
        """Forget which queued runs were handed out: the scheduler has lost its memory, or was stopped."""
        ...

    def cancelled(self, executor: str) -> Sequence[str]:
        """Return the runs of this executor that are to stop, by request or because they were taken away."""
        ...

    def register(self, executor: Executor, *, stale_s: float) -> bool:
        """Enter an executor; False when one of this id is alive."""
        ...

    def beat(self, executor: Executor) -> bool:
        """Say that an executor is alive; False when it is not entered any more and must stop."""
        ...

    def executors(self) -> Sequence[tuple[Executor, float]]:
        """Return every executor and how long ago it was heard of, in seconds by the database's clock."""
        ...

    def bury(self, executor: Executor, *, unheard_s: float) -> Sequence[str] | None:
        """Remove an executor that was not heard of for so long, and queue its runs again, both or none.

        Returns the runs; `None` when another process was quicker, or the executor has come back.
        """
        ...

    def carried(self, executor: str) -> Sequence[str]:
        """Return the runs that this executor is said to carry out."""
        ...

    def requeue(self, executor: str, runs: Sequence[str]) -> Sequence[Ticket]:
        """Queue runs of this executor again that it does not carry out after all; return those that were."""
        ...
