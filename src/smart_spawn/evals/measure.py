"""Policies against baselines: accuracy, cost and time, beside always asking the strongest, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smart_spawn.errors import InvalidRequest
from smart_spawn.evals.curves import Curve, cascade_curve, metrics_of, pair_of, route_curve
from smart_spawn.evals.outcomes import DataSet, RecordedPrompt, folders, load
from smart_spawn.evals.published import published
from smart_spawn.evals.replay import (
    BASELINES,
    POLICIES,
    Fitted,
    Policy,
    Result,
    fit,
    members_for,
)

RESAMPLES = 1_000
SEED = 20261122
FEWEST_IN_PART = 20
"""A part with fewer prompts has no row of its own."""

Numbers = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Folds = list[tuple[DataSet, Fitted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One policy over all prompts; NaN where something was not recorded."""

    score: Numbers
    cost: Numbers
    latency: Numbers
    strong: Numbers
    agreed: Numbers

    def where(self, mask: Bools) -> Column:
        """Return the same for some of the prompts."""
        return Column(
            score=self.score[mask],
            cost=self.cost[mask],
            latency=self.latency[mask],
            strong=self.strong[mask],
            agreed=self.agreed[mask],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was found out about one folder, prompt by prompt: whole and parts are cut from it."""

    data: DataSet
    prompts: Sequence[RecordedPrompt]
    columns: dict[str, Column]
    curves: dict[str, Curve]
    pair: tuple[Numbers, Numbers]
    """Per prompt the expected gain of the strong model over the weak one, and the gain."""
    oracle: tuple[Numbers, Numbers]
    spread: tuple[Numbers, Numbers]
    """Per prompt the costs of the cheapest and the dearest model."""
    members: Numbers
    """[prompts × members]: scores of the collective's members, whoever they were."""
    skill: float


async def evaluate(
    policies: Sequence[str],
    outcomes: Path,
    *,
    train: Path | None = None,
    dataset: str | None = None,
    metrics: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure policies on every data set. Raises InvalidRequest for what cannot be read.

    Everything fitted is fitted on `train`. Without it each half of the outcomes is measured with what the other half
    taught, so that no prompt teaches about itself. `dataset` names a folder, `folder/part`, or a part.
    """
    found: dict[str, Any] = {}
    skipped: dict[str, str] = {}
    for folder, part in _wanted(outcomes, dataset):
        loaded = load(folder)
        if isinstance(loaded, str):
            skipped[folder.resolve().name] = loaded
            continue
        for data in loaded:
            if part is not None and part not in data.parts and data.name != f"{folder.name}/{part}":
                continue
            tell(f"{data.name}: {len(data.prompts):,} prompts, {len(data.models)} models")
            folds = folds_of(data, train)
            if isinstance(folds, str):
                skipped[data.name] = folds
                continue
            measured = await _measured(data, policies, folds, metrics=metrics)
            for name, mask in _cuts(measured, part):
                found[name] = _entry(name, measured, mask)
    return {"datasets": found, **({"skipped": skipped} if skipped else {})}


def _wanted(root: Path, dataset: str | None) -> Iterator[tuple[Path, str | None]]:
    """Find the folders, and the one part where only that is asked for. Raises InvalidRequest."""
    if dataset is None:
        yield from ((folder, None) for folder in folders(root))
        return
    folder_name, _, part = dataset.partition("/")
    try:
        yield from ((folder, part or None) for folder in folders(root, folder_name))
    except InvalidRequest:
        held = [(f, d) for f in folders(root) for d in _loaded(f) if dataset in _parts_of(d)]
        if not held:
            raise
        yield from ((folder, dataset) for folder, _ in held)


def _loaded(folder: Path) -> list[DataSet]:
    found = load(folder)
    return found if isinstance(found, list) else []


def _parts_of(data: DataSet) -> tuple[str, ...]:
    return (*data.parts, data.name.partition("/")[2])


def folds_of(data: DataSet, train: Path | None) -> Folds | str:
    """Pair the prompts with what was learned elsewhere, or say why that is not possible."""
    if train is None:
        first, second = data.halves()
        if not first.prompts or not second.prompts:
            return "too few prompts to learn from one half and measure on the other"
        return [(first, fit(second, first)), (second, fit(first, second))]
    try:
        taught = load(folders(train, data.name.partition("/")[0])[0])
    except InvalidRequest as error:
        return f"training data: {error.message}"
    if isinstance(taught, str):
        return f"training data: {taught}"
    same = next((one for one in taught if one.name == data.name), None)
    common = sorted(set(same.models) & set(data.models)) if same else []
    if same is None or len(common) < 2:
        return "training and outcomes have fewer than two models in common"
    asked, known = data.only(common), same.only(common)
    return [(asked, fit(known, asked))]


async def _measured(data: DataSet, policies: Sequence[str], folds: Folds, *, metrics: bool) -> Measured:
    names = [*BASELINES, *(name for name in policies if name not in BASELINES)]
    if any(fitted.cheapest is None for _, fitted in folds):
        names.remove("cheapest")
    columns = {name: await run_policy(POLICIES[name], folds) for name in names}
    curves = {}
    if metrics:
        curves["route"] = route_curve(folds)
        if "cascade" in names and data.priced and data.worded:
            curves["cascade"] = await cascade_curve(
                folds, columns["strongest"].score, columns["strongest"].cost
            )
    prompts = [p for fold, _ in folds for p in fold.prompts]
    return Measured(
        data=data,
        prompts=prompts,
        columns=columns,
        curves=curves,
        pair=pair_of(folds),
        oracle=_oracle(prompts),
        spread=_model_costs(folds),
        members=np.array(
            [
                [p.answers[m].score for m in members_for(fitted)]
                for fold, fitted in folds
                for p in fold.prompts
            ]
        ),
        skill=float(np.mean([fitted.gains.skill for _, fitted in folds])),
    )


async def run_policy(policy: Policy, folds: Folds) -> Column:
    """Carry a policy out on every prompt. No model is called."""
    results: list[Result] = [await policy(p, fitted) for fold, fitted in folds for p in fold.prompts]
    return Column(
        score=np.array([r.score for r in results]),
        cost=_known([r.cost_usd for r in results]),
        latency=_known([r.latency_s for r in results]),
        strong=np.array([float(r.used_strongest) for r in results]),
        agreed=_known([None if r.agreed is None else float(r.agreed) for r in results]),
    )


def _known(values: Sequence[float | None]) -> Numbers:
    return np.array([np.nan if v is None else v for v in values])


def _oracle(prompts: Sequence[RecordedPrompt]) -> tuple[Numbers, Numbers]:
    """Return per prompt the best score that any model has, and what the cheapest of those cost."""
    scores, costs = [], []
    for prompt in prompts:
        best = max(a.score for a in prompt.answers.values())
        paid = [a.cost_usd for a in prompt.answers.values() if a.score == best and a.cost_usd is not None]
        scores.append(best)
        costs.append(min(paid) if paid else np.nan)
    return np.array(scores), np.array(costs)


def _model_costs(folds: Folds) -> tuple[Numbers, Numbers]:
    """Return per prompt the costs of the models that are cheapest and dearest on average."""
    prompts = [p for fold, _ in folds for p in fold.prompts]
    models = folds[0][1].models
    costs = np.array([[_or_nan(p.answers[m].cost_usd) for m in models] for p in prompts])
    mean = costs.mean(axis=0)
    if np.isnan(mean).any():
        return np.full(len(prompts), np.nan), np.full(len(prompts), np.nan)
    return costs[:, int(mean.argmin())], costs[:, int(mean.argmax())]


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _cuts(measured: Measured, part: str | None) -> Iterator[tuple[str, Bools]]:
    """Yield the whole and each part, or only the one that was asked for."""
    parts = np.array([p.part for p in measured.prompts])
    if part is None or part not in measured.data.parts:
        yield measured.data.name, np.ones(len(parts), dtype=bool)
    for name in measured.data.parts:
        mask = parts == name
        if part in (None, name) and mask.sum() >= FEWEST_IN_PART:
            yield f"{measured.data.name}/{name}", mask


def _entry(name: str, measured: Measured, mask: Bools) -> dict[str, Any]:
    """Tell of one data set in the contract's words, with what a reader needs beside them."""
    columns = {policy: column.where(mask) for policy, column in measured.columns.items()}
    best, cheapest = measured.oracle[0][mask], measured.oracle[1][mask]
    rows = {policy: _row(column, columns["strongest"], best) for policy, column in columns.items()}
    if "collective" in rows:
        member = float(measured.members[mask].mean(axis=0).max())
        rows["collective"]["bestMemberAccuracy"] = round(member, 4)
        rows["collective"]["gainOverBestMember"] = round(
            float(columns["collective"].score.mean()) - member, 4
        )
    curves = {policy: curve.where(mask) for policy, curve in measured.curves.items()}
    figures = (
        metrics_of(
            curves,
            (measured.pair[0][mask], measured.pair[1][mask]),
            (measured.spread[0][mask], measured.spread[1][mask]),
        )
        if curves
        else {"metrics": {}}
    )
    return {
        "prompts": int(mask.sum()),
        "models": len(measured.data.models),
        "policies": rows,
        **figures,
        "oracle": {"accuracy": _shown(best.mean()), "costUsdPer1k": _or_none(1000 * cheapest.mean())},
        "learnedSkill": _shown(measured.skill),
        "notes": list(measured.data.notes),
        "published": published(name),
    }


def _row(column: Column, base: Column, best: Numbers) -> dict[str, Any]:
    draw = np.random.default_rng(SEED).integers(0, len(column.score), (RESAMPLES, len(column.score)))
    score, cost = column.score[draw].mean(axis=1), column.cost[draw].mean(axis=1)
    base_score, base_cost = base.score[draw].mean(axis=1), base.cost[draw].mean(axis=1)
    row: dict[str, Any] = {
        "accuracy": _shown(column.score.mean()),
        "costUsdPer1k": _or_none(1000 * column.cost.mean()),
        "accuracyVsStrongest": _ratio(column.score.mean(), base.score.mean()),
        "costVsStrongest": _ratio(column.cost.mean(), base.cost.mean()),
        "regret": _shown((best - column.score).mean()),
        "interval95": {
            "accuracy": _interval(score),
            "costUsdPer1k": _interval(1000 * cost),
            "accuracyVsStrongest": _interval(_divided(score, base_score)),
            "costVsStrongest": _interval(_divided(cost, base_cost)),
        },
    }
    times = column.latency[~np.isnan(column.latency)]
    if len(times) >= len(column.latency) / 2:
        row["latencyS"] = {"mean": _shown(times.mean()), "p50": _shown(np.median(times))}
    if not np.isnan(column.agreed).any():
        both = column.agreed > 0
        row["agreed"] = _shown(both.mean())
        row["accuracyWhereAgreed"] = _shown(column.score[both].mean()) if both.any() else None
    return row


def _divided(value: Numbers, base: Numbers) -> Numbers:
    return np.divide(value, base, out=np.full_like(value, np.nan), where=base > 0)


def _ratio(value: np.floating[Any], base: np.floating[Any]) -> float | None:
    return _or_none(value / base) if base > 0 else None


def _interval(values: Numbers) -> list[float | None]:
    known = values[~np.isnan(values)]
    if not len(known):
        return [None, None]
    low, high = np.percentile(known, (2.5, 97.5))
    return [_shown(low), _shown(high)]


def _or_none(value: float | np.floating[Any]) -> float | None:
    return None if np.isnan(value) else _shown(value)


def _shown(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
