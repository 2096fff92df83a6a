"""A `Ctx` without memory: modes carried out in this process, for replays, tests and one-shot calls.

It keeps the cap, the retries and the width of a run as the engines do; a crash loses everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from smart_spawn.errors import BudgetExceeded, NoProvider, ProviderError, SmartSpawnError
from smart_spawn.runs.ports import ChatClient, ModelCall, Purchase, Purchased
from smart_spawn.spawn.cost import billed, listed_usd
from smart_spawn.spawn.money import (
    Purse,
    micro_usd,
    most_prompt_tokens,
    output_that_fits,
    usd,
    worst_case_micro_usd,
)
from smart_spawn.spawn.reactions import MAY_BE_BILLED, Reaction, reaction_to, wait_s

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class InlineCtx:
    """One run in this process. Implements `Ctx`."""

    chat: ChatClient
    clock: Callable[[], datetime]
    random: Callable[[], float]
    """Numbers in [0, 1)."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    run_id: str = "run_inline"
    timeout_s: float = 1800.0
    purse: Purse = field(default_factory=Purse)
    allow_unknown_price: bool = True
    most_at_once: int = 4
    used: set[str] = field(default_factory=set)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    artifacts: dict[str, str] = field(default_factory=dict)
    _slots: asyncio.Semaphore | None = None
    _begun: datetime | None = None

    @property
    def deadline(self) -> datetime:
        """See `Ctx.deadline`. Counted from the first time that anybody asks."""
        self._begun = self._begun or self.clock()
        return self._begun + timedelta(seconds=self.timeout_s)

    async def step(self, name: str, work: Callable[..., Awaitable[T]], *args: Any, returns: Any = None) -> T:
        """See `Ctx.step`."""
        self._take(name)
        return await work(*args)

    async def call(self, name: str, purchase: Purchase) -> Purchased:
        """See `Ctx.call`."""
        self._take(name)
        if self._slots is None:
            self._slots = asyncio.Semaphore(self.most_at_once)
        async with self._slots:
            return await self._bought(name, purchase)

    async def parallel(self, *branches: Callable[[], Awaitable[T]]) -> list[T | SmartSpawnError]:
        """See `Ctx.parallel`."""
        results: list[Any] = [None] * len(branches)

        async def one(place: int, branch: Callable[[], Awaitable[T]]) -> None:
            try:
                results[place] = await branch()
            except SmartSpawnError as error:
                results[place] = error

        try:
            async with asyncio.TaskGroup() as group:
                for place, branch in enumerate(branches):
                    group.create_task(one(place, branch))
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        return results

    async def emit(self, name: str, data: Mapping[str, Any] | None = None, *, about: str = "") -> None:
        """See `Ctx.emit`."""
        self.events.append((name, dict(data or {})))

    async def artifact(
        self, step: str, content: str, *, name: str = "", model: str = "", kind: str = "text"
    ) -> None:
        """See `Ctx.artifact`."""
        self.artifacts.setdefault(step, content)

    async def now(self, name: str) -> datetime:
        """See `Ctx.now`."""
        self._take(name)
        return self.clock()

    async def left_usd(self) -> Decimal | None:
        """See `Ctx.left_usd`."""
        left = self.purse.left_micro_usd
        return None if left is None else usd(left)

    def _take(self, name: str) -> None:
        if name in self.used:
            raise ValueError(f"step name `{name}` is used twice in one run")
        self.used.add(name)

    async def _bought(self, name: str, purchase: Purchase) -> Purchased:
        """Call until there is an answer, or a reason to stop."""
        started = asyncio.get_running_loop().time()
        so_far = Purchased(step=name, model=purchase.call.model_id, provider=purchase.provider)
        error: SmartSpawnError | None = None
        for retry in range(purchase.retries + 1):
            try:
                call, worst = self._reserved(purchase)
            except BudgetExceeded as over:
                return replace(so_far, error=error or over)
            so_far = replace(so_far, tries=retry + 1, max_output_tokens=call.max_output_tokens)
            try:
                answer = await self.chat.complete(call)
            except ProviderError as failed:
                error = failed
                doubt = type(failed) in MAY_BE_BILLED
                self.purse = self.purse.settle(worst, None if doubt else 0)
                latency = (asyncio.get_running_loop().time() - started) * 1000
                so_far = replace(
                    so_far,
                    in_doubt_usd=so_far.in_doubt_usd + (usd(worst) if doubt else 0),
                    latency_ms=latency,
                )
                wait = wait_s(failed, random=self.random())
                again = reaction_to(failed) is Reaction.RETRY and not isinstance(failed, NoProvider)
                if not again or retry == purchase.retries or wait > purchase.patience_s:
                    break
                await self.sleep(wait)
                continue
            listed = listed_usd(purchase.price, answer.usage, self.clock())
            cost, source = billed(answer, listed)
            self.purse = self.purse.settle(worst, None if cost is None else micro_usd(cost))
            return replace(
                so_far,
                answer=answer,
                cost_usd=cost,
                cost_source=source,
                listed_usd=listed,
                in_doubt_usd=so_far.in_doubt_usd + (usd(worst) if cost is None else 0),
                latency_ms=(asyncio.get_running_loop().time() - started) * 1000,
            )
        return replace(so_far, error=error)

    def _reserved(self, purchase: Purchase) -> tuple[ModelCall, int]:
        """Set the call's worst case aside, with less output where the cap is short. Raises BudgetExceeded."""
        call, at = purchase.call, self.clock()
        prompt_tokens = most_prompt_tokens(call.messages)
        room = call.max_output_tokens or 0
        left = self.purse.left_micro_usd
        if left is not None and purchase.price.known and purchase.min_output_tokens is not None:
            fitting = output_that_fits(purchase.price, left, prompt_tokens=prompt_tokens, most=room, at=at)
            room = max(fitting, min(purchase.min_output_tokens, room))
        worst = worst_case_micro_usd(
            purchase.price, prompt_tokens=prompt_tokens, max_output_tokens=room, at=at
        )
        if worst is None and left is not None and not self.allow_unknown_price:
            raise BudgetExceeded(
                f"`{call.model_id}` has no known price, so `maxCostUsd` cannot be kept",
                hint="leave `maxCostUsd` out, or choose a model with a price",
                details={"model": call.model_id},
            )
        self.purse = self.purse.reserve(worst or 0)
        return replace(call, max_output_tokens=room), worst or 0
