"""Where beliefs go beside the rows of one catalogue: worked out once for all votes on the same cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from smart_spawn.feedback.beliefs import Beliefs, Prior, Vector
from smart_spawn.feedback.posterior import Ground, Indices, indices
from smart_spawn.model import CATEGORIES
from smart_spawn.scoring.category import Matrix, ScoreTable

PLACE = {str(category): at for at, category in enumerate(CATEGORIES)}


class ScoredRows(Protocol):
    """The rows of a catalogue, as far as beliefs look at them."""

    @property
    def table(self) -> ScoreTable:
        """Benchmark scores and their variances."""

    @property
    def spread(self) -> Matrix:
        """[rows × 7], in points."""


class Scored(Protocol):
    """What beliefs are laid beside: a catalogue, whatever else it is."""

    @property
    def version(self) -> str:
        """Names its content."""

    @property
    def rows_of(self) -> Mapping[str, range]:
        """Model id → its rows; the first is the default effort."""

    @property
    def rows(self) -> ScoredRows:
        """One a candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Values that stand in several places: `matrix.reshape(-1)[to] = values[source]`."""

    source: Indices
    to: Indices

    @classmethod
    def of(cls, pairs: Sequence[tuple[int, int]]) -> Self:
        """Take (source, to) apart."""
        return cls(source=indices([at for at, _ in pairs]), to=indices([to for _, to in pairs]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The cells of our own on which others report."""

    own: Indices
    others: Indices
    """Parallel: the place in the table of what others report."""
    variance: Vector
    """Parallel: of the benchmark score, in points²; 0 where the catalogue has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Places in matrices of [touched rows × 7 categories]."""

    catalog_version: str
    others: bytes
    """The digest of the cells that others report on."""
    ground: Ground
    rows: Indices
    """The touched rows of the catalogue, ascending."""
    place: Mapping[int, int]
    """Row → its place in `rows`."""
    models: Copies
    """From models to rows."""
    cells: Copies
    """From (model, category) to single elements."""
    contexts: Mapping[str, Copies]
    """By tag or cluster: from contexts to single elements."""
    heard: Heard

    @classmethod
    def of(cls, beliefs: Beliefs, catalog: Scored) -> Self:
        """Find the places for all that anybody voted on."""
        ground = Ground.of(beliefs, prior_of(catalog))
        held = [catalog.rows_of.get(model) or range(0) for model in ground.models]
        rows = sorted(row for of_model in held for row in of_model)
        place = {row: at for at, row in enumerate(rows)}
        places = {
            model: [place[row] for row in of_model]
            for model, of_model in zip(ground.models, held, strict=True)
        }

        def elements(model: str, category: str) -> list[int]:
            column = PLACE.get(category)
            return [] if column is None else [at * len(PLACE) + column for at in places[model]]

        contexts: dict[str, list[tuple[int, int]]] = {}
        for at, (model, category, context) in enumerate(ground.contexts):
            contexts.setdefault(context, []).extend((at, to) for to in elements(model, category))
        return cls(
            catalog_version=catalog.version,
            others=beliefs.community.digest,
            ground=ground,
            rows=indices(rows),
            place=place,
            models=Copies.of([(at, to) for at, model in enumerate(ground.models) for to in places[model]]),
            cells=Copies.of([(at, to) for at, cell in enumerate(ground.cells) for to in elements(*cell)]),
            contexts={context: Copies.of(pairs) for context, pairs in contexts.items()},
            heard=_heard(beliefs, catalog),
        )

    def fits(self, beliefs: Beliefs, catalog: Scored) -> bool:
        """Tell whether these beliefs go to the same places beside this catalogue."""
        return (
            self.catalog_version == catalog.version
            and self.others == beliefs.community.digest
            and self.ground.bears(beliefs)
        )


def prior_of(catalog: Scored) -> Prior:
    """Return the benchmark scores of a catalogue as beliefs ask for them: those of the default effort."""

    def prior(model: str, category: str) -> float | None:
        rows, at = catalog.rows_of.get(model), PLACE.get(category)
        return None if rows is None or at is None else float(catalog.rows.table.scores[rows.start, at])

    return prior


def _heard(beliefs: Beliefs, catalog: Scored) -> Heard:
    found = [
        (beliefs.place[cell], at, cell)
        for at, cell in enumerate(beliefs.community.cells)
        if cell in beliefs.place
    ]
    variance = np.zeros(len(found))
    for at, (_, _, (model, category)) in enumerate(found):
        rows, column = catalog.rows_of.get(model), PLACE.get(category)
        if rows is not None and column is not None:
            variance[at] = catalog.rows.table.variances[rows.start, column]
    return Heard(
        own=indices([own for own, _, _ in found]),
        others=indices([other for _, other, _ in found]),
        variance=variance,
    )
