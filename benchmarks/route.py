"""`route()` in this process: the packaged catalogue, generated larger ones, and longer and longer tasks.

Times are of the processor, in milliseconds of this thread, because other work on the machine would otherwise count.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from benchmarks.load import BUDGETS, distinct
from benchmarks.record import append, headline, spread
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.classify import classify
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
from smart_spawn.surface.decisions import decision_json

NOW = datetime(2026, 8, 8, 12, tzinfo=UTC)
POLICY = RoutingPolicy()
PACKAGES = ("numpy", "pydantic", "msgspec")
COLUMNS = ("what", "size", "p50 ms", "p99 ms", "mean ms", "calls a round")


def packaged() -> Catalog:
    """Return the catalogue that ships with the package."""
    facts = packaged_facts()
    assert facts is not None, "this build has no catalogue"
    return Catalog.of(facts)


def grown(models: int) -> Catalog:
    """Return a catalogue of so many models: the packaged ones again and again under other names, readings too."""
    facts = packaged_facts()
    assert facts is not None, "this build has no catalogue"
    copies = -(-models // len(facts.listings))
    listings = [
        replace(one, id=f"{one.provider}{n}/{one.id.partition('/')[2]}", alias_of=None)
        for n in range(copies)
        for one in facts.listings
    ][:models]
    known = {listing.id for listing in listings}
    readings = [
        replace(one, model_id=name)
        for n in range(copies)
        for one in facts.readings
        if (name := "{}{}/{}".format(one.model_id.partition("/")[0], n, one.model_id.partition("/")[2]))
        in known
    ]
    return Catalog.of(replace(facts, listings=tuple(listings), readings=tuple(readings)))


def text(characters: int) -> str:
    """Return a task of this length: an instruction, then material of words, code and numbers."""
    start = "Find out why this log shows a deadlock and fix the code.\n"
    lines = "".join(
        f"2026-08-08 12:00:{n % 60:02d} worker-{n % 7} waits for lock {n * 7919 % 1000} in def run_{n}(self):\n"
        for n in range(characters // 50 + 1)
    )
    return (start + lines)[:characters]


def tasks(count: int, characters: int = 0) -> list[str]:
    """Return so many different tasks: of one line, or each with material up to this length."""
    lines = [distinct(at) for at in range(count)]
    return [f"{line}\n{text(characters)}"[:characters] for line in lines] if characters else lines


def requests(tasks: Sequence[str]) -> list[RouteRequest]:
    """Return every task under every budget."""
    return [RouteRequest.of({"task": task, "budget": budget}) for task in tasks for budget in BUDGETS]


def timed(work: Sequence[Callable[[], object]], calls: int, rounds: int) -> list[list[float]]:
    """Call the pieces of work in turn; return the sorted times of each round in milliseconds."""
    for piece in work:
        piece()
    found = []
    for _ in range(rounds):
        gc.collect()
        gc.freeze()  # as the service does
        times = []
        for at in range(calls):
            began = time.thread_time_ns()
            work[at % len(work)]()
            times.append((time.thread_time_ns() - began) / 1e6)
        found.append(sorted(times))
    return found


def row(what: str, size: str, work: Sequence[Callable[[], object]], *, calls: int, rounds: int) -> list[str]:
    """Measure one kind of work."""
    found = timed(work, calls, rounds)
    return [
        what,
        size,
        spread([times[len(times) // 2] for times in found], 3),
        spread([times[int(len(times) * 0.99)] for times in found], 3),
        spread([sum(times) / len(times) for times in found], 3),
        f"{calls:,}",
    ]


def choose(request: RouteRequest, catalog: Catalog) -> object:
    """Decide once."""
    return route(request, catalog, at=NOW, decision_id="dec_0", policy=POLICY)


def choose_verbose(request: RouteRequest, catalog: Catalog) -> object:
    """Decide once, and write the whole explanation."""
    decision = route(request, catalog, at=NOW, decision_id="dec_0", policy=POLICY)
    return decision_json(decision, catalog, POLICY, verbose=True)


def main() -> None:
    """Measure and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--largest", type=int, default=20_000, help="models in the largest generated catalogue"
    )
    given, _ = parser.parse_known_args()
    calls, rounds = given.calls, given.rounds
    heading = headline("python -m benchmarks.route", PACKAGES)
    catalog, rows = packaged(), []
    size = f"{len(catalog)} models"
    short, medium = requests(tasks(128)), requests(tasks(32, 2_000))
    rows.append(
        row("route, one line", size, [partial(choose, r, catalog) for r in short], calls=calls, rounds=rounds)
    )
    rows.append(
        row(
            "route, 2,000 characters",
            size,
            [partial(choose, r, catalog) for r in medium],
            calls=calls,
            rounds=rounds,
        )
    )
    verbose = [partial(choose_verbose, r, catalog) for r in medium]
    rows.append(
        row("route and verbose answer, 2,000 characters", size, verbose, calls=calls // 10, rounds=rounds)
    )
    for models in (500, 2_000, 5_000, 10_000, 20_000):
        if models <= given.largest:
            large = grown(models)
            work = [partial(choose, r, large) for r in medium]
            rows.append(
                row("route, 2,000 characters", f"{models:,} models", work, calls=calls // 5, rounds=rounds)
            )
    rows.append(
        row("classify", "one line", [partial(classify, t) for t in tasks(512)], calls=calls, rounds=rounds)
    )
    for characters in (2_000, 10_000, 100_000, 1_000_000):
        long = [partial(classify, task) for task in tasks(min(32, 2_000_000 // characters), characters)]
        rows.append(row("classify", f"{characters:,} characters", long, calls=calls // 10, rounds=rounds))
    append(heading, COLUMNS, rows)


if __name__ == "__main__":
    main()
