"""A decision as whoever asked sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from smart_spawn.answers.answer import Answer
from smart_spawn.answers.explained import explained


class Pricing(Answer, frozen=True, kw_only=True):
    """List prices in USD per million tokens. `None` is unknown; zero is free."""

    prompt: float | None = None
    completion: float | None = None
    cached_input: float | None = None
    reasoning: float | None = None


class Choice(Answer, frozen=True, kw_only=True):
    """A model at its place in the ranking."""

    model: str
    reasoning_effort: str | None = None
    """The effort to ask the model for; `None` where it takes none."""
    provider: str = ""
    """The model's vendor."""
    score: float = 0.0
    """0 to 100, higher is better."""
    pricing: Pricing = Pricing()
    expected_cost_usd: float | None = None
    """Of this task; `None` is unknown."""


class Selected(Choice, frozen=True, kw_only=True):
    """The chosen model with its evidence."""

    scores: Mapping[str, float] = {}
    """Category → 0 to 100."""
    evidence: Sequence[Mapping[str, Any]] = ()
    """The readings behind the score, as the API shows them: benchmark, source, value, weight, contribution ..."""
    missing_evidence: Sequence[str] = ()


class Change(Answer, frozen=True, kw_only=True):
    """The one change that would have made an alternative win."""

    kind: str
    what: str
    value: float | str
    sentence: str


class Alternative(Choice, frozen=True, kw_only=True):
    """Another model, and how far behind it is."""

    gap: float
    """Points behind the chosen model."""
    would_win: Change


class RunnerUp(Answer, frozen=True, kw_only=True):
    """The next best model."""

    model: str
    score: float
    gap: float


class TaskReading(Answer, frozen=True, kw_only=True):
    """What was read in the task."""

    category: str
    categories: Mapping[str, float] = {}
    """Category → probability."""
    signals: Sequence[str] = ()
    """The words that decided."""
    difficulty: float | None = None
    language: str = ""


class Decision(Answer, frozen=True, kw_only=True):
    """The choice for one task, with its reasons. Short names for what is asked most stand beside the whole."""

    id: str
    created_at: datetime
    task: TaskReading
    budget: str
    selected: Selected
    reason: str
    """In one sentence."""
    confidence: float
    """The probability that the chosen model is at least as good as the runner-up."""
    p_best: float
    """The probability that it is the best of all candidates."""
    runner_up: RunnerUp | None = None
    alternatives: Sequence[Alternative] = ()
    """Up to three, each with what would have made it win."""
    fallbacks: Sequence[str] = ()
    """The next best models by rank; they satisfy every limit of the request too."""
    candidate_count: int = 0
    rejected: Mapping[str, int] = {}
    """Filter → how many models it removed."""
    switching_cost_usd: float | None = None
    warnings: Sequence[str] = ()
    catalog_version: str = ""
    beliefs_version: str = ""
    policy_version: str = ""

    @property
    def model(self) -> str:
        """The id of the chosen model."""
        return self.selected.model

    @property
    def reasoning_effort(self) -> str | None:
        """The effort to ask the model for; `None` where it takes none."""
        return self.selected.reasoning_effort

    @property
    def category(self) -> str:
        """The category that was asked for, or else recognised."""
        return self.task.category

    @property
    def score(self) -> float:
        """The chosen model's score, 0 to 100."""
        return self.selected.score

    @property
    def pricing(self) -> Pricing:
        """The chosen model's list prices."""
        return self.selected.pricing

    @property
    def expected_cost_usd(self) -> float | None:
        """What the task is expected to cost with the chosen model; `None` is unknown."""
        return self.selected.expected_cost_usd

    def explain(self) -> str:
        """Return one screen of plain text: what was chosen, why, what was close, what was ruled out."""
        return explained(self.json)


class Replay(Answer, frozen=True, kw_only=True):
    """A decision, and the same decision made again from what was stored."""

    same: bool
    """Whether both are equal, to the byte."""
    decision_id: str
    first: Decision
    again: Decision
