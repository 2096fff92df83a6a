"""What tools give back, as their output schemas say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from smart_spawn.mcp.arguments import PublishedStatus

Row = dict[str, Any]
STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
"""Errors do not repeat values: they would end up in the log."""


class Answer(BaseModel):
    """What one tool gives back. `text` is what clients without structured output show."""

    model_config = STRICT

    @property
    def text(self) -> str | None:
        """The words for it; `None` is the JSON itself."""
        return None


class Pricing(BaseModel):
    """USD per million tokens; null is unknown."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)
    prompt: float | None
    completion: float | None


class PickAnswer(Answer):
    """The best model for a task."""

    id: str
    name: str
    provider: str
    score: float | None
    benchmarkScore: float | None  # noqa: N815  # as `/pick` answers
    personalScore: float | None  # noqa: N815
    pricing: Pricing
    budget: str
    tier: dict[str, float | None]
    candidateCount: int  # noqa: N815
    category: str
    confidence: Annotated[float, Field(ge=0, le=1)]
    reasoningEffort: str | None  # noqa: N815
    reason: str
    fallbacks: list[str]
    decisionId: str  # noqa: N815
    contextTags: list[str] | None = None  # noqa: N815
    contextBoost: float | None = None  # noqa: N815
    warnings: list[str] = Field(default_factory=list)


class CompareAnswer(Answer):
    """Models side by side; each has what `/models` shows."""

    models: list[Row]
    missing: list[str]


class ExplainAnswer(Answer):
    """Why a model was chosen."""

    explanation: str
    decision: Row

    @property
    def text(self) -> str:
        """The explanation."""
        return self.explanation


class FeedbackAnswer(Answer):
    """A vote that was kept, and what it counts for."""

    recorded: bool
    model: str
    category: str
    rating: float | Literal["success", "failure"]
    subject: str
    replaced: Annotated[bool, Field(description="an earlier vote of the same key counts no more")]


class HealthAnswer(Answer):
    """How the service is doing."""

    status: Literal["ok", "stale", "degraded", "empty"]
    openrouter_configured: bool
    smart_spawn_api_reachable: Annotated[bool, Field(description="whether a model can be chosen")]
    db_writable: bool
    artifact_storage_writable: bool
    worker_alive: Annotated[bool, Field(description="whether somebody carries runs out")]
    providers: Annotated[list[str], Field(description="who could run a model; empty: choosing only")]
    models: int
    catalog_version: str | None
    version: str


class RunCreated(Answer):
    """A run that was taken."""

    run_id: str
    status: PublishedStatus
    created_at: str
    warnings: list[str] = Field(default_factory=list)


class Progress(BaseModel):
    """How far a run is, in nodes."""

    model_config = STRICT
    total_nodes: int
    done_nodes: int
    running_nodes: int
    failed_nodes: int
    percent: Annotated[int, Field(ge=0, le=100)]


class RunStatusAnswer(Answer):
    """A run as it stands."""

    run_id: str
    status: PublishedStatus
    progress: Progress
    last_event: str
    updated_at: str


class ArtifactLine(BaseModel):
    """Something that a run left behind. `path` can be read as a resource."""

    model_config = STRICT
    node_id: str
    path: str
    model: str | None
    status: str
    type: Literal["raw", "merged"]


class RunCost(BaseModel):
    """What a run used. Null: not known."""

    model_config = STRICT
    prompt_tokens: int
    completion_tokens: int
    usd_estimate: float | None


class RawOutput(BaseModel):
    """What one node answered."""

    model_config = STRICT
    node_id: str
    output: str


class RunProblem(BaseModel):
    """Why a run did not succeed."""

    model_config = STRICT
    code: str
    message: str
    hint: str
    details: Row = Field(default_factory=dict)


class RunResultAnswer(Answer):
    """What a run came to. Before its end there is no `merged_output`."""

    status: PublishedStatus
    merged_output: str | None
    summary: str
    artifacts: list[ArtifactLine]
    cost: RunCost
    warnings: list[str] = Field(default_factory=list)
    error: RunProblem | None = None
    raw_outputs: list[RawOutput] | None = None


class RunCanceled(Answer):
    """A run that is being stopped, or has stopped."""

    run_id: str
    status: PublishedStatus


class RunRow(BaseModel):
    """One run in a list."""

    model_config = STRICT
    run_id: str
    mode: str
    status: PublishedStatus
    created_at: str
    updated_at: str


class RunListAnswer(Answer):
    """Runs, newest first."""

    runs: list[RunRow]


class ArtifactMetadata(BaseModel):
    """About an artifact."""

    model_config = STRICT
    bytes: int
    sha256: str
    created_at: str
    path: str


class ArtifactAnswer(Answer):
    """What a node left behind."""

    artifact_type: Literal["raw", "merged"]
    content: str
    metadata: ArtifactMetadata

    @property
    def text(self) -> str:
        """The artifact itself."""
        return self.content
