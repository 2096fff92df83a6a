"""What was done, what it cost, what it saved, and whether the gate and the models can be trusted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from smart_spawn.app import SmartSpawn
from smart_spawn.feedback.drift import Window, drift
from smart_spawn.feedback.outcome import GOOD
from smart_spawn.store import SpawnSums
from smart_spawn.store.tables import EPOCH
from smart_spawn.surface.caller import LOCAL, Caller

BASELINE = "the best model at any price for the same request, by list prices"
SAMPLE = 2_000
"""The newest spawns with a known cost and baseline, from which the interval is drawn."""
RESAMPLES = 1_000
RECENT, EARLIER = timedelta(days=14), timedelta(days=90)
"""The windows of the drift alarm: the last days, and those before them."""
TOP = 10

Sums = Sequence[SpawnSums]


def stats_json(app: SmartSpawn, days: int, caller: Caller = LOCAL) -> dict[str, Any]:
    """Return the statistics of the last days, today included; a key without `admin` sees its own."""
    now, only = app.now(), caller.sees_only
    since = now - timedelta(days=days - 1)
    rows = [row for row in app.store.spawns.sums(since) if only in (None, row.caller)]
    return {
        "data": {
            "totalSpawns": sum(row.spawns for row in rows),
            "byModel": _counts(rows, lambda row: row.model),
            "byCategory": _counts(rows, lambda row: row.category),
            "byMode": _counts(rows, lambda row: row.mode),
            "totalEstimatedCost": _usd(sum(row.cost_micro_usd for row in rows)),
            "savings": _usd(sum(row.saved_micro_usd for row in rows)),
            "since": since.date().isoformat(),
            "daily": _daily(rows),
            "cascade": _cascade([row for row in rows if row.mode == "cascade"]),
            "categoryAvgCost": {
                name: _average(group) for name, group in _groups(rows, lambda row: row.category).items()
            },
            "topModels": _top(rows),
            "spend": _spend(rows),
            "saved": _saved(app, rows, (since - EPOCH).days, only),
            **({"gate": _gate(app), "drift": drift_json(app)} if only is None else {}),
        }
    }


def _daily(rows: Sums) -> list[dict[str, Any]]:
    found = _groups(rows, lambda row: (EPOCH + timedelta(days=row.day)).date().isoformat())
    return [
        {
            "date": day,
            "spawns": sum(row.spawns for row in group),
            "estimatedCost": _usd(sum(row.cost_micro_usd for row in group)),
        }
        for day, group in sorted(found.items())
    ]


def _cascade(rows: Sums) -> dict[str, Any]:
    total, climbed = sum(row.could_escalate for row in rows), sum(row.escalated for row in rows)
    compared = sum(row.compared for row in rows)
    return {
        "total": total,
        "cheapOnly": total - climbed,
        "withPremium": climbed,
        "escalationRate": round(climbed / total, 4) if total else 0.0,
        "avgSavingsPerCascade": _usd(sum(row.saved_micro_usd for row in rows) / compared)
        if compared
        else 0.0,
    }


def _top(rows: Sums) -> list[dict[str, Any]]:
    found = _groups(rows, lambda row: row.model)
    counts = {model: sum(row.spawns for row in group) for model, group in found.items()}
    return [
        {"model": model, "count": counts[model], "avgCost": _average(found[model])}
        for model in sorted(counts, key=lambda model: (-counts[model], model))[:TOP]
    ]


def _spend(rows: Sums) -> dict[str, Any]:
    """Return what was spent, in USD, by each way of looking at it; the part by list prices apart."""
    ways: Mapping[str, Callable[[SpawnSums], str]] = {
        "byDay": lambda row: (EPOCH + timedelta(days=row.day)).date().isoformat(),
        "byModel": lambda row: row.model,
        "byCategory": lambda row: row.category,
        "byMode": lambda row: row.mode,
        "byKey": lambda row: row.caller,
    }
    costed = [row for row in rows if row.costed]
    return {
        "usd": _usd(sum(row.cost_micro_usd for row in rows)),
        "byListPricesUsd": _usd(sum(row.estimated_micro_usd for row in rows)),
        "unknownCost": sum(row.spawns - row.costed for row in rows),
        **{
            name: {
                key: _usd(sum(row.cost_micro_usd for row in group))
                for key, group in sorted(_groups(costed, way).items())
            }
            for name, way in ways.items()
        },
    }


def _saved(app: SmartSpawn, rows: Sums, first_day: int, only: str | None) -> dict[str, Any]:
    """Return what was saved against the baseline, with an interval by resampling single spawns."""
    compared = sum(row.compared for row in rows)
    sample = np.array(app.store.spawns.saved(first_day, caller=only, limit=SAMPLE), dtype=np.float64)
    interval = None
    if len(sample) > 1:
        rng = np.random.default_rng(len(sample))
        means = sample[rng.integers(0, len(sample), (RESAMPLES, len(sample)))].mean(axis=1)
        interval = [_usd(float(edge) * compared) for edge in np.quantile(means, [0.025, 0.975])]
    return {
        "usd": _usd(sum(row.saved_micro_usd for row in rows)),
        "interval95": interval,
        "compared": compared,
        "sample": len(sample),
        "baseline": BASELINE,
    }


def _gate(app: SmartSpawn) -> dict[str, Any]:
    """Return how many answers the gate accepted that people then judged, and what share of those was good."""
    judged, good = app.store.ratings.accepted(app.now() - EARLIER, least=GOOD)
    return {
        "judged": judged,
        "good": good,
        "precision": round(good / judged, 4) if judged else None,
        "interval95": _wilson(good, judged) if judged else None,
    }


def drift_json(app: SmartSpawn) -> list[dict[str, Any]]:
    """List the models whose outcomes fell, the surest first, with the numbers that say so."""
    now = app.now()
    found = []
    for model, n, good, late, late_good in app.store.ratings.windows(now - EARLIER, now - RECENT, least=GOOD):
        fallen = drift(Window(outcomes=n, good=good), Window(outcomes=late, good=late_good))
        if fallen is not None:
            found.append(
                {
                    "model": model,
                    "chance": fallen.chance,
                    "before": {"outcomes": n, "good": good},
                    "since": {"outcomes": late, "good": late_good},
                    "sentence": f"good outcomes fell from {fallen.before.share:.0%} of {n} to "
                    f"{fallen.since.share:.0%} of {late} in the last {RECENT.days} days",
                }
            )
    return sorted(found, key=lambda row: (-row["chance"], row["model"]))


def scores_json(app: SmartSpawn, category: str | None, min_samples: int, days: int = 90) -> dict[str, Any]:
    """Return the share of good outcomes by model and category, people's and programs', the gate's apart."""
    counts = app.store.ratings.counts(
        app.now() - timedelta(days=days),
        kinds=("rating", "outcome", "plugin"),
        least=GOOD,
        category=category,
    )
    return {
        "data": [
            {"model": model, "category": name, "successRate": round(good / total, 4), "total": total}
            for model, name, total, good in counts
            if total >= min_samples
        ]
    }


def _groups(rows: Sums, way: Callable[[SpawnSums], str]) -> dict[str, list[SpawnSums]]:
    found: dict[str, list[SpawnSums]] = {}
    for row in rows:
        found.setdefault(way(row), []).append(row)
    return found


def _counts(rows: Sums, way: Callable[[SpawnSums], str]) -> dict[str, int]:
    return {name: sum(row.spawns for row in group) for name, group in sorted(_groups(rows, way).items())}


def _average(rows: Sums) -> float:
    costed = sum(row.costed for row in rows)
    return _usd(sum(row.cost_micro_usd for row in rows) / costed) if costed else 0.0


def _usd(micro: float) -> float:
    return round(micro / 1e6, 6)


def _wilson(good: int, total: int) -> list[float]:
    """Return the 95 % interval of a share, after Wilson (1927)."""
    z = 1.96
    share, wide = good / total, z * z / total
    middle = (share + wide / 2) / (1 + wide)
    half = z * math.sqrt(share * (1 - share) / total + wide / (4 * total)) / (1 + wide)
    return [round(middle - half, 4), round(middle + half, 4)]
