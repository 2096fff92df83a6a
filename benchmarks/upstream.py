"""A provider that costs next to nothing, in a process of its own: answers at once, or streams numbered chunks.

    python -m benchmarks.upstream PORT

A last message `stream COUNT SECONDS` of a streamed chat is answered with that many chunks, so far apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "theirs",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "four"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11},
    }
).encode()
WHOLE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
)
UNKNOWN = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
FRAME = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "theirs"}


def _event(text: str | None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": "stop" if text is None else None}
    data = b"data: " + json.dumps({**FRAME, "choices": [choice]}).encode() + b"\n\n"
    return b"%x\r\n%s\r\n" % (len(data), data)


USAGE = json.dumps({**FRAME, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}).encode()
LAST = b"data: " + USAGE + b"\n\ndata: [DONE]\n\n"


class Provider(asyncio.Protocol):
    """One connection, kept alive."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._held = b""
        self._task: asyncio.Task[None] | None = None

    def connection_lost(self, error: Exception | None) -> None:
        """Stop streaming to nobody."""
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            if not head.startswith(b"post "):  # some gateways ask which models there are
                self._held = self._held[end + 4 :]
                self._transport.write(UNKNOWN)
                continue
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(self._held) < end + 4 + length:
                return
            body, self._held = self._held[end + 4 : end + 4 + length], self._held[end + 4 + length :]
            asked = json.loads(body)
            if asked.get("stream"):
                self._task = asyncio.ensure_future(self._stream(asked["messages"][-1]["content"]))
            else:
                self._transport.write(WHOLE)

    async def _stream(self, wish: str) -> None:
        _, count, every_s = wish.split(" ")[:3]
        self._transport.write(HEAD)
        began = asyncio.get_running_loop().time()
        for number in range(int(count)):
            self._transport.write(_event(f"{number} "))
            due_s = began + (number + 1) * float(every_s) - asyncio.get_running_loop().time()
            await asyncio.sleep(max(0.0, due_s))
        self._transport.write(_event(None) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(LAST), LAST))


async def main(port: int) -> None:
    """Serve until somebody ends the process."""
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", port, backlog=1_000)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
