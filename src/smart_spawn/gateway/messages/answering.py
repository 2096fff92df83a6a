"""A chat completion, whole or in chunks → a message, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from smart_spawn.errors import BadAnswer, SmartSpawnError
from smart_spawn.gateway.assembly import Assembly, Move, Part
from smart_spawn.gateway.completions import Tokens, choice_of
from smart_spawn.gateway.messages.asking import AskedMessage
from smart_spawn.gateway.messages.failing import message_error
from smart_spawn.gateway.thinking import pack

Event = tuple[str, dict[str, Any]]
"""The name of a server-sent event, and its data."""
STOP_REASONS: Mapping[str, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def message_of(completion: Mapping[str, Any], asked: AskedMessage) -> dict[str, Any]:
    """Return the answer of `POST /v1/messages`. Raises BadAnswer where a tool call cannot be read."""
    choice = choice_of(completion)
    assembly = Assembly(_text(completion.get("id")), thinking=asked.thinking)
    message = choice.get("message")
    for _ in assembly.feed(message if isinstance(message, dict) else {}):
        pass
    for _ in assembly.end():
        pass
    cut = choice.get("finish_reason") == "length"
    blocks = [block for part in assembly.parts if (block := _block(part, cut=cut))]
    stop = _stop(choice, assembly.parts, asked)
    return _message(completion, blocks) | stop | {"usage": _usage(Tokens.of(completion.get("usage")))}


class MessageStream:
    """The events of one streamed message. Feed it every chunk, then `finish` it, or `fail` it at any time."""

    def __init__(self, asked: AskedMessage) -> None:
        self._asked = asked
        self._assembly: Assembly | None = None
        self._choice: dict[str, Any] = {}
        self._usage: object = None

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """Return the events that a chunk gives rise to."""
        if self._assembly is None:
            yield from self._start(chunk)
        choice = choice_of(chunk)
        # the last chunk that says why it ended counts; some servers say it twice
        self._choice |= {
            k: v for k, v in choice.items() if k in ("finish_reason", "stop_reason") and v is not None
        }
        self._usage = chunk.get("usage") or self._usage
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield from self._moved(self._started.feed(delta))

    def finish(self) -> Iterator[Event]:
        """Return the events of the end."""
        if self._assembly is None:
            yield from self._start({})
        yield from self._moved(self._started.end())
        delta = _stop(self._choice, self._started.parts, self._asked)
        usage = _usage(Tokens.of(self._usage))
        yield "message_delta", {"type": "message_delta", "delta": delta, "usage": usage}
        yield "message_stop", {"type": "message_stop"}

    def fail(self, error: SmartSpawnError, status: int) -> Iterator[Event]:
        """Return the event that ends a stream early. `status` is what the error would have had as an answer."""
        yield "error", message_error(error, status)

    @property
    def _started(self) -> Assembly:
        assert self._assembly is not None  # noqa: S101  # every caller started it
        return self._assembly

    def _start(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        self._assembly = Assembly(_text(chunk.get("id")), thinking=self._asked.thinking)
        none_yet = {"stop_reason": None, "stop_sequence": None, "usage": _usage(Tokens())}
        yield "message_start", {"type": "message_start", "message": _message(chunk, []) | none_yet}

    def _moved(self, moves: Iterator[Move]) -> Iterator[Event]:
        for move in moves:
            part = move.part
            if move.what == "open":
                yield _event("content_block_start", part, content_block=_empty_block(part))
            elif move.what == "add":
                yield _event("content_block_delta", part, delta=_delta(part, move.text))
            else:
                if part.kind == "thinking" and (signature := pack(part.signed)):
                    signed = {"type": "signature_delta", "signature": signature}
                    yield _event("content_block_delta", part, delta=signed)
                yield _event("content_block_stop", part)


def _event(name: str, part: Part, /, **data: Any) -> Event:
    return name, {"type": name, "index": part.number, **data}


def _message(completion: Mapping[str, Any], blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_{_text(completion.get('id')) or 'smart_spawn'}",
        "type": "message",
        "role": "assistant",
        "model": _text(completion.get("model")),
        "content": blocks,
    }


def _block(part: Part, *, cut: bool) -> dict[str, Any] | None:
    """Return a whole block. A call that was cut off in the middle of its arguments is none that could be made."""
    block = _empty_block(part)
    match part.kind:
        case "thinking":
            return block | {"thinking": part.content, "signature": pack(part.signed)}
        case "tool":
            arguments = part.arguments()
            if arguments is None and cut:
                return None
            if arguments is None:
                raise BadAnswer(
                    f"the model called `{part.name}` with arguments that are no JSON object",
                    hint="ask again; another model may do better",
                )
            return block | {"input": arguments}
    return block | {"text": part.content}


def _empty_block(part: Part) -> dict[str, Any]:
    match part.kind:
        case "thinking":
            return {"type": "thinking", "thinking": "", "signature": ""}
        case "tool":
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
    return {"type": "text", "text": ""}


def _delta(part: Part, text: str) -> dict[str, Any]:
    match part.kind:
        case "thinking":
            return {"type": "thinking_delta", "thinking": text}
        case "tool":
            return {"type": "input_json_delta", "partial_json": text}
    return {"type": "text_delta", "text": text}


def _stop(choice: Mapping[str, Any], parts: list[Part], asked: AskedMessage) -> dict[str, Any]:
    """Say why the answer ended. Servers that tell the sequence which stopped them do so in `stop_reason`."""
    reason = STOP_REASONS.get(_text(choice.get("finish_reason")), "end_turn")
    kinds = {part.kind for part in parts}
    sequence = choice.get("stop_reason")
    if reason == "end_turn" and "refusal" in kinds:
        reason = "refusal"
    elif reason == "end_turn" and "tool" in kinds:
        reason = "tool_use"
    elif reason == "end_turn" and sequence in asked.stop_sequences:
        return {"stop_reason": "stop_sequence", "stop_sequence": sequence, "stop_details": None}
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}


def _usage(tokens: Tokens) -> dict[str, Any]:
    """Return the counts as Anthropic splits them: what came from a cache is not in `input_tokens`."""
    return {
        "input_tokens": tokens.prompt - tokens.cached - tokens.cache_written,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.cache_written,
        "output_tokens": tokens.completion,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
