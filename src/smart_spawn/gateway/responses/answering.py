"""A chat completion, whole or in chunks → a response, whole or as events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from smart_spawn.errors import SmartSpawnError
from smart_spawn.gateway.assembly import Assembly, Move
from smart_spawn.gateway.completions import Tokens, choice_of
from smart_spawn.gateway.responses.asking import AskedResponse
from smart_spawn.gateway.responses.items import Items

Event = tuple[str, dict[str, Any]]
"""The name of a server-sent event, and its data."""
INCOMPLETE: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a completion ended before its end → what a response calls it."""


def response_of(completion: Mapping[str, Any], asked: AskedResponse) -> dict[str, Any]:
    """Return the answer of `POST /v1/responses`."""
    choice = choice_of(completion)
    items = Items(_text(completion.get("id")), asked)
    assembly = _assembly(completion, asked)
    message = choice.get("message")
    for _ in assembly.feed(message if isinstance(message, dict) else {}):
        pass
    for _ in assembly.end():
        pass
    reason = _text(choice.get("finish_reason"))
    return {**_response(completion, asked), **_ended(assembly, items, reason, completion.get("usage"))}


class ResponseStream:
    """The events of one streamed response. Feed it every chunk, then `finish` it, or `fail` it at any time."""

    def __init__(self, asked: AskedResponse) -> None:
        self._asked = asked
        self._assembly: Assembly | None = None
        self._head: dict[str, Any] = {}
        self._items = Items("", asked)
        self._reason = ""
        self._usage: object = None
        self._sent = 0

    def feed(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        """Return the events that a chunk gives rise to."""
        if self._assembly is None:
            yield from self._start(chunk)
        choice = choice_of(chunk)
        self._reason = _text(choice.get("finish_reason")) or self._reason
        self._usage = chunk.get("usage") or self._usage
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield from self._moved(self._started.feed(delta))

    def finish(self) -> Iterator[Event]:
        """Return the events of the end."""
        if self._assembly is None:
            yield from self._start({})
        cut = self._reason in INCOMPLETE
        for move in self._started.end():
            last = move.part is self._started.parts[-1]
            yield from self._moved(iter([move]), cut=cut and last)
        ended = _ended(self._started, self._items, self._reason, self._usage)
        name = "response.incomplete" if cut else "response.completed"
        yield self._event(name, response={**self._head, **ended})

    def fail(self, error: SmartSpawnError, status: int) -> Iterator[Event]:
        """Return the event that ends a stream early. `status` is what the error would have had as an answer."""
        code = "server_error" if status >= 500 else "invalid_prompt"
        failure = {
            "code": "rate_limit_exceeded" if status == 429 else code,
            "message": f"{error.message} (hint: {error.hint})" if error.hint else error.message,
            "type": error.code,
        }
        if self._assembly is None:
            yield self._event("error", code=failure["code"], message=failure["message"], param=None)
            return
        done = [self._items.item(part, "completed") for part in self._assembly.parts if part.closed]
        failed = {"status": "failed", "error": failure, "output": done}
        yield self._event("response.failed", response={**self._head, **failed})

    @property
    def _started(self) -> Assembly:
        assert self._assembly is not None  # noqa: S101  # every caller started it
        return self._assembly

    def _start(self, chunk: Mapping[str, Any]) -> Iterator[Event]:
        self._assembly = _assembly(chunk, self._asked)
        self._items = Items(_text(chunk.get("id")), self._asked)
        self._head = _response(chunk, self._asked)
        yield self._event("response.created", response=self._head)
        yield self._event("response.in_progress", response=self._head)

    def _moved(self, moves: Iterator[Move], *, cut: bool = False) -> Iterator[Event]:
        for move in moves:
            for name, data in self._items.events(move, cut=cut):
                yield self._event(name, **data)

    def _event(self, name: str, /, **data: Any) -> Event:
        number, self._sent = self._sent, self._sent + 1
        return name, {"type": name, "sequence_number": number, **data}


def _assembly(completion: Mapping[str, Any], asked: AskedResponse) -> Assembly:
    return Assembly(_text(completion.get("id")), thinking=asked.summary or asked.sealed)


def _response(completion: Mapping[str, Any], asked: AskedResponse) -> dict[str, Any]:
    """Return a response that has just begun."""
    created = completion.get("created")
    return {
        "id": f"resp_{_text(completion.get('id')) or 'smart_spawn'}",
        "object": "response",
        "created_at": created if isinstance(created, int) else 0,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": _text(completion.get("model")),
        "output": [],
        "previous_response_id": None,
        "store": False,
        "truncation": "disabled",
        "usage": None,
        **asked.echo,
    }


def _ended(assembly: Assembly, items: Items, reason: str, usage: object) -> dict[str, Any]:
    """Return what a response has at its end. The last item of one that was cut off is incomplete too."""
    why = INCOMPLETE.get(reason)
    last = len(assembly.parts) - 1
    output = [
        items.item(part, "incomplete" if why and number == last else "completed")
        for number, part in enumerate(assembly.parts)
    ]
    return {
        "status": "incomplete" if why else "completed",
        "incomplete_details": {"reason": why} if why else None,
        "output": output,
        "usage": _usage(Tokens.of(usage)),
    }


def _usage(tokens: Tokens) -> dict[str, Any]:
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_written},
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.completion,
    }


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
