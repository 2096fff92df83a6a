"""A load generator on plain sockets, in a process of its own: keep-alive connections that ask one after the other.

    python -m benchmarks.load PORT CONNECTIONS SECONDS PATH ['{"model": ..., "headers": {...}}']

The last argument is for chats through a gateway that is not ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

TASKS = (
    "Refactor this Python function to use asyncio",
    "Summarise these three papers about protein folding",
    "Write a limerick about a lighthouse",
    "Prove that the square root of two is irrational",
    "What does this screenshot show?",
    "Translate the following paragraph into Spanish",
    "Fix the failing unit test in tests/test_parser.py and explain the cause",
    "good morning",
)
BUDGETS = ("low", "medium", "high", "any")
SENT = 4_096
"""Different requests that one connection goes through before it begins again."""
_NAMES = (
    *("amber", "basalt", "cinder", "delta", "ember", "fjord"),
    *("garnet", "harbor", "indigo", "juniper", "kelp", "lagoon"),
)


def distinct(at: int) -> str:
    """Return a task that is like no other: names that no prompt was ever learned from, and numbers."""
    names = " ".join(_NAMES[at // len(_NAMES) ** place % len(_NAMES)] for place in range(3))
    return f"{TASKS[at % len(TASKS)]}, for {names} {at}"


class Client(asyncio.Protocol):
    """One connection. Requests are written whole; answers end after their length, or with their last chunk."""

    def __init__(self, requests: Sequence[bytes], first: int, until: float) -> None:
        self.requests = requests
        self.until = until
        self.taken: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next = first
        self._sent = 0.0
        self._held = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self.requests[self._next % len(self.requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        """Take an answer, and ask again until the time is up."""
        held = self._held
        held += data
        end = held.find(b"\r\n\r\n")
        if end < 0:
            return
        _, told, length = held[:end].lower().partition(b"content-length: ")
        if told and len(held) < end + 4 + int(length.partition(b"\r")[0]):
            return
        if not told and not held.endswith(b"\r\n0\r\n\r\n"):
            return
        now = time.perf_counter()
        self.taken.append(now - self._sent)
        self.statuses[int(held[9:12])] += 1
        held.clear()
        if now < self.until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Say that this connection is over."""
        if not self.done.done():
            self.done.set_result(None)


def requests(path: str, port: int, other: Mapping[str, Any]) -> list[bytes]:
    """Return the requests that are sent in turn: every one with a task of its own, so that no cache can answer."""
    if path.startswith("/v1/"):
        return [_chat(path, port, at, other) for at in range(SENT)]
    return [
        f"GET {path}?task={quote_plus(distinct(at))}&budget={BUDGETS[at // len(TASKS) % len(BUDGETS)]} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n\r\n".encode()
        for at in range(SENT)
    ]


def _chat(path: str, port: int, at: int, other: Mapping[str, Any]) -> bytes:
    model = other.get("model") or f"smart-spawn/auto:{BUDGETS[at // len(TASKS) % len(BUDGETS)]}"
    messages = [
        {"role": "system", "content": "You are a careful assistant. Answer in one line."},
        {"role": "user", "content": distinct(at)},
    ]
    body = json.dumps({"model": model, "messages": messages, "temperature": 0.2, "max_tokens": 500}).encode()
    headers = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **other.get("headers", {}),
    }
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(
    port: int, connections: int, seconds: float, path: str, other: Mapping[str, Any]
) -> dict[str, object]:
    """Ask for so many seconds over so many connections. Times are in milliseconds."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    sent = requests(path, port, other)
    clients = [
        (
            await loop.create_connection(
                lambda at=at: Client(sent, at * 61, began + seconds),  # type: ignore[misc]
                "127.0.0.1",
                port,
            )
        )[1]
        for at in range(connections)
    ]
    await asyncio.wait_for(asyncio.gather(*(client.done for client in clients)), seconds + 30)
    elapsed = time.perf_counter() - began
    taken = sorted(t * 1000 for client in clients for t in client.taken)
    statuses: Counter[int] = sum((client.statuses for client in clients), Counter())
    return {
        "requests": len(taken),
        "perSecond": len(taken) / elapsed,
        "p50": taken[len(taken) // 2],
        "p99": taken[int(len(taken) * 0.99)],
        "max": taken[-1],
        "statuses": {str(status): count for status, count in statuses.items()},
    }


if __name__ == "__main__":
    port, connections, seconds, path = sys.argv[1:5]
    other = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    print(json.dumps(asyncio.run(run(int(port), int(connections), float(seconds), path, other))))
