"""Beliefs and benchmark scores → what is believed of each model and category that anybody voted on, all at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from smart_spawn.feedback.beliefs import FARTHEST, PRIOR_VOTES, SIGMA, TAU, Beliefs, Prior, Vector, base_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """What is believed, in belief points; parallel to `cells`."""

    cells: tuple[tuple[str, ...], ...]
    """(model, category) with votes."""
    offsets: Mapping[str, float]
    """Model → what votes in all its categories add, bounded."""
    base: Vector
    beliefs: Vector
    lacks: Vector
    """Spread of the belief less that of a model without votes: 0 or below."""
    contexts: Mapping[str, tuple[tuple[tuple[str, str], float], ...]]
    """Context → ((model, category), points that it adds)."""


def posterior(beliefs: Beliefs, prior: Prior) -> Posterior:
    """Work out every belief. See `smart_spawn.feedback.beliefs` for the formula."""
    own = beliefs.own
    names = list(dict.fromkeys(cell[0] for cell in own.cells))
    number = {name: at for at, name in enumerate(names)}
    model = np.array([number[cell[0]] for cell in own.cells], dtype=np.int64)
    base = np.array([base_of(prior(cell[0], cell[1])) for cell in own.cells])
    gap = np.bincount(model, own.totals - own.counts * base, len(names))
    offsets = gap / (np.bincount(model, own.counts, len(names)) + PRIOR_VOTES)
    believed = (PRIOR_VOTES * (base + offsets[model]) + own.totals) / (PRIOR_VOTES + own.counts)
    return Posterior(
        cells=own.cells,
        offsets={name: bounded(float(offsets[at])) for name, at in number.items()},
        base=base,
        beliefs=np.clip(believed, base - FARTHEST, base + FARTHEST),
        lacks=SIGMA / np.sqrt(PRIOR_VOTES + own.counts) - TAU,
        contexts=_contexts(beliefs, {cell: float(believed[at]) for at, cell in enumerate(own.cells)}),
    )


def _contexts(
    beliefs: Beliefs, believed: Mapping[tuple[str, ...], float]
) -> Mapping[str, tuple[tuple[tuple[str, str], float], ...]]:
    """Work out the third level: what votes in a context say beyond what they say in the category."""
    found: dict[str, list[tuple[tuple[str, str], float]]] = {}
    table = beliefs.contexts
    for (model, category, context), count, total in zip(
        table.cells, table.counts.tolist(), table.totals.tolist(), strict=True
    ):
        cell = (model, category)
        if cell in believed:
            points = (total - count * believed[cell]) / (PRIOR_VOTES + count)
            found.setdefault(context, []).append((cell, bounded(points)))
    return {context: tuple(rows) for context, rows in found.items()}


def bounded(points: float) -> float:
    """Keep a change within what votes may do."""
    return min(max(points, -FARTHEST), FARTHEST)
