"""Sums of votes that a new vote changes in microseconds, and the beliefs that follow from them in milliseconds.

All weights decay alike, by half in `HALF_LIFE_DAYS`, so sums are kept as of one fixed day and scaled when read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from smart_spawn.feedback.beliefs import (
    DIGITS,
    EVEN,
    POINTS_PER_RATING,
    TYPICAL_RATING,
    Beliefs,
    Names,
    Table,
    Vector,
)
from smart_spawn.feedback.outcome import MOST, WEIGHTS, Outcome

HALF_LIFE_DAYS = 90.0
RATER_STRENGTH = 10.0
"""A rater's own mean is known from so many ratings as well as it is from `TYPICAL_RATING`."""
MODEL_SAYS = 5.0
"""The most, in ratings, that one model in one category tells of its rater's mean: beyond that, praise of it is taken
to be the model's doing. Without this limit whoever rates one model alone, and always well, would rate it down."""
VOTER_LIMIT = 30.0
"""The most, in ratings, that one voter counts for one model in one category."""
OWNER_LIMIT = 300.0
"""The same for `local`: the owner of an installation without keys, who is its only voter."""
OWNER = "local"
MAX_CONTEXTS = 8
"""Tags and cluster of one vote that are looked at."""
REFERENCE = datetime(2026, 1, 1, tzinfo=UTC)
_DAY_S = 86_400.0

Indices = npt.NDArray[np.int64]


class _Column:
    """A list of numbers that numpy reads without copying, and that grows."""

    def __init__(self) -> None:
        self._held = np.zeros(1024)
        self.length = 0

    def append(self, value: float) -> None:
        """Add a number at the end."""
        if self.length == len(self._held):
            self._held = np.concatenate([self._held, np.zeros_like(self._held)])
        self._held[self.length] = value
        self.length += 1

    @property
    def values(self) -> Vector:
        """All numbers; changing one changes it here."""
        return self._held[: self.length]


class _Numbers(_Column):
    """The same for indices, which numpy wants whole."""

    def __init__(self) -> None:
        super().__init__()
        self._whole = np.zeros(0, dtype=np.int64)

    @property
    def whole(self) -> Indices:
        """All numbers as integers. Numbers are only ever added."""
        if len(self._whole) != self.length:
            self._whole = self.values.astype(np.int64)
        return self._whole


@dataclass(slots=True)
class _Groups:
    """Sums by (cell, rater): a cell is a model in a category, or that within a context."""

    cells: dict[tuple[str, ...], int] = field(default_factory=dict)
    votes: _Column = field(default_factory=_Column)
    """By cell."""
    places: dict[tuple[int, int], int] = field(default_factory=dict)
    cell: _Numbers = field(default_factory=_Numbers)
    rater: _Numbers = field(default_factory=_Numbers)
    weight: _Column = field(default_factory=_Column)
    rated: _Column = field(default_factory=_Column)
    ordered: Names | None = None

    def add(self, key: tuple[str, ...], rater: int, weight: float, value: float, votes: int) -> None:
        """Add to the sums of one rater in one cell."""
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = len(self.cells)
            self.votes.append(0)
        at = self.places.get((cell, rater))
        if at is None:
            at = self.places[cell, rater] = self.cell.length
            self.cell.append(cell)
            self.rater.append(rater)
            self.weight.append(0)
            self.rated.append(0)
        self.weight.values[at] += weight
        self.rated.values[at] += weight * value
        self.votes.values[cell] += votes

    def names(self) -> Names:
        """Return the cells that have votes, in order; worked out again only when there are others."""
        votes = self.votes.values
        count = int(np.count_nonzero(votes > 0))
        if self.ordered is None or len(self.ordered.cells) != count or (votes[self.ordered.order] <= 0).any():
            self.ordered = Names.of([(key, at) for key, at in self.cells.items() if votes[at] > 0])
        return self.ordered


