"""What a run may spend: integer micro-USD (millionths of a dollar), reserved before it is spent.

Rounding is always up, so that what is counted is never less than what is billed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal

from smart_spawn.errors import BudgetExceeded
from smart_spawn.model import Price
from smart_spawn.runs.ports import Message

MICRO = 1_000_000
MESSAGE_OVERHEAD_TOKENS = 16
"""Room for the marks that a chat template puts around each message."""


def micro_usd(amount_usd: Decimal) -> int:
    """Return the amount in micro-USD, rounded up."""
    return int((amount_usd * MICRO).to_integral_value(rounding=ROUND_CEILING))


def usd(amount_micro_usd: int) -> Decimal:
    """Return micro-USD as USD."""
    return Decimal(amount_micro_usd) / MICRO


def most_prompt_tokens(messages: Iterable[Message]) -> int:
    """Return a number of tokens that the messages cannot exceed.

    Byte-level tokenizers give at most one token a byte. That is about four times the usual count of English;
    a limit that must hold is worth it, since the output is what costs.
    """
    return sum(len(m.content.encode("utf-8", "replace")) + MESSAGE_OVERHEAD_TOKENS for m in messages)


def worst_case_micro_usd(
    price: Price, *, prompt_tokens: int, max_output_tokens: int, at: datetime
) -> int | None:
    """Return the most that one call can cost: nothing cached, all output at its dearest rate.

    `None` when the price is unknown; unknown is never taken for free.
    """
    costs = [
        price.cost_usd(
            prompt_tokens=prompt_tokens,
            completion_tokens=max_output_tokens,
            reasoning_tokens=reasoning_tokens,
            at=at,
        )
        for reasoning_tokens in (0, max_output_tokens)
    ]
    known = [cost for cost in costs if cost is not None]
    return micro_usd(max(known)) if len(known) == len(costs) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """What a run may still spend. Every method returns a new purse."""

    cap_micro_usd: int | None = None
    """`None` is no limit."""
    held_micro_usd: int = 0
    """Reserved for calls whose bill is not known: those under way, and those that broke off."""
    spent_micro_usd: int = 0

    @property
    def left_micro_usd(self) -> int | None:
        """What can still be reserved; `None` without a limit."""
        if self.cap_micro_usd is None:
            return None
        return max(0, self.cap_micro_usd - self.held_micro_usd - self.spent_micro_usd)

    def reserve(self, amount_micro_usd: int) -> Purse:
        """Set the worst case of a call aside. Raises BudgetExceeded when it does not fit."""
        left = self.left_micro_usd
        if left is not None and amount_micro_usd > left:
            raise BudgetExceeded(
                f"the call can cost {usd(amount_micro_usd):f} USD and {usd(left):f} USD are left of the run's cap",
                hint="raise `maxCostUsd`, lower the `budget`, or shorten the task",
                details={"worstCaseUsd": str(usd(amount_micro_usd)), "leftUsd": str(usd(left))},
            )
        return replace(self, held_micro_usd=self.held_micro_usd + amount_micro_usd)

    def settle(self, reserved_micro_usd: int, actual_micro_usd: int | None) -> Purse:
        """Replace a reservation by the bill; `None` is a bill that nobody knows, and keeps it reserved."""
        if actual_micro_usd is None:
            return self
        return replace(
            self,
            held_micro_usd=self.held_micro_usd - reserved_micro_usd,
            spent_micro_usd=self.spent_micro_usd + actual_micro_usd,
        )


def output_that_fits(
    price: Price, left_micro_usd: int, *, prompt_tokens: int, most: int, at: datetime
) -> int:
    """Return how many output tokens the money pays for in the worst case, at most `most`; 0 when none.

    The price must be known. The cost is linear in the output, so two worst cases give the line.
    """
    empty = worst_case_micro_usd(price, prompt_tokens=prompt_tokens, max_output_tokens=0, at=at) or 0
    full = worst_case_micro_usd(price, prompt_tokens=prompt_tokens, max_output_tokens=most, at=at) or 0
    if full <= left_micro_usd:
        return most
    # One micro-USD is kept back for the rounding up of each end of the line.
    return max(0, (left_micro_usd - empty - 1) * most // (full - empty + 1)) if left_micro_usd > empty else 0
