"""The shapes of runs: in a list, one by one, when accepted, planned only, and what their steps leave behind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from smart_spawn.api.planning_schemas import Dag
from smart_spawn.api.schemas import (
    Artifact,
    Attempt,
    Consensus,
    Escalation,
    Number,
    RoutingDecision,
    StepState,
    Text,
    Usage,
    _Shape,
)
from smart_spawn.model import Mode
from smart_spawn.runs.engine import RunStatus


class RunsQuery(_Shape):
    """What `GET /runs` takes."""

    status: RunStatus | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 50
    before: Annotated[Text, Field(description="the id of the last run seen: older ones follow")] = None


class RunRow(_Shape):
    """One run in a list. Times are UTC."""

    id: str
    mode: Mode
    status: RunStatus
    created_at: str
    started_at: Text
    ended_at: Text


class RunsMeta(_Shape):
    """How far the list goes."""

    returned: int
    next: Annotated[Text, Field(description="what `before` takes to go on; null at the end")]


class RunsAnswer(_Shape):
    """The answer of `/runs`, newest first."""

    data: list[RunRow]
    meta: RunsMeta


class Node(_Shape):
    """One step of a plan, or one call of another mode."""

    id: str
    state: Literal["pending", "running", "succeeded", "failed", "skipped", "cancelled"]
    depends_on: list[str]
    wave: int
    model: Text
    tries: int
    in_doubt: Annotated[int, Field(description="calls that broke off without a bill")]
    cost_usd: Number
    started_at: Text
    ended_at: Text
    error: Text = None


class RunProgress(_Shape):
    """How far a run is, in nodes."""

    total: int
    done: int
    running: int
    failed: Annotated[int, Field(description="skipped and cancelled ones included")]
    percent: Annotated[int, Field(ge=0, le=100)]


class RunMoney(_Shape):
    """What a run cost so far, in USD. The other fields of `/spawn` are there once it has ended."""

    usd: Number
    spent_usd: float
    reserved_usd: Annotated[float, Field(description="set aside for calls under way")]
    in_doubt_usd: Annotated[float, Field(description="the most that calls without a bill may have cost")]
    cap_usd: Number
    estimated_usd: Number = None
    source: Literal["provider", "list-price", "unknown"] | None = None
    baseline_usd: Number = None
    saved_usd: Number = None
    baseline: Text = None


class RunProblem(_Shape):
    """Why a run did not succeed."""

    code: str
    message: str
    hint: str
    details: dict[str, Any] = Field(default_factory=dict)


class RunAnswer(_Shape):
    """A run as it stands. Once it has ended it has what `/spawn` answers."""

    id: str
    mode: Mode
    status: RunStatus
    created_at: str
    started_at: Text
    ended_at: Text
    deadline_at: str
    executions: Annotated[int, Field(description="how often it was begun; more than once: a process died")]
    cancel_requested: bool
    parent: Text
    progress: RunProgress
    nodes: list[Node]
    cost: RunMoney
    routing_decision: RoutingDecision | None = None
    output: str = ""
    model: Text = None
    responses: list[Attempt] = Field(default_factory=list)
    usage: Usage | None = None
    warnings: list[str] = Field(default_factory=list)
    confidence: Number = None
    consensus: Consensus | None = None
    escalations: list[Escalation] | None = None
    below_threshold: bool = False
    artifacts: list[Artifact] | None = None
    steps: list[StepState] | None = None
    error: RunProblem | None = None


class AcceptedAnswer(_Shape):
    """The answer of `/spawn` with `wait: false`; `Location` says where the run is watched."""

    id: str
    status: Literal["queued"]
    mode: Mode


class DryRunAnswer(_Shape):
    """The answer of `/spawn` with `dryRun`: what would be done, by whom and for how much. Nobody was called."""

    dry_run: Literal[True]
    mode: Mode
    decomposed: bool
    dag: Dag


class RunArtifact(_Shape):
    """What one step left behind."""

    step: str
    name: str
    kind: str
    model: Text
    content: str
    created_at: str


class ArtifactAnswer(_Shape):
    """The answer of `/runs/{id}/artifacts/{step}`."""

    data: RunArtifact


class EventData(_Shape):
    """The data of one server-sent event. Its number is the event's id, its name the event's type."""

    number: int
    name: str
    at: str
    data: dict[str, Any]


SHAPES: tuple[type[BaseModel], ...] = (
    RunsAnswer,
    RunAnswer,
    AcceptedAnswer,
    DryRunAnswer,
    ArtifactAnswer,
    EventData,
)
