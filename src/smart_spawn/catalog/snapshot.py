"""The catalogue that requests are answered from: frozen, versioned, with its arrays built once."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Self

import numpy as np
import numpy.typing as npt

from smart_spawn.catalog.facts import Facts, version_of
from smart_spawn.catalog.learned import Learned
from smart_spawn.model import CATEGORIES, REQUIREMENTS, Budget, Capabilities, Category, Listing, Requirement
from smart_spawn.scoring.candidates import DERIVED_SOURCE, Candidate, as_matrices, candidates
from smart_spawn.scoring.category import Matrix, ScoreTable, score_categories
from smart_spawn.scoring.reading import Reading
from smart_spawn.scoring.tags import tag_boards, tag_matrix
from smart_spawn.scoring.weights import weight_matrix

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
NO_DAY = np.iinfo(np.int64).max

REQUIREMENT_BITS: Mapping[Requirement, int] = {name: 1 << bit for bit, name in enumerate(REQUIREMENTS)}


def offers(capabilities: Capabilities) -> frozenset[Requirement]:
    """List what a model can do, in the words of `require`."""
    can: dict[Requirement, bool] = {
        "vision": capabilities.vision,
        "functionCalling": capabilities.function_calling,
        "json": capabilities.json,
        "reasoning": capabilities.reasoning,
        "streaming": capabilities.streaming,
    }
    return frozenset(name for name, has in can.items() if has)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelArrays:
    """What filters read, one element a model, in the order of `Catalog.listings`."""

    servable: Bools
    """Can answer a chat at all: no router, no batch id, no alias, text comes out."""
    expires_day: Ints
    """Ordinal of the first day without it; `NO_DAY` when none is announced."""
    prompt_usd_per_mtok: Matrix
    """NaN where the price is unknown."""
    completion_usd_per_mtok: Matrix
    context_tokens: Ints
    """0 where unknown."""
    max_output_tokens: Ints
    """0 where unknown."""
    offers: Ints
    """Bits of `REQUIREMENT_BITS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateArrays:
    """What ranking reads, one row a candidate, in the order of `Catalog.candidates`."""

    model: Ints
    """Index into `Catalog.listings`."""
    table: ScoreTable
    prompt_usd_per_mtok: Matrix
    """As of the model, but a `:free` variant has its plain model's price: what real work would cost. NaN: unknown."""
    completion_usd_per_mtok: Matrix
    measured: Matrix
    """[candidates × 7]: 1 where some board, not only the listing itself, speaks to the category, else 0."""
    verbosity: Matrix
    spread: Matrix
    """Square roots of the variances, in points."""
    points: Matrix
    """[candidates × boards]."""
    quality: Matrix
    """[candidates × boards], 0 where nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Every scored model at one moment. `version` names its content: facts, weights and scoring rules."""

    facts: Facts
    version: str
    listings: tuple[Listing, ...]
    """Ordered by id."""
    candidates: tuple[Candidate, ...]
    """Ordered by model id, the default effort first."""
    boards: tuple[str, ...]
    """The boards that have a scale here and a use, in the order of the columns of `weight_matrix`."""
    weight_matrix: Matrix
    """[7 × boards]."""
    models: ModelArrays
    rows: CandidateArrays
    index: Mapping[str, int] = field(repr=False)
    """Model id → position in `listings`."""
    learned: Learned | None = None
    """What votes add to the scores here; not part of the version."""

    def believing(self, learned: Learned | None) -> Self:
        """Return the same catalogue with other beliefs beside it. Everything worked out so far is shared."""
        if learned is self.learned:
            return self
        view = copy.copy(self)
        object.__setattr__(view, "learned", learned)  # frozen: this is the copy's making
        return view

    @classmethod
    def of(cls, facts: Facts) -> Self:
        """Score the facts under their weights and build every array that requests need."""
        listings = tuple(sorted(facts.listings, key=lambda listing: listing.id))
        rows = candidates(listings, facts.readings, as_of=facts.as_of)
        present = {board for row in rows for board in row.readings}
        counted = {board for row in (*facts.weights.values(), *tag_boards().values()) for board in row}
        boards = tuple(sorted(present & counted))
        matrix = weight_matrix(facts.weights, boards)
        points, quality = as_matrices(rows, boards)
        index = {listing.id: at for at, listing in enumerate(listings)}
        table = score_categories(points, quality, matrix)
        compared = _in_earnest(rows, listings)
        own = np.array([board.startswith(DERIVED_SOURCE + "_") for board in boards], dtype=bool)
        return cls(
            facts=facts,
            version=version_of(facts),
            listings=listings,
            candidates=rows,
            boards=boards,
            weight_matrix=matrix,
            models=_model_arrays(listings),
            rows=CandidateArrays(
                model=np.array([index[row.listing.id] for row in rows], dtype=np.int64),
                table=table,
                prompt_usd_per_mtok=_prices(compared, "prompt_usd_per_mtok"),
                completion_usd_per_mtok=_prices(compared, "completion_usd_per_mtok"),
                spread=np.sqrt(table.variances),
                measured=(((quality > 0) & ~own) @ (matrix.T > 0)).astype(np.float64),
                verbosity=np.array([row.verbosity for row in rows], dtype=np.float64),
                points=points,
                quality=quality,
            ),
            index=MappingProxyType(index),
        )

    @cached_property
    def rows_of(self) -> Mapping[str, range]:
        """Model id → the rows of its candidates; the first is the default effort."""
        found: dict[str, range] = {}
        for at, row in enumerate(self.candidates):
            held = found.get(row.listing.id)
            found[row.listing.id] = range(held.start if held else at, at + 1)
        return MappingProxyType(found)

    @cached_property
    def readings_of(self) -> Mapping[str, tuple[Reading, ...]]:
        """Model id → every reading that found it, all efforts and editions."""
        found: dict[str, list[Reading]] = {}
        for reading in self.facts.readings:
            found.setdefault(reading.model_id, []).append(reading)
        return MappingProxyType({model: tuple(readings) for model, readings in found.items()})

    @cached_property
    def first_filters(self) -> dict[tuple[date, Budget], tuple[Bools, dict[str, int]]]:
        """What `routing.filters` remembers of the filters that all requests of a day share; bounded there."""
        return {}

    @cached_property
    def smallest_context(self) -> int:
        """The smallest known context window, in tokens."""
        known = self.models.context_tokens[self.models.context_tokens > 0]
        return int(known.min()) if len(known) else 0

    @cached_property
    def first_rows(self) -> Ints:
        """The first row of each model, in the order of the rows."""
        return np.flatnonzero(np.diff(self.rows.model, prepend=-1))

    @cached_property
    def _overrides(self) -> tuple[tuple[int, int], ...]:
        """Shortest prompt at which an override may hold, and the model's position; shortest first."""
        return tuple(
            sorted(
                (min(o.min_prompt_tokens or -1 for o in listing.price.overrides), at)
                for at, listing in enumerate(self.listings)
                if listing.price.overrides
            )
        )

    def overridden(self, prompt_tokens: int) -> list[int]:
        """List the positions of models whose price may differ for a prompt of this length, or with the time."""
        shorter = bisect_left(self._overrides, (prompt_tokens, -1))
        return [at for _, at in self._overrides[:shorter]]

    @cached_property
    def tag_weights(self) -> Mapping[str, Matrix]:
        """Context tag → weights over `boards`."""
        return tag_matrix(self.boards)

    @cached_property
    def contributions(self) -> dict[int, tuple[Matrix, Matrix]]:
        """What `routing.explain` remembers of candidates that were chosen; bounded there."""
        return {}

    @cached_property
    def variants_of(self) -> Mapping[str, tuple[int, ...]]:
        """Plain model id → positions of its variants."""
        found: dict[str, tuple[int, ...]] = {}
        for at, listing in enumerate(self.listings):
            if listing.variant is not None:
                found[listing.plain_id] = (*found.get(listing.plain_id, ()), at)
        return MappingProxyType(found)

    def nearest(self, model_id: str, limit: int = 3) -> tuple[str, ...]:
        """Suggest the known ids that look most like an unknown one, the likeliest first. Never used to join."""
        from rapidfuzz import fuzz, process  # noqa: PLC0415  # only a mistyped id needs it

        found = process.extract(model_id, self.index.keys(), scorer=fuzz.WRatio, limit=limit, score_cutoff=60)
        return tuple(name for name, _, _ in found)

    def listing(self, model_id: str) -> Listing | None:
        """Return the model as it is sold, or None."""
        at = self.index.get(model_id)
        return None if at is None else self.listings[at]

    def category_scores(self, row: int) -> dict[Category, float]:
        """Return the scores of one candidate in the categories that evidence speaks to, not clamped."""
        scores, measured = self.rows.table.scores[row], self.rows.measured[row]
        return {c: float(scores[at]) for at, c in enumerate(CATEGORIES) if measured[at]}

    def believed_scores(self, row: int) -> Matrix:
        """Return the scores of one candidate in all categories, with what votes add."""
        scores: Matrix = self.rows.table.scores[row]
        at = None if self.learned is None else self.learned.place.get(row)
        return scores if self.learned is None or at is None else scores + self.learned.shift[at]

    def __len__(self) -> int:
        return len(self.listings)


def _model_arrays(listings: Sequence[Listing]) -> ModelArrays:
    return ModelArrays(
        servable=np.array(
            [m.answers_chats and "text" in m.capabilities.output_modalities for m in listings],
            dtype=bool,
        ),
        expires_day=np.array(
            [m.expires_on.toordinal() if m.expires_on else NO_DAY for m in listings], dtype=np.int64
        ),
        prompt_usd_per_mtok=_prices(listings, "prompt_usd_per_mtok"),
        completion_usd_per_mtok=_prices(listings, "completion_usd_per_mtok"),
        context_tokens=np.array([m.context_tokens or 0 for m in listings], dtype=np.int64),
        max_output_tokens=np.array([m.max_output_tokens or 0 for m in listings], dtype=np.int64),
        offers=np.array(
            [sum(REQUIREMENT_BITS[name] for name in offers(m.capabilities)) for m in listings], dtype=np.int64
        ),
    )


def _prices(listings: Sequence[Listing], name: str) -> Matrix:
    values = [getattr(m.price.base, name) if m.price.known else None for m in listings]
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)


def _in_earnest(rows: Sequence[Candidate], listings: Sequence[Listing]) -> list[Listing]:
    """Return whose price each candidate is compared by: its own, or a `:free` variant's plain model."""
    by_id = {m.id: m for m in listings}
    own = [row.listing for row in rows]
    return [by_id.get(m.plain_id, m) if m.variant == "free" else m for m in own]
