"""`/mcp`: MCP over HTTP, one POST a message, no session. Any worker process can answer any message.

Who may ask, from which host and from which page, was decided before: the gate and the keys of the service.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from starlette.types import Message, Receive, Scope, Send

from smart_spawn.app import SmartSpawn
from smart_spawn.surface.caller import Caller

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpEndpoint:
    """The ASGI callable behind `/mcp`. It loads the library when the first client comes."""

    def __init__(self, app: SmartSpawn, *, caller_of: Callable[[Any], Caller], max_bytes: int) -> None:
        self._app = app
        self._caller_of = caller_of
        self._max_bytes = max_bytes
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()

    async def answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message whose body was read before."""
        manager = await self._opened()
        await manager.handle_request(scope, _replayed(body, receive), send)

    async def aclose(self) -> None:
        """End what is under way."""
        if self._running is not None:
            running, self._running, self._manager = self._running, None, None
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    async def _opened(self) -> StreamableHTTPSessionManager:
        async with self._opening:
            if self._manager is None:
                self._manager = await anyio.to_thread.run_sync(self._new_manager)
                ready = asyncio.Event()
                self._running = asyncio.create_task(_run(self._manager, ready), name="mcp")
                await ready.wait()
            return self._manager

    def _new_manager(self) -> StreamableHTTPSessionManager:
        manager = import_module("mcp.server.streamable_http_manager")
        server = import_module("smart_spawn.mcp.server").mcp_server(self._app, self._caller_of)
        found: StreamableHTTPSessionManager = manager.StreamableHTTPSessionManager(
            server, stateless=True, max_request_body_size=self._max_bytes
        )
        return found


async def _run(manager: StreamableHTTPSessionManager, ready: asyncio.Event) -> None:
    async with manager.run():
        ready.set()
        await asyncio.Event().wait()


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, then whatever comes after it: the client going away."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
