"""Cost against quality: the whole curve of a policy, and the figures that papers read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smart_spawn.evals.metrics import aiq, apgr, cpt, hull, recovered
from smart_spawn.evals.outcomes import DataSet
from smart_spawn.evals.replay import Fitted, cascaded

WORTHS_USD = (0.002, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.3, 1.0)
"""What a right answer may be worth to the cascade: the less, the less sure it must be."""
PRICES = np.r_[0.0, np.geomspace(1e-3, 1e3, 61)]
"""What routing gives up in accuracy for the mean cost of all models, from nothing to everything."""
RESAMPLES = 300
SEED = 20261129

Numbers = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Folds = Sequence[tuple[DataSet, Fitted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One policy at many settings: [settings × prompts]."""

    score: Numbers
    cost: Numbers

    def where(self, mask: Bools) -> Curve:
        """Return the same for some of the prompts."""
        return Curve(score=self.score[:, mask], cost=self.cost[:, mask])

    def points(self, times: Numbers | None = None) -> tuple[Numbers, Numbers]:
        """Return the mean cost and score of each setting, prompts counted so many times."""
        if times is None:
            return self.cost.mean(axis=1), self.score.mean(axis=1)
        return self.cost @ times / times.sum(), self.score @ times / times.sum()


def route_curve(folds: Folds) -> Curve:
    """Choose one model a prompt by expected accuracy less its cost, at many prices of a cost."""
    scores, costs = [], []
    for fold, fitted in folds:
        likely = fitted.likely(fold.prompts).astype(np.float64)
        paid = np.zeros_like(likely)
        if fitted.cost is not None:
            paid = fitted.cost.astype(np.float64) / max(float(fitted.cost.mean()), 1e-12)
        actual = np.array([[p.answers[m].score for m in fitted.models] for p in fold.prompts])
        spent = np.array(
            [[_or_nan(p.answers[m].cost_usd) for m in fitted.models] for p in fold.prompts], dtype=np.float64
        )
        chosen = [np.argmax(likely - price * paid, axis=1) for price in PRICES]
        rows = np.arange(len(fold.prompts))
        scores.append(np.stack([actual[rows, which] for which in chosen]))
        costs.append(np.stack([spent[rows, which] for which in chosen]))
    return Curve(score=np.concatenate(scores, axis=1), cost=np.concatenate(costs, axis=1))


async def cascade_curve(folds: Folds, score: Numbers, cost: Numbers) -> Curve:
    """Run the cascade at many worths of a right answer; always the strongest, given here, ends the curve."""
    scores, costs = [], []
    for worth in WORTHS_USD:
        policy = cascaded(worth)
        results = [await policy(p, fitted) for fold, fitted in folds for p in fold.prompts]
        scores.append([r.score for r in results])
        costs.append([_or_nan(r.cost_usd) for r in results])
    return Curve(score=np.array([*scores, score]), cost=np.array([*costs, cost]))


def pair_of(folds: Folds) -> tuple[Numbers, Numbers]:
    """Return per prompt how much better the strong model is expected to be than the weak one, and was."""
    expected, was = [], []
    for fold, fitted in folds:
        strong, weak = fitted.models.index(fitted.strongest), fitted.models.index(fitted.weak)
        likely = fitted.likely(fold.prompts).astype(np.float64)
        expected.append(likely[:, strong] - likely[:, weak])
        was.append([p.answers[fitted.strongest].score - p.answers[fitted.weak].score for p in fold.prompts])
    return np.concatenate(expected), np.concatenate([np.array(one) for one in was])


def metrics_of(
    curves: Mapping[str, Curve], pair: tuple[Numbers, Numbers], spread: tuple[Numbers, Numbers]
) -> dict[str, Any]:
    """Return the figures, their intervals over resampled prompts, and the points of each curve's hull.

    APGR and CPT are of routing between the strongest and the cheapest model; AIQ is of all curves together: at each
    cost that policy which does best there. Each policy's own is beside it.
    """
    both = Curve(
        score=np.concatenate([curve.score for curve in curves.values()]),
        cost=np.concatenate([curve.cost for curve in curves.values()]),
    )
    figures = _figures(both, pair, spread, None)
    count = len(pair[0])
    draws = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)
    drawn = [_figures(both, pair, spread, times.astype(np.float64)) for times in draws]
    aiqs = {name: _shown(_area(curve, spread, None)) for name, curve in curves.items()}
    return {
        "metrics": {name: _shown(value) for name, value in figures.items()},
        "metricsInterval95": {name: _interval([one[name] for one in drawn]) for name in figures},
        "aiqByPolicy": aiqs,
        "curves": {name: _drawn(curve) for name, curve in curves.items()},
    }


def _figures(
    curve: Curve, pair: tuple[Numbers, Numbers], spread: tuple[Numbers, Numbers], times: Numbers | None
) -> dict[str, float | None]:
    won = recovered(*pair, times)
    return {
        "apgr": apgr(won) if won else None,
        "cpt50": cpt(won, 0.5) if won else None,
        "cpt80": cpt(won, 0.8) if won else None,
        "aiq": _area(curve, spread, times),
    }


def _area(curve: Curve, spread: tuple[Numbers, Numbers], times: Numbers | None) -> float | None:
    weights = np.ones_like(spread[0]) if times is None else times
    low, high = (float(cost @ weights / weights.sum()) for cost in spread)
    costs, quality = curve.points(times)
    if np.isnan(low) or np.isnan(costs).any():
        return None
    return aiq(costs, quality, low, high)


def _drawn(curve: Curve) -> list[list[float]]:
    costs, quality = curve.points()
    if np.isnan(costs).any():
        return []
    return [[_shown(1000 * x) or 0.0, _shown(y) or 0.0] for x, y in zip(*hull(costs, quality), strict=True)]


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _interval(values: Sequence[float | None]) -> list[float | None]:
    known = [v for v in values if v is not None]
    if not known:
        return [None, None]
    low, high = np.percentile(known, (2.5, 97.5))
    return [_shown(float(low)), _shown(float(high))]


def _shown(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