class Tally:
    """Votes in sums. Not for several threads at once."""

    def __init__(self, outcomes: Iterable[Outcome] = ()) -> None:
        self._own = _Groups()
        self._contexts = _Groups()
        self._raters: dict[tuple[str, str], int] = {}
        self._limits = _Column()
        for outcome in outcomes:
            self.add(outcome)

    def add(self, outcome: Outcome) -> None:
        """Count a vote."""
        self._count(outcome, 1)

    def remove(self, outcome: Outcome) -> None:
        """Take a vote back that was counted before."""
        self._count(outcome, -1)

    def _count(self, outcome: Outcome, sign: int) -> None:
        rater = self._rater(outcome)
        age_days = (REFERENCE - outcome.at).total_seconds() / _DAY_S
        weight = sign * WEIGHTS[outcome.kind] * 2.0 ** (-age_days / HALF_LIFE_DAYS)
        cell = (outcome.model, outcome.category)
        self._own.add(cell, rater, weight, outcome.value, sign)
        for context in outcome.contexts[:MAX_CONTEXTS]:
            self._contexts.add((*cell, context), rater, weight, outcome.value, sign)

    def _rater(self, outcome: Outcome) -> int:
        """Return the number of a voter of one kind: people who rate and agents that report have their own means."""
        name = (outcome.voter, outcome.kind)
        found = self._raters.get(name)
        if found is None:
            found = self._raters[name] = len(self._raters)
            own = OWNER_LIMIT if outcome.voter == OWNER else VOTER_LIMIT
            self._limits.append(min(own, MOST.get(outcome.kind, own)))
        return found

    def beliefs(self, at: datetime) -> Beliefs:
        """Work out what follows from the votes at a moment. Weights are as of the beginning of its day, UTC."""
        day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        left = 2.0 ** (-((day - REFERENCE).total_seconds() / _DAY_S) / HALF_LIFE_DAYS)
        rater, weight = self._own.rater.whole, self._own.weight.values * left
        share = 1 / (1 + np.maximum(weight, 0.0) / MODEL_SAYS)
        counts = np.bincount(rater, weight * share, len(self._raters))
        surplus = np.bincount(
            rater, (self._own.rated.values * left - TYPICAL_RATING * weight) * share, len(counts)
        )
        means = TYPICAL_RATING + surplus / (RATER_STRENGTH + counts)
        return Beliefs.of(
            day=day,
            own=_table(self._own, means, self._limits.values, left),
            contexts=_table(self._contexts, means, self._limits.values, left),
        )


def learn(outcomes: Iterable[Outcome], at: datetime) -> Beliefs:
    """Work out beliefs from all votes at once. The same votes in any order give the same beliefs."""
    ordered = sorted(outcomes, key=lambda o: (o.at, o.voter, o.kind, o.model, o.category, o.value))
    return Tally(ordered).beliefs(at)


def _table(groups: _Groups, means: Vector, limits: Vector, left: float) -> Table:
    """Add up what raters say of each cell, each up to the limit, as seen from the rater's own mean."""
    cell, rater, names = groups.cell.whole, groups.rater.whole, groups.names()
    weight, rated = groups.weight.values * left, groups.rated.values * left
    over = (weight > limits[rater]).nonzero()[0]
    if len(over):
        share = limits[rater[over]] / weight[over]
        weight[over] *= share
        rated[over] *= share

    def sums(values: Vector) -> Vector:
        added: Vector = np.bincount(cell, values, len(groups.cells))[names.order].astype(np.float64)
        return added

    counts, stars = sums(weight), sums(rated)
    seen = EVEN * counts + POINTS_PER_RATING * (stars - sums(means[rater] * weight))
    return Table(
        cells=names.cells,
        digest=names.digest,
        counts=np.round(counts, DIGITS),
        totals=np.round(seen, DIGITS),
        rated=np.round(stars, DIGITS),
        votes=groups.votes.values[names.order],
    )
