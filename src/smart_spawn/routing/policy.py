"""The rules of choosing that do not come with a request: the owner's defaults, frozen and versioned."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property

import msgspec

from smart_spawn.feedback.live_gain import LiveGain
from smart_spawn.model import Budget, Category

BUDGET_CEILING_USD_PER_MTOK: Mapping[Budget, Decimal | None] = {
    Budget.LOW: Decimal(1),
    Budget.MEDIUM: Decimal(5),
    Budget.HIGH: None,
    Budget.ANY: None,
}
"""By input price. `low` is strictly below its ceiling, `medium` may equal it."""

COMPETITIVE = 0.6
"""Below this confidence two candidates cannot be told apart, and `high` takes the cheaper one."""
NAMED_CATEGORY_SHARE = 0.15
"""A category that the request's weights name joins the mix with at least this share."""
LEAST_SHARE = 0.03
"""Smaller shares of the mix are the classifier's noise: they are dropped, and the rest sums to 1 again."""
UNSURE_CATEGORY = 0.5
"""Below this probability of the best category the mix leans on `general`."""
EXPLORE = 0.75
"""How much of what is unknown about a model counts for trying it out, in standard deviations."""
EXPLORE_EVERY = 5
"""One task in so many may be given to a model of which less is known. docs/concepts/learning.md."""
POLICY_RULES = 2
"""Raised when the same inputs lead to another choice, so that decisions name the rules they were made by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHost:
    """A provider of the owner's settings, as the data policy sees it. `None` is unknown."""

    name: str
    models: tuple[str, ...] = ()
    """The ids and patterns that it serves; empty means every id."""
    region: str | None = None
    trains: bool | None = None
    retains: bool | None = None
    relays: bool = False
    """It passes prompts on to the published hosts of a model, so theirs is the policy that counts."""

    def serves(self, model_id: str) -> bool:
        """Tell whether it serves this id."""
        return not self.models or any(fnmatchcase(model_id, pattern) for pattern in self.models)


@dataclass(frozen=True, kw_only=True)
class RoutingPolicy:
    """What the owner decided for every request."""

    category_weights: Mapping[Category, float] = field(default_factory=dict)
    answer_tokens: int = 700
    """Expected answer of a model of median verbosity, and the room that must be left for it."""
    deny_providers: tuple[str, ...] = ()
    allow_training: bool = True
    explore: float = EXPLORE
    """0 never tries a model out."""
    own_hosts: tuple[OwnHost, ...] = ()
    """Servers that run models for this owner, in the order in which they are asked."""
    gain: LiveGain | None = None
    """What similar tasks on record say of models, where the owner has learned that."""

    @cached_property
    def version(self) -> str:
        """Name these rules by their content."""
        content = [
            POLICY_RULES,
            sorted((str(k), v) for k, v in self.category_weights.items()),
            self.answer_tokens,
            sorted(self.deny_providers),
            self.allow_training,
            [[h.name, h.models, h.region, h.trains, h.retains, h.relays] for h in self.own_hosts],
            *([self.explore] if self.explore != EXPLORE else []),
            *([["gain", self.gain.version]] if self.gain else []),
        ]
        return hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:12]
