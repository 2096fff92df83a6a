"""`spawn`, `refresh`, `health`, `serve`: commands that talk to others, here on the loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from smart_spawn.providers.fake_server import FakeServer
from smart_spawn.sources import transport
from tests.unit.cli.conftest import Cli
from tests.unit.sources.publisher import Publisher, publishing

TASK = "Refactor this Python function to use asyncio"
MAIN_FIVE = ("openrouter", "lmarena", "livebench", "open_llm_leaderboard")


@contextmanager
def in_a_thread(server: FakeServer) -> Iterator[FakeServer]:
    """Run a provider beside the command, which has an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(5)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    with in_a_thread(FakeServer(default="async def f(): \x1b[2J...")) as server:
        monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL", server.base_url)
        monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__MAX_RETRIES", "0")
        yield server


def test_the_answer_goes_out_alone_and_the_bill_beside_it(cli: Cli, provider: FakeServer) -> None:
    """`smart-spawn spawn ... > file` holds the model's text, byte for byte; the rest is told on standard error."""
    answer = cli("spawn", TASK)
    assert answer.code == 0
    assert answer.out == "async def f(): \x1b[2J...\n"
    assert "model acme/good-1, cost" in answer.err
    assert "smart-spawn explain dec_" in answer.err


def test_a_spawn_is_one_document_with_its_decision(cli: Cli, provider: FakeServer) -> None:
    """The shape of `POST /spawn`, and nothing on standard error."""
    answer = cli("spawn", TASK, "--budget", "low", "--json")
    assert answer.json["routingDecision"]["selected"]["model"] == "acme/cheap-1"
    assert answer.json["status"] == "succeeded"
    assert answer.err == ""


def test_the_next_model_takes_over_and_is_named(cli: Cli, provider: FakeServer) -> None:
    """A model that fails is not the end; who was tried is told."""
    provider.steps.append("500")
    answer = cli("spawn", TASK)
    assert answer.code == 0
    assert "model acme/cheap-1" in answer.err
    assert "asked before it: acme/good-1" in answer.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ([], 2, "`task` is empty"),
        ([TASK, "--mode", "swram"], 2, "one of: single"),
        ([TASK, "--mode", "cascade", "--min-confidence", "1.5"], 2, "minConfidence"),
        ([TASK, "--mode", "cascade", "--pattern", "("], 2, "verify.pattern"),
        ([TASK, "--max-cost-usd", "0.00001"], 3, "0.00001 USD"),
        ([TASK, "--max-cost-usd", "much"], 2, "maxCostUsd"),
        ([TASK, "--timeout-s", "-1"], 2, "timeoutS"),
    ],
)
def test_a_wrong_spawn_is_one_clear_error(
    cli: Cli, provider: FakeServer, words: list[str], code: int, says: str
) -> None:
    """What cannot be done is refused before anybody is paid."""
    answer = cli("spawn", *words)
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err
    assert not provider.received


def test_no_provider_names_the_setting(cli: Cli) -> None:
    """Whoever has no provider yet learns what to set; the choice itself goes on working."""
    answer = cli("spawn", TASK)
    assert answer.code == 4
    assert "OPENROUTER_API_KEY" in answer.err
    assert cli("route", TASK).code == 0


def test_a_provider_that_is_not_there_is_unreachable(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 4 and the address's setting, not a trace-back."""
    monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__MAX_RETRIES", "0")
    answer = cli("spawn", TASK)
    assert answer.code == 4
    assert "hint: " in answer.err
    assert "Traceback" not in answer.err


@pytest.fixture(scope="module")
def publisher() -> Iterator[Publisher]:
    with publishing() as server:
        yield server


@pytest.fixture
def published(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(transport, "DEFAULT_RETRY_WAIT_S", 0.02)
    for name in MAIN_FIVE:
        monkeypatch.setenv(f"SMART_SPAWN_SOURCES__{name.upper()}__BASE_URL", f"{publisher.url}/{name}")
    yield publisher
    publisher.faults.clear()


def test_a_refresh_tells_what_each_source_brought(cli: Cli, published: Publisher) -> None:
    """A table on standard output, progress on standard error; the second time nothing has changed."""
    first = cli("refresh")
    assert first.code == 0
    assert all(name in first.out for name in MAIN_FIVE)
    assert "lmarena: ok" in first.err
    assert "new catalogue" in first.out
    again = cli("refresh", "--json")
    assert again.json["changed"] is False
    assert again.json["sources"]["lmarena"]["status"] == "unchanged"
    assert cli("refresh", "--if-due", "--json").json["sources"]["lmarena"]["status"] == "not_due"
    assert cli("status", "--json").json["data"]["catalogVersion"] == again.json["version"]


def test_a_source_that_fails_is_exit_code_4_and_costs_no_data(cli: Cli, published: Publisher) -> None:
    """The others are taken, the failed one is named, and what was known of it stays in use."""
    before = cli("refresh", "--json").json
    published.faults["livebench"] = "500"
    answer = cli("refresh", "--json")
    assert answer.code == 4
    assert "livebench" in answer.err
    assert "the last good data" in answer.err
    assert answer.json["sources"]["livebench"]["status"] == "error"
    assert answer.json["version"] == before["version"]
    assert cli("route", TASK).code == 0


def test_one_source_can_be_asked_alone(cli: Cli, published: Publisher) -> None:
    """`--source` leaves the others alone."""
    cli("refresh")
    published.seen.clear()
    assert cli("refresh", "--source", "lmarena").code == 0
    assert {path.split("/")[1] for path, _, _ in published.seen} == {"lmarena"}


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """Answer one request on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            """Stay quiet."""

        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield server.server_port
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "code", "says"),
    [
        (200, b'{"status": "ok"}', 0, "is well"),
        (
            503,
            b'{"error": {"code": "NO_CATALOG", "message": "no catalogue", "hint": "refresh"}}',
            1,
            "no catalogue",
        ),
        (500, b"<html>", 1, "status 500"),
        (200, b"<html>", 1, "status 200"),
    ],
)
def test_health_is_what_the_service_says(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, code: int, says: str
) -> None:
    """Exit code 0 only for a service that can choose a model; something else on the port is not it."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with answering(status, body) as port:
        monkeypatch.setenv("SMART_SPAWN_PORT", str(port))
        answer = cli("health")
    assert answer.code == code
    assert says in answer.out + answer.err


def test_no_service_is_not_healthy(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody on the port: exit code 1, and how to start it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("SMART_SPAWN_PORT", str(taken.getsockname()[1]))
        answer = cli("health")
        assert answer.code == 1
        assert "smart-spawn serve" in answer.err
        assert cli("health", "--json").json["error"]["code"] == "UNREACHABLE"


def test_a_port_that_is_taken_is_one_clear_error(cli: Cli) -> None:
    """The second service on a port says so, with another port to try."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = cli("serve", "--port", str(port))
    assert answer.code == 1
    assert f"port {port}" in answer.err
    assert "--port" in answer.err
    assert len(answer.err.splitlines()) == 2


def test_a_host_that_others_can_reach_is_refused(cli: Cli) -> None:
    """Without a key the service stays on this machine."""
    answer = cli("serve", "--host", "0.0.0.0", "--port", "0")  # noqa: S104  # to be refused
    assert answer.code == 2
    assert "`0.0.0.0`" in answer.err
