"""Noticing that a model does worse than it did: two windows of outcomes, compared by what they leave open."""

from __future__ import annotations

import math
from dataclasses import dataclass

WORSE_BY = 0.1
"""A share of good outcomes that falls by less is not worth an alarm."""
SURE = 0.99
"""How sure it must be. At 0.99 an alarm is false for about one in a hundred models that did not change."""
LEAST_BEFORE, LEAST_SINCE = 20, 8
"""Outcomes in the earlier and the later window without which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Outcomes of one model in a span of time."""

    outcomes: int
    good: int

    @property
    def share(self) -> float:
        """The share of good outcomes."""
        return self.good / self.outcomes

    @property
    def posterior(self) -> tuple[float, float]:
        """Mean and variance of the share, as far as it is known: Beta(1 + good, 1 + bad)."""
        a, b = 1 + self.good, 1 + self.outcomes - self.good
        return a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A model that does worse than it did."""

    before: Window
    since: Window
    chance: float
    """That its share of good outcomes really fell by more than `WORSE_BY`."""


def drift(before: Window, since: Window) -> Drift | None:
    """Compare two windows of one model; `None` where they are too small, or no fall is sure."""
    if before.outcomes < LEAST_BEFORE or since.outcomes < LEAST_SINCE:
        return None
    (was, was_variance), (now, now_variance) = before.posterior, since.posterior
    z = (was - now - WORSE_BY) / math.sqrt(was_variance + now_variance)
    chance = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    return Drift(before=before, since=since, chance=round(chance, 4)) if chance >= SURE else None
