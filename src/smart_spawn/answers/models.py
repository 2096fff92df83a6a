"""Models as whoever asked sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smart_spawn.answers.answer import Answer
from smart_spawn.answers.decision import Pricing


class Model(Answer, frozen=True, kw_only=True):
    """One model of the catalogue."""

    id: str
    name: str = ""
    provider: str = ""
    context_length: int | None = None
    """In tokens; `None` is unknown."""
    max_output_tokens: int | None = None
    pricing: Pricing = Pricing()
    capabilities: Mapping[str, bool] = {}
    categories: Sequence[str] = ()
    """Where it is clearly above the mean."""
    scores: Mapping[str, float] = {}
    """Category → 0 to 100; a category that nobody measured is missing."""
    cost_efficiency: Mapping[str, float] = {}
    """Category → score per USD and million input tokens."""
    tier: str | None = None
    benchmarks: Mapping[str, float] = {}
    """Each in its own unit."""
    speed: Mapping[str, float] = {}
    tags: Sequence[str] = ()
    reasoning_efforts: Sequence[str] = ()
    last_updated: str | None = None
    sources_covered: Sequence[str] = ()
    readings: Sequence[Mapping[str, Any]] = ()
    """Every reading behind the scores; only `SmartSpawn.model` asks for them."""


class Comparison(Answer, frozen=True, kw_only=True):
    """Models side by side."""

    models: Sequence[Model]
    missing: Sequence[str] = ()
    """The ids that the catalogue does not hold."""


class Recommendation(Answer, frozen=True, kw_only=True):
    """One recommended model."""

    model: Model
    reason: str
    confidence: float
    reasoning_effort: str | None = None
    quality_given_up: float = 0.0
    """Points below the best, for the sake of diversity."""


class _Meta(Answer, frozen=True, kw_only=True):
    task: str
    budget: str
    candidates_considered: int
    decision_id: str


class Recommendations(Answer, frozen=True, kw_only=True):
    """The recommended models, most wanted first. Iterates over them."""

    data: Sequence[Recommendation]
    meta: _Meta

    @property
    def decision_id(self) -> str:
        """The decision behind the first of them, to explain or rate."""
        return self.meta.decision_id

    @property
    def category(self) -> str:
        """The category that was asked for, or else recognised."""
        return self.meta.task

    def __iter__(self) -> Iterator[Recommendation]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, at: int) -> Recommendation:
        return self.data[at]
