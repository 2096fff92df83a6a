"""Chunks of chat completions → server-sent events of protocols that name theirs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping
from typing import Any, Protocol

from smart_spawn.api.answers import encode
from smart_spawn.api.error_shapes import relayed_status
from smart_spawn.errors import SmartSpawnError
from smart_spawn.gateway.shapes import Chunks

Event = tuple[str, dict[str, Any]]


class Translator(Protocol):
    """Turns one answer into the events of a protocol."""

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """Return the events that a chunk gives rise to."""
        ...

    def finish(self) -> Iterator[Event]:
        """Return the events of the end."""
        ...

    def fail(self, error: SmartSpawnError, status: int) -> Iterator[Event]:
        """Return the events of an answer that breaks off."""
        ...


async def event_frames(
    chunks: Chunks, translator: Translator, *, alive: bytes
) -> AsyncGenerator[bytes, None]:
    """Write an answer as named events; `alive` is sent while there is no news."""
    try:
        async for chunk in chunks:
            if chunk is None:
                yield alive
                continue
            for event in translator.feed(chunk):
                yield event_frame(event)
        for event in translator.finish():
            yield event_frame(event)
    except SmartSpawnError as error:
        for event in translator.fail(error, relayed_status(error)):
            yield event_frame(event)


def event_frame(event: Event) -> bytes:
    """Write one event."""
    name, data = event
    return b"event: " + name.encode() + b"\ndata: " + encode(data) + b"\n\n"
