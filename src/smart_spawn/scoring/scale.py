"""Scales: what makes one board's readings comparable with every other's.

Every board and edition has a cohort, one reading per model that it tested. Its mean and standard deviation turn a
reading into z; `to_points` turns z into the 0–100 that people read. See docs/adr/0004-z-scores.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, median, pstdev
from typing import Literal

MIN_READINGS = 5
"""Below this a spread says nothing, and a raw unit must not be mixed with z-scores."""
SUSPECT_ROBUST_Z = 6.0
"""Beyond this a reading is taken for a unit error: set aside and reported, not averaged in."""
WINSOR_ROBUST_Z = 2.5
"""Where `robust` cuts the tails before it takes mean and spread."""
MAD_TO_SIGMA = 1.4826
"""Makes the median absolute deviation of a normal sample estimate its standard deviation."""
LOG_UNITS = frozenset({"usd", "tokens", "s", "tokens_per_s"})
"""Quantities that spread over orders of magnitude: their ratios matter, so their logarithms are scaled."""

UNLINKED_QUALITY = 0.5
"""Under `equated`, for a board that cannot be linked: where its crowd stands is as uncertain as a model's place in
it. The offsets of linked crowds have a standard deviation of 1.3 (`python -m evals constants`, docs/adr/0008)."""

NormName = Literal["zscore", "robust", "rank", "equated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The spread of one board's cohort, in the board's own unit or, where `log` is set, in its logarithm."""

    benchmark: str
    edition: str
    mean: float
    stddev: float
    count: int
    log: bool = False
    higher_is_better: bool = True
    center: float
    """Median of the cohort, for the unit-error check."""
    robust_spread: float
    """Median absolute deviation, made comparable with a standard deviation; 0 switches the check off."""
    ranks: tuple[float, ...] = ()
    """Under the norm `rank`: the cohort in ascending order of goodness."""
    offset: float = 0.0
    """Under the norm `equated`: where the board's mean stands on the scale that all linked boards share."""
    slope: float = 1.0
    """Under the norm `equated`: how much of the shared scale one standard deviation of this board is."""
    shared: int | None = None
    """Under the norm `equated`: the models that link the board to the others; 0 where it could not be linked.
    None where nothing is to be linked: other norms, and quantities such as prices, lengths and speeds."""

    def transformed(self, value: float) -> float:
        """Return the value as the scale measures it. A log scale needs values above zero."""
        return math.log(value) if self.log else value

    def z(self, value: float) -> float:
        """Return how many standard deviations better than the cohort's mean a reading is; higher is better.

        Under the norm `equated` the cohort is the one that all linked boards share.
        """
        return self.offset + self.slope * self.plain_z(value)

    def plain_z(self, value: float) -> float:
        """Return z on the board's own cohort, whatever it is linked to."""
        measured = self.transformed(value)
        if self.ranks:
            return self._normal_score(measured if self.higher_is_better else -measured)
        z = (measured - self.mean) / self.stddev
        return z if self.higher_is_better else -z

    def suspect(self, value: float) -> bool:
        """Tell whether the reading is so far out that a unit error is likelier than a feat."""
        if self.log and value <= 0:
            return True
        if self.robust_spread == 0:
            return False
        return abs(self.transformed(value) - self.center) / self.robust_spread > SUSPECT_ROBUST_Z

    def reliability(self, standard_error: float | None) -> float:
        """Return the share (0–1] of a reading's variance that is signal: spread² / (spread² + error²).

        A board that should be linked to the others and cannot be is worth `UNLINKED_QUALITY` of that.
        """
        known = UNLINKED_QUALITY if self.shared == 0 else 1.0
        if not standard_error or self.log:
            return known
        return known * self.stddev**2 / (self.stddev**2 + standard_error**2)

    def _normal_score(self, goodness: float) -> float:
        below = bisect_left(self.ranks, goodness)
        ties = bisect_right(self.ranks, goodness) - below
        share = (below + max(ties, 1) / 2) / (len(self.ranks) + (0 if ties else 1))
        return NormalDist().inv_cdf(min(max(share, 0.5 / len(self.ranks)), 1 - 0.5 / len(self.ranks)))


def fit_scale(
    readings: Sequence[float],
    *,
    benchmark: str,
    edition: str = "",
    unit: str = "percent",
    higher_is_better: bool = True,
    norm: NormName = "zscore",
) -> Scale | None:
    """Fit the scale of one board from its cohort, one reading per model, in the board's own unit.

    Returns None below `MIN_READINGS` usable readings or when all are equal: the board then says nothing.
    Suspected unit errors are left out of the fit. Source: docs/adr/0004-z-scores.md.
    """
    log = unit in LOG_UNITS
    values = [math.log(v) if log else v for v in readings if not log or v > 0]
    if len(values) < MIN_READINGS:
        return None
    center = median(values)
    spread = MAD_TO_SIGMA * median(abs(v - center) for v in values)
    if spread:
        values = [v for v in values if abs(v - center) / spread <= SUSPECT_ROBUST_Z]
    fitted = values
    if norm == "robust" and spread:
        low, high = center - WINSOR_ROBUST_Z * spread, center + WINSOR_ROBUST_Z * spread
        fitted = [min(max(v, low), high) for v in values]
    mean, stddev = fmean(fitted), pstdev(fitted)
    if len(values) < MIN_READINGS or stddev <= abs(mean) * 1e-12:
        return None
    ranks = tuple(sorted(v if higher_is_better else -v for v in values)) if norm == "rank" else ()
    return Scale(
        benchmark=benchmark,
        edition=edition,
        mean=mean,
        stddev=stddev,
        count=len(values),
        log=log,
        higher_is_better=higher_is_better,
        center=center,
        robust_spread=spread,
        ranks=ranks,
    )


def to_points(z: float) -> float:
    """Turn z into points: 0 → 50, +1 → 70, +2 → 90. Not clamped: rank on this value."""
    return 50.0 + 20.0 * z


def shown(points: float) -> float:
    """Clamp points to the 0–100 that people read, to one decimal."""
    return round(min(max(points, 0.0), 100.0), 1)
