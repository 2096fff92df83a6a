"""A real HTTP server on loopback that serves the published documents, and every fault that a source can have."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from arro3.core import Table
from arro3.io import read_parquet

from smart_spawn.sources.base import Payload
from tests.unit.sources.published import documents, parquet

FAULTS = ("401", "410", "429", "500", "503", "html", "truncated", "slow", "empty", "shrunk", "renamed")
RENAMED = {
    "pricing": "cost",
    "evaluations": "scores",
    "model": "system",
    "model_name": "name",
    "fullname": "id",
}


class Publisher:
    """Serves each source below `/<source>`. Set `faults[source]` to break it, `headers` to add to every answer."""

    def __init__(self) -> None:
        self.documents = {
            f"/{source}{path}": body
            for source in (
                "openrouter",
                "artificial_analysis",
                "open_llm_leaderboard",
                "lmarena",
                "livebench",
            )
            for path, body in documents(source).items()
        }
        self.faults: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        self.redirects: dict[str, str] = {}
        self.seen: list[tuple[str, int, Mapping[str, str]]] = []
        """Path, status and request headers of every request."""
        self.fetched: dict[str, tuple[Payload, ...]] = {}
        """What a refresh without faults brought: fetched once for many tests."""
        self.closing = threading.Event()
        self.url = ""

    def answer(self, path: str, sent: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        """Choose status, body and headers for one request."""
        source = path.split("/")[1]
        fault = self.faults.get(source, "")
        if path in self.redirects:
            return 302, b"", {"Location": self.redirects[path]}
        if fault.isdigit():
            wait = {"Retry-After": "0"} if fault in ("429", "503") else {}
            return int(fault), b'{"error": "injected"}', wait
        if fault == "html":
            return 200, b"<!doctype html><title>Just a moment...</title>", {"Content-Type": "text/html"}
        body = self.documents.get(path)
        if body is None:
            return 404, b'{"error": "not found"}', {}
        if fault in ("empty", "shrunk", "renamed"):
            body = spoiled(path, body, fault)
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if sent.get("If-None-Match") == etag and not fault:
            return 304, b"", {"ETag": etag, **self.headers}
        return 200, body, {"ETag": etag, **self.headers}


def spoiled(path: str, body: bytes, fault: str) -> bytes:
    """Take away all rows, nine in ten of them, or the name of a column that is needed."""

    def kept(rows: list[Any]) -> list[Any]:
        return rows[: {"empty": 0, "shrunk": max(1, len(rows) // 10), "renamed": len(rows)}[fault]]

    def named(row: dict[str, Any]) -> dict[str, Any]:
        return {RENAMED.get(name, name) if fault == "renamed" else name: value for name, value in row.items()}

    if path.endswith(".parquet"):
        table: Table = read_parquet(body).read_all()
        columns = {name: kept(list(table.column(name).to_pylist())) for name in table.column_names}
        return parquet(named(columns))
    if "table_" in path:
        head, *rows = body.decode().splitlines()
        return "\n".join(
            [head.replace("model", "system", 1) if fault == "renamed" else head, *kept(rows)]
        ).encode()
    if path.endswith((".csv", ".json", "/public")):
        return body
    envelope = json.loads(body)
    return json.dumps(envelope | {"data": [named(row) for row in kept(envelope["data"])]}).encode()


@contextmanager
def publishing() -> Iterator[Publisher]:
    """Run the server while the block runs."""
    publisher = Publisher()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Stay quiet."""

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            path = unquote(url.path) + (f"?{url.query}" if "page=" in url.query else "")
            source = path.split("/")[1]
            if publisher.faults.get(source) == "slow":
                publisher.closing.wait(20)
                self.close_connection = True
                return
            status, body, headers = publisher.answer(path, self.headers)  # type: ignore[arg-type]  # a message is one
            publisher.seen.append((path, status, dict(self.headers)))
            cut = publisher.faults.get(source) == "truncated" and status == 200
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = cut

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            """Say nothing of clients that hang up: slow answers are meant to make them."""

    server = Server(("127.0.0.1", 0), Handler)
    publisher.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield publisher
    finally:
        publisher.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
