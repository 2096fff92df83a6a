"""Clients that are slow, cut off or send floods, over real connections: they hurt themselves alone."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.scenario.test_http_server import Service

TIMEOUT_S = 2


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start a service that waits two seconds for a body."""
    running = Service(
        tmp_path_factory.mktemp("service"),
        SMART_SPAWN_RUNS__WORKER="false",
        SMART_SPAWN_SERVER__REQUEST_TIMEOUT_S=str(TIMEOUT_S),
    )
    yield running
    running.close()


def connected(service: Service) -> socket.socket:
    """Open a plain connection."""
    _, _, port = service.url.rpartition(":")
    return socket.create_connection(("127.0.0.1", int(port)), timeout=30)


def answered(connection: socket.socket) -> bytes:
    """Return all that comes until the other side says no more; a connection that is cut says nothing."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except OSError:
        pass
    return b"".join(parts)


def status_of(answer: bytes) -> int | None:
    """Return the status of a raw answer; `None` where none came."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else None


def head(path: str, *headers: str) -> bytes:
    """Write the beginning of a POST."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode("latin-1")


def well(service: Service) -> None:
    """See that others are served."""
    answer = httpx.get(f"{service.url}/api/health", timeout=20)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/route", "/api/spawn", "/v1/chat/completions", "/v1/messages", "/v1/responses"]
)
def test_a_body_that_never_ends_is_not_waited_for(service: Service, path: str) -> None:
    """Whoever sends half a body gets a time-out in the shape of the path; meanwhile others are served."""
    with connected(service) as slow:
        began = time.monotonic()
        slow.sendall(head(path, "Content-Length: 1000") + b'{"task": "')
        well(service)
        slow.settimeout(30)
        answer = slow.recv(65_536)
        assert status_of(answer) == 504, answer
        assert time.monotonic() - began >= TIMEOUT_S * 0.9
        assert "error" in json.loads(answer.rpartition(b"\r\n\r\n")[2])


def test_a_body_that_drips_is_not_waited_for(service: Service) -> None:
    """A byte now and then does not keep a request alive."""
    with connected(service) as slow:
        slow.sendall(head("/v1/messages", "Content-Length: 100000"))
        deadline = time.monotonic() + 25
        try:
            while time.monotonic() < deadline:
                slow.sendall(b" ")
                time.sleep(0.2)
                slow.settimeout(0.01)
                try:
                    answer = slow.recv(65_536)
                except TimeoutError:
                    continue
                assert status_of(answer) == 504
                break
            else:
                pytest.fail("the request was kept alive")
        except ConnectionError:
            pass  # cut off: as good
    well(service)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(head("/api/route", *(f"x-{n}: {n}" for n in range(10_000))), id="many headers"),
        pytest.param(head("/api/route", "x-long: " + "a" * 2_000_000), id="a long header"),
        pytest.param(b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", id="a long path"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", id="no such version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 400, id="TLS"),
        pytest.param(b"\x00" * 10_000, id="zeros"),
        pytest.param(head("/api/route", "Content-Length: -1"), id="a negative length"),
        pytest.param(head("/api/route", "Content-Length: 5", "Content-Length: 6") + b"{}", id="two lengths"),
        pytest.param(head("/api/route", "Transfer-Encoding: chunked") + b"zz\r\n{}\r\n", id="broken chunks"),
        pytest.param(
            head("/api/route", "Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n{}\r\n",
            id="an endless chunk",
        ),
    ],
)
def test_floods_and_rubbish_are_refused(service: Service, sent: bytes) -> None:
    """What is no request gets a refusal or a closed connection, and the next client an answer."""
    with connected(service) as rude:
        try:
            rude.sendall(sent)
            rude.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused while it still came
        status = status_of(answered(rude))
    assert status is None or 400 <= status < 500, status
    well(service)


def test_many_that_say_nothing_do_not_keep_others_out(service: Service) -> None:
    """Two hundred connections without a word, and one that asks."""
    silent = [connected(service) for _ in range(200)]
    try:
        well(service)
    finally:
        for connection in silent:
            connection.close()
    well(service)


def test_the_service_still_runs_and_logged_no_fault(service: Service) -> None:
    """After all that: no trace of an exception."""
    well(service)
    assert service.process.poll() is None
    assert not [line for line in service.lines if "Traceback" in line or "request failed" in line]
