"""A model's reasoning, signed or sealed, is for that model alone: it goes back to its author and to nobody else."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from smart_spawn.gateway.reading import kind_of, parts_of, text_of
from smart_spawn.gateway.shapes import Json

MAX_KNOWN = 50_000
"""Answers whose author is remembered; the oldest are forgotten first, and their reasoning then goes to nobody."""
PRIVATE = frozenset(
    {
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "thinking",
        "thinking_blocks",
        "signature",
        "thought_signature",
        "encrypted_content",
        "extra_content",
        "provider_specific_fields",
    }
)
"""Members of an answer, and of the calls of tools in it, that hold reasoning or its seal."""
PRIVATE_PARTS = frozenset({"thinking", "redacted_thinking", "reasoning"})

Author = tuple[str, str]
"""Provider and model."""


class Authors:
    """Who wrote which of the newest answers, by a hash of what the answer says and what it answers."""

    def __init__(self, limit: int = MAX_KNOWN) -> None:
        self._limit = limit
        self._of: OrderedDict[bytes, Author | None] = OrderedDict()

    def wrote(self, author: Author, mark: bytes) -> None:
        """Remember who wrote an answer with this mark. Where two did, nobody is taken for its author."""
        if self._of.get(mark, author) != author:
            self._of[mark] = None
        else:
            self._of[mark] = author
        self._of.move_to_end(mark)
        while len(self._of) > self._limit:
            self._of.popitem(last=False)

    def of(self, message: Mapping[str, Any], *, after: Mapping[str, Any]) -> Author | None:
        """Return who wrote an answer to the message before it, `None` when that is not known for sure."""
        return self._of.get(Mark.of(message, after=after).digest())


class Mark:
    """A hash of what an answer says, taken as it comes: its text, its calls of tools, and what it answers."""

    def __init__(self, *, after: Mapping[str, Any]) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._calls: list[str] = []
        asked = f"{after.get('tool_call_id')}\0{text_of(after)}\0"
        self._hash.update(asked.encode("utf-8", "surrogatepass"))

    @classmethod
    def of(cls, message: Mapping[str, Any], *, after: Mapping[str, Any]) -> Mark:
        """Return the mark of a whole message."""
        mark = cls(after=after)
        mark.add(message)
        return mark

    def add(self, delta: Mapping[str, Any]) -> None:
        """Take in a whole message or the next part of one."""
        if text := text_of(delta):
            self._hash.update(text.encode("utf-8", "surrogatepass"))
        for call in delta.get("tool_calls") or ():
            if isinstance(call, dict) and isinstance(call.get("id"), str):
                self._calls.append(call["id"])

    def digest(self) -> bytes:
        """Return the mark of what came so far."""
        whole = self._hash.copy()
        whole.update("\0".join(["", *sorted(self._calls)]).encode("utf-8", "surrogatepass"))
        return whole.digest()


def for_reader(messages: Sequence[Json], reader: Author, authors: Authors) -> Sequence[Json]:
    """Return the conversation without the reasoning of anybody but the reader, and itself where there is none."""
    if not any(_holds_reasoning(message) for message in messages):
        return messages
    before: Sequence[Json] = ({}, *messages)
    return [
        _bare(message)
        if _holds_reasoning(message) and authors.of(message, after=before[at]) != reader
        else message
        for at, message in enumerate(messages)
    ]


def _holds_reasoning(message: Mapping[str, Any]) -> bool:
    if message["role"] != "assistant":
        return False
    calls = message.get("tool_calls") or ()
    return (
        not PRIVATE.isdisjoint(message)
        or any(isinstance(call, dict) and not PRIVATE.isdisjoint(call) for call in calls)
        or any(_private_part(part) for part in parts_of(message))
    )


def _private_part(part: Mapping[str, Any]) -> bool:
    return kind_of(part) in PRIVATE_PARTS or not PRIVATE.isdisjoint(part)


def _bare(message: Json) -> Json:
    bare = {key: value for key, value in message.items() if key not in PRIVATE}
    if isinstance(calls := bare.get("tool_calls"), list):
        bare["tool_calls"] = [_without(call) if isinstance(call, dict) else call for call in calls]
    if isinstance(content := bare.get("content"), list):
        bare["content"] = [
            _without(part) if isinstance(part, dict) else part
            for part in content
            if not (isinstance(part, dict) and kind_of(part) in PRIVATE_PARTS)
        ]
    return bare


def _without(value: Json) -> Json:
    return {key: each for key, each in value.items() if key not in PRIVATE}
