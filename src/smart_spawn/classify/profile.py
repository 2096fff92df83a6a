"""The profile of a task, and the one function that makes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec

from smart_spawn.classify.features import read
from smart_spawn.classify.language import language_of
from smart_spawn.classify.score import UNKNOWN, seen, weigh
from smart_spawn.classify.weights import load_weights
from smart_spawn.model import Category, Requirement

IMAGE_KINDS = frozenset(["image", "video"])
_LANGUAGE_WORDS = 48
_HARD = {Category.REASONING: 0.3, Category.CODING: 0.2, Category.RESEARCH: 0.2}
_LONG_TOKENS = 4000


class TaskProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a task asks for, as far as its words tell. A `Struct` for the reason that `Decision` gives."""

    category: Category
    """The most probable one; `GENERAL` when abstaining."""
    categories: Mapping[Category, float]
    """The probability of each of the seven, to four digits; together 1."""
    confidence: float
    """The winner's probability; 0 when abstaining (an empty or unreadable task)."""
    signals: tuple[str, ...]
    """What decided, most telling first, at most eight: words, pairs of words, and marks such as `@code`."""
    language: str
    """A two-letter code, `und` when nothing tells."""
    difficulty: float
    """0 to 1. Reported, never trusted: nothing public predicts it well."""
    tokens: int
    """Estimated tokens of the whole task text, wrappers included."""
    characters: int
    requires: frozenset[Requirement]
    """What a model must be able to do for this task, as far as attachments and tools show it."""
    gains: Mapping[str, float] | None = None
    """Score points by name that similar tasks on record speak for, where an owner has such; never made by `classify`.
    Kept with the profile, so that a decision can be made again without the text."""


def classify(task: str, *, attachments: Sequence[str] = (), tools: bool = False) -> TaskProfile:
    """Read a task and say how probable each category is.

    `attachments` are kinds such as `image`; an image asks for vision. `tools` says that the caller wants tools
    to be called. Neither makes a task harder. Never raises on any text, and the same text always gives the
    same profile. Long texts are read at both ends.
    """
    weights = load_weights()
    reading = read(task, weights)
    verdict = weigh(reading, weights) or UNKNOWN
    images = any(kind in IMAGE_KINDS for kind in attachments)
    if images:
        verdict = seen(verdict)
    tokens = estimate_tokens(task)
    abstained = verdict is UNKNOWN
    return TaskProfile(
        category=verdict.best,
        categories=dict(verdict.probabilities),
        confidence=0.0 if abstained else verdict.probabilities[verdict.best],
        signals=verdict.signals,
        language=language_of(reading.ask[1 : _LANGUAGE_WORDS + 1]),
        difficulty=0.0 if abstained else _difficulty(verdict.probabilities, tokens),
        tokens=tokens,
        characters=len(task),
        requires=_requires(images=images, tools=tools),
    )


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of a text: about 3.8 ASCII characters each, 0.9 per Chinese character."""
    beyond_ascii = 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - len(text)
    return math.ceil(len(text) / 3.8 + 0.33 * beyond_ascii)


def _difficulty(probabilities: Mapping[Category, float], tokens: int) -> float:
    """Guess from length and kind alone; length is the best that public data offers (design, section 5)."""
    by_kind = sum(share * probabilities[category] for category, share in _HARD.items())
    by_length = math.log1p(min(tokens, _LONG_TOKENS)) / math.log1p(_LONG_TOKENS)
    return round(min(1.0, by_kind + 0.6 * by_length), 2)


def _requires(*, images: bool, tools: bool) -> frozenset[Requirement]:
    needed: list[Requirement] = []
    if images:
        needed.append("vision")
    if tools:
        needed.append("functionCalling")
    return frozenset(needed)
