"""Policies against baselines: accuracy and cost, beside always asking the strongest, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smart_spawn.evals.outcomes import DataSet, folders, load
from smart_spawn.evals.replay import (
    BASELINES,
    POLICIES,
    Fitted,
    Policy,
    Result,
    cascaded,
    fit,
    members_for,
)

RESAMPLES = 1_000
SEED = 20261122
SWEEP = (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)
"""Thresholds of the cascade at which its curve of cost and accuracy is drawn."""

Numbers = npt.NDArray[np.float64]
Folds = list[tuple[DataSet, Fitted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One policy over all prompts."""

    score: Numbers
    cost: Numbers
    strong: Numbers


async def evaluate(
    policies: Sequence[str],
    outcomes: Path,
    *,
    train: Path | None = None,
    dataset: str | None = None,
    metrics: bool = True,
) -> dict[str, Any]:
    """Measure policies on every data set. Raises InvalidRequest for what cannot be read.

    Everything fitted is fitted on `train`. Without it each half of the outcomes is measured with what the other half
    taught, so that no prompt teaches about itself.
    """
    found: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    for folder in folders(outcomes, dataset):
        data = load(folder)
        if isinstance(data, str):
            skipped[folder.name] = data
            continue
        folds = _folds(data, train)
        if isinstance(folds, str):
            skipped[folder.name] = folds
            continue
        found[folder.name] = await _measured(policies, folds, metrics=metrics)
    return {"datasets": found, **({"skipped": skipped} if skipped else {})}


def _folds(data: DataSet, train: Path | None) -> Folds | str:
    if train is None:
        first, second = data.halves()
        if not first.prompts or not second.prompts:
            return "too few prompts to learn from one half and measure on the other"
        return [(first, fit(second)), (second, fit(first))]
    taught = load(folders(train, data.name)[0])
    if isinstance(taught, str):
        return f"training data: {taught}"
    common = sorted(set(taught.models) & set(data.models))
    if len(common) < 2:
        return "training and outcomes have fewer than two models in common"
    return [(data.only(common), fit(taught.only(common)))]


async def _measured(policies: Sequence[str], folds: Folds, *, metrics: bool) -> dict[str, Any]:
    names = [*BASELINES, *(name for name in policies if name not in BASELINES)]
    columns = {name: await _run(POLICIES[name], folds) for name in names}
    base = columns["strongest"]
    rows = {name: _row(column, base) for name, column in columns.items()}
    if "collective" in rows:
        best = _best_member(folds)
        rows["collective"]["bestMemberAccuracy"] = round(best, 4)
        rows["collective"]["gainOverBestMember"] = round(float(columns["collective"].score.mean()) - best, 4)
    return {
        "prompts": sum(len(fold.prompts) for fold, _ in folds),
        "models": len(folds[0][0].models),
        "policies": rows,
        "metrics": await _metrics(folds, columns) if metrics else {},
    }


def _best_member(folds: Folds) -> float:
    """Return the accuracy of the member that turned out best in each fold, which nobody could know before."""
    total = 0.0
    for fold, fitted in folds:
        members = members_for(fitted)
        total += max(sum(p.answers[m].score for p in fold.prompts) for m in members)
    return total / sum(len(fold.prompts) for fold, _ in folds)


async def _run(policy: Policy, folds: Folds) -> Column:
    results: list[Result] = [
        await policy(prompt, fitted) for fold, fitted in folds for prompt in fold.prompts
    ]
    return Column(
        score=np.array([r.score for r in results]),
        cost=np.array([r.cost_usd for r in results]),
        strong=np.array([float(r.used_strongest) for r in results]),
    )


def _row(column: Column, base: Column) -> dict[str, Any]:
    draw = np.random.default_rng(SEED).integers(0, len(column.score), (RESAMPLES, len(column.score)))
    score, cost = column.score[draw].mean(axis=1), column.cost[draw].mean(axis=1)
    base_score, base_cost = base.score[draw].mean(axis=1), base.cost[draw].mean(axis=1)
    return {
        "accuracy": _shown(column.score.mean()),
        "costUsdPer1k": _shown(1000 * column.cost.mean()),
        "accuracyVsStrongest": _ratio(column.score.mean(), base.score.mean()),
        "costVsStrongest": _ratio(column.cost.mean(), base.cost.mean()),
        "interval95": {
            "accuracy": _interval(score),
            "costUsdPer1k": _interval(1000 * cost),
            "accuracyVsStrongest": _interval(_divided(score, base_score)),
            "costVsStrongest": _interval(_divided(cost, base_cost)),
        },
    }


async def _metrics(folds: Folds, columns: dict[str, Column]) -> dict[str, float | None]:
    """Describe the cascade's whole curve, from the first cheap answer to always the strongest.

    `apgr`: mean share of the gap between both that is recovered, over the share of calls of the strongest. `cpt50`,
    `cpt80`: that share of calls at which half or 80 % of the gap is recovered. `aiq`: area under the best accuracy
    for a cost, both beside the strongest's, from no cost to its own.
    """
    strong = columns["strongest"]
    curve = [await _run(cascaded(threshold), folds) for threshold in SWEEP]
    weak = float(curve[0].score.mean())
    gap = float(strong.score.mean()) - weak
    shares = [float(c.strong.mean()) for c in curve]
    accuracy = [float(c.score.mean()) for c in curve]
    xs = np.array([0.0, *shares, 1.0])
    ys = np.array([weak, *accuracy, float(strong.score.mean())])
    order = np.argsort(xs, kind="stable")
    xs, ys = xs[order], np.maximum.accumulate(ys[order])
    costs = np.array([*(float(c.cost.mean()) for c in curve), float(strong.cost.mean())]) / strong.cost.mean()
    values = np.array([*accuracy, float(strong.score.mean())]) / strong.score.mean()
    order = np.argsort(costs, kind="stable")
    costs, values = costs[order], np.maximum.accumulate(values[order])
    inside = costs <= 1.0
    grid = np.linspace(0.0, 1.0, 201)
    area = float(np.interp(grid, np.r_[0.0, costs[inside]], np.r_[0.0, values[inside]]).mean())
    if gap <= 0:
        return {"apgr": None, "cpt50": None, "cpt80": None, "aiq": _shown(area)}
    recovered = np.interp(grid, xs, (ys - weak) / gap)
    return {
        "apgr": _shown(recovered.mean()),
        "cpt50": _reached(grid, recovered, 0.5),
        "cpt80": _reached(grid, recovered, 0.8),
        "aiq": _shown(area),
    }


def _reached(grid: Numbers, recovered: Numbers, share: float) -> float | None:
    at = np.flatnonzero(recovered >= share)
    return _shown(grid[at[0]]) if len(at) else None


def _divided(value: Numbers, base: Numbers) -> Numbers:
    return np.divide(value, base, out=np.full_like(value, np.nan), where=base > 0)


def _ratio(value: np.floating[Any], base: np.floating[Any]) -> float | None:
    return _shown(value / base) if base > 0 else None


def _interval(values: Numbers) -> list[float | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return [None, None]
    low, high = np.percentile(known, (2.5, 97.5))
    return [_shown(low), _shown(high)]


def _shown(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
