"""What is believed of models beyond their benchmarks, in closed form, small enough to keep for every decision.

A rating x of a rater whose mean is m = (10 * 3.6 + sum) / (10 + number) says y = 50 + 40 (x - m) points, with a
spread of 36. A benchmark score S promises B = 50 + 0.6 (S - 50), with a spread of 12 for the model and 12 for each
of its categories:

    off_m   = sum over c of (Y_mc - n_mc B_mc) / (N_m + 9)            what all categories say of the model
    post_mc = (9 (B_mc + off_m) + Y_mc) / (9 + n_mc)                  what is believed of it in one category
    sd_mc   = 36 / sqrt(9 + n_mc)

with n the votes (aged, weighted) and Y the sum of their y; 9 = (36/12)². Context tags and clusters of tasks are a
third level of the same form, seen from post_mc. Source: docs/concepts/learning.md.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Self, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

EVEN = 50.0
"""Points of a model that is neither good nor bad."""
TYPICAL_RATING = 3.6
POINTS_PER_RATING = 40.0
SIGMA = 36.0
TAU = 12.0
PRIOR_VOTES = (SIGMA / TAU) ** 2
"""What a benchmark counts, in ratings: 9."""
BASE_SHARE = 0.6
"""The part of a benchmark score's deviation from 50 that ratings bear out."""
FARTHEST = 30.0
"""Points that votes can move a belief, in either direction."""
NO_VERSION = "none"
DIGITS = 6
"""Sums are rounded before they are hashed and used: the last bits depend on the order of the votes."""

