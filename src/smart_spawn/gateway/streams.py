"""A provider's stream → the caller's: held back until there is something to show, then tidied chunk by chunk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from smart_spawn.gateway.reasoning import PRIVATE, Mark
from smart_spawn.gateway.shapes import Json
from smart_spawn.providers.answers import says_something

MAX_HELD = 1_000
"""Chunks without anything to show after which a stream counts as begun all the same."""


@dataclass(slots=True, kw_only=True)
class Opened:
    """A stream that has something to show."""

    held: list[Json]
    rest: AsyncGenerator[Json, None]

    async def chunks(self) -> AsyncGenerator[Json, None]:
        """Give all of it."""
        for chunk in self.held:
            yield chunk
        async for chunk in self.rest:
            yield chunk

    async def close(self) -> None:
        """End the call, if it has not ended."""
        await self.rest.aclose()


async def opened(stream: AsyncGenerator[Json, None]) -> Opened:
    """Wait until a stream has something to show, or is over. Raises ProviderError; nobody has seen anything then."""
    held: list[Json] = []
    try:
        async for chunk in stream:
            held.append(chunk)
            if _shows(chunk) or len(held) >= MAX_HELD:
                break
    except BaseException:
        await stream.aclose()
        raise
    return Opened(held=held, rest=stream)


def _shows(chunk: Mapping[str, Any]) -> bool:
    for choice in chunk["choices"][:1]:
        delta = choice.get("delta") or {}
        if delta.get("content") or says_something(delta) or not PRIVATE.isdisjoint(delta):
            return True
    return False


@dataclass(slots=True, kw_only=True)
class Tidy:
    """Makes every chunk say which model it is of, takes the usage out, and remembers what was said."""

    model_id: str
    fallback_id: str
    created: int
    mark: Mark
    usage: Any = None
    """As the provider told it last."""
    finished: bool = False
    id: str = ""

    def chunk(self, raw: Json) -> Json | None:
        """Return the chunk for the caller; `None` for one that held the usage alone."""
        self.usage = raw.pop("usage", None) or self.usage
        choices = raw["choices"]
        if not choices:
            return None
        choice = choices[0]
        delta = choice.get("delta") or {}
        # Clients put the first chunk's role on the whole message, and not every server sends one.
        choice["delta"] = delta if self.id else {"role": "assistant", **delta}
        self.mark.add(delta)
        self.finished = self.finished or choice.get("finish_reason") is not None
        return self._framed(raw, choices)

    def last(self, cost_usd: float | None) -> Json:
        """Return the chunk with the usage, and the cost as a member of it."""
        usage = dict(self.usage) if isinstance(self.usage, dict) else {}
        if cost_usd is not None:
            usage["cost"] = cost_usd
        return {**self._framed({}, []), "usage": usage or None}

    def _framed(self, raw: Json, choices: list[Json]) -> Json:
        if not self.id:
            self.id = str(raw.get("id") or self.fallback_id)
            self.created = raw.get("created") or self.created
        return {
            **raw,
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model_id,
            "choices": choices,
        }


def whole(raw: Json, *, model_id: str, fallback_id: str, created: int, cost_usd: float | None) -> Json:
    """Return a whole completion that says which model it is of and what it cost."""
    usage = raw.get("usage")
    if isinstance(usage, dict) and cost_usd is not None:
        usage = {**usage, "cost": cost_usd}
    return {
        **raw,
        "id": str(raw.get("id") or fallback_id),
        "object": "chat.completion",
        "created": raw.get("created") or created,
        "model": model_id,
        "usage": usage,
    }
