"""What one call may cost, set aside before it is made and billed when it has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from smart_spawn.errors import BudgetExceeded
from smart_spawn.gateway.reading import Ask
from smart_spawn.runs.engine import KeyCap
from smart_spawn.runs.lane import Lane
from smart_spawn.spawn.money import micro_usd, output_that_fits, usd, worst_case_micro_usd
from smart_spawn.spawn.outcome import Rung
from smart_spawn.store.purses import PurseStore

UNLIMITED_OUTPUT_TOKENS = 32_000
"""What an answer may use of a model whose limit nobody knows, where money is counted."""
LEAST_OUTPUT_TOKENS = 1_000
"""Where the money is short, an answer is made shorter down to this; below, the call is refused."""
FITTING_TRIES = 4
"""How often a call is made smaller while others take from the same cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Money set aside for one call."""

    max_output_tokens: int | None
    """What to ask for; `None` leaves it to the model, whose own limit was counted with."""
    reserved_micro_usd: int = 0


class Till:
    """The money of keys, where keys exist. Without a key only the cap of one run holds for one call."""

    def __init__(self, purses: PurseStore, lane: Lane, *, cap_usd: Decimal) -> None:
        self._purses = purses
        self._lane = lane
        self._cap_micro_usd = micro_usd(cap_usd)

    async def hold(self, ask: Ask, rung: Rung, key: KeyCap | None, *, at: datetime) -> Held:
        """Set the worst case of a call aside. Raises BudgetExceeded where not even a short answer fits."""
        wish = min((n for n in (ask.max_output_tokens, rung.max_output_tokens) if n), default=None)
        most = wish or UNLIMITED_OUTPUT_TOKENS
        worst = _worst(ask, rung, most, at)
        if worst is None:
            if key is not None and key.cap_usd is not None:
                raise _no_price(rung.model_id)
            return Held(max_output_tokens=ask.max_output_tokens and wish)
        room, left = most, self._cap_micro_usd
        for _ in range(FITTING_TRIES):
            room = output_that_fits(rung.price, left, prompt_tokens=ask.most_prompt_tokens, most=room, at=at)
            if room < min(LEAST_OUTPUT_TOKENS, most):
                break
            worst = _worst(ask, rung, room, at) or 0
            short = await self._short(key, worst)
            if short is None:
                limited = ask.max_output_tokens is not None or wish is None or room < most
                return Held(max_output_tokens=room if limited else None, reserved_micro_usd=worst)
            left = short
        raise _too_dear(worst, left)

    async def bill(self, key: KeyCap | None, held: Held, cost_usd: Decimal | None) -> None:
        """Put the bill in the place of what was set aside. A bill that nobody knows leaves it there."""
        if key is not None and cost_usd is not None:
            await self._lane.run(
                self._purses.settle, key.key, reserved=held.reserved_micro_usd, cost=micro_usd(cost_usd)
            )

    def close(self) -> None:
        """End the threads, when what they do is done."""
        self._lane.close()

    async def _short(self, key: KeyCap | None, worst: int) -> int | None:
        if key is None:
            return None
        cap = None if key.cap_usd is None else micro_usd(key.cap_usd)
        return await self._lane.run(self._purses.reserve, key.key, worst, cap=cap)


def _worst(ask: Ask, rung: Rung, output_tokens: int, at: datetime) -> int | None:
    return worst_case_micro_usd(
        rung.price, prompt_tokens=ask.most_prompt_tokens, max_output_tokens=output_tokens, at=at
    )


def _too_dear(worst: int, left: int) -> BudgetExceeded:
    return BudgetExceeded(
        f"the call can cost {usd(worst):f} USD and {usd(left):f} USD are left under the cap",
        hint="ask for less with `max_tokens`, use a lower budget such as `smart-spawn/auto:low`, or raise the cap",
        details={"worstCaseUsd": str(usd(worst)), "leftUsd": str(usd(left))},
    )


def _no_price(model: str) -> BudgetExceeded:
    return BudgetExceeded(
        f"`{model}` has no known price, so the cap of your key cannot be kept",
        hint="choose a model with a price, or use a key without a cap",
        details={"model": model},
    )
