"""A real HTTP server on the loopback that speaks the OpenAI protocol and misbehaves on request.

    async with FakeServer(["first answer", "429", "third answer"]) as server:
        settings = ProviderSettings(base_url=server.base_url)

`python -m smart_spawn.providers.fake_server` runs one in a terminal, to try Smart Spawn without a key.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

MAX_BODY_BYTES = 10_000_000
MAX_RECORDED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived."""

    target: str
    """The request line's address; absolute when we were used as a proxy."""
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer. `FAULTS` names the usual bad ones."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """Promise more bytes than are sent, then hang up."""
    drop: bool = False
    """Hang up without a word."""
    delay_s: float = 0.0
    parts: tuple[bytes, ...] = ()
    """Sent after `body`, one by one, each after `part_delay_s`."""
    part_delay_s: float = 0.0


def error_reply(
    status: int,
    message: str,
    *,
    http_status: int | None = None,
    headers: Mapping[str, str] | None = None,
    **rest: Any,
) -> Reply:
    """Build an error in OpenAI's shape; `http_status` differs where the error hides in a 200."""
    body = {"error": {"code": status, "message": message, **rest}}
    return Reply(status=http_status or status, body=json.dumps(body).encode(), headers=headers or {})


def completion(text: str | None, *, model: str = "fake", **parts: Any) -> dict[str, Any]:
    """Return a chat completion. `parts` replace `finish_reason`, `usage`, `refusal` or other members."""
    usage = {"prompt_tokens": 10, "completion_tokens": -(-len(text or "") // 4), "total_tokens": 0}
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    message = {"role": "assistant", "content": text, "refusal": parts.pop("refusal", None)}
    choice = {"index": 0, "message": message, "finish_reason": parts.pop("finish_reason", "stop")}
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": model,
        "choices": [choice],
        "usage": usage,
    } | parts


def json_reply(value: object) -> Reply:
    """Answer 200 with this value."""
    return Reply(body=json.dumps(value).encode())


def chunk(delta: Mapping[str, Any], *, model: str = "fake", **parts: Any) -> dict[str, Any]:
    """Return a chunk of a streamed completion. `parts` replace `finish_reason` or other members."""
    choice = {"index": 0, "delta": delta, "finish_reason": parts.pop("finish_reason", None)}
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": model,
        "choices": [choice],
    } | parts


