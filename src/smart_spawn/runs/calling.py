"""One model call that is paid once: reserve, write down, call, settle; again where that may help.

The bill and the answer are stored in one transaction. A crash before it leaves an intent whose reservation stays
counted; a crash after it leaves an answer that is read back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import ParamSpec, TypeVar

from smart_spawn.errors import (
    BudgetExceeded,
    NoProvider,
    ProviderError,
    StoreCorrupt,
    StoreError,
    StoreUnwritable,
)
from smart_spawn.runs.journal import (
    Begun,
    Bill,
    CallIntent,
    CallLimits,
    Claim,
    Grant,
    Granted,
    Journal,
    JournalAway,
    Later,
    Short,
    StepEnd,
)
from smart_spawn.runs.lane import Lane
from smart_spawn.runs.patience import Breakers, RetryBudget
from smart_spawn.runs.ports import ChatClient, ModelAnswer, ModelCall, Purchase, Purchased
from smart_spawn.runs.wire import one_line, to_json
from smart_spawn.spawn.cost import billed, listed_usd
from smart_spawn.spawn.money import micro_usd, most_prompt_tokens, output_that_fits, usd, worst_case_micro_usd
from smart_spawn.spawn.reactions import MAY_BE_BILLED, Reaction, reaction_to, wait_s

P = ParamSpec("P")
T = TypeVar("T")

FITTING_TRIES = 4
"""How often a call is made smaller while others take from the same cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one process shares between the runs that it carries out."""

    journal: Journal
    lane: Lane
    chat: ChatClient
    clock: Callable[[], datetime]
    random: Callable[[], float]
    """Numbers in [0, 1)."""
    max_parallel_steps: int = 4
    limits: Mapping[str, CallLimits] = field(default_factory=dict)
    """By provider."""
    breakers: Breakers = field(default_factory=Breakers)
    retries: RetryBudget = field(default_factory=RetryBudget)

    async def written(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a method of the journal returns.

        Raises JournalAway, which no mode can take for the failure of a step, when the database does not answer or
        takes nothing more; another StoreError is about this one statement.
        """
        try:
            return await self.lane.run(work, *args, **kwargs)
        except StoreError as error:
            if self.lane.temporary(error) or isinstance(error, StoreUnwritable | StoreCorrupt):
                raise JournalAway(error.message) from error
            raise


