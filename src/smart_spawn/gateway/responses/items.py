"""The parts of an answer → output items of a response, and the events by which they appear.

Every part is an item of its own: a message with one text or refusal, a function call, or some reasoning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from smart_spawn.gateway.assembly import Move, Part
from smart_spawn.gateway.responses.asking import AskedResponse
from smart_spawn.gateway.thinking import pack

Status = Literal["in_progress", "completed", "incomplete"]
PREFIXES = {"text": "msg", "refusal": "msg", "tool": "fc", "thinking": "rs"}


class Items:
    """Writes the items of one response."""

    def __init__(self, answer_id: str, asked: AskedResponse) -> None:
        self._answer_id = answer_id or "smart_spawn"
        self._asked = asked

    def item(self, part: Part, status: Status) -> dict[str, Any]:
        """Return a whole item."""
        begun = self._begun(part, status)
        match part.kind:
            case "tool":
                return begun | {"arguments": part.content}
            case "thinking":
                return begun | self._thoughts(part)
        return begun | {"content": [_content(part, part.content)]}

    def events(self, move: Move, *, cut: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        """Return names and data of the events of one move. `cut` says that the item ended before its end."""
        part = move.part
        at = {"item_id": self._id(part), "output_index": part.number}
        match move.what:
            case "open":
                item = self._begun(part, "in_progress")
                yield "response.output_item.added", {"output_index": part.number, "item": item}
                yield from self._opened(part, at)
            case "add":
                yield from self._added(part, move.text, at)
            case "close":
                yield from self._closed(part, at)
                item = self.item(part, "incomplete" if cut else "completed")
                yield "response.output_item.done", {"output_index": part.number, "item": item}

    def _opened(self, part: Part, at: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        if part.kind in ("text", "refusal"):
            yield "response.content_part.added", {**at, "content_index": 0, "part": _content(part, "")}
        elif part.kind == "thinking" and self._asked.summary:
            summary = {**at, "summary_index": 0, "part": {"type": "summary_text", "text": ""}}
            yield "response.reasoning_summary_part.added", summary

    def _added(self, part: Part, text: str, at: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        match part.kind:
            case "text":
                data = {**at, "content_index": 0, "delta": text, "logprobs": []}
                yield "response.output_text.delta", data
            case "refusal":
                yield "response.refusal.delta", {**at, "content_index": 0, "delta": text}
            case "tool":
                yield "response.function_call_arguments.delta", {**at, "delta": text}
            case "thinking" if self._asked.summary:
                yield "response.reasoning_summary_text.delta", {**at, "summary_index": 0, "delta": text}

    def _closed(self, part: Part, at: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        text, place = part.content, {**at, "content_index": 0}
        match part.kind:
            case "text":
                yield "response.output_text.done", {**place, "text": text, "logprobs": []}
                yield "response.content_part.done", {**place, "part": _content(part, text)}
            case "refusal":
                yield "response.refusal.done", {**place, "refusal": text}
                yield "response.content_part.done", {**place, "part": _content(part, text)}
            case "tool":
                data = {**at, "name": part.name, "arguments": text}
                yield "response.function_call_arguments.done", data
            case "thinking" if self._asked.summary:
                summary = {**at, "summary_index": 0}
                yield "response.reasoning_summary_text.done", {**summary, "text": text}
                whole = {**summary, "part": {"type": "summary_text", "text": text}}
                yield "response.reasoning_summary_part.done", whole

    def _begun(self, part: Part, status: Status) -> dict[str, Any]:
        """Return an item as it is before anything was added."""
        head: dict[str, Any] = {"id": self._id(part)}
        match part.kind:
            case "tool":
                call = {"call_id": part.id, "name": part.name, "arguments": ""}
                return head | {"type": "function_call", "status": status, **call}
            case "thinking":
                return head | {"type": "reasoning", "status": status, "summary": []}
        return head | {"type": "message", "status": status, "role": "assistant", "content": []}

    def _thoughts(self, part: Part) -> dict[str, Any]:
        thoughts: dict[str, Any] = {}
        if self._asked.summary:
            thoughts["summary"] = [{"type": "summary_text", "text": part.content}]
        if self._asked.sealed:
            thoughts["encrypted_content"] = pack(part.signed) or None
        return thoughts

    def _id(self, part: Part) -> str:
        return f"{PREFIXES[part.kind]}_{self._answer_id}_{part.number}"


def _content(part: Part, text: str) -> dict[str, Any]:
    if part.kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
