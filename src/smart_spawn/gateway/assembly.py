"""The pieces of a streamed answer → its parts, one after the other.

Chat completions may mix the pieces of several tool calls; the other protocols open a part, fill it and close it
before they open the next. One part at a time is handed on as it comes, the others wait for their turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from smart_spawn.gateway.completions import details_of, text_of, thinking_of
from smart_spawn.gateway.thinking import merged

Kind = Literal["thinking", "text", "refusal", "tool"]


@dataclass(slots=True, kw_only=True)
class Part:
    """One part of an answer: some thinking, some text, a refusal or a tool call."""

    kind: Kind
    number: int
    """Its place in the answer, from 0."""
    id: str = ""
    """Of a tool call."""
    name: str = ""
    """Of the tool that is called."""
    pieces: list[str] = field(default_factory=list)
    """All that has come: text, or the arguments of the call as JSON."""
    details: list[Mapping[str, Any]] = field(default_factory=list)
    """Of thinking: what the model wants back unchanged."""
    closed: bool = False
    """Whether it was handed on to its end; nothing is added any more."""

    @property
    def content(self) -> str:
        """All that has come, in one."""
        return "".join(self.pieces)

    @property
    def signed(self) -> list[dict[str, Any]]:
        """The details of thinking, put together."""
        return merged(self.details)

    def arguments(self) -> dict[str, Any] | None:
        """Return the arguments of a tool call; `None` as long as they are no whole JSON object."""
        text = self.content
        if not text.strip():
            return {}
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that happens to a part: it opens, something is added, it closes."""

    what: Literal["open", "add", "close"]
    part: Part
    text: str = ""


class Assembly:
    """Puts one answer together. `feed` takes the deltas of chunks, or the message of a completion as one delta."""

    def __init__(self, answer_id: str, *, thinking: bool) -> None:
        self.parts: list[Part] = []
        """All parts so far, in the order in which they began."""
        self._answer_id = answer_id
        self._thinking = thinking
        self._calls: dict[int, Part] = {}
        self._at = -1  # the part that is open; those after it wait
        self._stuck_at = -1

    def feed(self, delta: Mapping[str, Any]) -> Iterator[Move]:
        """Take what one chunk brings and say what can be handed on."""
        if self._thinking and (details := details_of(delta)):
            self._running("thinking").details.extend(details)
        if self._thinking and (text := thinking_of(delta)):
            yield from self._add(self._running("thinking"), text)
        if text := text_of(delta.get("content")):
            yield from self._add(self._running("text"), text)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            yield from self._add(self._running("refusal"), refusal)
        calls = delta.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                yield from self._add_call(position, call)

    def end(self) -> Iterator[Move]:
        """Hand on all that waited, and close what is open."""
        while self._at + 1 < len(self.parts):
            yield from self._advance()
        if self.parts and not self.parts[-1].closed:
            yield self._close(self.parts[-1])

    def _running(self, kind: Kind) -> Part:
        """Return the last part where it is of this kind, or begin a new one."""
        if not self.parts or self.parts[-1].kind != kind:
            self.parts.append(Part(kind=kind, number=len(self.parts)))
        return self.parts[-1]

    def _add_call(self, position: int, call: Mapping[str, Any]) -> Iterator[Move]:
        function = call.get("function")
        said: Mapping[str, Any] = function if isinstance(function, dict) else {}
        part = self._call(position, call)
        part.name = part.name or _text(said.get("name"))
        arguments = said.get("arguments")
        if isinstance(arguments, dict):  # some servers answer with the object itself
            arguments = msgspec.json.encode(arguments).decode()
        yield from self._add(part, _text(arguments))

    def _call(self, position: int, call: Mapping[str, Any]) -> Part:
        index, id_ = call.get("index"), _text(call.get("id"))
        key = index if isinstance(index, int) else position
        part = self._calls.get(key)
        if part is None or (id_ and id_ != part.id):  # some servers number every call 0
            number = len(self.parts)
            # a server that gives no ids gets some that no other answer of the conversation has
            part = Part(kind="tool", number=number, id=id_ or f"call_{self._answer_id[-20:]}_{number}")
            self.parts.append(part)
            self._calls[key] = part
        return part

    def _add(self, part: Part, text: str) -> Iterator[Move]:
        if part.closed:  # more than a whole JSON object: white space, or nothing that a tool could be given
            return
        if text:
            part.pieces.append(text)
        if part.number == self._at:
            if text:
                yield Move("add", part, text)
            return
        while self._at < part.number and self._may_advance():
            yield from self._advance()

    def _may_advance(self) -> bool:
        coming = self.parts[self._at + 1]
        if coming.kind == "tool" and not coming.name:
            return False
        before = self.parts[self._at] if self._at >= 0 else None
        if before is None or before.kind != "tool":
            return True
        if self._stuck_at == self._at:  # asked once for each part, so that the work stays linear
            return False
        if before.pieces and before.arguments() is not None:
            return True
        self._stuck_at = self._at
        return False

    def _advance(self) -> Iterator[Move]:
        if self._at >= 0:
            yield self._close(self.parts[self._at])
        self._at += 1
        part = self.parts[self._at]
        yield Move("open", part)
        if part.pieces:
            yield Move("add", part, part.content)

    def _close(self, part: Part) -> Move:
        part.closed = True
        return Move("close", part)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
