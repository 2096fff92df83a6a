"""What a mode is given and what it hands back: rungs of a ladder, attempts, the outcome with its cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from smart_spawn.errors import SmartSpawnError
from smart_spawn.model import Effort, Mode, Price
from smart_spawn.runs.ports import Usage
from smart_spawn.spawn.gate import Verdict

Method = Literal["majority", "best-prior", "merge", "only-survivor"]
CostSource = Literal["provider", "list-price", "unknown"]
Status = Literal["succeeded", "failed", "timed_out", "budget_exceeded", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One candidate of routing, with all that is needed to call it."""

    model_id: str
    provider: str
    """Who serves it, as the settings name them: a refused key rules out all rungs of that provider."""
    price: Price = field(default_factory=Price)
    effort: Effort | None = None
    supports_effort: bool = False
    """An effort is sent only to a model that takes one."""
    max_output_tokens: int | None = None
    """The model's own limit; `None` is unknown."""
    timeout_s: float = 120.0
    """The longest that one call may take."""
    retries: int = 1
    """How often a call is tried again after a failure that may pass."""
    prior: float = 0.5
    """How often the model is expected to be right about such a task, 0 to 1."""
    expected_cost_usd: float | None = None
    """Of one answer; `None` is unknown."""
    only_hosts: tuple[str, ...] = ()
    """Where the data policy allows the prompt to go; empty is anywhere."""
    deny_training: bool = False
    zero_retention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The model whose cost ours is compared with: what one would have used without routing."""

    model_id: str
    price: Price

    def cost_usd(self, usage: Usage | None, at: datetime) -> Decimal | None:
        """Return what the same tokens would have cost; `None` is unknown.

        Without its cache and without a rate for thinking of its own: the same tokens of another model would not have
        been found in that cache.
        """
        if usage is None:
            return None
        return self.price.cost_usd(
            prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens, at=at
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call of a model, answered or not."""

    model: str
    provider: str
    effort: Effort | None = None
    text: str = ""
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    """`None` is unknown, which a call that failed half way often is."""
    cost_source: CostSource = "unknown"
    latency_ms: float = 0.0
    finish_reason: str | None = None
    error: SmartSpawnError | None = None
    """Why there is no text."""
    step: str = ""
    """The name of the call within its run; empty outside of runs."""
    verdict: Verdict | None = None
    """What the gate found; `None` where nobody looked."""
    confidence: float | None = None
    """The chance that the answer is right, as far as it was judged."""
    listed_usd: Decimal | None = None
    in_doubt_usd: Decimal = Decimal(0)
    baseline_usd: Decimal | None = None
    """What the baseline would have billed for the same tokens; `None` is unknown."""

    @property
    def usable(self) -> bool:
        """Whether there is an answer without a fault."""
        return self.error is None and (self.verdict is None or self.verdict.accepted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consensus:
    """How several answers became one."""

    method: Method
    agreement: float
    """The share of the usable answers that said the same; 1 when there was one."""
    dissent: tuple[Dissent, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dissent:
    """An answer that said something else."""

    model: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """A step up the ladder, and why."""

    from_model: str
    to_model: str
    why: str
    confidence: float | None = None
    target: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptArtifact:
    """What a step of a plan left behind."""

    step: str
    name: str
    content: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How one step of a plan ended."""

    step: str
    status: Literal["succeeded", "failed", "skipped"]
    wave: int
    model: str | None = None
    why: str = ""
    """For a step that did not succeed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run cost, in USD. `None` is unknown."""

    usd: Decimal | None = None
    """As billed by the provider where it says so, else by the list price."""
    estimated_usd: Decimal | None = None
    """The same tokens by the list price."""
    source: CostSource = "unknown"
    in_doubt_usd: Decimal = Decimal(0)
    """The most that calls may have cost which broke off without a bill. Counted against the cap."""
    baseline_usd: Decimal | None = None
    """The same tokens at the baseline model's list price."""
    saved_usd: Decimal | None = None
    """`baseline_usd` less `usd`; negative when we were dearer."""
    baseline: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnOutcome:
    """How a task turned out, with every attempt that was made."""

    mode: Mode
    status: Status
    output: str
    """The final text; empty unless it succeeded."""
    model: str | None
    """The model whose text it is."""
    responses: tuple[Attempt, ...]
    usage: Usage | None
    """Of the answered calls; `None` when no provider said."""
    cost: Cost
    warnings: tuple[str, ...] = ()
    error: SmartSpawnError | None = None
    """Why it did not succeed."""
    consensus: Consensus | None = None
    escalations: tuple[Escalation, ...] | None = None
    """`None` where nothing can escalate."""
    below_threshold: bool = False
    """The best answer there was did not reach what was asked for."""
    confidence: float | None = None
    """The chance that the output is right, where it was judged."""
    artifacts: tuple[KeptArtifact, ...] = ()
    steps: tuple[StepReport, ...] = ()
    """Of a plan."""

    def raise_failure(self, **more: Any) -> None:
        """Raise the error of a run that did not succeed, with a line for each attempt, and more, in its details."""
        if self.error is not None:
            self.error.details = {**self.failure_details(), **more}
            raise self.error

    def failure_details(self) -> dict[str, Any]:
        """Return the details of the error, with a line for each attempt; empty for a success."""
        if self.error is None:
            return {}
        return {**self.error.details, "attempts": [_line(attempt) for attempt in self.responses]}


def _line(attempt: Attempt) -> dict[str, Any]:
    return {
        "model": attempt.model,
        "provider": attempt.provider,
        "error": type(attempt.error).__name__ if attempt.error else None,
        "latencyMs": round(attempt.latency_ms),
    }
