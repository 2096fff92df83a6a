"""Tasks that are being done or were done, as whoever asked sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from smart_spawn.answers.answer import Answer
from smart_spawn.answers.decision import Decision

ENDED = frozenset({"succeeded", "failed", "cancelled", "budget_exceeded", "timed_out"})


class Usage(Answer, frozen=True, kw_only=True):
    """Tokens."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0


class Cost(Answer, frozen=True, kw_only=True):
    """What was paid, in USD. `None` is unknown, never zero."""

    usd: float | None = None
    """As billed by the provider where it says so, else by the list price."""
    estimated_usd: float | None = None
    """The same tokens by the list price."""
    source: str = "unknown"
    in_doubt_usd: float | None = None
    """The most that calls may have cost which broke off without a bill."""
    baseline_usd: float | None = None
    """The same tokens at the best model at any price."""
    saved_usd: float | None = None
    """`baseline_usd` less `usd`; negative when we were dearer."""
    baseline: str | None = None
    """The model of `baseline_usd`."""


class Response(Answer, frozen=True, kw_only=True):
    """One call of a model, answered or not."""

    step: str | int
    model: str
    provider: str = ""
    reasoning_effort: str | None = None
    output: str = ""
    usage: Usage | None = None
    cost_usd: float | None = None
    latency_ms: float = 0.0
    finish_reason: str | None = None
    gate: Mapping[str, Any] = {}
    """Whether the answer was accepted, and what was found wrong."""
    error: Mapping[str, Any] | None = None
    """Why there is no text."""


class Artifact(Answer, frozen=True, kw_only=True):
    """A text that a step left behind."""

    step: str
    name: str
    content: str
    model: str | None = None
    kind: str = ""
    created_at: datetime | None = None


class _Spawned(Answer, frozen=True, kw_only=True):
    """What a task that was done, and one that is being done, have in common."""

    id: str
    """The id of the run."""
    status: str
    mode: str
    output: str = ""
    """The final text; empty unless it succeeded."""
    model: str | None = None
    """The model whose text it is."""
    responses: Sequence[Response] = ()
    """Each member or attempt."""
    usage: Usage | None = None
    cost: Cost = Cost()
    warnings: Sequence[str] = ()
    confidence: float | None = None
    """The chance that the output is right, where it was judged."""
    consensus: Mapping[str, Any] | None = None
    """Of a collective: method, agreement, dissent."""
    escalations: Sequence[Mapping[str, Any]] | None = None
    """Of a cascade: each step up, and why."""
    below_threshold: bool = False
    artifacts: Sequence[Artifact] = ()
    """Of a plan: what its steps left behind."""
    steps: Sequence[Mapping[str, Any]] = ()
    """Of a plan: how each step ended."""


class SpawnResult(_Spawned, frozen=True, kw_only=True):
    """A task that was done, with the decision that chose who does it."""

    decision: Decision = msgspec.field(name="routingDecision")


class Run(_Spawned, frozen=True, kw_only=True):
    """A run as it stands. Once it has ended it has all that `SpawnResult` has."""

    decision: Decision | None = msgspec.field(name="routingDecision", default=None)
    """`None` where it is not kept any more."""
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    deadline_at: datetime | None = None
    cancel_requested: bool = False
    parent: str | None = None
    progress: Mapping[str, int] = {}
    """How many nodes there are, done, running and failed, and `percent`."""
    nodes: Sequence[Mapping[str, Any]] = ()
    error: Mapping[str, Any] | None = None
    """Why it did not succeed: code, message, hint."""

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED


class RunRow(Answer, frozen=True, kw_only=True):
    """One run in a list."""

    id: str
    mode: str
    status: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class RunEvent(Answer, frozen=True, kw_only=True):
    """Something that happened in a run."""

    number: int
    """Counts from 1 within the run, without gaps."""
    name: str
    """`run.queued`, `run.started`, `step.started`, `step.ended`, `run.ended`, or the mode's own."""
    at: datetime
    data: Mapping[str, Any]


class Vote(Answer, frozen=True, kw_only=True):
    """A rating that was stored, and what it was counted for."""

    subject: str
    """The decision or run."""
    model: str
    category: str
    rating: float | str
    replaced: bool = False
    """Whether an earlier vote on the same counts no more."""