Vector = npt.NDArray[np.float64]
Points = TypeVar("Points", float, Vector)
Prior = Callable[[str, str], float | None]
"""Model and category → the benchmark score, 0 to 100; `None` where there is none."""
Cells = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Cells in order, where each stood before, and a hash of them."""

    cells: Cells
    order: npt.NDArray[np.int64]
    digest: bytes

    @classmethod
    def of(cls, numbered: Sequence[tuple[tuple[str, ...], int]]) -> Self:
        """Put cells with their numbers in order."""
        ordered = sorted(numbered)
        cells = tuple(cell for cell, _ in ordered)
        return cls(
            cells=cells, order=np.array([at for _, at in ordered], dtype=np.int64), digest=digest_of(cells)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Votes by cell, in parallel arrays."""

    cells: Cells = ()
    """(model, category), or (model, category, context); in order."""
    digest: bytes = b""
    """A hash of the cells; empty without any."""
    counts: Vector = field(default_factory=lambda: np.zeros(0))
    """Votes in ratings, after age, kind and the limit for one voter."""
    totals: Vector = field(default_factory=lambda: np.zeros(0))
    """Sum of what they say, in points."""
    rated: Vector = field(default_factory=lambda: np.zeros(0))
    """Sum of the ratings themselves, weighted as the counts are."""
    votes: Vector = field(default_factory=lambda: np.zeros(0))
    """Votes, neither aged nor weighted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is believed of one model in one category, in belief points (0 to 100 by intention)."""

    prior: float
    """What its benchmarks promise: B."""
    model_offset: float
    """What votes in all categories add for the model."""
    votes: int
    weight: float
    """The votes in ratings, after age, kind and the limit for one voter."""
    average: float | None
    """Mean rating, 1 to 5; `None` without votes in this category."""
    belief: float
    spread: float
    """Standard deviation of the belief."""

    def sentence(self) -> str:
        """Say it in one line."""
        what = (
            f"{self.votes} {'rating' if self.votes == 1 else 'ratings'} averaging {self.average:.1f}"
            if self.average is not None
            else "no ratings here"
        )
        return f"prior {self.prior:.0f}, {what} -> {self.belief:.0f} +- {self.spread:.1f}"


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """Everything that votes have taught until a day. `version` names its content."""

    version: str
    day: datetime
    own: Table
    contexts: Table
    community: Table = field(default_factory=Table)
    """What others report: `counts` are contributors, `totals` their number times what they say in points."""

    @classmethod
    def of(cls, *, day: datetime, own: Table, contexts: Table, community: Table | None = None) -> Self:
        """Name the content."""
        tables = (own, contexts, community or Table())
        held = cls(version=NO_VERSION, day=day, own=own, contexts=contexts, community=community or Table())
        if not any(table.cells for table in tables):
            return held
        digest = hashlib.sha256(day.date().isoformat().encode())
        for table in tables:
            digest.update(table.digest)
            for values in (table.counts, table.totals, table.rated, table.votes):
                digest.update(values.tobytes())
        return replace(held, version=digest.hexdigest()[:16])

    def with_community(self, community: Table) -> Self:
        """Add what others report."""
        return type(self).of(day=self.day, own=self.own, contexts=self.contexts, community=community)

    @property
    def empty(self) -> bool:
        """Whether nobody has said anything."""
        return self.version == NO_VERSION

    @cached_property
    def place(self) -> Mapping[tuple[str, ...], int]:
        """(model, category) → its place in `own`."""
        return {cell: at for at, cell in enumerate(self.own.cells)}

    @cached_property
    def cells_of(self) -> Mapping[str, tuple[int, ...]]:
        """Model → its places in `own`."""
        found: dict[str, list[int]] = {}
        for at, (model, _) in enumerate(self.own.cells):
            found.setdefault(model, []).append(at)
        return {model: tuple(places) for model, places in found.items()}

    def offset(self, model: str, prior: Prior) -> float:
        """Return what votes in all categories add for a model, in points."""
        places = self.cells_of.get(model, ())
        n = sum(float(self.own.counts[at]) for at in places)
        gap = sum(
            float(self.own.totals[at] - self.own.counts[at] * base_of(prior(*self.own.cells[at])))
            for at in places
        )
        return gap / (n + PRIOR_VOTES)

    def standing(self, model: str, category: str, prior: Prior) -> Standing:
        """Return what is believed of a model in a category; what its benchmarks promise where nobody voted."""
        base, offset = base_of(prior(model, category)), self.offset(model, prior)
        at = self.place.get((model, category))
        n = 0.0 if at is None else float(self.own.counts[at])
        total = 0.0 if at is None else float(self.own.totals[at])
        belief = (PRIOR_VOTES * (base + offset) + total) / (PRIOR_VOTES + n)
        return Standing(
            prior=base,
            model_offset=offset,
            votes=0 if at is None else int(self.own.votes[at]),
            weight=n,
            average=float(self.own.rated[at]) / n if at is not None and n > 0 else None,
            belief=min(max(belief, base - FARTHEST), base + FARTHEST),
            spread=spread_of(n),
        )

    def encode(self) -> bytes:
        """Write the beliefs for the store."""
        tables = [
            [t.cells, t.counts.tolist(), t.totals.tolist(), t.rated.tolist(), t.votes.tolist()]
            for t in (self.own, self.contexts, self.community)
        ]
        return zlib.compress(
            msgspec.json.encode({"day": self.day, "version": self.version, "tables": tables})
        )

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read what `encode` wrote."""
        held = msgspec.json.decode(zlib.decompress(body))
        own, contexts, community = (
            Table(
                cells=(named := tuple(map(tuple, cells))),
                digest=digest_of(named),
                counts=np.array(counts, dtype=np.float64),
                totals=np.array(totals, dtype=np.float64),
                rated=np.array(rated, dtype=np.float64),
                votes=np.array(votes, dtype=np.float64),
            )
            for cells, counts, totals, rated, votes in held["tables"]
        )
        return cls(
            version=held["version"],
            day=datetime.fromisoformat(held["day"]),
            own=own,
            contexts=contexts,
            community=community,
        )


def base_of(score: float | None) -> float:
    """Return what a benchmark score promises, in belief points; an unknown one promises nothing, 50."""
    return EVEN if score is None else EVEN + BASE_SHARE * (score - EVEN)


def spread_of(count: float) -> float:
    """Return the standard deviation of a belief that rests on so many votes, in belief points."""
    return SIGMA / float(np.sqrt(PRIOR_VOTES + max(count, 0.0)))


def in_scores(points: Points) -> Points:
    """Turn a difference in belief points into one in score points, which benchmarks stretch further apart."""
    return points / BASE_SHARE


def digest_of(cells: Cells) -> bytes:
    """Hash the names of cells."""
    return hashlib.sha256(repr(cells).encode("utf-8", "surrogatepass")).digest() if cells else b""
