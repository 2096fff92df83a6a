"""Input that nobody sends by mistake, to every route: a refusal in the shape of its path, never a fault of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from smart_spawn.api.answers import encode
from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.settings import Settings
from tests.unit.api.conftest import api, http, provider, served, small_facts

__all__ = ["api", "http", "provider", "served"]  # fixtures of a service in process

DEEP = 10_000
NESTED = b"[" * DEEP + b"]" * DEEP
WELL_NESTED = b"[" * 500 + b"]" * 500
VALUES = {
    "half a pair": b'"\\ud800"',
    "a NUL": b'"\\u0000"',
    "a raw NUL": b'"\x00"',
    "no UTF-8": b'"\xff\xfe"',
    "an endless number": b"1" * 400,
    "a number beyond floats": b"1e400",
    "a small number beyond floats": b"1e-400",
    "minus zero": b"-0.0",
    "NaN": b"NaN",
    "Infinity": b"-Infinity",
    "10,000 levels": NESTED,
    "500 levels": WELL_NESTED,
    "null": b"null",
    "a list of everything": b'[null, true, 7, 0.5, "x", [], {}]',
    "an object": b'{"": {"a": null}}',
    "an empty text": b'""',
    "marks that turn the text around": '"\u202e\u200f\ufeff"'.encode(),
    "a prototype": b'{"__proto__": {"__class__": "x"}}',
}
WHOLE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a number": b"7",
    "a text": b'"x"',
    "a list": b"[]",
    "10,000 lists": NESTED,
    "10,000 objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "10,000 beginnings": b"[" * DEEP,
    "UTF-16": '{"task": "x"}'.encode("utf-16"),
    "a form": b"task=x&budget=low",
    "XML": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a zip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "two documents": b'{"task": "x"}{"task": "y"}',
    "a mark before it": b"\xef\xbb\xbf{}",
    "white space": b" \n\t ",
}
TYPES = (
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/html",
    "",
    "\x7f/\x7f",
)
QUERIES = (
    "task=%00",
    "task=%ff%fe",
    "task=%ed%a0%80",
    "task=x&task=y",
    "=&&&=x",
    "limit=" + "9" * 400,
    "limit=-1",
    "limit=1e3",
    "count=NaN",
    "minContext=0x10",
    "budget=%F0%9F%92%A9",
    "exclude=" + "," * 1_000,
    "models=" + ",".join(f"a/{n}" for n in range(500)),
    "from=../../etc/passwd&to=%00",
    "&".join(f"p{n}=1" for n in range(1_000)),
    "verbose=maybe",
    "a" * 60_000,
)
IDS = (
    "%00",
    "..%2f..%2fetc%2fpasswd",
    "%0a",
    "%F0%9F%92%A9",
    "a" * 5_000,
    "%27%20OR%201%3D1--",
    "*",
    "~/%20",
)


def operations(service: FastAPI, *, body: bool) -> list[tuple[str, str]]:
    """List method and path of the operations that take a body, or of those that do not."""
    return [
        (method.upper(), path)
        for path, methods in service.openapi()["paths"].items()
        for method, operation in methods.items()
        if ("requestBody" in operation) == body
    ]


def check(answer: httpx.Response, what: str) -> None:
    """Hold an answer to what all promise: no fault of ours, and errors in the shape of the path."""
    where = f"{answer.request.method} {answer.request.url.path[:80]} with {what}: {answer.text[:300]}"
    assert answer.status_code < 500, where
    if answer.status_code < 400:
        return
    error: dict[str, Any] = answer.json()["error"]
    path = answer.request.url.path.removeprefix("/api")
    if path.startswith("/v1/messages"):
        assert error.keys() == {"type", "message", "details"}, where
    elif path.startswith("/v1"):
        assert error.keys() == {"message", "type", "param", "code"}, where
    else:
        assert error.keys() == {"code", "message", "hint", "details"}, where
    assert error["message"], where
    assert len(answer.content) < 20_000, where


def filled(path: str) -> str:
    """Put harmless ids into a path."""
    return path.replace("{id}", "acme/strong").replace("{step}", "step-1").replace("{name}", "board")


def fields(service: FastAPI, method: str, path: str) -> tuple[dict[str, Any], list[str]]:
    """Return a good body for an operation, and the names that may be in it."""
    document = service.openapi()
    content = document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    shape = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    return content.get("example", {}), list(shape["properties"])


async def test_nasty_values_are_refused_or_taken_as_they_are(http: httpx.AsyncClient, api: FastAPI) -> None:
    """In every field of every body that is good otherwise."""
    for method, path in operations(api, body=True):
        good, names = fields(api, method, path)
        for field in names:
            rest = b"".join(b", %s: %s" % (encode(k), encode(v)) for k, v in good.items() if k != field)
            for name, value in VALUES.items():
                body = b"{%s: %s%s}" % (encode(field), value, rest)
                check(await http.request(method, filled(path), content=body), f"{name} in {field}")


async def test_a_nul_is_refused_where_the_database_refuses_it(
    tmp_path: Path, postgresql_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL keeps no NUL in a text: that is the sender's mistake and no outage."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    settings = Settings.model_validate({"home": tmp_path, "database_url": postgresql_database})
    with SmartSpawn(settings, chat=FakeProvider()) as app:
        service = create_app(app)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=service), base_url="http://testserver"
        ) as client:
            for method, path in operations(service, body=True):
                good, names = fields(service, method, path)
                for field in names:
                    body = {**good, field: "\0", **({"wait": False} if path.endswith("/spawn") else {})}
                    check(await client.request(method, filled(path), json=body), f"a NUL in {field}")
            for method, path in operations(service, body=False):
                if not path.endswith("/events"):
                    check(await client.request(method, filled(path)), "nothing odd")
                    check(await client.request(method, filled(path) + "?task=%00&id=%00"), "a NUL")


async def test_nasty_bodies_are_refused(http: httpx.AsyncClient, api: FastAPI) -> None:
    """Whatever is no JSON object is said to be none, whatever type it claims to have."""
    for method, path in operations(api, body=True):
        for name, body in WHOLE.items():
            check(await http.request(method, filled(path), content=body), name)
        for kind in TYPES:
            headers = {"content-type": kind, "content-encoding": "gzip", "accept": "text/html"}
            check(await http.request(method, filled(path), content=b"{}", headers=headers), kind)


async def test_the_last_of_two_equal_names_counts(http: httpx.AsyncClient) -> None:
    """As everywhere in JSON; it is checked like any other."""
    answer = await http.post("/api/pick", content=b'{"task": "x", "budget": "none", "budget": "any"}')
    assert answer.status_code == 200
    answer = await http.post("/api/pick", content=b'{"task": "x", "budget": "any", "budget": "none"}')
    assert answer.status_code == 400


async def test_one_byte_too_many_is_too_many(http: httpx.AsyncClient, api: FastAPI) -> None:
    """At the limit a body is read, beyond it it is refused, by every route."""
    limit = 300_000
    for method, path in operations(api, body=True):
        body = b'{"nobody": "' + b"x" * (limit - 14) + b'"}'
        assert len(body) == limit
        check(await http.request(method, filled(path), content=body), "a body at the limit")
        answer = await http.request(method, filled(path), content=body + b" ")
        check(answer, "a byte more")
        assert answer.status_code == 413, path


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:20])
async def test_nasty_queries_are_refused_or_do_not_matter(
    http: httpx.AsyncClient, api: FastAPI, query: str
) -> None:
    """To every route, whether it has parameters or not."""
    for method, path in operations(api, body=False):
        if not path.endswith("/events"):
            check(await http.request(method, f"{filled(path)}?{query}"), query[:40])


@pytest.mark.parametrize("id_", IDS, ids=lambda id_: id_[:20])
async def test_nasty_ids_lead_nowhere(http: httpx.AsyncClient, api: FastAPI, id_: str) -> None:
    """In place of every id of every path."""
    for body in (True, False):
        for method, path in operations(api, body=body):
            if "{" in path:
                parts = path.replace("{id}", id_).replace("{step}", id_).replace("{name}", id_)
                content = b'{"provider": "x"}' if body else None
                check(await http.request(method, parts, content=content), id_[:40])


async def test_nasty_headers_do_not_matter_or_are_refused(http: httpx.AsyncClient) -> None:
    """Hosts, origins, keys and names of conversations made of anything."""
    odd = ["\xff" * 200, "a" * 8_000, "", "../..", "bearer ", "ss_\x7f", "null", "[::1", "http://[bad"]
    for name in (
        "host",
        "origin",
        "authorization",
        "x-api-key",
        "x-session-id",
        "idempotency-key",
        "last-event-id",
    ):
        for value in odd:
            for method, path, body in (
                ("POST", "/api/spawn", {"task": "x"}),
                (
                    "POST",
                    "/v1/messages",
                    {"model": "auto", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]},
                ),
                ("GET", "/api/status", None),
            ):
                headers = [(name.encode(), value.encode("latin-1"))]
                check(await http.request(method, path, json=body, headers=headers), f"{name}: {value[:20]!r}")
