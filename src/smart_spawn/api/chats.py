"""An answer that is worked on while its caller waits, whole or as server-sent events, and only while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from smart_spawn.api.answers import STREAM_HEADERS, encode, json_answer
from smart_spawn.api.error_shapes import openai_error, relayed_status
from smart_spawn.api.gate import DECISION_ID
from smart_spawn.errors import SmartSpawnError
from smart_spawn.gateway import Answered, Streamed
from smart_spawn.gateway.shapes import Chunks

SEND_S = 60.0
"""The longest that a caller may take to receive one piece: one that reads no more would keep a call open."""
ALIVE = b": waiting\n\n"
"""A comment, which clients of server-sent events pass over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How one protocol writes an answer."""

    body: Callable[[dict[str, Any]], Any]
    """A chat completion → JSON."""
    frames: Callable[[Chunks], AsyncGenerator[bytes, None]]
    """Chunks of a chat completion → server-sent events, an error in the middle among them."""


async def openai_frames(chunks: Chunks) -> AsyncGenerator[bytes, None]:
    """Write chunks as OpenAI does. An answer that breaks off ends with an error, and without `[DONE]`."""
    try:
        async for chunk in chunks:
            yield ALIVE if chunk is None else b"data: " + encode(chunk) + b"\n\n"
    except SmartSpawnError as error:
        yield b"data: " + encode(openai_error(error, relayed_status(error))) + b"\n\n"
        return
    yield b"data: [DONE]\n\n"


OPENAI = Protocol(body=lambda completion: completion, frames=openai_frames)


class ChatResponse(Response):
    """A response that does its work when it is sent. A caller that goes away ends the work at once."""

    def __init__(self, work: Callable[[], Awaitable[Answered | Streamed]], protocol: Protocol) -> None:
        super().__init__()
        self._work = work
        self._protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work and send. Raises SmartSpawnError as long as nothing was sent."""
        async with _while_attended(receive):
            answer = await self._work()
            scope[DECISION_ID] = answer.decision_id
            if isinstance(answer, Answered):
                response = json_answer(self._protocol.body(answer.body), headers=answer.headers)
                await response(scope, receive, send)
            else:
                await self._stream(answer, send)

    async def _stream(self, answer: Streamed, send: Send) -> None:
        headers = {**STREAM_HEADERS, **answer.headers, "content-type": "text/event-stream; charset=utf-8"}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        async with aclosing(answer.chunks), aclosing(self._protocol.frames(answer.chunks)) as frames:
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            async for frame in frames:
                try:
                    async with asyncio.timeout(SEND_S):
                        await send({"type": "http.response.body", "body": frame, "more_body": True})
                except TimeoutError:
                    return  # nobody reads: the end of the response would not be read either
            await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def _while_attended(receive: Receive) -> AsyncIterator[None]:
    """Leave the block at once when the caller goes away, whose body must have been read before."""
    task: asyncio.Task[Any] = asyncio.current_task()  # type: ignore[assignment]  # there always is one here
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
    finally:
        watching.cancel()
