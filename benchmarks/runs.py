"""What durability costs: `python -m benchmarks.runs`, also `--database postgresql://...` for an empty one."""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks.record import append, headline, spread
from smart_spawn.engines import dbos_engine, memory_engine
from smart_spawn.model import Price, Rates
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.runs.engine import RunSpec
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.ports import Ctx, Ended, Message, ModelCall, Purchase
from smart_spawn.settings import Settings
from smart_spawn.store import Store, open_store
from smart_spawn.store import run_tables as t

PRICE = Price(base=Rates(prompt_usd_per_mtok=Decimal(1), completion_usd_per_mtok=Decimal(10)))
CALLS = 300
DAGS, DAG_STEPS = 100, 10
QUEUED = 1_000
LISTED = 100_000
TASK_CHARS = 2_000


async def _calls(ctx: Ctx, request: Mapping[str, Any]) -> Ended:
    """Make calls one after the other that are answered at once: what remains is the journal."""
    for number in range(request["calls"]):
        message = Message(role="user", content="hello")
        call = ModelCall(model_id="vendor/model", messages=(message,), max_output_tokens=100)
        await ctx.call(f"call-{number}", Purchase(call=call, price=PRICE, provider="fake"))
    return Ended()


async def _dag(ctx: Ctx, request: Mapping[str, Any]) -> Ended:
    """Do ten steps of one second, four of them at once: three waves."""
    await ctx.parallel(*(lambda n=n: ctx.step(f"step-{n}", asyncio.sleep, 1.0) for n in range(DAG_STEPS)))
    return Ended()


MODES = {"calls": _calls, "dag": _dag}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How long something took, and how long this process worked on it: the latter says more on a busy machine."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An engine over an open store."""

    engine: ExecutorEngine
    store: Store

    async def finish(self, *specs: RunSpec) -> Taken:
        """Submit runs and wait for all of them."""
        began, cpu = time.perf_counter(), time.process_time()
        ids = [await self.engine.submit(spec, idempotency_key=None) for spec in specs]
        for run_id in ids:
            run = await self.engine.wait(run_id, 300)
            assert run.status == "succeeded", run
        return Taken(wall_s=time.perf_counter() - began, cpu_s=time.process_time() - cpu)


async def _in_place(kind: str, settings: Settings, measure: Callable[[Place], Awaitable[Any]]) -> Any:
    with open_store(settings) as store:
        make = dbos_engine if kind == "dbos" else memory_engine
        engine = make(store, settings, FakeProvider(), MODES, clock=lambda: datetime.now(UTC))
        await engine.open()
        try:
            return await measure(Place(engine=engine, store=store))
        finally:
            await engine.close()


async def _steps(place: Place) -> list[Taken]:
    spec = RunSpec(mode="calls", request={"calls": CALLS}, cap_usd=Decimal(100))
    await place.finish(RunSpec(mode="calls", request={"calls": 5}))
    return [await place.finish(spec) for _ in range(5)]


async def _dags(place: Place) -> list[Taken]:
    return [await place.finish(*[RunSpec(mode="dag", request={})] * DAGS) for _ in range(3)]


async def _queued_mib(place: Place) -> list[float]:
    """Return the largest size of this process while many runs wait and are carried out."""
    request = {"calls": 1, "task": "x" * TASK_CHARS}
    await place.finish(*[RunSpec(mode="calls", request=request)] * QUEUED)
    return [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]


def _list_ms(settings: Settings) -> dict[str, list[float]]:
    """Return how long the newest 50 of many runs take to list: all, those of a rare status, those of one key."""
    now = datetime.now(UTC)
    with open_store(settings) as store:
        with store.database.write() as connection:
            connection.execute(insert(t.runs), [_row(number, now) for number in range(LISTED)])
            connection.execute(
                insert(t.run_keys),
                [{"key": _key(number), "run_id": f"run_{number:014x}"} for number in range(LISTED)],
            )
        return {
            "newest 50": _listing(store),
            "newest 50 failed": _listing(store, status="failed"),
            "newest 50 of a key that has 100": _listing(store, key="rare"),
        }


def _listing(store: Store, *, status: Any = None, key: str | None = None) -> list[float]:
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        assert len(store.runs.lines(status=status, limit=50, before=None, key=key)) == 50
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def _key(number: int) -> str:
    return "rare" if number % 1000 == 0 else "usual"


def _row(number: int, now: datetime) -> dict[str, Any]:
    return {
        "id": f"run_{number:014x}",
        "mode": "single",
        "status": "failed" if number % 1000 == 0 else "succeeded",
        "created_at": now + timedelta(microseconds=number),
        "deadline_at": now,
        "ended_at": now,
        "cancel_requested": False,
        "depth": 0,
        "queued_times": 1,
        "handed_out": True,
        "executions": 1,
        "events": 1,
        "purses": f'["run:run_{number:014x}","key:{_key(number)}:2026-11"]',
        "allow_unknown_price": False,
        "fingerprint": "",
        "request": b"{}" * 200,
        "outcome": b"{}" * 500,
    }


def main() -> None:
    """Measure and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="sqlite")
    given, _ = parser.parse_known_args()
    name = "SQLite" if given.database == "sqlite" else "PostgreSQL"
    heading = headline("python -m benchmarks.runs", ("dbos", "sqlalchemy", "msgspec"))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), database_url=given.database)
        for kind in ("memory", "dbos"):
            steps, dags, size = (
                asyncio.run(_in_place(kind, settings, measure)) for measure in (_steps, _dags, _queued_mib)
            )
            where = f"{kind} engine, {name}"
            rows += [
                [f"call step with reservation and bill, {where}", "ms", *_spreads(steps, 1000 / CALLS)],
                [
                    f"{DAGS} runs of {DAG_STEPS} one-second steps, 4 at once each, {where}",
                    "s",
                    *_spreads(dags),
                ],
                [
                    f"{QUEUED:,} queued runs carried out, largest process, {where}",
                    "MiB",
                    spread(size, 0),
                    "-",
                ],
            ]
        rows += [
            [f"{what}, among {LISTED:,} runs, {name}", "ms", spread(taken), "-"]
            for what, taken in _list_ms(settings).items()
        ]
    append(heading, ["what", "unit", "median (range)", "of it CPU of the process"], rows)


def _spreads(taken: Sequence[Taken], times: float = 1.0) -> list[str]:
    return [spread([getattr(each, which) * times for each in taken]) for which in ("wall_s", "cpu_s")]


if __name__ == "__main__":
    main()
