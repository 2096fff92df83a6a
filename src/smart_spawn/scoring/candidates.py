"""Every way in which a model can be run, with the evidence for each: the rows of the score table.

A candidate is (model, effort). The plain candidate runs at the model's default effort; others exist for efforts
that the model supports and some board has measured. A variant (`:free`) has its plain model's evidence, marked.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal

import numpy as np
import numpy.typing as npt

from smart_spawn.model import Effort, Listing, Price
from smart_spawn.scoring.reading import VARIANT_QUALITY, Reading, best_per_board, measured_efforts
from smart_spawn.scoring.scale import Scale, fit_scale, to_points

STANDARD_PROMPT_TOKENS = 1_000
STANDARD_ANSWER_TOKENS = 700
"""The task that `catalog_expected_cost` prices; also the expected answer where no board measured lengths."""
VERBOSITY_BOARD = "livebench_output_tokens"
VERBOSITY_BOUNDS = (0.2, 5.0)
"""Answer length relative to the median model. Benchmarks exaggerate thinking, so the ratio is bounded."""
COST_BOARD = "catalog_expected_cost"
CONTEXT_BOARD = "catalog_context_tokens"
DERIVED_SOURCE = "catalog"

Inherited = Literal["variant", "effort", "edition"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to run one model."""

    listing: Listing
    effort: Effort | None
    """The effort to ask for; `None` where the model knows no efforts."""
    plain: bool
    """Whether this is the model's default effort: what a caller gets who asks for nothing."""
    readings: Mapping[str, Reading]
    """Board → the reading that counts for this effort."""
    quality: Mapping[str, float]
    """Board → share (0–1] of its weight that the reading deserves."""
    verbosity: float
    """Expected length of its answers relative to the median model."""

    def inherited(self, board: str) -> Inherited | None:
        """Say whether the evidence was measured on something else: another variant, effort or older edition."""
        reading = self.readings[board]
        if reading.source == DERIVED_SOURCE:
            return None
        if reading.model_id != self.listing.id:
            return "variant"
        if reading.effort_distance(self.effort, self.listing.capabilities.default_effort):
            return "effort"
        return "edition" if reading.superseded else None


def candidates(
    listings: Sequence[Listing], readings: Sequence[Reading], *, as_of: date
) -> tuple[Candidate, ...]:
    """List every (model, effort) with its evidence, ordered by model id, the default effort first."""
    by_model: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        by_model[reading.model_id].append(reading)
    typical = _typical_answer_tokens(readings)
    rows = [
        candidate
        for listing in sorted(listings, key=lambda listing: listing.id)
        for candidate in _of_listing(listing, by_model, typical, as_of)
    ]
    return _with_derived_boards(rows, as_of)


def _of_listing(
    listing: Listing, by_model: Mapping[str, Sequence[Reading]], typical: float | None, as_of: date
) -> list[Candidate]:
    own = by_model.get(listing.id, ())
    readings = own or by_model.get(listing.plain_id, ())
    inherited = 1.0 if own or listing.variant is None else VARIANT_QUALITY
    default = listing.capabilities.default_effort
    efforts: list[Effort | None] = [default]
    efforts += measured_efforts(readings, listing.capabilities.supported_efforts, default) if default else []
    found = []
    for effort in efforts:
        chosen = best_per_board(readings, effort=effort, default=default)
        found.append(
            Candidate(
                listing=listing,
                effort=effort,
                plain=effort == default,
                readings=chosen,
                quality={
                    board: inherited * reading.quality(effort=effort, default=default, as_of=as_of)
                    for board, reading in chosen.items()
                },
                verbosity=_verbosity(chosen, typical),
            )
        )
    return found


def _typical_answer_tokens(readings: Sequence[Reading]) -> float | None:
    lengths = sorted(r.value for r in readings if r.benchmark == VERBOSITY_BOARD and r.value > 0)
    return lengths[len(lengths) // 2] if lengths else None


def _verbosity(chosen: Mapping[str, Reading], typical: float | None) -> float:
    measured = chosen.get(VERBOSITY_BOARD)
    if measured is None or typical is None or measured.value <= 0:
        return 1.0
    return min(max(measured.value / typical, VERBOSITY_BOUNDS[0]), VERBOSITY_BOUNDS[1])


def _with_derived_boards(rows: Sequence[Candidate], as_of: date) -> tuple[Candidate, ...]:
    """Add the boards that come from the listing itself: the price of a standard answer, the room for context."""
    noon = datetime.combine(as_of, time(12), UTC)
    plain_prices = {row.listing.id: row.listing.price for row in rows}
    costs = [_standard_cost_usd(row, plain_prices, noon) for row in rows]
    contexts = [float(row.listing.context_tokens) if row.listing.context_tokens else None for row in rows]
    derived = [
        (COST_BOARD, "usd", costs, False),
        (CONTEXT_BOARD, "tokens", contexts, True),
    ]
    extra: list[dict[str, Reading]] = [{} for _ in rows]
    for board, unit, values, higher in derived:
        cohort = [
            v for row, v in zip(rows, values, strict=True) if v and row.plain and row.listing.variant is None
        ]
        scale = fit_scale(cohort, benchmark=board, unit=unit, higher_is_better=higher)
        if scale is None:
            continue
        for row, value, into in zip(rows, values, extra, strict=True):
            if value:
                into[board] = _derived(row.listing, board, unit, value, scale, as_of)
    return tuple(
        Candidate(
            listing=row.listing,
            effort=row.effort,
            plain=row.plain,
            readings={**row.readings, **more},
            quality={**row.quality, **dict.fromkeys(more, VARIANT_QUALITY if row.listing.variant else 1.0)},
            verbosity=row.verbosity,
        )
        for row, more in zip(rows, extra, strict=True)
    )


def _standard_cost_usd(row: Candidate, plain_prices: Mapping[str, Price], at: datetime) -> float | None:
    """Price the standard answer; None where no price above zero is known.

    A `:free` variant is priced as its plain model: it is a rationed sample of it, and not the cheaper way to work.
    """
    price = plain_prices.get(row.listing.plain_id) if row.listing.variant == "free" else row.listing.price
    cost = price and price.cost_usd(
        prompt_tokens=STANDARD_PROMPT_TOKENS,
        completion_tokens=math.ceil(STANDARD_ANSWER_TOKENS * row.verbosity),
        at=at,
    )
    return float(cost) if cost else None


def _derived(listing: Listing, board: str, unit: str, value: float, scale: Scale, as_of: date) -> Reading:
    return Reading(
        model_id=listing.id,
        benchmark=board,
        source=DERIVED_SOURCE,
        edition="",
        published_name=listing.id,
        rule="own listing",
        value=value,
        unit=unit,
        z=min(max(scale.z(value), -3.0), 3.0),  # a price or a window is no feat: extremes say nothing more
        published_on=as_of,
    )


def as_matrices(rows: Sequence[Candidate], boards: Sequence[str]) -> tuple[Floats, Floats]:
    """Return points and quality, both [candidates × boards]; quality 0 (and points 50) where nothing is known."""
    column = {board: index for index, board in enumerate(boards)}
    points = np.full((len(rows), len(boards)), to_points(0.0))
    quality = np.zeros((len(rows), len(boards)))
    for index, row in enumerate(rows):
        for board, reading in row.readings.items():
            at = column.get(board)
            if at is not None:
                points[index, at] = reading.points
                quality[index, at] = row.quality[board]
    return points, quality
