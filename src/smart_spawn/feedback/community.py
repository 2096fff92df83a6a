"""What others report, made harmless: one voice a contributor, seen from its own mean, trimmed, shrunk.

Reports are shown as they are. In a choice they count only beside votes of one's own on the same model and category,
never more than those, only where benchmarks leave doubt, and never by more than `MOST_POINTS`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from smart_spawn.feedback.beliefs import (
    EVEN,
    POINTS_PER_RATING,
    PRIOR_VOTES,
    TYPICAL_RATING,
    Names,
    Table,
    Vector,
)

CONTRIBUTOR_STRENGTH = 10.0
"""As for raters: a contributor's own mean is known from so many reports as well as from `TYPICAL_RATING`."""
VOICE_STRENGTH = 3.0
"""With so many reports on a model a contributor has half of the one voice that it can have."""
TRIMMED = 0.2
"""The share of voices that is left out at either end."""
SHRINK_VOICES = 20.0
"""With so many voices half of what they say is believed."""
MOST_VOTES = 3.0
"""All others together count no more than so many ratings of one's own."""
MOST_POINTS = 3.0
"""Belief points."""
SURE_VARIANCE, UNSURE_VARIANCE = 100.0, 400.0
"""Points² of a benchmark score: below the first others have no say, at the second their full one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one contributor said about one model in one category."""

    contributor: str
    model: str
    category: str
    ratings: int
    total: float
    """Sum of the ratings."""


def community(reports: Iterable[Report]) -> Table:
    """Put reports together: `counts` are voices, `totals` their number times what they say in points."""
    held = list(reports)
    number: dict[str, int] = defaultdict(int)
    surplus: dict[str, float] = defaultdict(float)
    for report in held:
        number[report.contributor] += report.ratings
        surplus[report.contributor] += report.total - TYPICAL_RATING * report.ratings
    voices: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for report in held:
        who = report.contributor
        mean = TYPICAL_RATING + surplus[who] / (CONTRIBUTOR_STRENGTH + number[who])
        weight = report.ratings / (VOICE_STRENGTH + report.ratings)
        voices[report.model, report.category].append((report.total / report.ratings - mean, weight))
    names = Names.of([(cell, at) for at, cell in enumerate(voices)])
    said = [_said(voices[model, category]) for model, category in names.cells]
    counts = np.array([count for _, count in said])
    return Table(
        cells=names.cells,
        digest=names.digest,
        counts=counts,
        totals=np.array([points for points, _ in said]) * counts,
        rated=np.zeros(len(said)),
        votes=np.array([float(len(voices[model, category])) for model, category in names.cells]),
    )


def _said(voices: list[tuple[float, float]]) -> tuple[float, float]:
    """Return what voices say in points, trimmed and shrunk towards nothing, and how many they count."""
    ordered = sorted(voices)
    cut = int(len(ordered) * TRIMMED)
    kept = ordered[cut : len(ordered) - cut]
    weight = sum(w for _, w in kept)
    mean = sum(d * w for d, w in kept) / weight
    shrunk = mean * weight / (weight + SHRINK_VOICES)
    return round(EVEN + POINTS_PER_RATING * shrunk, 6), round(weight, 6)


def nudge(beliefs: Vector, own_votes: Vector, said: Vector, variance: Vector) -> Vector:
    """Return the points that others add to beliefs: none without own votes, and none where benchmarks are sure."""
    doubt = np.clip((variance - SURE_VARIANCE) / (UNSURE_VARIANCE - SURE_VARIANCE), 0.0, 1.0)
    weight = np.minimum(own_votes, MOST_VOTES) * doubt
    moved = weight / (PRIOR_VOTES + own_votes + weight) * (said - beliefs)
    bounded: Vector = np.clip(moved, -MOST_POINTS, MOST_POINTS)
    return bounded
