"""What was decided, small enough to store for every request, and complete enough to explain and replay it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from smart_spawn.classify import TaskProfile
from smart_spawn.feedback.beliefs import NO_VERSION
from smart_spawn.model import Budget, Category, Effort
from smart_spawn.routing.request import RouteRequest

NO_BELIEFS = NO_VERSION
"""The beliefs version of decisions that no feedback has touched."""


class Choice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One candidate at its place in the ranking."""

    model: str
    effort: Effort | None
    score: float
    """0–100 by intention, not clamped."""
    variance: float
    """Points²."""
    expected_cost_usd: float | None
    context_boost: float = 0.0
    """Points that the context tags added; part of `score`."""
    feedback: float | None = None
    """Points that votes added; part of `score`. `None` where nobody voted on this model."""
    measured: bool
    """False when no board speaks to the task's categories: the score then says nothing."""


HARD = 0.5
"""A task is called hard from this difficulty on."""


def cluster_of(task: TaskProfile) -> str:
    """Name the cluster that a task belongs to within its category: how hard it is, and its language."""
    kind = "hard" if task.difficulty >= HARD else "plain"
    return kind if task.language in ("en", "und") else f"{kind} {task.language}"


def gain_of(gains: Mapping[str, float], model: str) -> float:
    """Return the points of a model; a free variant is the same model, and has those of the plain one."""
    return gains.get(model, gains.get(model.removesuffix(":free"), 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Where a conversation stands: the model that holds its prompt cache, and how long the prompt was."""

    model: str
    tokens: int
    held: bool = False
    """It waits for tools that this model called, so no other takes over while this one can go on."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The choice for one request and everything that it followed from.

    A `Struct`, as are its parts, since a frozen dataclass of so many fields takes five times as long to make.
    """

    id: str
    created_at: datetime
    request: RouteRequest
    """As it was asked, without the task's text."""
    task: TaskProfile
    caller: str | None = None
    """Id of the key that asked; `None` where it came without one."""
    task_digest: str | None = None
    """A keyed hash of the task, so that equal tasks can be recognised and none can be read."""
    task_text: str | None = None
    """The task as it was asked, in stored decisions of owners who turned `routing.store_task_text` on."""
    mix: Mapping[Category, float]
    selected: Choice
    others: tuple[Choice, ...]
    """The next best, one a model, best first."""
    confidence: float
    """Probability that the selected model really is at least as good as the runner-up."""
    candidate_count: int
    rejected: Mapping[str, int] = msgspec.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """The context tags that counted, by their own names."""
    explored: str | None = None
    """The model that is believed to be better, where this one was chosen to learn more about it."""
    stage: str = "active"
    """How far routing was trusted: in `shadow` and `advise` the caller's own model is served."""
    advised: Choice | None = None
    """What would have been chosen, where the caller's own model was served in its place."""
    session: Session | None = None
    """Where the conversation stood before this decision."""
    switching_cost_usd: float | None = None
    """What the selected model bills because its prompt cache is cold, when the session leaves its model."""
    catalog_version: str
    beliefs_version: str = NO_BELIEFS
    policy_version: str = ""

    @property
    def budget(self) -> Budget:
        """The budget that was asked for."""
        return self.request.budget

    @property
    def category(self) -> Category:
        """The category that was asked for, or else recognised."""
        return self.request.category or self.task.category

    @property
    def runner_up(self) -> Choice | None:
        """The best of the others."""
        return self.others[0] if self.others else None

    @property
    def selected_gain(self) -> float:
        """The points of the selected model's score that similar tasks on record gave."""
        return gain_of(self.task.gains or {}, self.selected.model)

    def result(self) -> bytes:
        """Return what was decided, without id and time: equal inputs give equal bytes."""
        return msgspec.json.encode(
            [
                self.selected,
                self.others,
                self.confidence,
                self.candidate_count,
                self.rejected,
                self.warnings,
                self.catalog_version,
                self.beliefs_version,
                self.policy_version,
                *([self.advised] if self.advised else []),
            ],
            order="deterministic",
        )


def encode_decision(decision: Decision) -> bytes:
    """Write a decision for the store."""
    return _ENCODER.encode(decision)


def decode_decision(body: bytes) -> Decision:
    """Read what `encode_decision` wrote."""
    return _DECODER.decode(body)


def _encode_hook(value: Any) -> Any:
    if isinstance(value, RouteRequest):
        given = value.model_fields_set  # the others are defaults, and need not be compared
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=given)
    raise TypeError(type(value).__name__)


def _decode_hook(kind: type, value: Any) -> Any:
    return kind.model_validate(value) if kind is RouteRequest else value


_ENCODER = msgspec.json.Encoder(enc_hook=_encode_hook, order="deterministic")
_DECODER = msgspec.json.Decoder(Decision, dec_hook=_decode_hook)
