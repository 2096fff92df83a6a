"""Reliability: of the cases in which somebody said p, in what share were they right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.agreement import Floats

BIN_WIDTH = 0.1
MIN_CASES = 50
"""A bin with fewer cases says nothing about 0.03."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """The cases in which what was said lay in [low, low + 0.1)."""

    low: float
    cases: int
    said: float
    """Mean of what was said."""
    right: float
    """Share that was right."""
    error: float
    """Standard error of `right`, as if the cases were independent."""

    @property
    def gap(self) -> float:
        """Overconfidence: above zero where more was said than came true."""
        return self.said - self.right


def reliability(said: Floats, right: Floats) -> list[Bin]:
    """Sort the cases into bins of what was said, lowest first, leaving out bins with fewer than `MIN_CASES`."""
    at = np.minimum((said / BIN_WIDTH + 1e-9).astype(int), 9)
    bins = []
    for index in range(10):
        inside = at == index
        cases = int(inside.sum())
        if cases < MIN_CASES:
            continue
        share = float(right[inside].mean())
        bins.append(
            Bin(
                low=round(index * BIN_WIDTH, 1),
                cases=cases,
                said=float(said[inside].mean()),
                right=share,
                error=float(np.sqrt(share * (1 - share) / cases)),
            )
        )
    return bins


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the mean distance of said and right over all cases in the bins."""
    cases = sum(b.cases for b in bins)
    return sum(abs(b.gap) * b.cases for b in bins) / cases if cases else float("nan")


def table(title: str, bins: Sequence[Bin]) -> str:
    """Write the bins as a table under a title."""
    if not bins:
        return f"{title}: too few cases to measure"
    lines = [f"{title}; mean |said - right| {calibration_error(bins):.3f}", ""]
    lines += ["| said | cases | mean said | right | said - right |", "|---|---|---|---|---|"]
    for b in bins:
        said = f"{b.low:.1f} to {b.low + BIN_WIDTH:.1f}"
        right = f"{b.right:.3f} ± {b.error:.3f}"
        lines.append(f"| {said} | {b.cases:,} | {b.said:.3f} | {right} | {b.gap:+.3f} |")
    return "\n".join(lines)
