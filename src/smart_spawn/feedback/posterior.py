"""Beliefs and benchmark scores → what is believed of each model and category that anybody voted on, all at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from smart_spawn.feedback.beliefs import (
    FARTHEST,
    PRIOR_VOTES,
    SIGMA,
    TAU,
    Beliefs,
    Cells,
    Prior,
    Vector,
    base_of,
)

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What stays as it is while votes come in where there are votes already: the cells, and their benchmarks."""

    digests: tuple[bytes, bytes]
    """Of the cells of both tables."""
    cells: Cells
    """(model, category) with votes."""
    models: tuple[str, ...]
    model: Indices
    """By cell: its place in `models`."""
    base: Vector
    """By cell: what its benchmarks promise, in belief points."""
    contexts: Cells
    """(model, category, context) with votes, where the model has votes in the category."""
    context: Indices
    """By context: its place in the table of beliefs."""
    within: Indices
    """By context: the place of its model and category in `cells`."""

    @classmethod
    def of(cls, beliefs: Beliefs, prior: Prior) -> Self:
        """Give a number to everything that has votes."""
        own = beliefs.own.cells
        models = tuple(dict.fromkeys(model for model, _ in own))
        number = {model: at for at, model in enumerate(models)}
        contexts = [
            (cell, at, beliefs.place[cell[:2]])
            for at, cell in enumerate(beliefs.contexts.cells)
            if cell[:2] in beliefs.place
        ]
        return cls(
            digests=(beliefs.own.digest, beliefs.contexts.digest),
            cells=own,
            models=models,
            model=indices([number[model] for model, _ in own]),
            base=np.array([base_of(prior(model, category)) for model, category in own], dtype=np.float64),
            contexts=tuple(cell for cell, _, _ in contexts),
            context=indices([at for _, at, _ in contexts]),
            within=indices([at for _, _, at in contexts]),
        )

    def bears(self, beliefs: Beliefs) -> bool:
        """Tell whether these beliefs are about the same cells."""
        return self.digests == (beliefs.own.digest, beliefs.contexts.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What is believed, in belief points."""

    ground: Ground
    offsets: Vector
    """By model: what votes in all its categories add, bounded."""
    beliefs: Vector
    """By cell."""
    lacks: Vector
    """By cell: spread of the belief less that of a model without votes: 0 or below."""
    contexts: Vector
    """By context: the points that it adds, bounded."""

    def contexts_of(self, model: str) -> Iterator[tuple[str, str, float]]:
        """Give context, category and the points that it adds there for one model."""
        for (name, category, context), points in zip(
            self.ground.contexts, self.contexts.tolist(), strict=True
        ):
            if name == model:
                yield context, category, points


def posterior(beliefs: Beliefs, ground: Ground) -> Posterior:
    """Work out every belief. See `smart_spawn.feedback.beliefs` for the formula."""
    own, base, model, models = beliefs.own, ground.base, ground.model, len(ground.models)
    gap = np.bincount(model, own.totals - own.counts * base, models)
    offsets = gap / (np.bincount(model, own.counts, models) + PRIOR_VOTES)
    believed = (PRIOR_VOTES * (base + offsets[model]) + own.totals) / (PRIOR_VOTES + own.counts)
    counts, totals = beliefs.contexts.counts[ground.context], beliefs.contexts.totals[ground.context]
    said = (totals - counts * believed[ground.within]) / (PRIOR_VOTES + counts)
    return Posterior(
        ground=ground,
        offsets=np.clip(offsets, -FARTHEST, FARTHEST),
        beliefs=np.clip(believed, base - FARTHEST, base + FARTHEST),
        lacks=SIGMA / np.sqrt(PRIOR_VOTES + own.counts) - TAU,
        contexts=np.clip(said, -FARTHEST, FARTHEST),
    )


def indices(places: list[int]) -> Indices:
    """Return places as numpy indexes by them, none of them included."""
    return np.array(places, dtype=np.int64)
