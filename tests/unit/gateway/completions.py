"""Chat completions as providers send them, whole and in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 30,
    "total_tokens": 130,
    "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 12},
}


def call(id_: str, name: str, arguments: str) -> dict[str, Any]:
    """Return one tool call of a message."""
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def completion(finish_reason: str = "stop", usage: Any = USAGE, **message: Any) -> dict[str, Any]:
    """Return a whole completion with this message."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return {
        "id": "gen-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "acme/strong",
        "choices": [choice],
        "usage": usage,
    }


def chunk(delta: dict[str, Any] | None = None, **rest: Any) -> dict[str, Any]:
    """Return one chunk. Without a delta it has no choice, as the chunk of the usage."""
    finish = rest.pop("finish_reason", None)
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {
        "id": "gen-1",
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": "acme/strong",
    }
    return {**head, "choices": choices, **rest}


def stream(
    deltas: Iterable[dict[str, Any]], finish_reason: str = "stop", usage: Any = USAGE, **ending: Any
) -> list[dict[str, Any]]:
    """Return the chunks of one stream: a role, the deltas, why it ended, and the usage."""
    last = chunk({}, finish_reason=finish_reason)
    last["choices"][0] |= ending
    return [chunk({"role": "assistant", "content": ""}), *map(chunk, deltas), last, chunk(None, usage=usage)]


def call_deltas(index: int, id_: str, name: str, pieces: Sequence[str]) -> list[dict[str, Any]]:
    """Return the deltas of one streamed tool call."""
    first = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
    rest = [{"index": index, "function": {"arguments": piece}} for piece in pieces]
    return [{"tool_calls": [said]} for said in (first, *rest)]


def cut(text: str, places: Iterable[int]) -> list[str]:
    """Cut a text at some places, into at least one piece."""
    edges = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]
