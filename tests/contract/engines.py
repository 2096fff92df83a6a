"""Engines over each database, and modes that tests write as they go."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from smart_spawn.app.runs import modes
from smart_spawn.engines import dbos_engine, memory_engine, own_engine
from smart_spawn.model import Price, Rates
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.engine import Run, RunSpec
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.ports import Ctx, Ended, Message, ModelAnswer, ModelCall, Purchase, Usage
from smart_spawn.settings import ProviderSettings, Settings
from smart_spawn.spawn.carry import Job
from smart_spawn.spawn.plan import Step as PlanStep
from smart_spawn.spawn.swarm import StepWork
from smart_spawn.store import Store

Script = Callable[[Ctx], Awaitable[Ended]]

PRICE = Price(base=Rates(prompt_usd_per_mtok=Decimal(1), completion_usd_per_mtok=Decimal(1000)))
"""The output decides: 1,000 tokens cost one dollar."""
LIMITED = ProviderSettings(base_url="http://127.0.0.1:9", max_calls_at_once=2, max_calls_per_minute=5)


def utc_now() -> datetime:
    return datetime.now(UTC)


def purchase(model: str = "vendor/model", *, tokens: int = 100, **options: Any) -> Purchase:
    call = ModelCall(
        model_id=model,
        messages=(Message(role="user", content="x" * 34),),  # with its frame 50 tokens at most: 50 micro-USD
        max_output_tokens=tokens,
    )
    return Purchase(**{"call": call, "price": PRICE, "provider": "fake", **options})


def worst_usd(tokens: int = 100) -> Decimal:
    """Return what the caps count for one call of `purchase(tokens=...)`."""
    return Decimal(tokens) / 1000 + Decimal("0.00005")


def answer(text: str = "done", *, cost: str | None = None, tokens: int = 10, delay_s: float = 0) -> Scripted:
    usage = Usage(prompt_tokens=0, completion_tokens=tokens)
    return Scripted(text=text, usage=usage, cost_usd=None if cost is None else Decimal(cost), delay_s=delay_s)


@dataclass
class Watched(FakeProvider):
    """A provider that counts who is being answered."""

    under_way: int = 0
    most_at_once: int = 0

    def __post_init__(self) -> None:
        super().__init__(default="ok")

    async def complete(self, call: ModelCall) -> ModelAnswer:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            return await super().complete(call)
        finally:
            self.under_way -= 1


@dataclass
class Bench:
    """An open engine, its store and its provider."""

    engine: ExecutorEngine
    store: Store
    chat: Watched
    scripts: dict[str, Script] = field(default_factory=dict)
    _names: Any = field(default_factory=itertools.count)

    async def submit(self, script: Script, *, idempotency_key: str | None = None, **spec: Any) -> str:
        """Queue a run of this script."""
        name = f"script-{next(self._names)}"
        self.scripts[name] = script
        request = {"script": name, **spec.pop("request", {})}
        return await self.engine.submit(
            RunSpec(mode="scripted", request=request, **{"timeout_s": 30, **spec}),
            idempotency_key=idempotency_key,
        )

    async def run(self, script: Script, **spec: Any) -> Run:
        """Queue a run of this script and wait for its end."""
        run = await self.engine.wait(await self.submit(script, **spec), 20)
        assert run.ended, run
        return run

    async def until(self, condition: Callable[[], bool], timeout_s: float = 10) -> None:
        """Wait until something has come about."""
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110  # it comes about in a database
                await asyncio.sleep(0.005)


async def nobody(job: Job, steps: Sequence[PlanStep]) -> list[StepWork]:
    """Stand in for the routing of steps that a planner made: these tests plan none."""
    return []


MAKERS: Mapping[str, Callable[..., ExecutorEngine]] = {
    "memory": memory_engine,
    "own": own_engine,
    "dbos": dbos_engine,
}


@asynccontextmanager
async def opened(kind: str, settings: Settings) -> AsyncIterator[Bench]:
    """Open an engine of a kind over the database of the settings."""
    chat = Watched()
    store = Store.in_memory() if kind == "memory" else _store(settings)
    scripts: dict[str, Script] = {}

    async def scripted(ctx: Ctx, request: Mapping[str, Any]) -> Ended:
        return await scripts[request["script"]](ctx)

    engine = MAKERS[kind.partition("-")[0]](
        store, settings, chat, {"scripted": scripted, **modes(nobody)}, clock=utc_now
    )
    await engine.open()
    try:
        yield Bench(engine=engine, store=store, chat=chat, scripts=scripts)
    finally:
        await engine.close()
        store.close()


def _store(settings: Settings) -> Store:
    from smart_spawn.store import open_store

    return open_store(settings)
