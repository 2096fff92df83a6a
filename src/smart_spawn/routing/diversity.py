"""Several models for one task: good ones that differ, and what differing costs.

Each next model is the one with the highest score less a penalty for repeating a provider, a family, or a profile of
strengths already chosen. The quality given up is the gap that remains to the best; it is shown, never hidden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.routing.rank import Ranking
from smart_spawn.routing.request import Diversity

REPEATED_PROVIDER_POINTS: Mapping[Diversity, float] = {"low": 0.0, "medium": 4.0, "high": 10.0}
"""What a provider that is chosen already costs, in points; a standard deviation of a board is 20."""
REPEATED_FAMILY_POINTS: Mapping[Diversity, float] = {"low": 1.0, "medium": 3.0, "high": 6.0}
SAME_STRENGTHS_POINTS: Mapping[Diversity, float] = {"low": 0.0, "medium": 1.0, "high": 3.0}
"""At equal profiles of strengths; half of it at unrelated ones, nothing at opposite ones."""

_VERSION = re.compile(r"[-_.]?v?\d.*$")


def family(model_id: str) -> str:
    """Return a model's name up to its first number: releases and sizes of one line share it."""
    vendor, _, name = model_id.partition("/")
    return f"{vendor}/{_VERSION.sub('', name) or name}"


def diversify(ranking: Ranking, catalog: Catalog, first: int, count: int, diversity: Diversity) -> list[int]:
    """Choose `count` rows, starting with `first`, each the best of the rest after the penalties for repetition."""
    chosen = [first]
    rest = [int(row) for row in ranking.order if row != first]
    while rest and len(chosen) < count:
        best = max(rest, key=lambda row: (_worth(row, chosen, ranking, catalog, diversity), -row))
        chosen.append(best)
        plain = catalog.candidates[best].listing.plain_id
        rest = [row for row in rest if catalog.candidates[row].listing.plain_id != plain]
    return chosen


def _worth(row: int, chosen: list[int], ranking: Ranking, catalog: Catalog, diversity: Diversity) -> float:
    listing = catalog.candidates[row].listing
    others = [catalog.candidates[other].listing for other in chosen]
    worth = float(ranking.score[row]) - (0.0 if ranking.measured[row] else 1_000.0)
    if any(other.provider == listing.provider for other in others):
        worth -= REPEATED_PROVIDER_POINTS[diversity]
    if any(family(other.id) == family(listing.id) for other in others):
        worth -= REPEATED_FAMILY_POINTS[diversity]
    likeness = max(_likeness(catalog, row, other) for other in chosen)
    return worth - SAME_STRENGTHS_POINTS[diversity] * (1 + likeness) / 2


def _likeness(catalog: Catalog, one: int, other: int) -> float:
    """Return how alike the strengths are, from -1 to 1: the correlation of the scores over the categories."""
    a, b = catalog.rows.table.scores[one], catalog.rows.table.scores[other]
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / size, 6) if size > 0 else 0.0
