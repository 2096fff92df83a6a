"""Server-sent events of a chat completion → chunks, within bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from smart_spawn.errors import BadAnswer, ProviderError
from smart_spawn.providers.failures import Origin, failure

MAX_EVENT_BYTES = 4_000_000
"""The longest event that is read: a picture in base64 comes in one."""
MAX_STREAM_BYTES = 20_000_000
"""The longest stream that is read."""
DONE = b"[DONE]"
_MALFORMED = "a later try or another model may work"


class EventReader:
    """Takes the bytes of a stream in any pieces, and gives what its events hold. For one stream.

    Comments and other fields than `data` are passed over, lines may end in any of the three ways, and an event may
    have several lines. `done` tells that the stream said its last word.
    """

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._rest = b""
        self._data: list[bytes] = []
        self._event_bytes = self._total_bytes = 0
        self.done = False

    def feed(self, piece: bytes) -> Iterator[dict[str, Any]]:
        """Give the chunks that are whole by now. Raises BadAnswer for what is no chunk or too long."""
        self._total_bytes += len(piece)
        if self._total_bytes > MAX_STREAM_BYTES:
            raise self._bad(f"sent a stream of more than {MAX_STREAM_BYTES:,} bytes")
        text = self._rest + piece
        if b"\r" in text:
            held = text.endswith(b"\r")  # the other half of the line's end may still come
            text = text.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            text += b"\r" if held else b""
        *lines, self._rest = text.split(b"\n")
        self._check_length(len(self._rest))
        for line in lines:
            yield from self._line(line)

    def end(self) -> Iterator[dict[str, Any]]:
        """Give what a stream left without the empty line that ends an event."""
        yield from self._line(self._rest.rstrip(b"\r"))
        self._rest = b""
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[dict[str, Any]]:
        if not line:
            data, self._data, self._event_bytes = self._data, [], 0
            if data and not self.done:
                yield from self._event(b"\n".join(data))
        elif line.startswith(b"data:"):
            self._check_length(len(line))
            self._event_bytes += len(line)
            self._data.append(line[5:].removeprefix(b" "))

    def _event(self, data: bytes) -> Iterator[dict[str, Any]]:
        if data.strip() == DONE:
            self.done = True
            return
        chunk = self._decoded(data)
        if not isinstance(chunk, dict):
            raise self._bad("sent an event that is no chunk of a completion")
        yield chunk

    def _decoded(self, data: bytes) -> Any:
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            # Half a surrogate pair, of a character that was cut between two chunks: it cannot be shown anyway.
            whole = json.dumps(json.loads(data.decode("utf-8", "replace")), ensure_ascii=False)
            return msgspec.json.decode(whole.encode("utf-8", "replace"))
        except (ValueError, RecursionError):  # msgspec's errors are of the first kind
            raise self._bad("sent an event that is no JSON") from None

    def _check_length(self, more: int) -> None:
        if self._event_bytes + more > MAX_EVENT_BYTES:
            raise self._bad(f"sent an event of more than {MAX_EVENT_BYTES:,} bytes")

    def _bad(self, why: str) -> ProviderError:
        return failure(BadAnswer, self._origin, why=why, hint=_MALFORMED)
