"""What goes into the gateway beside the body, and what comes out. Every protocol's route uses these."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from smart_spawn.runs.engine import KeyCap

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and in which conversation."""

    key_cap: KeyCap | None = None
    """Whose money it is; `None` where no keys exist."""
    key: str | None = None
    """The public id of the key, for the log of what was done."""
    session_id: str | None = None
    """The conversation, where the caller names it; else its beginning tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A whole chat completion, as OpenAI's protocol has it."""

    body: Json
    headers: Mapping[str, str]
    """`x-smart-spawn-...`, for the answer of whatever protocol."""
    decision_id: str


class Chunks:
    """The chunks of one answer, to be read once. Closing it ends the call, also when nothing was read yet."""

    def __init__(
        self, chunks: AsyncGenerator[Json | None, None], *, close: Callable[[], Awaitable[None]]
    ) -> None:
        self._chunks = chunks
        self._close = close

    def __aiter__(self) -> AsyncIterator[Json | None]:
        return self._chunks

    async def aclose(self) -> None:
        """End the call to the provider, if it has not ended."""
        await self._chunks.aclose()
        await self._close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """A chat completion as chunks.

    It is made when there is something to show, so that everything which goes wrong before is raised instead.
    """

    chunks: Chunks
    """Chunk dicts of OpenAI's protocol; `None` is a moment without news, for a sign of life. The last one, with empty
    `choices`, holds the usage where `stream_options.include_usage` asked for it. Raises SmartSpawnError when the
    answer breaks off. Close it (`aclosing`) to end the call at once.
    """
    headers: Mapping[str, str]
    """As in `Answered`, without the cost, which nobody knows yet."""
    decision_id: str
