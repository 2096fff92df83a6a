"""Statistics and beliefs over a long history: 1,000,000 decisions and spawns, 100,000 votes.

Run by `python -m benchmarks.learning`; some minutes, most of them to write the history.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Table, insert

from benchmarks.record import append, headline, spread
from smart_spawn.app import SmartSpawn
from smart_spawn.model import CATEGORIES
from smart_spawn.settings import Settings
from smart_spawn.store import RatingRow, Store
from smart_spawn.store.ratings import ratings
from smart_spawn.store.spawns import ROLL_UP_ROWS, spawns
from smart_spawn.store.tables import EPOCH, decisions
from smart_spawn.surface.beliefs import belief_json
from smart_spawn.surface.statistics import scores_json, stats_json

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DAYS = 90
CHUNK = 20_000
KEYS, MODELS = 50, 60

Row = dict[str, Any]
Took = tuple[float, float]
"""Milliseconds by the clock, and of the processor."""
Choice = TypeVar("Choice")


def habit(rng: random.Random, key: int, choices: Sequence[Choice]) -> Choice:
    """Return what a key uses: one of its own five models or categories."""
    return choices[(key * 7 + rng.randrange(5) * 11) % len(choices)]


def spawn_rows(rng: random.Random, models: Sequence[str], count: int) -> Iterator[Row]:
    """Make the spawn log of three months."""
    for number in range(count):
        at = NOW - timedelta(seconds=rng.random() * DAYS * 86_400)
        caller = rng.randrange(KEYS)
        cascade = rng.random() < 0.3
        yield {
            "at": at,
            "day": (at - EPOCH).days,
            "caller": f"key_{caller}",
            "subject": f"run:{number}",
            "model": habit(rng, caller, models),
            "category": str(habit(rng, caller, CATEGORIES)),
            "budget": "low",
            "mode": "cascade" if cascade else "single",
            "source": "run",
            "tags": "",
            "cost_micro_usd": rng.randrange(5_000),
            "estimated": rng.random() < 0.5,
            "baseline_micro_usd": rng.randrange(20_000),
            "escalated": rng.random() < 0.2 if cascade else None,
            "ok": True,
        }


def decision_rows(models: Sequence[str], count: int) -> Iterator[Row]:
    """Make decisions as the store keeps them, with a body of usual size."""
    body = b"x" * 900
    for number in range(count):
        yield {
            "id": f"dec_{number:024x}",
            "created_at": NOW - timedelta(seconds=number),
            "catalog_version": "c",
            "beliefs_version": f"b{number // 10_000}",
            "model": models[number % len(models)],
            "body": body,
        }


def vote_rows(rng: random.Random, models: Sequence[str], count: int) -> Iterator[Row]:
    """Make votes of people and gates, a tenth of them in place of an earlier one."""
    kept: list[Row] = []
    for number in range(1, count + 1):
        if kept and rng.random() < 0.1:
            at = rng.randrange(len(kept))
            row = {**kept[at], "replaces": kept[at]["id"], "id": number, "value": float(rng.randint(1, 5))}
            kept[at] = row
        else:
            voter = rng.randrange(KEYS)
            row = {
                "id": number,
                "at": NOW - timedelta(seconds=rng.random() * DAYS * 86_400),
                "voter": f"key_{voter}",
                "subject": f"run_{number}",
                "kind": rng.choice(["rating", "outcome", "plugin", "gate"]),
                "model": habit(rng, voter, models),
                "category": str(habit(rng, voter, CATEGORIES)),
                "tags": rng.choice(["", "", "typescript", "security"]),
                "cluster": rng.choice(["plain", "hard"]),
                "value": float(rng.randint(1, 5)),
                "replaces": None,
            }
            kept.append(row)
        yield row


def fill(store: Store, table: Table, rows: Iterator[Row]) -> None:
    """Write rows as quickly as the database takes them."""
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == CHUNK:
            with store.database.write() as connection:
                connection.execute(insert(table), batch)
            batch = []
    if batch:
        with store.database.write() as connection:
            connection.execute(insert(table), batch)


def timed(work: Callable[[], object], times: int) -> list[Took]:
    """Return how many milliseconds each of several calls took, by the clock and of the processor."""
    took = []
    for _ in range(times):
        started, worked = time.perf_counter(), time.process_time()
        work()
        took.append(((time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000))
    return took


def measure(app: SmartSpawn, models: Sequence[str], times: int) -> list[tuple[str, list[Took]]]:
    """Measure what people and processes wait for."""
    found = [("beliefs from all votes, at the start", timed(app.check_for_newer_votes, 1))]

    def vote(category: str = "coding") -> None:
        app.store.ratings.add(
            RatingRow(at=NOW, voter="key_1", kind="rating", model=models[0], category=category, value=4.0)
        )

    updates, looks, others = [], [], []
    for _ in range(times):
        vote()
        updates += timed(app.check_for_newer_votes, 1)
        looks += timed(app.check_for_newer_votes, 1)
    for number in range(times):
        vote(f"a category that is new, {number}")
        others += timed(app.check_for_newer_votes, 1)
    return [
        *found,
        ("beliefs after one more vote, laid beside the catalogue", updates),
        ("the same where nobody had voted before", others),
        ("looking for votes, none there", looks),
        ("statistics of 30 days", timed(lambda: stats_json(app, 30), times)),
        ("statistics of 90 days", timed(lambda: stats_json(app, 90), times)),
        ("success rates", timed(lambda: scores_json(app, None, 1), times)),
        ("one model's beliefs explained", timed(lambda: belief_json(app, models[0]), times)),
        ("a choice", timed(lambda: app.decide(app.request(category="coding")), times * 10)),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the history, measure, append the rows."""
    parser = argparse.ArgumentParser(prog="benchmarks.learning", description=__doc__)
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--votes", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=20)
    asked = parser.parse_args(argv)
    heading = headline("python -m benchmarks.learning", ["sqlalchemy", "numpy"])
    rng = random.Random(1)
    with (
        tempfile.TemporaryDirectory() as home,
        SmartSpawn(Settings(home=Path(home)), now=lambda: NOW) as app,
    ):
        models = [listing.id for listing in app.catalog.listings[:MODELS]]
        fill(app.store, decisions, decision_rows(models, asked.decisions))
        fill(app.store, spawns, spawn_rows(rng, models, asked.decisions))
        fill(app.store, ratings, vote_rows(rng, models, asked.votes))
        while app.store.spawns.roll_up(NOW + timedelta(days=1)) >= ROLL_UP_ROWS:
            pass
        rows = measure(app, models, asked.times)
    append(
        f"{heading}{asked.decisions:,} decisions, as many spawns, {asked.votes:,} votes of {KEYS} keys, SQLite.\n\n",
        ["what", "ms", "ms of the processor", "calls"],
        [(what, *map(spread, zip(*took, strict=True)), str(len(took))) for what, took in rows],
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
