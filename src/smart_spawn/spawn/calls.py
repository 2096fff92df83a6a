"""One task put to models over the run port: messages, purchases, attempts, and who comes next after a failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smart_spawn.errors import NoProvider, ProviderError, SmartSpawnError, StepFailed
from smart_spawn.runs.ports import Ctx, Message, ModelCall, Purchase, Purchased
from smart_spawn.spawn.gate import Demands, Verdict, examine
from smart_spawn.spawn.outcome import Attempt, Rung
from smart_spawn.spawn.reactions import PATIENCE_S, Reaction, reaction_to

MAX_OUTPUT_TOKENS = 16_000
"""What one answer may use, thinking included, where the model allows as much."""
MIN_OUTPUT_TOKENS = 1_000
"""A cost cap that leaves less than this is a refusal: a cut answer helps nobody and is paid all the same."""
LAST_PATIENCE_S = 60.0
"""The longest wait before a retry where nobody else is left to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What is to be done, and as whom."""

    task: str
    role: str = ""
    """The composed role; empty is none."""
    demands: Demands = field(default_factory=Demands)

    def messages(self) -> tuple[Message, ...]:
        """Return the conversation that a model gets."""
        system = (Message(role="system", content=self.role),) if self.role else ()
        return (*system, Message(role="user", content=self.task))


def purchase_of(
    rung: Rung,
    messages: Sequence[Message],
    *,
    most_output_tokens: int = MAX_OUTPUT_TOKENS,
    response_format: Mapping[str, Any] | None = None,
    patience_s: float = PATIENCE_S,
) -> Purchase:
    """Return the call of one rung with what its money needs."""
    room = min(rung.max_output_tokens or most_output_tokens, most_output_tokens)
    call = ModelCall(
        model_id=rung.model_id,
        messages=tuple(messages),
        max_output_tokens=room,
        reasoning_effort=rung.effort if rung.supports_effort else None,
        response_format=response_format,
        timeout_s=rung.timeout_s,
        only_hosts=rung.only_hosts,
        deny_training=rung.deny_training,
        zero_retention=rung.zero_retention,
    )
    return Purchase(
        call=call,
        price=rung.price,
        provider=rung.provider,
        retries=rung.retries,
        patience_s=patience_s,
        min_output_tokens=min(MIN_OUTPUT_TOKENS, room),
    )


def attempt_of(bought: Purchased, rung: Rung, verdict: Verdict | None) -> Attempt:
    """Return what came of a purchase, as outcomes keep it."""
    answer = bought.answer
    return Attempt(
        step=bought.step,
        model=rung.model_id,
        provider=answer.provider if answer else rung.provider,
        effort=rung.effort if rung.supports_effort else None,
        text=answer.text if answer else "",
        usage=answer.usage if answer else None,
        cost_usd=bought.cost_usd,
        cost_source=bought.cost_source,
        listed_usd=bought.listed_usd,
        in_doubt_usd=bought.in_doubt_usd,
        latency_ms=answer.latency_ms if answer else bought.latency_ms,
        finish_reason=answer.finish_reason if answer else None,
        error=bought.error,
        verdict=verdict,
    )


async def asked(ctx: Ctx, name: str, rung: Rung, brief: Brief, *, patience_s: float = PATIENCE_S) -> Attempt:
    """Put the task to one model and look at the answer. Costs a model call; failures are in the attempt."""
    bought = await ctx.call(name, purchase_of(rung, brief.messages(), patience_s=patience_s))
    if bought.answer is None:
        return attempt_of(bought, rung, None)
    verdict = examine(bought.answer.text, finish_reason=bought.answer.finish_reason, demands=brief.demands)
    return attempt_of(bought, rung, verdict)


@dataclass(slots=True)
class Closed:
    """Providers that refused our key or our account in this run: nobody asks them again."""

    names: set[str]
    stopped: SmartSpawnError | None = None
    """A failure that no other candidate would have been spared."""

    def learn(self, attempt: Attempt) -> None:
        """Remember what a failure says about whom to ask next."""
        if not isinstance(attempt.error, ProviderError):
            return
        reaction = reaction_to(attempt.error)
        if reaction is Reaction.ELSEWHERE:
            self.names.add(attempt.provider)
        elif reaction is Reaction.STOP:
            self.stopped = attempt.error

    def allows(self, rung: Rung) -> bool:
        """Tell whether a rung may still be asked."""
        return self.stopped is None and rung.provider not in self.names


async def first_usable(
    ctx: Ctx,
    name: str,
    ladder: Sequence[Rung],
    brief: Brief,
    *,
    closed: Closed | None = None,
    seen: Callable[[Attempt], None] = lambda _: None,
) -> Attempt:
    """Return the first answer without a fault, going down the ladder; else the first answer there was.

    Raises the error that tells most when nobody answered. `seen` gets every attempt.
    """
    shut = closed or Closed(set())
    attempts: list[Attempt] = []
    for number, rung in enumerate(ladder):
        if not shut.allows(rung):
            continue
        others = any(shut.allows(other) for other in ladder[number + 1 :])
        patience_s = PATIENCE_S if others else LAST_PATIENCE_S
        attempt = await asked(ctx, f"{name}{number}", rung, brief, patience_s=patience_s)
        seen(attempt)
        attempts.append(attempt)
        if attempt.usable:
            return attempt
        shut.learn(attempt)
    answered = [attempt for attempt in attempts if attempt.error is None]
    if answered:
        return answered[0]
    raise worst_error(attempts)


async def instead(ctx: Ctx, spares: Sequence[Rung], brief: Brief, failed: Sequence[Attempt]) -> list[Attempt]:
    """Ask those who were not chosen, one after the other, until somebody answers; for when the chosen all failed.

    Nobody is asked where the chosen were only too dear for the cap: that is for the caller to decide.
    """
    closed, attempts = Closed(set()), list[Attempt]()
    for attempt in failed:
        closed.learn(attempt)
    called = any(isinstance(attempt.error, ProviderError) for attempt in failed)
    if called and any(closed.allows(rung) for rung in spares):
        with contextlib.suppress(SmartSpawnError):  # it is in the attempts
            await first_usable(ctx, "spare-", spares, brief, closed=closed, seen=attempts.append)
    return attempts


def worst_error(attempts: Sequence[Attempt]) -> SmartSpawnError:
    """Return the error that tells most: a failed call before a cap before a missing provider; the last of a kind."""
    errors = [attempt.error for attempt in attempts if attempt.error is not None]
    called = [e for e in errors if isinstance(e, ProviderError) and not isinstance(e, NoProvider)]
    capped = [e for e in errors if not isinstance(e, ProviderError)]
    for kind in (called, capped, errors):
        if kind:
            return kind[-1]
    return StepFailed("no candidate could be asked", hint="check the providers with `smart-spawn doctor`")
