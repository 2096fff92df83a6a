"""`/mcp`: the tools of `smart_spawn.mcp` over HTTP."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from smart_spawn.api.callers import caller_of
from smart_spawn.api.requests import arriving_within, read_bytes
from smart_spawn.app import SmartSpawn
from smart_spawn.mcp.http import McpEndpoint


class McpRoute:
    """Reads a message within our limits and has it answered. Waiting for a run takes as long as the client asks."""

    path_format = "/mcp"
    """What the route is called where requests are counted."""

    def __init__(self, app: SmartSpawn) -> None:
        self._server = app.settings.server
        self.endpoint = McpEndpoint(app, caller_of=caller_of, max_bytes=self._server.max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message."""
        async with arriving_within(self._server.request_timeout_s):
            body = await read_bytes(Request(scope, receive), self._server.max_body_bytes)
        await self.endpoint.answer(body, scope, receive, send)

    def routes(self) -> list[Route]:
        """Return where it answers. Without sessions there is nothing to GET or DELETE."""
        return [Route(path, self, methods=["POST"], include_in_schema=False) for path in ("/mcp", "/api/mcp")]
