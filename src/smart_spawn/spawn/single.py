"""Single mode: the first candidate does the task; when it cannot, the next one does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from smart_spawn.errors import BudgetExceeded, NoProvider, ProviderError, SmartSpawnError, TimedOut
from smart_spawn.model import Mode
from smart_spawn.runs.ports import ChatClient, Message, ModelAnswer, ModelCall
from smart_spawn.spawn.cost import billed, cost_of, listed_usd
from smart_spawn.spawn.money import (
    Purse,
    micro_usd,
    most_prompt_tokens,
    output_that_fits,
    usd,
    worst_case_micro_usd,
)
from smart_spawn.spawn.outcome import Attempt, Baseline, Rung, SpawnOutcome, Status
from smart_spawn.spawn.reactions import MAY_BE_BILLED, PATIENCE_S, Reaction, reaction_to, wait_s
from smart_spawn.spawn.request import SpawnRequest

MAX_OUTPUT_TOKENS = 16_000
"""What one answer may use, thinking included, where the model allows as much."""
MIN_OUTPUT_TOKENS = 1_000
"""A cost cap that leaves less than this is a refusal: a cut answer helps nobody and is paid all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The owner's limits of a run; a request can only lower them."""

    cap_usd: Decimal | None = None
    timeout_s: float = 1800.0


async def single(
    request: SpawnRequest,
    ladder: Sequence[Rung],
    chat: ChatClient,
    *,
    now: Callable[[], datetime],
    random: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    limits: Limits | None = None,
    baseline: Baseline | None = None,
    role: str = "",
) -> SpawnOutcome:
    """Have the first rung do the task, and the following ones when it fails. Costs model calls.

    Failures of providers, the cost cap and the deadline end up in the outcome, with every attempt; nothing of
    that is raised. `ladder` is in order of preference, never empty. `random` gives numbers in [0, 1).
    """
    if not ladder:
        raise ValueError("single mode needs at least one rung")
    bounds = limits or Limits()
    timeout_s = min(request.timeout_s or bounds.timeout_s, bounds.timeout_s)
    caps = [cap for cap in (request.max_cost_usd, bounds.cap_usd) if cap is not None]
    run = _Run(
        request=request,
        role=role,
        chat=chat,
        now=now,
        random=random,
        sleep=sleep,
        purse=Purse(cap_micro_usd=int(min(caps) * 1_000_000) if caps else None),
        deadline=asyncio.get_running_loop().time() + timeout_s,
        warnings=[f"`{name}` has no effect in mode `single`" for name in request.idle_fields],
    )
    try:
        async with asyncio.timeout_at(run.deadline) as scope:
            await run.climb(ladder)
    except TimeoutError:
        if not scope.expired():
            raise
        if run.answer is None:
            run.error = TimedOut(
                f"the run's deadline of {timeout_s:g} s passed",
                hint="raise `timeoutS`, or choose a faster model with a lower effort",
            )
            return run.outcome("timed_out", baseline)
    return run.outcome(_status(run), baseline)


def _status(run: _Run) -> Status:
    if run.answer is not None:
        return "succeeded"
    return "budget_exceeded" if isinstance(run.error, BudgetExceeded) else "failed"


