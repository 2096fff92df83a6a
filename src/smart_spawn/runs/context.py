"""`RunContext`: the `Ctx` that modes get from every engine, over the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from smart_spawn.errors import SmartSpawnError, StepFailed
from smart_spawn.runs.calling import Buying, Services
from smart_spawn.runs.engine import MAX_STEPS, Artifact
from smart_spawn.runs.journal import Begun, StepEnd
from smart_spawn.runs.ports import Purchase, Purchased
from smart_spawn.runs.wire import error_from_json, error_to_json, from_json, one_line, to_json
from smart_spawn.spawn.money import usd

T = TypeVar("T")

MAX_NAME_CHARS = 200
MAX_ARTIFACT_CHARS = 5_000_000

_working: ContextVar[str | None] = ContextVar("step under way", default=None)


class RunContext:
    """One execution of one run. Implements `Ctx`."""

    def __init__(self, begun: Begun, services: Services) -> None:
        self._begun = begun
        self._services = services
        self._slots = asyncio.Semaphore(services.max_parallel_steps)
        self._used: set[str] = set()
        self._said = set(begun.said)
        self._kept = set(begun.kept)

    @property
    def run_id(self) -> str:
        """See `Ctx.run_id`."""
        return self._begun.claim.run_id

    @property
    def deadline(self) -> datetime:
        """See `Ctx.deadline`."""
        return self._begun.deadline_at

    async def step(self, name: str, work: Callable[..., Awaitable[T]], *args: Any, returns: Any = None) -> T:
        """See `Ctx.step`."""
        self._take(name)
        before = self._begun.finished.get(name)
        if before is not None:
            if before.failed:
                raise error_from_json(before.body)
            return from_json(before.body, returns)  # type: ignore[no-any-return]  # as `returns` says
        async with self._slots:
            journal, written, claim = self._services.journal, self._services.written, self._begun.claim
            await written(journal.open_step, claim, name, model=None, provider=None)
            inside = _working.set(name)
            try:
                body = to_json(await work(*args), name)
            except SmartSpawnError as error:
                end = StepEnd(step=name, body=error_to_json(error), failed=True, error=one_line(error))
                await written(journal.close_step, claim, end, None)
                raise
            finally:
                _working.reset(inside)
            await written(journal.close_step, claim, StepEnd(step=name, body=body), None)
        return from_json(body, returns)  # type: ignore[no-any-return]  # as above

    async def call(self, name: str, purchase: Purchase) -> Purchased:
        """See `Ctx.call`."""
        self._take(name)
        before = self._begun.finished.get(name)
        if before is not None:
            bought: Purchased = from_json(before.body, Purchased)
            return bought
        async with self._slots:
            return await Buying.of(self._services, self._begun, name, purchase).buy()

    async def parallel(self, *branches: Callable[[], Awaitable[T]]) -> list[T | SmartSpawnError]:
        """See `Ctx.parallel`."""
        results: list[Any] = [None] * len(branches)

        async def one(position: int, branch: Callable[[], Awaitable[T]]) -> None:
            try:
                results[position] = await branch()
            except SmartSpawnError as error:
                results[position] = error

        try:
            async with asyncio.TaskGroup() as group:
                for position, branch in enumerate(branches):
                    group.create_task(one(position, branch))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        return results

    async def emit(self, name: str, data: Mapping[str, Any] | None = None, *, about: str = "") -> None:
        """See `Ctx.emit`."""
        once = f"{name}:{about}" if about else name
        _check_name(once)
        if once not in self._said:
            self._said.add(once)
            await self._services.written(
                self._services.journal.emit, self._begun.claim, name, dict(data or {}), once=once
            )

    async def artifact(
        self, step: str, content: str, *, name: str = "", model: str = "", kind: str = "text"
    ) -> None:
        """See `Ctx.artifact`."""
        _check_name(step)
        if step in self._kept:
            return
        if len(content) > MAX_ARTIFACT_CHARS:
            raise StepFailed(
                f"artifact of step `{step}` is {len(content):,} characters; the limit is {MAX_ARTIFACT_CHARS:,}",
                hint="keep it in parts, under several steps",
            )
        self._kept.add(step)
        kept = Artifact(
            step=step,
            name=name or step,
            content=content,
            model=model,
            kind=kind,
            created_at=self._services.clock(),
        )
        await self._services.written(self._services.journal.keep, self._begun.claim, kept)

    async def now(self, name: str) -> datetime:
        """See `Ctx.now`."""

        async def ask() -> datetime:
            return self._services.clock()

        return await self.step(name, ask, returns=datetime)

    async def left_usd(self) -> Decimal | None:
        """See `Ctx.left_usd`."""
        left = await self._services.written(self._services.journal.left_micro_usd, self._begun.claim)
        return None if left is None else usd(left)

    def _take(self, name: str) -> None:
        """Refuse what could not be told apart after a crash, or would wait for itself."""
        _check_name(name)
        if _working.get() is not None:
            raise StepFailed(
                f"step `{name}` was begun inside the work of step `{_working.get()}`",
                hint="use the context between steps, not in them",
            )
        if name in self._used:
            raise StepFailed(
                f"step name `{name}` is used twice in one run",
                hint="number the names, as in `attempt-0`",
            )
        if len(self._used) >= MAX_STEPS:
            raise StepFailed(f"a run may have {MAX_STEPS:,} steps", hint="start further runs for the rest")
        self._used.add(name)


def _check_name(name: str) -> None:
    if not 0 < len(name) <= MAX_NAME_CHARS or not name.isprintable():
        raise StepFailed(
            f"`{name[:40]}` is no name for a step or an event",
            hint=f"use 1 to {MAX_NAME_CHARS} printable characters",
        )
