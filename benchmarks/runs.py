"""What durability costs: `python -m benchmarks.runs`, also `--database postgresql://...` for an empty one."""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
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
class Place:
    """An engine over an open store."""

    engine: ExecutorEngine
    store: Store

    async def finish(self, *specs: RunSpec) -> float:
        """Submit runs and wait for all of them; return the seconds."""
        began = time.perf_counter()
        ids = [await self.engine.submit(spec, idempotency_key=None) for spec in specs]
        for run_id in ids:
            run = await self.engine.wait(run_id, 300)
            assert run.status == "succeeded", run
        return time.perf_counter() - began


async def _in_place(kind: str, settings: Settings, measure: Callable[[Place], Awaitable[Any]]) -> Any:
    with open_store(settings) as store:
        make = dbos_engine if kind == "dbos" else memory_engine
        engine = make(store, settings, FakeProvider(), MODES, clock=lambda: datetime.now(UTC))
        await engine.open()
        try:
            return await measure(Place(engine=engine, store=store))
        finally:
            await engine.close()


async def _step_ms(place: Place) -> list[float]:
    spec = RunSpec(mode="calls", request={"calls": CALLS}, cap_usd=Decimal(100))
    await place.finish(RunSpec(mode="calls", request={"calls": 5}))
    return [await place.finish(spec) / CALLS * 1000 for _ in range(3)]


async def _dags_s(place: Place) -> list[float]:
    return [await place.finish(*[RunSpec(mode="dag", request={})] * DAGS) for _ in range(2)]


async def _queued_mib(place: Place) -> list[float]:
    """Return the largest size of this process while many runs wait and are carried out."""
    request = {"calls": 1, "task": "x" * TASK_CHARS}
    await place.finish(*[RunSpec(mode="calls", request=request)] * QUEUED)
    return [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]


def _list_ms(settings: Settings) -> tuple[list[float], list[float]]:
    """Return how long the newest 50 of many runs take to list: all, and those of a rare status."""
    now = datetime.now(UTC)
    with open_store(settings) as store:
        with store.database.write() as connection:
            connection.execute(insert(t.runs), [_row(number, now) for number in range(LISTED)])
        return _listing(store, None), _listing(store, "failed")


def _listing(store: Store, status: Any) -> list[float]:
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        assert len(store.runs.lines(status=status, limit=50, before=None)) == 50
        taken.append((time.perf_counter() - began) * 1000)
    return taken


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
        "purses": "[]",
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
                asyncio.run(_in_place(kind, settings, measure))
                for measure in (_step_ms, _dags_s, _queued_mib)
            )
            rows += [
                [f"call step with reservation and bill, {kind} engine, {name}", "ms", spread(steps)],
                [
                    f"{DAGS} runs of {DAG_STEPS} one-second steps, 4 at once each, {kind} engine, {name}",
                    "s",
                    spread(dags),
                ],
                [
                    f"{QUEUED:,} queued runs carried out, largest process, {kind} engine, {name}",
                    "MiB",
                    spread(size, 0),
                ],
            ]
        every, rare = _list_ms(settings)
    rows.append([f"newest 50 of {LISTED:,} runs, {name}", "ms", spread(every)])
    rows.append([f"newest 50 failed of {LISTED:,} runs, {name}", "ms", spread(rare)])
    append(heading, ["what", "unit", "median (range)"], rows)


if __name__ == "__main__":
    main()
