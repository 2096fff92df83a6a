"""What a failed call asks for: the same again, another model, another provider, or an end.

One table over the error types. Every mode uses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from smart_spawn.errors import (
    AuthFailed,
    BadAnswer,
    BadRequest,
    ContextTooLong,
    ModelNotServed,
    NoProvider,
    Overloaded,
    PaymentRequired,
    ProviderError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)


class Reaction(StrEnum):
    """What to do after a failure."""

    RETRY = "retry"
    """The same call once more, then the next candidate."""
    NEXT = "next"
    ELSEWHERE = "elsewhere"
    """The next candidate at another provider."""
    STOP = "stop"
    """No candidate would do better."""


REACTIONS: Mapping[type[ProviderError], Reaction] = {
    RateLimited: Reaction.RETRY,
    Overloaded: Reaction.RETRY,
    TimedOut: Reaction.RETRY,
    Unreachable: Reaction.RETRY,
    BadAnswer: Reaction.NEXT,
    ContextTooLong: Reaction.NEXT,
    Refused: Reaction.NEXT,
    ModelNotServed: Reaction.NEXT,
    NoProvider: Reaction.NEXT,
    AuthFailed: Reaction.ELSEWHERE,
    PaymentRequired: Reaction.ELSEWHERE,
    BadRequest: Reaction.STOP,
}

MAY_BE_BILLED: frozenset[type[ProviderError]] = frozenset({TimedOut, Unreachable, BadAnswer, Refused})
"""After these the model may have worked, so the reserved worst case stays counted."""

BASE_WAIT_S = 0.5
PATIENCE_S = 10.0
"""The longest wait for one model while another candidate is left."""


def reaction_to(error: ProviderError) -> Reaction:
    """Return what to do after this error; a type without a row of its own takes its parent's."""
    for kind in type(error).__mro__:
        if kind in REACTIONS:
            return REACTIONS[kind]
    return Reaction.STOP


def wait_s(error: ProviderError, *, random: float) -> float:
    """Return how long to wait before the same call again: as asked by the provider, else half to one second.

    `random` is in [0, 1) and keeps many callers from coming back at the same moment.
    """
    return error.retry_after_s if error.retry_after_s is not None else BASE_WAIT_S * (1 + random)
