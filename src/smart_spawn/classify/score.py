"""Weigh a reading: add up the weights of what is known in it. Pure integer sums, then one softmax."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from smart_spawn.classify.features import ASK_STRENGTH, BEGIN, MARK_STRENGTH, Reading
from smart_spawn.classify.marks import SPEAKING_MARKS
from smart_spawn.classify.spelling import spelled
from smart_spawn.classify.weights import COUNT_SHIFT, LANE, LANE_BITS, OFFSET, PREFIX_LENGTH, Weights
from smart_spawn.model import CATEGORIES, Category

MAX_SIGNALS = 8
IMAGE_SHARE = 0.7
"""How much of the probability goes to vision when an image is attached (design, section 5: an image means vision)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The probability of each category and what decided for the best one."""

    probabilities: dict[Category, float]
    best: Category
    signals: tuple[str, ...]


UNKNOWN = Verdict(
    {category: 0.4 if category is Category.GENERAL else 0.1 for category in CATEGORIES}, Category.GENERAL, ()
)
"""What is assumed when a task says nothing: mostly general. Nobody may change it."""


def seen(verdict: Verdict) -> Verdict:
    """Let an attached image speak: most of the task is then vision, whatever its words."""
    rest = {
        category: round((1 - IMAGE_SHARE) * value, 4) for category, value in verdict.probabilities.items()
    }
    rest[Category.VISION] = 0.0
    rest[Category.VISION] = round(1 - sum(rest.values()), 4)
    return Verdict(rest, Category.VISION, ("@image", *verdict.signals)[:MAX_SIGNALS])


def weigh(reading: Reading, weights: Weights) -> Verdict | None:
    """Weigh a reading. Returns `None` when nothing in it is known: there is nothing to judge by."""
    if len(reading.ask) == 1 and not reading.marks:  # nothing but its beginning
        return None
    words = spelled(reading.ask, weights)
    pairs = _known_pairs(words, weights)
    ask = _sum_of_words(words, pairs, weights)
    body = _sum_of_words(reading.body, _known_pairs(reading.body, weights), weights) if reading.body else 0
    if not ask and not body and SPEAKING_MARKS.isdisjoint(reading.marks):
        return None
    marks = _sum(weights.words, set(reading.marks))
    known = (ask >> COUNT_SHIFT) * ASK_STRENGTH**2 + (body >> COUNT_SHIFT)
    known += (marks >> COUNT_SHIFT) * MARK_STRENGTH**2
    total = ASK_STRENGTH * ask + body + MARK_STRENGTH * marks
    offset = OFFSET * (total >> COUNT_SHIFT)
    scale = weights.scale / math.sqrt(known or 1)
    logits = [
        ((total >> (LANE_BITS * lane) & LANE) - offset) * scale + bias
        for lane, bias in enumerate(weights.bias)
    ]
    highest = max(logits)
    exponentials = [math.exp(logit - highest) for logit in logits]
    best = exponentials.index(1.0)  # the first of equals, so always the same
    return Verdict(
        _rounded(exponentials, best, weights.floor),
        CATEGORIES[best],
        _signals(words, pairs, reading.marks, weights, best),
    )


def _known_pairs(words: list[str], weights: Weights) -> list[tuple[str, str]]:
    """List the pairs of neighbours that are known, in the order of the text. They are few."""
    return list(filter(weights.pairs.__contains__, itertools.pairwise(words)))


def _sum_of_words(words: list[str], pairs: list[tuple[str, str]], weights: Weights) -> int:
    beginnings = {word[:PREFIX_LENGTH] for word in words if len(word) > PREFIX_LENGTH}
    return (
        _sum(weights.words, set(words))
        + _sum(weights.prefixes, beginnings)
        + sum(map(weights.pairs.__getitem__, set(pairs)))
    )


def _sum(table: dict[str, int], keys: Iterable[str]) -> int:
    """Add up the packed weights of the keys that are known."""
    return sum(filter(None, map(table.get, keys)))


def _rounded(exponentials: list[float], best: int, floor: float) -> dict[Category, float]:
    """Scale to a sum of 1 in four digits; what rounding leaves over goes to the best."""
    part = 10_000 * (1 - floor) / sum(exponentials)
    even = 10_000 * floor / len(exponentials)
    units = [round(part * value + even) for value in exponentials]
    units[best] += 10_000 - sum(units)
    return {category: unit / 10_000 for category, unit in zip(CATEGORIES, units, strict=True)}


def _signals(
    ask: list[str], pairs: list[tuple[str, str]], marks: list[str], weights: Weights, lane: int
) -> tuple[str, ...]:
    """Name the features that speak most for a category, strongest first, then in the order of the text.

    Only names from the weights' file come out, never other words of the task: a decision may be stored.
    """
    shift = LANE_BITS * lane
    words, prefixes = weights.words, weights.prefixes
    found: dict[str, int] = {}
    for mark in marks:
        if packed := words.get(mark):
            found[mark] = MARK_STRENGTH * ((packed >> shift & LANE) - OFFSET)
    for word in ask:
        if packed := words.get(word):
            found[word] = ASK_STRENGTH * ((packed >> shift & LANE) - OFFSET)
        elif len(word) > PREFIX_LENGTH and (packed := prefixes.get(word[:PREFIX_LENGTH])):
            found[f"{word[:PREFIX_LENGTH]}*"] = ASK_STRENGTH * ((packed >> shift & LANE) - OFFSET)
    for pair in pairs:
        name = pair[1] if pair[0] == BEGIN else " ".join(pair)
        found[name] = ASK_STRENGTH * ((weights.pairs[pair] >> shift & LANE) - OFFSET)
    telling = [item for item in found.items() if item[1] > 0]
    telling.sort(key=itemgetter(1), reverse=True)  # stable: equal ones stay in the order of the text
    return tuple([name for name, _ in telling[:MAX_SIGNALS]])
