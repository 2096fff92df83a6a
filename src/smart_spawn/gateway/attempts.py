"""One model after the other until one answers: retries, circuit breakers, fallbacks, money."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from smart_spawn.errors import BudgetExceeded, ProviderError, RateLimited
from smart_spawn.gateway.limits import Limits, Pass
from smart_spawn.gateway.reading import Ask
from smart_spawn.gateway.reasoning import Authors, for_reader
from smart_spawn.gateway.shapes import Asker
from smart_spawn.gateway.spending import Held, Till
from smart_spawn.runs.patience import Breakers, RetryBudget
from smart_spawn.runs.ports import RelayCall
from smart_spawn.spawn.outcome import Rung
from smart_spawn.spawn.reactions import MAY_BE_BILLED, PATIENCE_S, Reaction, reaction_to, wait_s

T = TypeVar("T")
Begin = Callable[[RelayCall], Awaitable[T]]
"""Makes a call, up to the moment from which nobody else can take over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Won(Generic[T]):
    """Who answers, and what of it is there."""

    rung: Rung
    held: Held
    place: Pass
    """To be handed back when the call has ended."""
    answer: T


@dataclass(slots=True, kw_only=True)
class Caller:
    """What the calls of one process share."""

    till: Till
    limits: Limits
    authors: Authors
    clock: Callable[[], datetime]
    random: Callable[[], float]
    """Numbers in [0, 1)."""
    breakers: Breakers = field(default_factory=Breakers)
    retries: RetryBudget = field(default_factory=RetryBudget)

    async def first(self, ask: Ask, asker: Asker, rungs: Sequence[Rung], begin: Begin[T]) -> Won[T]:
        """Return the first answer on the ladder. Raises the failure of the last who was asked."""
        closed: set[str] = set()
        last: ProviderError | BudgetExceeded | None = None
        for at, rung in enumerate(rungs):
            if rung.provider in closed:
                continue
            # To change the model in the middle of its work, or to give up, is worth less than a short wait.
            patient = at == len(rungs) - 1 or (ask.waits_for_tools and at == 0)
            try:
                return await self._one(ask, asker, rung, begin, retries=rung.retries if patient else 0)
            except BudgetExceeded as error:
                last = last or error
            except ProviderError as error:
                last = error
                reaction = reaction_to(error)
                if reaction is Reaction.STOP:
                    raise
                if reaction is Reaction.ELSEWHERE:
                    closed.add(rung.provider)
        assert last is not None  # noqa: S101  # a ladder has at least one rung, and the first is never closed
        raise last

    async def _one(self, ask: Ask, asker: Asker, rung: Rung, begin: Begin[T], *, retries: int) -> Won[T]:
        self.retries.called(rung.provider)
        while True:
            try:
                return await self._try(ask, asker, rung, begin)
            except ProviderError as error:
                if not retries or reaction_to(error) is not Reaction.RETRY or "breaker" in error.details:
                    raise
                wait = wait_s(error, random=self.random())
                if wait > PATIENCE_S or not self.retries.take(rung.provider):
                    raise
                retries -= 1
                await asyncio.sleep(wait)

    async def _try(self, ask: Ask, asker: Asker, rung: Rung, begin: Begin[T]) -> Won[T]:
        refusal = self.breakers.refusal(rung.provider, rung.model_id, _now_s())
        if refusal is not None:
            raise refusal
        try:
            place = self.limits.take(rung.provider, rung.model_id, _now_s())
        except RateLimited:
            self.breakers.gave_up(rung.provider, rung.model_id)
            raise
        try:
            held = await self.till.hold(ask, rung, asker.key_cap, at=self.clock())
            answer = await begin(self.call(ask, rung, held))
        except ProviderError as error:
            place.hand_back()
            await self.failed(rung, asker, held, error)
            raise
        except BaseException:
            place.hand_back()
            self.breakers.gave_up(rung.provider, rung.model_id)
            raise
        self.breakers.answered(rung.provider, rung.model_id)
        return Won(rung=rung, held=held, place=place, answer=answer)

    async def failed(self, rung: Rung, asker: Asker, held: Held, error: ProviderError) -> None:
        """Note a failure. What was not worked on gives its money back; what may have been keeps it set aside."""
        self.breakers.failed(rung.provider, rung.model_id, error, _now_s())
        if type(error) not in MAY_BE_BILLED:
            await self.till.bill(asker.key_cap, held, Decimal(0))

    def call(self, ask: Ask, rung: Rung, held: Held) -> RelayCall:
        """Return what this model is asked: the caller's words, without the reasoning of other models."""
        reader = (rung.provider, rung.model_id)
        return RelayCall(
            model_id=rung.model_id,
            body={**ask.body, "messages": for_reader(ask.messages, reader, self.authors)},
            max_output_tokens=held.max_output_tokens,
            reasoning_effort=_effort(ask, rung),
            timeout_s=rung.timeout_s,
            only_hosts=rung.only_hosts,
            deny_training=rung.deny_training,
            zero_retention=rung.zero_retention,
        )


def _effort(ask: Ask, rung: Rung) -> str | None:
    """Return the effort to ask for: the caller's own, unless we chose a model that takes none."""
    if ask.wanted.model_id is not None:
        return ask.effort
    return (ask.effort or rung.effort) if rung.supports_effort else None


def _now_s() -> float:
    return asyncio.get_running_loop().time()
