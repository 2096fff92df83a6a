"""Agreement of two orders, and how far chance could move a number: what the evaluations report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RESAMPLES = 400
"""Enough for a 95 % interval that moves by a hundredth from one seed to another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and the 95 % interval that resampling gives it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def ranks(values: Floats) -> Floats:
    """Return ranks from 1, ties sharing their mean rank."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    shared: Floats = (last - (counts - 1) / 2)[inverse]
    return shared


def pearson(one: Floats, other: Floats) -> float:
    """Return the correlation; 0 where one of them does not vary."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def spearman(one: Floats, other: Floats) -> float:
    """Return the rank correlation, from -1 to 1."""
    return pearson(ranks(one), ranks(other))


def kendall(one: Floats, other: Floats) -> float:
    """Return the share of pairs in the same order less the share in the opposite one (tau-b)."""
    upper = np.triu_indices(len(one), 1)
    a = np.sign(one[:, None] - one[None, :])[upper]
    b = np.sign(other[:, None] - other[None, :])[upper]
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else 0.0


def bootstrap(statistic: Callable[[Ints], float], size: int, *, seed: int = 0) -> Estimate:
    """Estimate a statistic of `size` items, given as positions, with its interval over resampled items."""
    random = np.random.default_rng(seed)
    draws = [statistic(random.integers(0, size, size)) for _ in range(RESAMPLES)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return Estimate(value=statistic(np.arange(size)), low=float(low), high=float(high))
