"""Context tags: a bounded nudge from the boards that know about a task's surroundings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from smart_spawn.scoring.category import Matrix

MOST_POINTS = 5.0
"""What all tags of a request together may add to or take from a score: a quarter of a standard deviation."""
POINTS_PER_POINT = 0.15
"""How much of the tag boards' distance from 50 counts, before the bound."""


@cache
def tag_boards() -> Mapping[str, Mapping[str, float]]:
    """Read the tags that ship with the package: tag → board → weight (scoring/tags.toml)."""
    table = tomllib.loads(files(__package__).joinpath("tags.toml").read_text(encoding="utf-8"))
    return {tag: {board: float(w) for board, w in row["boards"].items()} for tag, row in table.items()}


@cache
def spellings() -> Mapping[str, str]:
    """Return every spelling of every tag, and the tag that it stands for."""
    table = tomllib.loads(files(__package__).joinpath("tags.toml").read_text(encoding="utf-8"))
    return {spelling: tag for tag, row in table.items() for spelling in (tag, *row.get("also", ()))}


def known_tags(given: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split what a caller gave into tags that we know, each once, and words that we do not."""
    names = spellings()
    folded = [text.strip().casefold() for text in given]
    known = tuple(dict.fromkeys(names[text] for text in folded if text in names))
    return known, tuple(dict.fromkeys(text for text in folded if text not in names))


def tag_matrix(boards: Sequence[str]) -> Mapping[str, Matrix]:
    """Return the weights of each tag over the columns of a catalogue."""
    return {tag: np.array([row.get(board, 0.0) for board in boards]) for tag, row in tag_boards().items()}


def boost(points: Matrix, quality: Matrix, weights: Sequence[Matrix]) -> Matrix:
    """Return what the tags add to each candidate's score, within ±`MOST_POINTS`; 0 where nothing was measured.

    `points` and `quality` are [candidates × boards]; `weights` has one row of boards a tag. A better reading never
    lowers the boost.
    """
    total = np.zeros(len(points))
    for row in weights:
        present = quality @ row
        deviation = (quality * (points - 50.0)) @ row
        mean = np.divide(deviation, present, out=np.zeros_like(present), where=present > 0)
        coverage = present / row.sum() if row.sum() > 0 else present
        total += POINTS_PER_POINT * mean * coverage
    bounded: Matrix = np.clip(total / max(len(weights), 1), -MOST_POINTS, MOST_POINTS)
    return bounded