@dataclass(slots=True, kw_only=True)
class Buying:
    """One purchase under way."""

    services: Services
    claim: Claim
    step: str
    purchase: Purchase
    capped: bool
    allow_unknown_price: bool
    number: int
    """Of the next try."""
    in_doubt_micro_usd: int
    opened: bool = False
    started_s: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @classmethod
    def of(cls, services: Services, begun: Begun, step: str, purchase: Purchase) -> Buying:
        """Go on where an earlier execution stopped. Raises ValueError for a call without an output limit."""
        if purchase.call.max_output_tokens is None:
            raise ValueError(f"call `{step}` needs `max_output_tokens`: without it there is no worst case")
        return cls(
            services=services,
            claim=begun.claim,
            step=step,
            purchase=purchase,
            capped=begun.capped,
            allow_unknown_price=begun.allow_unknown_price,
            number=begun.tries.get(step, 0),
            in_doubt_micro_usd=begun.in_doubt_micro_usd.get(step, 0),
        )

    async def buy(self) -> Purchased:
        """Call until there is an answer, or a reason to stop."""
        price, provider, model = self.purchase.price, self.purchase.provider, self.purchase.call.model_id
        self.services.retries.called(provider)
        error: ProviderError | BudgetExceeded | None = None
        for retry in range(self.purchase.retries + 1):
            refusal = self.services.breakers.refusal(provider, model, self._loop_s())
            if refusal is not None:
                return await self._ended(None, error or refusal)
            try:
                reserved = await self._reserved()
            except BaseException:
                self.services.breakers.gave_up(provider, model)  # a probe that never became a call
                raise
            if isinstance(reserved, BudgetExceeded):
                self.services.breakers.gave_up(provider, model)
                return await self._ended(None, error or reserved)
            call, worst = reserved
            try:
                answer = await self._called(call)
            except ProviderError as failed:
                error = failed
                bill = self._failed(failed, worst)
                wait = self._wait_s(failed, retries_left=self.purchase.retries - retry)
                if wait is None:
                    return await self._ended(bill, failed, call=call)
                await self.services.written(self.services.journal.settle, self.claim, bill)
                await asyncio.sleep(wait)
                continue
            listed = listed_usd(price, answer.usage, self.services.clock())
            return await self._answered(call, worst, answer, listed)
        raise AssertionError("the last retry returns")

    async def _reserved(self) -> tuple[ModelCall, int] | BudgetExceeded:
        """Set the worst case aside and write the intent down; with less output where the cap is short."""
        call, price = self.purchase.call, self.purchase.price
        prompt_tokens, at = most_prompt_tokens(call.messages), self.services.clock()
        room = call.max_output_tokens or 0
        left = 0
        worst: int | None = None
        for _ in range(FITTING_TRIES):
            worst = worst_case_micro_usd(price, prompt_tokens=prompt_tokens, max_output_tokens=room, at=at)
            if worst is None and self.capped and not self.allow_unknown_price:
                return _no_price(call.model_id)
            grant = await self._granted(worst or 0)
            if isinstance(grant, Granted):
                return replace(call, max_output_tokens=room), worst or 0
            assert isinstance(grant, Short)  # noqa: S101  # `_granted` waits the third kind out
            left = grant.left_micro_usd
            fitting = output_that_fits(price, left, prompt_tokens=prompt_tokens, most=room, at=at)
            if self.purchase.min_output_tokens is None or fitting < max(1, self.purchase.min_output_tokens):
                break
            room = min(fitting, room)
        return BudgetExceeded(
            f"the call can cost {usd(worst or 0):f} USD and {usd(left):f} USD are left under the cap",
            hint="raise `maxCostUsd`, lower the `budget`, or shorten the task",
            details={"worstCaseUsd": str(usd(worst or 0)), "leftUsd": str(usd(left)), "step": self.step},
        )

    async def _granted(self, worst: int) -> Grant:
        """Reserve once the provider's limits allow a call at all."""
        intent = CallIntent(
            step=self.step,
            number=self.number,
            model=self.purchase.call.model_id,
            provider=self.purchase.provider,
            worst_micro_usd=worst,
            limits=self.services.limits.get(self.purchase.provider, CallLimits()),
        )
        while True:
            try:
                grant = await self.services.written(self.services.journal.open_call, self.claim, intent)
            except asyncio.CancelledError:
                unused = Bill(step=self.step, number=self.number, cost_micro_usd=0)
                await asyncio.shield(self.services.written(self.services.journal.settle, self.claim, unused))
                raise
            if not isinstance(grant, Later):
                self.opened = self.opened or isinstance(grant, Granted)
                return grant
            await asyncio.sleep(min(grant.wait_s, 1.0) * (1 + self.services.random()))

    async def _called(self, call: ModelCall) -> ModelAnswer:
        """Call once. What breaks it off without a bill leaves it in doubt."""
        provider, model = self.purchase.provider, call.model_id
        try:
            answer = await self.services.chat.complete(call)
        except ProviderError as error:
            self.services.breakers.failed(provider, model, error, self._loop_s())
            raise
        except BaseException:
            self.services.breakers.gave_up(provider, model)
            unknown = Bill(step=self.step, number=self.number, cost_micro_usd=None)
            await asyncio.shield(self.services.written(self.services.journal.settle, self.claim, unknown))
            raise
        self.services.breakers.answered(provider, model)
        return answer

    def _failed(self, error: ProviderError, worst: int) -> Bill:
        billed_perhaps = type(error) in MAY_BE_BILLED
        bill = Bill(step=self.step, number=self.number, cost_micro_usd=None if billed_perhaps else 0)
        self.number += 1
        self.in_doubt_micro_usd += worst if billed_perhaps else 0
        return bill

    def _wait_s(self, error: ProviderError, *, retries_left: int) -> float | None:
        """Return how long to wait before the next try; `None` when there is none."""
        if not retries_left or isinstance(error, NoProvider) or reaction_to(error) is not Reaction.RETRY:
            return None
        wait = wait_s(error, random=self.services.random())
        if wait > self.purchase.patience_s or not self.services.retries.take(self.purchase.provider):
            return None
        return wait

    async def _answered(
        self, call: ModelCall, worst: int, answer: ModelAnswer, listed: Decimal | None
    ) -> Purchased:
        cost, source = billed(answer, listed)
        bill = Bill(
            step=self.step, number=self.number, cost_micro_usd=None if cost is None else micro_usd(cost)
        )
        self.number += 1
        self.in_doubt_micro_usd += worst if cost is None else 0
        done = replace(
            self._so_far(call),
            answer=answer,
            cost_usd=cost,
            cost_source=source,
            listed_usd=listed,
        )
        await self._close(done, bill)
        return done

    async def _ended(
        self, bill: Bill | None, error: ProviderError | BudgetExceeded, *, call: ModelCall | None = None
    ) -> Purchased:
        done = replace(self._so_far(call), error=error)
        if not self.opened:
            journal, model = self.services.journal, self.purchase.call.model_id
            await self.services.written(
                journal.open_step, self.claim, self.step, model=model, provider=self.purchase.provider
            )
        await self._close(done, bill)
        return done

    async def _close(self, done: Purchased, bill: Bill | None) -> None:
        end = StepEnd(
            step=self.step,
            body=to_json(done, self.step),
            failed=done.error is not None,
            error=None if done.error is None else one_line(done.error),
        )
        await self.services.written(self.services.journal.close_step, self.claim, end, bill)

    def _so_far(self, call: ModelCall | None) -> Purchased:
        return Purchased(
            step=self.step,
            model=self.purchase.call.model_id,
            provider=self.purchase.provider,
            in_doubt_usd=usd(self.in_doubt_micro_usd),
            tries=self.number,
            latency_ms=(self._loop_s() - self.started_s) * 1000,
            max_output_tokens=None if call is None else call.max_output_tokens,
        )

    @staticmethod
    def _loop_s() -> float:
        return asyncio.get_running_loop().time()


def _no_price(model: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"`{model}` has no known price, so the cost cap cannot be kept",
        hint="leave `maxCostUsd` out, or choose a model with a price",
        details={"model": model},
    )
