"""What a provider may be asked at once and in a minute, by the chats of one process. Runs keep their own count."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from smart_spawn.errors import RateLimited
from smart_spawn.runs.journal import CallLimits

MINUTE_S = 60.0
SOON_S = 0.5
"""When to look again where too many calls are under way."""


@dataclass(slots=True)
class Pass:
    """The right to have one call under way. Handing it back twice does nothing."""

    _limits: Limits
    _provider: str
    _held: bool = True

    def hand_back(self) -> None:
        """Let another call have its place."""
        if self._held:
            self._held = False
            self._limits.under_way[self._provider] -= 1


@dataclass(slots=True)
class Limits:
    """The calls of this process, by provider. Moments are in seconds on a clock that only rises."""

    of: Mapping[str, CallLimits]
    under_way: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _begun: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))

    def take(self, provider: str, model: str, now_s: float) -> Pass:
        """Return a pass. Raises RateLimited, with the time until there may be one, so that another may be asked."""
        limits = self.of.get(provider, CallLimits())
        if limits.at_once is not None and self.under_way[provider] >= limits.at_once:
            raise _full(provider, model, f"has {limits.at_once} calls of ours under way", SOON_S)
        if limits.per_minute is not None:
            begun = self._begun[provider]
            while begun and begun[0] <= now_s - MINUTE_S:
                begun.popleft()
            if len(begun) >= limits.per_minute:
                left_s = begun[0] + MINUTE_S - now_s
                raise _full(provider, model, f"had {limits.per_minute} calls of ours within a minute", left_s)
            begun.append(now_s)
        self.under_way[provider] += 1
        return Pass(self, provider)


def _full(provider: str, model: str, what: str, retry_after_s: float) -> RateLimited:
    return RateLimited(
        f"provider `{provider}` {what}, which is its limit in the settings",
        provider=provider,
        model=model,
        retry_after_s=retry_after_s,
        hint=f"wait, or raise `providers.{provider}.max_calls_at_once` or `max_calls_per_minute`",
    )
