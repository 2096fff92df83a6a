"""Beliefs laid beside the rows of one catalogue: what ranking adds for the few models that anybody voted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from smart_spawn.feedback.beliefs import SIGMA, Beliefs, Prior, Table, in_scores
from smart_spawn.feedback.community import nudge
from smart_spawn.feedback.posterior import Posterior, posterior
from smart_spawn.model import CATEGORIES
from smart_spawn.scoring.category import Matrix

if TYPE_CHECKING:
    from smart_spawn.catalog.snapshot import Catalog

_PLACE = {str(category): at for at, category in enumerate(CATEGORIES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What votes change, in score points. Every matrix is [touched rows × 7 categories]."""

    version: str
    beliefs: Beliefs
    rows: npt.NDArray[np.int64]
    """The touched rows of the catalogue, ascending."""
    place: Mapping[int, int]
    """Row → its place in `rows`."""
    shift: Matrix
    """Added to the benchmark score."""
    spread: Matrix
    """In place of the benchmark's own spread: votes make it smaller, never larger."""
    lack: Matrix
    """How much less is left to find out than about a model without votes: 0 or below."""
    contexts: Mapping[str, tuple[npt.NDArray[np.int64], Matrix]]
    """Tag or cluster → places in `rows`, and what it adds there."""

    @classmethod
    def of(cls, beliefs: Beliefs, catalog: Catalog) -> Self | None:
        """Lay beliefs beside a catalogue; `None` where nobody voted on a model that it holds."""
        found = posterior(beliefs, prior_of(catalog))
        rows = np.array(
            sorted(row for model in found.offsets for row in catalog.rows_of.get(model, ())), dtype=np.int64
        )
        if not len(rows):
            return None
        place = {int(row): at for at, row in enumerate(rows)}
        held = _Held(catalog=catalog, place=place)
        shift, counts, lack = (np.zeros((len(rows), len(CATEGORIES))) for _ in range(3))
        for model, offset in found.offsets.items():
            shift[held.places(model)] = in_scores(offset)
        nudged = _nudges(found, beliefs, catalog)
        for at, (model, category) in enumerate(found.cells):
            where = held.places(model), _PLACE.get(category, 0)
            if category in _PLACE:
                shift[where] = in_scores(float(found.beliefs[at] - found.base[at] + nudged[at]))
                counts[where] = beliefs.own.counts[at]
                lack[where] = in_scores(float(found.lacks[at]))
        spread = catalog.rows.spread[rows]
        return cls(
            version=beliefs.version,
            beliefs=beliefs,
            rows=rows,
            place=place,
            shift=shift,
            spread=spread / np.sqrt(1 + counts * (spread / in_scores(SIGMA)) ** 2),
            lack=lack,
            contexts={name: held.context(changes) for name, changes in found.contexts.items()},
        )

    def points(self, mix: Matrix, contexts: Sequence[str]) -> Matrix:
        """Return what votes add to each touched row under a mix, in the given contexts."""
        added: Matrix = self.shift.dot(mix)
        known = [self.contexts[name] for name in contexts if name in self.contexts]
        for places, change in known:
            added[places] += change.dot(mix) / len(known)
        return added


def prior_of(catalog: Catalog) -> Prior:
    """Return the benchmark scores of a catalogue as beliefs ask for them: those of the default effort."""

    def prior(model: str, category: str) -> float | None:
        rows, at = catalog.rows_of.get(model), _PLACE.get(category)
        return None if rows is None or at is None else float(catalog.rows.table.scores[rows.start, at])

    return prior


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    catalog: Catalog
    place: Mapping[int, int]

    def places(self, model: str) -> list[int]:
        """Return the places of a model's rows; none where the catalogue does not hold it."""
        return [self.place[row] for row in self.catalog.rows_of.get(model, ())]

    def context(
        self, changes: Sequence[tuple[tuple[str, str], float]]
    ) -> tuple[npt.NDArray[np.int64], Matrix]:
        """Lay out what one context adds."""
        change = np.zeros((len(self.place), len(CATEGORIES)))
        for (model, category), points in changes:
            if category in _PLACE:
                change[self.places(model), _PLACE[category]] = in_scores(points)
        touched = np.flatnonzero(change.any(axis=1))
        return touched, change[touched]


def _nudges(found: Posterior, beliefs: Beliefs, catalog: Catalog) -> Matrix:
    """Return the belief points that others add to each cell; none where nobody is listened to."""
    others: Table = beliefs.community
    if not others.cells:
        return np.zeros(len(found.cells))
    said = {
        cell: total / count
        for cell, total, count in zip(others.cells, others.totals, others.counts, strict=True)
    }
    known = np.array([cell in said for cell in found.cells])
    variance = np.zeros(len(found.cells))
    for at, (model, category) in enumerate(found.cells):
        rows = catalog.rows_of.get(model)
        if rows is not None and category in _PLACE:
            variance[at] = catalog.rows.table.variances[rows.start, _PLACE[category]]
    spoken = np.array([said.get(cell, 0.0) for cell in found.cells])
    nudged = nudge(found.beliefs, beliefs.own.counts, spoken, variance)
    return np.where(known, nudged, 0.0)