def event(value: object) -> bytes:
    """Write a value as a server-sent event."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def stream_reply(*events: bytes, done: bool = True, part_delay_s: float = 0.0) -> Reply:
    """Answer 200 with a stream of these events, and `[DONE]` at its end."""
    last = (b"data: [DONE]\n\n",) if done else ()
    return Reply(content_type="text/event-stream", parts=(*events, *last), part_delay_s=part_delay_s)


def streamed(text: str, *, model: str = "fake", part_delay_s: float = 0.0) -> Reply:
    """Answer 200 with a text, a word at a time, and its usage."""
    words = [event(chunk({"content": word}, model=model)) for word in re.findall(r"\S+\s*", text)]
    return stream_reply(
        event(chunk({"role": "assistant", "content": ""}, model=model)),
        *words,
        event(chunk({}, model=model, finish_reason="stop")),
        event(chunk({}, model=model, choices=[], usage=completion(text)["usage"])),
        part_delay_s=part_delay_s,
    )


FAULTS: Mapping[str, Reply] = {
    "400": error_reply(400, "unsupported value", type="invalid_request_error"),
    "401": error_reply(401, "no such key", type="invalid_api_key"),
    "402": error_reply(402, "insufficient credits"),
    "403": error_reply(403, "not allowed"),
    "404": error_reply(404, "no endpoints found"),
    "422": error_reply(422, "cannot be processed"),
    "429": error_reply(429, "slow down", headers={"Retry-After": "0"}),
    "500": error_reply(500, "internal error"),
    "503": error_reply(503, "no instances available"),
    "529": error_reply(529, "overloaded", type="overloaded_error"),
    "context": Reply(
        status=400, body=b'{"error": {"code": "context_length_exceeded", "message": "too many tokens"}}'
    ),
    "context-phrase": error_reply(400, "This endpoint's maximum context length is 8192 tokens."),
    "moderated": error_reply(403, "flagged", metadata={"reasons": ["violence"], "flagged_input": "..."}),
    "quota": Reply(status=429, body=b'{"error": {"code": "insufficient_quota", "message": "no quota left"}}'),
    "redirect": Reply(status=307, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    "error-in-200": error_reply(429, "upstream is busy", http_status=200),
    "empty": Reply(),
    "html": Reply(body=b"<!DOCTYPE html><html><body>Welcome</body></html>", content_type="text/html"),
    "broken-json": Reply(body=b'{"id": "chatcmpl-1", "choices": ['),
    "wrong-json": json_reply({"models": []}),
    "no-choices": json_reply(completion("x", choices=[])),
    "empty-text": json_reply(completion("")),
    "null-text": json_reply(completion(None)),
    "length": json_reply(completion("", finish_reason="length")),
    "filtered": json_reply(completion("half an", finish_reason="content_filter")),
    "refusal": json_reply(completion(None, refusal="I cannot help with that.")),
    "cut": Reply(body=b'{"id": "chatcmpl-1", "cho', cut=True),
    "cut-stream": stream_reply(
        *(event(chunk({"content": word})) for word in ("only", " three", " words")), done=False
    ),
    "drop": Reply(drop=True),
    "huge": Reply(body=b'{"choices": [{"message": {"content": "' + b"x" * 6_000_000 + b'"}}]}'),
    "silence": Reply(delay_s=3600),
}
"""What a provider can do wrong, by name."""

Step = str | Reply


class FakeServer:
    """An OpenAI-compatible server on a free loopback port.

    Each request takes the next step: a `Reply`, the name of a fault in `FAULTS`, or the text to answer with.
    After the last step it answers `default`. With `tls` it serves https.
    """

    def __init__(
        self,
        steps: Iterable[Step] = (),
        *,
        default: Step | Callable[[Received], Step] = "This is a scripted answer.",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.steps: deque[Step] = deque(steps)
        self.received: deque[Received] = deque(maxlen=MAX_RECORDED)
        self.broken_off = 0
        """Answers that their caller did not wait for."""
        self.port = port
        self._default = default
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """The address to configure."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/v1"

    def answer_with(self, default: Step | Callable[[Received], Step]) -> None:
        """Answer with this after the last step, from now on."""
        self._default = default

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                received = await _read(reader)
                self.received.append(received)
                await self._answer(reader, writer, self._reply(received))
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, reply: Reply) -> None:
        """Write the answer until its end, or until the caller hangs up."""
        answering = asyncio.ensure_future(_write(writer, reply))
        hung_up = asyncio.ensure_future(reader.read(1))
        try:
            done, _ = await asyncio.wait({answering, hung_up}, return_when=asyncio.FIRST_COMPLETED)
            if answering not in done or isinstance(answering.exception(), ConnectionError):
                self.broken_off += 1
        finally:
            answering.cancel()
            hung_up.cancel()
            await asyncio.gather(answering, hung_up, return_exceptions=True)

    def _reply(self, received: Received) -> Reply:
        step: Step
        if self.steps:
            step = self.steps.popleft()
        else:
            step = self._default if isinstance(self._default, (str, Reply)) else self._default(received)
        if isinstance(step, Reply):
            return step
        model = str(received.body.get("model", "fake"))
        if step in FAULTS:
            return FAULTS[step]
        return (
            streamed(step, model=model)
            if received.body.get("stream")
            else json_reply(completion(step, model=model))
        )


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:]) if k}
    length = min(int(headers.get("content-length", 0)), MAX_BODY_BYTES)
    raw = await reader.readexactly(length)
    body = json.loads(raw) if raw else {}
    return Received(target=head[0].split(" ")[1], headers=headers, body=body)


async def _write(writer: asyncio.StreamWriter, reply: Reply) -> None:
    await asyncio.sleep(reply.delay_s)
    if reply.drop:
        return
    lines = [
        f"HTTP/1.1 {reply.status} Scripted",
        f"Content-Type: {reply.content_type}",
        *([] if reply.parts else [f"Content-Length: {len(reply.body) + (1000 if reply.cut else 0)}"]),
        "Connection: close",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body)
    await writer.drain()
    for part in reply.parts:  # without a length: the end of the connection ends it
        await asyncio.sleep(reply.part_delay_s)
        writer.write(part)
        await writer.drain()


async def _main(port: int) -> None:
    def answer(received: Received) -> Step:
        return f"`{received.body.get('model')}` would answer here; this server only pretends."

    async with FakeServer(default=answer, port=port) as server:
        sys.stderr.write(
            f"pretending to be an OpenAI-compatible provider at {server.base_url}; Ctrl-C stops it\n"
        )
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 4010))
