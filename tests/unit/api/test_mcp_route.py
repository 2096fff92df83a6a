"""`/mcp`: the same gate, keys and limits as every other route; what tools do is tested beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from smart_spawn.app import SmartSpawn
from tests.unit.api.conftest import body_of
from tests.unit.api.test_callers import bearer

VERSION = "2025-06-18"
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture
async def http(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that was started, and is stopped."""
    async with (
        api.router.lifespan_context(api),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=api), base_url="http://localhost", headers=ACCEPT
        ) as client,
    ):
        yield client


def message(method: str, **params: Any) -> dict[str, Any]:
    """Return one request of the protocol."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


PICK = message("tools/call", name="smartspawn_pick", arguments={"task": "write code"})


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """Return the answer in a response, a document or a stream with one event."""
    assert response.status_code == 200, response.text
    if response.headers["content-type"].startswith("application/json"):
        value: dict[str, Any] = response.json()
        return value
    data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
    return dict(httpx.Response(200, content=data[-1]).json())


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/api/mcp"])
async def test_it_answers_without_a_session(http: httpx.AsyncClient, path: str) -> None:
    """Any worker can answer any message: the handshake opens nothing, and a call needs none."""
    hello = message(
        "initialize",
        protocolVersion=VERSION,
        capabilities={},
        clientInfo={"name": "test", "version": "1"},
    )
    greeted = await http.post(path, json=hello)
    assert answer_of(greeted)["result"]["serverInfo"]["name"] == "smart-spawn"
    assert "mcp-session-id" not in greeted.headers
    called = answer_of(await http.post(path, json=PICK, headers={"mcp-protocol-version": VERSION}))
    assert called["result"]["structuredContent"]["id"]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_there_is_nothing_to_get(http: httpx.AsyncClient, method: str) -> None:
    """Without sessions there is no stream to open and nothing to end: 405, which clients expect."""
    refused = await http.request(method, "/mcp")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert body_of(refused)["error"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://evil.example"}, {"origin": "null"}]
)
async def test_other_hosts_and_pages_are_refused(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A web page cannot make a browser call tools, whatever name it points at this machine."""
    refused = await http.post("/mcp", json=PICK, headers=headers)
    assert (refused.status_code, body_of(refused)["error"]["code"]) == (403, "FORBIDDEN")


async def test_the_own_page_may_ask(http: httpx.AsyncClient) -> None:
    """A page of the service itself is not somebody else."""
    assert answer_of(await http.post("/mcp", json=PICK, headers={"origin": "http://localhost"}))["result"]


async def test_keys_hold_for_tools_too(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Without a key nothing; with one, what its scope opens, and the tool says what is lacking."""
    secret = served.keys.create("laptop", ["route"]).secret
    for headers in ({}, bearer("ss_wrong")):
        refused = await http.post("/mcp", json=PICK, headers=headers)
        assert (refused.status_code, body_of(refused)["error"]["code"]) == (401, "UNAUTHORIZED")
    assert not answer_of(await http.post("/mcp", json=PICK, headers=bearer(secret)))["result"].get("isError")
    run = message("tools/call", name="smartspawn_run_create", arguments={"task": "x", "mode": "single"})
    refused_run = answer_of(await http.post("/mcp", json=run, headers=bearer(secret)))["result"]
    assert refused_run["isError"]
    assert refused_run["structuredContent"]["error"]["code"] == "FORBIDDEN"
    spending = served.keys.create("agent", ["execute"]).secret
    refused_pick = answer_of(await http.post("/mcp", json=PICK, headers={"x-api-key": spending}))
    assert refused_pick["result"]["structuredContent"]["error"]["details"] == {"needs": "route"}


async def test_a_body_has_a_limit(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """More than any message needs is not read."""
    long = b" " * (served.settings.server.max_body_bytes + 1)
    refused = await http.post("/mcp", content=long)
    assert (refused.status_code, body_of(refused)["error"]["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": []}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 5}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "x", "arguments": "\\ud800"}}',
    ],
)
@pytest.mark.parametrize("version", [VERSION, "2026-07-28", "1999-01-01"])
async def test_what_is_no_message_is_refused(http: httpx.AsyncClient, body: bytes, version: str) -> None:
    """Broken messages are the client's fault, in every generation of the protocol: an error, never a 5xx."""
    answer = await http.post("/mcp", content=body, headers={"mcp-protocol-version": version})
    assert answer.status_code < 500
    found = answer_of(answer) if answer.status_code == 200 else answer.json()
    assert found["error"]["message"]


async def test_the_library_is_loaded_by_the_first_client(http: httpx.AsyncClient, api: FastAPI) -> None:
    """A service that nobody speaks MCP to pays nothing for it."""
    route = next(route for route in api.router.routes if getattr(route, "path", "") == "/mcp")
    endpoint = route.app.endpoint  # type: ignore[attr-defined]  # the route is ours
    assert endpoint._manager is None
    await http.post("/mcp", json=PICK)
    assert endpoint._manager is not None
