"""What was done, what it cost, what it saved, and whether the gate and the models can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
WAYS = {"byDay": "day", "byModel": "model", "byCategory": "category", "byMode": "mode", "byKey": "caller"}

Sums = Sequence[SpawnSums]


def stats_json(app: SmartSpawn, days: int, caller: Caller = LOCAL) -> dict[str, Any]:
    """Return the statistics of the last days, today included; a key without `admin` sees its own."""
    now, only = app.now(), caller.sees_only
    since = now - timedelta(days=days - 1)
    by = app.store.spawns.sums(since, caller=only)
    modes = by["mode"]
    return {
        "data": {
            "totalSpawns": sum(row.spawns for row in modes),
            "byModel": _counts(by["model"]),
            "byCategory": _counts(by["category"]),
            "byMode": _counts(modes),
            "totalEstimatedCost": _usd(sum(row.cost_micro_usd for row in modes)),
            "savings": _usd(sum(row.saved_micro_usd for row in modes)),
            "since": since.date().isoformat(),
            "daily": [
                {"date": row.name, "spawns": row.spawns, "estimatedCost": _usd(row.cost_micro_usd)}
                for row in by["day"]
            ],
            "cascade": _cascade([row for row in modes if row.name == "cascade"]),
            "categoryAvgCost": {row.name: _average(row) for row in by["category"]},
            "topModels": _top(by["model"]),
            "spend": _spend(by),
            "saved": _saved(app, modes, (since - EPOCH).days, only),
            **({"gate": _gate(app), "drift": drift_json(app)} if only is None else {}),
        }
    }


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
    return [
        {"model": row.name, "count": row.spawns, "avgCost": _average(row)}
        for row in sorted(rows, key=lambda row: (-row.spawns, row.name))[:TOP]
    ]


def _spend(by: Mapping[str, Sums]) -> dict[str, Any]:
    """Return what was spent, in USD, by each way of looking at it; the part by list prices apart."""
    modes = by["mode"]
    return {
        "usd": _usd(sum(row.cost_micro_usd for row in modes)),
        "byListPricesUsd": _usd(sum(row.estimated_micro_usd for row in modes)),
        "unknownCost": sum(row.spawns - row.costed for row in modes),
        **{
            title: {row.name: _usd(row.cost_micro_usd) for row in by[way] if row.costed}
            for title, way in WAYS.items()
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


def _counts(rows: Sums) -> dict[str, int]:
    return {row.name: row.spawns for row in rows}


def _average(row: SpawnSums) -> float:
    return _usd(row.cost_micro_usd / row.costed) if row.costed else 0.0


def _usd(micro: float) -> float:
    return round(micro / 1e6, 6)


def _wilson(good: int, total: int) -> list[float]:
    """Return the 95 % interval of a share, after Wilson (1927)."""
    z = 1.96
    share, wide = good / total, z * z / total
    middle = (share + wide / 2) / (1 + wide)
    half = z * math.sqrt(share * (1 - share) / total + wide / (4 * total)) / (1 + wide)
    return [round(middle - half, 4), round(middle + half, 4)]
