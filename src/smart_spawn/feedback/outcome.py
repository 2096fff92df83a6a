"""How something turned out: one voice on one model, from whatever side it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Kind = Literal["rating", "outcome", "plugin", "gate"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WEIGHTS: Mapping[Kind, float] = {"rating": 1.0, "outcome": 0.7, "plugin": 0.5, "gate": 0.2}
"""What a voice counts, in ratings: a person's rating, a person's success or failure, what an agent saw of its own
work, what the gate found without knowing the right answer."""
WORST, BEST = 1.0, 5.0
MOST: Mapping[Kind, float] = {"plugin": 15.0, "gate": 3.0}
"""The most, in ratings, that one voter counts for one model in one category by votes of a kind that never saw the
right answer: however often a gate lets answers pass, that does not make a cheap model a good one."""
SUCCESS, FAILURE = 4.1, 2.0
"""Success and failure as ratings: whoever succeeds three times in four then averages 3.6 with a spread of 0.9, as
people who rate do."""
GOOD = 3.5
"""A rating from here on counts as a success."""
LONGEST_CLUSTER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One voice on one model in one category."""

    at: datetime
    voter: str
    """Who says so: the id of a key, or `local`."""
    kind: Kind
    model: str
    category: str
    value: float
    """1 (worst) to 5 (best)."""
    tags: tuple[str, ...] = ()
    """The context tags of the task."""
    cluster: str = ""
    """The kind of task within its category; empty where it is unknown."""

    @property
    def contexts(self) -> tuple[str, ...]:
        """What the third level of beliefs looks at: tags and cluster."""
        return (*self.tags, f"~{self.cluster}") if self.cluster else self.tags


def value_of(outcome: Literal["success", "failure"]) -> float:
    """Return success or failure as a rating."""
    return SUCCESS if outcome == "success" else FAILURE
