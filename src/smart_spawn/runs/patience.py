"""When to stop asking: circuit breakers for models that keep failing, and a budget for retries.

Both belong to one process and take the clock as an argument. Moments are in seconds on any clock that only rises.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from smart_spawn.errors import Overloaded, ProviderError, RateLimited, TimedOut, Unreachable

FAILURES_TO_OPEN = 5
"""In a row. Fewer would close a model to everybody over one bad prompt."""
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 300.0
COUNTED = (Overloaded, TimedOut, Unreachable, RateLimited)
"""What says something about the provider; the other failures are about the request, or our account."""

RETRY_SHARE = 0.1
"""Retries that each first try earns: a tenth, so that a provider in trouble gets at most 10 % more calls."""
RETRIES_SAVED_UP = 10.0
"""What can be saved up, and is there at the start: a few calls may be retried before any others were made."""

MAX_KNOWN = 10_000
"""Models remembered; the ones heard of longest ago are forgotten first."""


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    pause_s: float = FIRST_PAUSE_S
    closed_until: float | None = None
    """Nobody calls before; afterwards one probe may."""
    probing: bool = False


@dataclass(slots=True)
class Breakers:
    """Circuit breakers by provider and model.

    After some failures in a row a model is left alone for a while, then one call may probe it: an answer opens
    the way for all, a failure doubles the pause.
    """

    _circuits: dict[tuple[str, str], _Circuit] = field(default_factory=dict)

    def refusal(self, provider: str, model: str, now_s: float) -> Overloaded | None:
        """Return why a call must not be made now, `None` when it may; a probe is thereby taken."""
        circuit = self._circuits.get((provider, model))
        if circuit is None or circuit.closed_until is None:
            return None
        left_s = circuit.closed_until - now_s
        if left_s <= 0 and not circuit.probing:
            circuit.probing = True
            return None
        return Overloaded(
            f"`{model}` failed {circuit.failures} times in a row, so it is left alone for a while",
            provider=provider,
            model=model,
            retry_after_s=max(left_s, 1.0),
            hint="another model may work; it is tried again by itself",
            details={"breaker": "open"},
        )

    def answered(self, provider: str, model: str) -> None:
        """Note an answer: all is well."""
        self._circuits.pop((provider, model), None)

    def failed(self, provider: str, model: str, error: ProviderError, now_s: float) -> None:
        """Note a failure. One that says nothing about the provider counts as an answer of it."""
        if not isinstance(error, COUNTED):
            self.answered(provider, model)
            return
        circuit = self._circuits.pop((provider, model), None) or _Circuit()
        self._circuits[provider, model] = circuit  # now the last to be forgotten
        circuit.failures += 1
        if circuit.probing:
            circuit.pause_s = min(circuit.pause_s * 2, LONGEST_PAUSE_S)
        if circuit.probing or circuit.failures >= FAILURES_TO_OPEN:
            circuit.closed_until = now_s + max(
                circuit.pause_s, min(error.retry_after_s or 0, LONGEST_PAUSE_S)
            )
        circuit.probing = False
        while len(self._circuits) > MAX_KNOWN:
            self._circuits.pop(next(iter(self._circuits)))

    def gave_up(self, provider: str, model: str) -> None:
        """Note that a call was broken off by us: whoever comes next may probe."""
        circuit = self._circuits.get((provider, model))
        if circuit is not None:
            circuit.probing = False


@dataclass(slots=True)
class RetryBudget:
    """Retries by provider, earned by first tries."""

    _saved: dict[str, float] = field(default_factory=dict)

    def called(self, provider: str) -> None:
        """Note a first try."""
        self._saved[provider] = min(
            self._saved.get(provider, RETRIES_SAVED_UP) + RETRY_SHARE, RETRIES_SAVED_UP
        )

    def take(self, provider: str) -> bool:
        """Take one retry; False when none is left."""
        saved = self._saved.get(provider, RETRIES_SAVED_UP)
        if saved < 1:
            return False
        self._saved[provider] = saved - 1
        return True
