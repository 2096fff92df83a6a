"""Beliefs laid beside the rows of one catalogue: what ranking adds for the few models that anybody voted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from smart_spawn.catalog.layout import PLACE, Copies, Layout, Scored
from smart_spawn.feedback.beliefs import SIGMA, Beliefs, Vector, in_scores
from smart_spawn.feedback.community import nudge
from smart_spawn.feedback.posterior import Indices, Posterior, posterior
from smart_spawn.scoring.category import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What votes change, in score points. Every matrix is [touched rows × 7 categories]."""

    version: str
    beliefs: Beliefs
    layout: Layout
    shift: Matrix
    """Added to the benchmark score."""
    spread: Matrix
    """In place of the benchmark's own spread: votes make it smaller, never larger."""
    lack: Matrix
    """How much less is left to find out than about a model without votes: 0 or below."""
    contexts: Mapping[str, tuple[Indices, Matrix]]
    """Tag or cluster → places in `rows`, and what it adds there."""

    @classmethod
    def of(cls, beliefs: Beliefs, catalog: Scored, before: Learned | None = None) -> Self | None:
        """Lay beliefs beside a catalogue; `None` where nobody voted on a model that it holds.

        Ten times quicker where `before` has the places already: those of votes on the same models and categories.
        """
        if before is not None and before.layout.fits(beliefs, catalog):
            layout = before.layout
        else:
            layout = Layout.of(beliefs, catalog)
        rows = layout.rows
        if not len(rows):
            return None
        found = posterior(beliefs, layout.ground)
        shift, counts, lack = (np.zeros((len(rows), len(PLACE))) for _ in range(3))
        shift[layout.models.to] = in_scores(found.offsets)[layout.models.source, np.newaxis]
        moved = found.beliefs - layout.ground.base + _nudges(found, beliefs, layout)
        for matrix, values in (
            (shift, in_scores(moved)),
            (counts, beliefs.own.counts),
            (lack, in_scores(found.lacks)),
        ):
            _copy(layout.cells, values, matrix)
        spread = catalog.rows.spread[rows]
        return cls(
            version=beliefs.version,
            beliefs=beliefs,
            layout=layout,
            shift=shift,
            spread=spread / np.sqrt(1 + counts * (spread / in_scores(SIGMA)) ** 2),
            lack=lack,
            contexts=_contexts(in_scores(found.contexts), layout),
        )

    @property
    def rows(self) -> Indices:
        """The touched rows of the catalogue, ascending."""
        return self.layout.rows

    @property
    def place(self) -> Mapping[int, int]:
        """Row → its place in `rows`."""
        return self.layout.place

    def points(self, mix: Matrix, contexts: Sequence[str]) -> Matrix:
        """Return what votes add to each touched row under a mix, in the given contexts."""
        added: Matrix = self.shift.dot(mix)
        known = [self.contexts[name] for name in contexts if name in self.contexts]
        for places, change in known:
            added[places] += change.dot(mix) / len(known)
        return added


def _copy(copies: Copies, values: Vector, matrix: Matrix) -> None:
    matrix.reshape(-1)[copies.to] = values[copies.source]


def _contexts(points: Vector, layout: Layout) -> Mapping[str, tuple[Indices, Matrix]]:
    """Lay out what each context adds, for the rows where it adds something."""
    found = {}
    for context, copies in layout.contexts.items():
        change = np.zeros((len(layout.rows), len(PLACE)))
        _copy(copies, points, change)
        touched = np.flatnonzero(change.any(axis=1))
        found[context] = touched, change[touched]
    return found


def _nudges(found: Posterior, beliefs: Beliefs, layout: Layout) -> Vector:
    """Return the belief points that others add to each cell; none where nobody is listened to."""
    nudged, heard, others = np.zeros(len(found.beliefs)), layout.heard, beliefs.community
    said = others.totals[heard.others] / others.counts[heard.others]
    nudged[heard.own] = nudge(found.beliefs[heard.own], beliefs.own.counts[heard.own], said, heard.variance)
    return nudged