@dataclass(slots=True, kw_only=True)
class _Run:
    """What is known so far while the ladder is climbed."""

    request: SpawnRequest
    role: str
    """Whom the model is asked to be; empty is nobody."""
    chat: ChatClient
    now: Callable[[], datetime]
    random: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    purse: Purse
    deadline: float
    """On the event loop's clock, in seconds."""
    attempts: list[Attempt] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    answer: Attempt | None = None
    listed_usd: Decimal | None = None
    error: SmartSpawnError | None = None

    async def climb(self, ladder: Sequence[Rung]) -> None:
        """Try the rungs in order until one answers, or none can."""
        closed: set[str] = set()  # providers that refused our key or our account
        for position, rung in enumerate(ladder):
            if rung.provider in closed:
                continue
            others_left = any(other.provider not in closed for other in ladder[position + 1 :])
            error = await self._tried(rung, others_left=others_left)
            if error is None:
                return
            self._remember(error)
            if isinstance(error, ProviderError):
                reaction = reaction_to(error)
                if reaction is Reaction.STOP:
                    return
                if reaction is Reaction.ELSEWHERE:
                    closed.add(rung.provider)

    async def _tried(self, rung: Rung, *, others_left: bool) -> SmartSpawnError | None:
        """Call one rung, again after failures that may pass. Returns the error that ended it."""
        error: ProviderError | None = None
        for retry in range(rung.retries + 1):
            try:
                call, reserved = self._reserved(rung)
            except BudgetExceeded as over:
                return error or over  # what made a second call necessary tells more
            error = await self._called(rung, call, reserved)
            if error is None or reaction_to(error) is not Reaction.RETRY or retry == rung.retries:
                return error
            wait = wait_s(error, random=self.random())
            left = self.deadline - asyncio.get_running_loop().time()
            if wait >= left or (others_left and wait > PATIENCE_S):
                return error
            await self.sleep(wait)
        return error

    def _reserved(self, rung: Rung) -> tuple[ModelCall, int]:
        """Set the call's worst case aside, with less room for output where the cap asks for it."""
        system = (Message(role="system", content=self.role),) if self.role else ()
        messages = (*system, Message(role="user", content=self.request.task))
        prompt_tokens = most_prompt_tokens(messages)
        room = min(rung.max_output_tokens or MAX_OUTPUT_TOKENS, MAX_OUTPUT_TOKENS)
        at = self.now()
        if self.purse.left_micro_usd is not None and rung.price.known:
            fitting = output_that_fits(
                rung.price, self.purse.left_micro_usd, prompt_tokens=prompt_tokens, most=room, at=at
            )
            room = max(fitting, min(MIN_OUTPUT_TOKENS, room))
        worst = worst_case_micro_usd(rung.price, prompt_tokens=prompt_tokens, max_output_tokens=room, at=at)
        if worst is None:
            self._check_unknown_price(rung)
        self.purse = self.purse.reserve(worst or 0)
        call = ModelCall(
            model_id=rung.model_id,
            messages=messages,
            max_output_tokens=room,
            reasoning_effort=rung.effort if rung.supports_effort else None,
            timeout_s=rung.timeout_s,
            only_hosts=rung.only_hosts,
            deny_training=rung.deny_training,
            zero_retention=rung.zero_retention,
        )
        return call, worst or 0

    def _check_unknown_price(self, rung: Rung) -> None:
        """Refuse a model without a price under the caller's own cap; under the owner's, say that none holds."""
        if self.request.max_cost_usd is not None:
            raise BudgetExceeded(
                f"`{rung.model_id}` has no known price, so `maxCostUsd` cannot be kept",
                hint="leave `maxCostUsd` out, or choose a model with a price",
                details={"model": rung.model_id},
            )
        warning = f"`{rung.model_id}` has no known price: its cost is not counted against the cap"
        if warning not in self.warnings:
            self.warnings.append(warning)

    async def _called(self, rung: Rung, call: ModelCall, reserved: int) -> ProviderError | None:
        started = asyncio.get_running_loop().time()

        def failed(error: ProviderError) -> None:
            latency_ms = (asyncio.get_running_loop().time() - started) * 1000
            self.attempts.append(
                Attempt(
                    model=rung.model_id,
                    provider=rung.provider,
                    effort=call.reasoning_effort,
                    latency_ms=latency_ms,
                    error=error,
                )
            )

        try:
            answer = await self.chat.complete(call)
        except asyncio.CancelledError:
            failed(TimedOut("broken off while it was under way", provider=rung.provider, model=rung.model_id))
            raise
        except ProviderError as error:
            if not isinstance(error, NoProvider):  # nobody was called
                failed(error)
            self.purse = self.purse.settle(reserved, None if type(error) in MAY_BE_BILLED else 0)
            return error
        self._answered(rung, call, answer, reserved)
        return None

    def _answered(self, rung: Rung, call: ModelCall, answer: ModelAnswer, reserved: int) -> None:
        self.listed_usd = listed_usd(rung.price, answer.usage, self.now())
        cost, source = billed(answer, self.listed_usd)
        self.purse = self.purse.settle(reserved, None if cost is None else micro_usd(cost))
        self.answer = Attempt(
            model=rung.model_id,
            provider=answer.provider,
            effort=call.reasoning_effort,
            text=answer.text,
            usage=answer.usage,
            cost_usd=cost,
            cost_source=source,
            latency_ms=answer.latency_ms,
            finish_reason=answer.finish_reason,
        )
        self.attempts.append(self.answer)
        if answer.finish_reason == "length":
            self.warnings.append(f"the answer was cut off at {call.max_output_tokens:,} output tokens")

    def _remember(self, error: SmartSpawnError) -> None:
        """Keep the error that tells most: a failed call before a cap before a missing provider."""
        order = (NoProvider, BudgetExceeded, SmartSpawnError)
        rank = [
            next(i for i, kind in enumerate(order) if isinstance(e, kind)) for e in (self.error, error) if e
        ]
        if self.error is None or rank[-1] >= rank[0]:
            self.error = error

    def outcome(self, status: Status, baseline: Baseline | None) -> SpawnOutcome:
        """Return how the run stands, as the mode hands it back."""
        answer = self.answer
        return SpawnOutcome(
            mode=Mode.SINGLE,
            status=status,
            output=answer.text if answer else "",
            model=answer.model if answer else None,
            responses=tuple(self.attempts),
            usage=answer.usage if answer else None,
            cost=cost_of(
                answer,
                listed_usd=self.listed_usd,
                in_doubt_usd=usd(self.purse.held_micro_usd),
                baseline=baseline,
                at=self.now(),
            ),
            warnings=tuple(self.warnings),
            error=None if answer else self.error,
        )
