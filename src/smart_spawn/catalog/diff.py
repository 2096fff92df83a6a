"""What changed between two catalogues: models, prices, and scores with the boards that moved them.

Which *choices* change is asked of routing, one layer up: routing/picks.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import numpy as np

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import CATEGORIES, Category, Listing, Rates
from smart_spawn.scoring.category import Matrix, shrink_factor

MIN_SCORE_CHANGE = 0.5
"""Points. Less than this is the slow drift of ages and cohorts, and would bury what matters."""
LEAST_MOVE = 0.05
"""Points. A board that moved a score by less is not named."""
NAMED_BOARDS = 3
"""How many boards are named per changed score, the largest move first."""

Cause = Literal["new reading", "reading gone", "value", "scale", "weight", "share"]
"""Why a board moved a score. `scale`: the cohort moved under an unchanged value. `share`: the same reading counts for
more or less, because of its age or of what stands beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceChange:
    """One rate of one model. `None` is unknown, never zero."""

    model_id: str
    rate: str
    """`prompt`, `completion`, ... in USD per million tokens; `overrides` where only the exceptions changed."""
    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardMove:
    """What one board did to one score."""

    benchmark: str
    points: float
    """By how much its contribution to the category's score changed."""
    cause: Cause
    before: float | None
    """The value on the board, in its own unit."""
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreChange:
    """A category score that moved by more than `MIN_SCORE_CHANGE`, at the model's default effort."""

    model_id: str
    category: Category
    before: float | None
    """0–100 by intention, not clamped; `None` where no board spoke to the category."""
    after: float | None
    boards: tuple[BoardMove, ...]

    @property
    def points(self) -> float:
        """How far it moved; a score that appears or vanishes counts from 50."""
        return (50.0 if self.after is None else self.after) - (50.0 if self.before is None else self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogDiff:
    """What the second catalogue has otherwise than the first."""

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    expired: tuple[str, ...]
    """Still listed, served on the day of the first catalogue and not on that of the second."""
    expiring: tuple[str, ...]
    """Still served, with an end that was announced or moved in between."""
    prices: tuple[PriceChange, ...]
    scores: tuple[ScoreChange, ...]
    """The largest move first."""

    @property
    def empty(self) -> bool:
        """Whether nothing changed that a caller could notice."""
        return not (self.added or self.removed or self.expired or self.expiring or self.prices or self.scores)


def diff(before: Catalog, after: Catalog) -> CatalogDiff:
    """Compare two catalogues. The order of lists is by id, of scores by how far they moved."""
    both = [(before.listings[before.index[i]], after.listings[at]) for i, at in sorted(after.index.items())
            if i in before.index]  # fmt: skip  # one pair of one list
    scores = [change for _, new in both for change in _score_changes(before, after, new.id)]
    return CatalogDiff(
        before=before.version,
        after=after.version,
        added=tuple(sorted(after.index.keys() - before.index.keys())),
        removed=tuple(sorted(before.index.keys() - after.index.keys())),
        expired=tuple(
            new.id for old, new in both if old.alive(before.facts.as_of) and not new.alive(after.facts.as_of)
        ),
        expiring=tuple(
            new.id
            for old, new in both
            if new.expires_on is not None
            and new.expires_on != old.expires_on
            and new.alive(after.facts.as_of)
        ),
        prices=tuple(change for old, new in both for change in price_changes(old, new)),
        scores=tuple(sorted(scores, key=lambda c: (-abs(c.points), c.model_id, c.category))),
    )


def price_changes(old: Listing, new: Listing) -> Iterator[PriceChange]:
    """List the rates that differ between two listings of one model."""
    for name in Rates.__dataclass_fields__:
        before, after = getattr(old.price.base, name), getattr(new.price.base, name)
        if before != after:
            rate = name.removesuffix("_usd_per_mtok")
            yield PriceChange(model_id=new.id, rate=rate, before=before, after=after)
    for name in ("request_usd", "image_usd"):
        before, after = getattr(old.price, name), getattr(new.price, name)
        if before != after:
            yield PriceChange(model_id=new.id, rate=name, before=before, after=after)
    if old.price.overrides != new.price.overrides:
        yield PriceChange(model_id=new.id, rate="overrides", before=None, after=None)


def _score_changes(before: Catalog, after: Catalog, model_id: str) -> Iterator[ScoreChange]:
    old_row, new_row = before.rows_of[model_id].start, after.rows_of[model_id].start
    old, new = before.category_scores(old_row), after.category_scores(new_row)
    changed = [
        category
        for category in CATEGORIES
        if (category in old) != (category in new)
        or (category in old and abs(new[category] - old[category]) > MIN_SCORE_CHANGE)
    ]
    if not changed:
        return
    parts = _contributions(before, old_row), _contributions(after, new_row)
    for category in changed:
        only = np.array([float(c is category) for c in CATEGORIES])
        yield ScoreChange(
            model_id=model_id,
            category=category,
            before=old.get(category),
            after=new.get(category),
            boards=tuple(_moves(before, after, model_id, only, *parts)[:NAMED_BOARDS]),
        )


def board_moves(before: Catalog, after: Catalog, model_id: str, mix: Matrix) -> list[BoardMove]:
    """Say what every board did to one mixed score between two catalogues that both hold the model, largest first.

    `mix` is the share of each category, in the order of the categories.
    """
    parts = [_contributions(c, c.rows_of[model_id].start) for c in (before, after)]
    return _moves(before, after, model_id, mix, *parts)


def _contributions(catalog: Catalog, row: int) -> Matrix:
    """Return the points above or below 50 that each board gives to each category: [7 × boards]."""
    quality = catalog.rows.quality[row]
    deviation = catalog.rows.points[row] - 50.0
    weights = catalog.weight_matrix * quality
    present = weights.sum(axis=1)[:, None]
    shares = np.divide(weights, present, out=np.zeros_like(weights), where=present > 0)
    points: Matrix = shares * deviation * shrink_factor(catalog.rows.table.coverage[row])[:, None]
    return points


def _moves(
    before: Catalog, after: Catalog, model_id: str, mix: Matrix, parts_before: Matrix, parts_after: Matrix
) -> list[BoardMove]:
    old = dict(zip(before.boards, (mix @ parts_before).tolist(), strict=True))
    new = dict(zip(after.boards, (mix @ parts_after).tolist(), strict=True))
    moved = [(board, new.get(board, 0.0) - old.get(board, 0.0)) for board in sorted({*old, *new})]
    moved = sorted((m for m in moved if abs(m[1]) >= LEAST_MOVE), key=lambda m: (-abs(m[1]), m[0]))
    return [_move(before, after, model_id, mix, board, points) for board, points in moved]


def _move(
    before: Catalog, after: Catalog, model_id: str, mix: Matrix, board: str, points: float
) -> BoardMove:
    old, new = (c.candidates[c.rows_of[model_id].start].readings.get(board) for c in (before, after))
    weighed = [
        [
            c.facts.weights[category].get(board)
            for category, share in zip(CATEGORIES, mix, strict=True)
            if share
        ]
        for c in (before, after)
    ]
    cause: Cause
    if weighed[0] != weighed[1]:
        cause = "weight"
    elif old is None or new is None:
        cause = "new reading" if old is None else "reading gone"
    elif old.value != new.value:
        cause = "value"
    elif old.z != new.z:
        cause = "scale"
    else:
        cause = "share"
    return BoardMove(
        benchmark=board,
        points=points,
        cause=cause,
        before=old.value if old else None,
        after=new.value if new else None,
    )
