"""What stands before every route: who may ask, how much, how long, and what is written down."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from smart_spawn.api.gate import Gate, InFlight, Limits
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import StoreCorrupt
from tests.unit.api.conftest import body_of

Inner = Callable[[Scope, Receive, Send], Awaitable[None]]


@pytest.fixture(autouse=True)
def _fresh_log() -> None:
    structlog.reset_defaults()


def gate(inner: Inner, **limits: Any) -> tuple[httpx.AsyncClient, InFlight]:
    """Return a client of a gate before `inner`."""
    in_flight = InFlight()
    allowed = {"allowed_hosts": ("testserver",), "timeout_s": 5.0, **limits}
    guarded = Gate(inner, limits=Limits(**allowed), hot={}, in_flight=in_flight)
    transport = httpx.ASGITransport(app=guarded)
    return httpx.AsyncClient(transport=transport, base_url="http://testserver"), in_flight


async def slow(scope: Scope, receive: Receive, send: Send) -> None:
    """Never answer."""
    await asyncio.sleep(60)


async def begun(in_flight: InFlight) -> None:
    """Wait until a request is being answered."""
    async with asyncio.timeout(5):
        while not in_flight.tasks:  # noqa: ASYNC110  # the gate tells nobody when it begins
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "localhost@evil", ""]
)
async def test_another_hosts_name_is_refused(http: httpx.AsyncClient, host: str) -> None:
    """A web page whose name was made to point here cannot read answers."""
    answer = await http.get("/api/pick?task=x", headers={"host": host})
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3000", "127.0.0.1:80", "[::1]:3000", "localhost."])
async def test_our_own_names_are_let_in(http: httpx.AsyncClient, host: str) -> None:
    """Loopback names pass, with any port."""
    assert (await http.get("/health", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver:81", "http://[evil"])
async def test_other_pages_cannot_send_requests_that_do_something(
    http: httpx.AsyncClient, origin: str
) -> None:
    """A browser names the page that a request comes from; only our own may post."""
    refused = await http.post("/api/route", json={"task": "x"}, headers={"origin": origin})
    own = await http.post("/api/route", json={"task": "x"}, headers={"origin": "http://testserver"})
    assert (refused.status_code, body_of(refused)["error"]["code"]) == (403, "FORBIDDEN")
    assert own.status_code == 200


async def test_head_gets_the_headers_alone(http: httpx.AsyncClient) -> None:
    """HEAD goes where GET goes and brings no body."""
    answer = await http.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_late_answer_is_a_timeout() -> None:
    """A request that takes longer than its time ends with 504, and the slow work with it."""
    http, in_flight = gate(slow, timeout_s=0.02)
    answer = await http.get("/slow")
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (504, "TIMEOUT")
    assert not in_flight.tasks


async def test_what_is_too_much_is_told_to_come_back() -> None:
    """Beyond the limit a request is refused at once, with the time to wait."""
    http, in_flight = gate(slow, max_in_flight=2, timeout_s=0.2)
    answers = await asyncio.gather(*(http.get("/slow") for _ in range(5)))
    refused = [answer for answer in answers if answer.status_code == 503]
    assert sorted(answer.status_code for answer in answers) == [503, 503, 503, 504, 504]
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert not in_flight.tasks


async def test_a_stop_ends_what_is_too_slow_with_an_answer() -> None:
    """Whoever waits when the service stops is told so, after the grace, not cut off."""
    http, in_flight = gate(slow)
    waiting = asyncio.create_task(http.get("/slow"))
    await begun(in_flight)
    await in_flight.drain(0.05)
    answer = await waiting
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (503, "STOPPING")


async def test_a_stop_lets_quick_answers_finish() -> None:
    """What ends within the grace is answered as if nothing were stopping."""

    async def quick(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    http, in_flight = gate(quick)
    waiting = asyncio.create_task(http.get("/quick"))
    await begun(in_flight)
    await in_flight.drain(5)
    assert (await waiting).status_code == 204


@pytest.mark.parametrize("path", ["/api/pick?task=x", "/api/models/acme/strong"])
async def test_a_fault_of_ours_shows_no_inside(
    http: httpx.AsyncClient, served: SmartSpawn, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """An unexpected exception is a 500 that says nothing of the code; the log has the rest."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the secret inside")

    monkeypatch.setattr(served, "decide", broken)
    monkeypatch.setattr("smart_spawn.api.routes.models.model_json", broken)
    with capture_logs() as lines:
        answer = await http.get(path)
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (500, "INTERNAL")
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content
    assert [line["event"] for line in lines] == ["request failed", "request"]


async def test_a_broken_store_is_said_as_such(
    http: httpx.AsyncClient, served: SmartSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors with a name keep it: cause and way out reach the caller."""

    def broken(_: str) -> None:
        raise StoreCorrupt("the database file is damaged", hint="restore it")

    monkeypatch.setattr(served, "decision", broken)
    answer = await http.get("/api/decisions/dec_1")
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (503, "STORE_CORRUPT")


async def test_one_line_is_logged_a_request_and_never_the_task(http: httpx.AsyncClient) -> None:
    """The line has the decision, the path and the time; queries and bodies are not in it."""
    secret = "my unreleased product is called Zanzibar"
    with capture_logs() as lines:
        pick = body_of(await http.get("/api/pick", params={"task": secret}))["data"]
        route = body_of(await http.post("/api/route", json={"task": secret}))
        await http.get("/api/pick", params={"task": secret, "budget": secret})
        await http.get("/api/models/a%E2%80%A8b%1B[31m")
    assert [line.get("decision") for line in lines] == [pick["decisionId"], route["id"], None, None]
    assert [line["status"] for line in lines] == [200, 200, 400, 404]
    assert all(line["ms"] >= 0 for line in lines)
    assert "Zanzibar" not in json.dumps(lines)
    assert all(line["path"].isprintable() for line in lines)


async def test_a_fault_of_the_caller_never_is_a_fault_of_ours(api: FastAPI) -> None:
    """Headers and queries of random bytes get an answer below 500."""
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        for raw in (
            b"task=%E2%82",
            b"&&==&",
            b"task=x&budget[]=low",
            b"%",
            b"task=x;budget=low",
            b"%00=%00",
        ):
            url = httpx.URL("http://testserver/api/pick").copy_with(query=raw)
            assert (await http.get(url)).status_code < 500, raw
