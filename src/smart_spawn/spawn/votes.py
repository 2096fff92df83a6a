"""How sure several short answers make us: the chance that each is right, from who gave it and who gave another.

Every vote weighs the log-odds of its model against guessing. Models make the same mistakes, so each further vote
for one answer counts only `SHARED_MISTAKES` of its weight: two cheap models that agree are worth more than one,
and less than two strangers would be. Chosen by `evals/fit_cascade.py`; docs/adr/0011-cascade-by-votes.md.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHARED_MISTAKES = 0.4
"""The part of a further vote's weight that counts. 1 is independence, 0 is models that always err together."""
OPEN_ANSWERS = 8
"""Among how many answers a wrong model guesses where the task offers no choices."""
LEAST_PRIOR, MOST_PRIOR = 0.02, 0.99


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One short answer, and how often its model is right about such tasks."""

    answer: str
    prior: float


def chances(votes: Sequence[Vote], options: int | None = None) -> Mapping[str, float]:
    """Return for each answer the chance (0 to 1) that it is right; what nobody said has the rest."""
    among = max(2, options or OPEN_ANSWERS)
    weights: dict[str, list[float]] = defaultdict(list)
    for vote in votes:
        prior = min(MOST_PRIOR, max(LEAST_PRIOR, vote.prior))
        weights[vote.answer].append(max(0.0, math.log(prior * (among - 1) / (1 - prior))))
    strength = {answer: _added(own) for answer, own in weights.items()}
    total = sum(math.exp(s) for s in strength.values()) + max(0, among - len(strength))
    return {answer: math.exp(s) / total for answer, s in strength.items()}


def _added(weights: Sequence[float]) -> float:
    first, *further = sorted(weights, reverse=True)
    return first + SHARED_MISTAKES * sum(further)


def best_answer(votes: Sequence[Vote], options: int | None = None) -> tuple[str, float]:
    """Return the likeliest answer and its chance; equal ones: the one that was given first."""
    found = chances(votes, options)
    answer = max(found, key=lambda one: found[one])
    return answer, found[answer]
