"""Bad input: one error in one shape, with the cause and the way out, and never a fault of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.catalog.snapshot import Catalog
from tests.unit.api.conftest import body_of

DEEP = "[" * 100_000

CASES = [
    ("GET", "/api/pick", None, 400, "MISSING_PARAM", "`task`"),
    ("GET", "/api/pick?task=%20", None, 400, "MISSING_PARAM", "`task`"),
    ("GET", "/api/pick?task=x&budget=lwo", None, 400, "INVALID_PARAM", "lwo"),
    ("GET", "/api/pick?task=x&category=codign", None, 400, "INVALID_PARAM", "codign"),
    ("GET", "/api/pick?task=x&budgte=low", None, 400, "INVALID_PARAM", "did you mean `budget`?"),
    ("GET", "/api/pick?task=x&task=y", None, 400, "INVALID_PARAM", "given twice"),
    ("GET", "/api/pick?task=x&minContext=many", None, 400, "INVALID_PARAM", "minContext"),
    ("GET", "/api/pick?task=x&minCapability=101", None, 400, "INVALID_PARAM", "minCapability"),
    ("GET", "/api/pick?task=x&require=flight", None, 400, "INVALID_PARAM", "flight"),
    ("GET", "/api/pick?task=%ff%fe", None, 400, "INVALID_PARAM", "UTF-8"),
    ("GET", "/api/pick?" + "&".join(f"a{n}=1" for n in range(300)), None, 400, "INVALID_PARAM", "parameters"),
    ("GET", "/api/pick?task=x&exclude=acme/strnog", None, 404, "UNKNOWN_MODEL", "acme/strong"),
    ("GET", "/api/pick?task=coding&budget=low&minCapability=60", None, 402, "NO_MODEL_IN_BUDGET", "medium"),
    (
        "GET",
        "/api/pick?task=coding&budget=any&minContext=99000000",
        None,
        422,
        "NO_ELIGIBLE_MODEL",
        "context",
    ),
    ("GET", "/api/recommend", None, 400, "MISSING_PARAM", "task"),
    ("GET", "/api/recommend?task=x&count=6", None, 400, "INVALID_PARAM", "count"),
    ("GET", "/api/recommend?task=x&count=0", None, 400, "INVALID_PARAM", "count"),
    ("GET", "/api/models?limit=501", None, 400, "INVALID_PARAM", "limit"),
    ("GET", "/api/models?limit=0", None, 400, "INVALID_PARAM", "limit"),
    ("GET", "/api/models?sort=beauty", None, 400, "INVALID_PARAM", "efficiency"),
    ("GET", "/api/models?tier=golden", None, 400, "INVALID_PARAM", "premium"),
    ("GET", "/api/models/acme/strnog", None, 404, "UNKNOWN_MODEL", "acme/strong"),
    ("GET", "/api/compare?models=acme/strong", None, 400, "INVALID_PARAM", "two to five"),
    ("GET", "/api/catalog/unmatched?source=lmarean", None, 400, "INVALID_PARAM", "lmarena"),
    ("GET", "/api/decisions/dec_nope", None, 404, "NOT_FOUND", "dec_nope"),
    ("POST", "/api/decisions/dec_nope/replay", None, 404, "NOT_FOUND", "dec_nope"),
    ("GET", "/api/nothing", None, 404, "NOT_FOUND", "/api/nothing"),
    ("GET", "/", None, 404, "NOT_FOUND", "no route"),
    ("DELETE", "/api/pick", None, 405, "METHOD_NOT_ALLOWED", "GET, POST"),
    ("GET", "/api/route", None, 405, "METHOD_NOT_ALLOWED", "use POST"),
    ("POST", "/api/route", b"", 400, "MISSING_PARAM", "`task`"),
    ("POST", "/api/route", b'{"task": "x"', 400, "INVALID_BODY", "ends too early"),
    ("POST", "/api/route", b'{"task": "x",}', 400, "INVALID_BODY", "byte 13"),
    ("POST", "/api/route", b'["task"]', 400, "INVALID_BODY", "array"),
    ("POST", "/api/route", b'{"task": "\xff"}', 400, "INVALID_BODY", "JSON"),
    ("POST", "/api/route", b'{"task": "\\ud800"}', 400, "INVALID_BODY", "JSON"),
    ("POST", "/api/route", b'{"task": "x", "minCapability": NaN}', 400, "INVALID_BODY", "JSON"),
    ("POST", "/api/route", b'{"task": "x", "minCapability": 1e999}', 400, "INVALID_BODY", "JSON"),
    ("POST", "/api/route", DEEP.encode(), 400, "INVALID_BODY", "nested"),
    ("POST", "/api/route", b'{"task": 7}', 400, "INVALID_PARAM", "task"),
    ("POST", "/api/route", b'{"task": "x", "colour": 1}', 400, "INVALID_PARAM", "colour"),
    (
        "POST",
        "/api/route",
        b'{"task": "x", "categoryWeights": {"coding": -1}}',
        400,
        "INVALID_PARAM",
        "categoryWeights",
    ),
    (
        "POST",
        "/api/route",
        b'{"task": "x", "categoryWeights": {"cooking": 1}}',
        400,
        "INVALID_PARAM",
        "cooking",
    ),
    (
        "POST",
        "/api/route",
        b'{"task": "x", "attachments": [{"type": "smell"}]}',
        400,
        "INVALID_PARAM",
        "smell",
    ),
    ("POST", "/api/route", b'{"task": "' + b"x" * 200_001 + b'"}', 413, "TOO_LARGE", "200,000"),
    ("POST", "/api/pick", b'{"task": "' + b"x" * 300_000 + b'"}', 413, "TOO_LARGE", "300,000 bytes"),
    ("POST", "/api/spawn", b"{}", 400, "MISSING_PARAM", "task"),
    ("POST", "/api/spawn", b'{"task": "x", "mode": "swarms"}', 400, "INVALID_PARAM", "swarms"),
    ("POST", "/api/spawn", b'{"task": "x", "wait": "maybe"}', 400, "INVALID_PARAM", "wait"),
    ("POST", "/api/feedback/undo", b'{"act": 1' + b"0" * 30 + b"}", 400, "INVALID_PARAM", "act"),
    ("POST", "/api/feedback/reverse", b'{"day": "9999-12-31"}', 400, "INVALID_PARAM", "day"),
    (
        "POST",
        "/api/feedback/votes",
        b'{"votes": [{"at": "0001-01-01T00:00:00+14:00", "voter": "v", "kind": "rating", "model": "a/b",'
        b' "category": "coding", "value": 5}]}',
        400,
        "INVALID_PARAM",
        "at",
    ),
    ("POST", "/api/refresh", b'{"sources": ["lmarean"]}', 400, "INVALID_PARAM", "lmarena"),
    ("POST", "/api/refresh", b'{"sources": "lmarena"}', 400, "INVALID_PARAM", "list"),
    ("POST", "/api/refresh", b'{"source": ["lmarena"]}', 400, "INVALID_PARAM", "`sources`"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "said"),
    CASES,
    ids=[f"{n}-{c[1][:40]}" for n, c in enumerate(CASES)],
)
async def test_bad_input_is_refused_with_cause_and_way_out(
    http: httpx.AsyncClient, method: str, path: str, body: bytes | None, status: int, code: str, said: str
) -> None:
    """Each gets its own status and code, and words that name what is wrong or what would be right."""
    answer = await http.request(method, path, content=body)
    error = body_of(answer)["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    assert error.keys() == {"code", "message", "hint", "details"}
    assert said in f"{error['message']} {error['hint']}"
    assert error["hint"] or "should be" in error["message"], error


async def test_a_body_without_a_length_is_cut_off_at_the_limit(http: httpx.AsyncClient) -> None:
    """A chunked body is not read to its end once it is too long."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000:
            sent += 1
            yield b"x" * 10_000

    answer = await http.post("/api/route", content=endless())
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (413, "TOO_LARGE")
    assert sent < 100


async def test_the_longest_task_is_answered(http: httpx.AsyncClient) -> None:
    """200,000 characters are within the limit."""
    answer = await http.post(
        "/api/pick", json={"task": "fix this bug " * 15_384, "budget": "any", "minCapability": 0}
    )
    assert answer.status_code == 200


async def test_nothing_to_choose_from_is_said(
    http: httpx.AsyncClient, served: SmartSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a catalogue, health and picks answer 503 and name the command that builds one."""
    monkeypatch.setattr(served._shelf, "current", None)
    for path in ("/health", "/api/pick?task=x"):
        answer = await http.get(path)
        error = body_of(answer)["error"]
        assert (answer.status_code, error["code"]) == (503, "NO_CATALOG")
        assert "smart-spawn refresh" in error["hint"]
    assert body_of(await http.get("/status"))["data"]["status"] == "empty"


async def test_an_empty_catalogue_is_not_well(
    http: httpx.AsyncClient, served: SmartSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalogue without models cannot answer a pick, so health says no."""
    empty = Catalog.of(type(served.catalog.facts)(as_of=served.catalog.facts.as_of, listings=(), weights={}))
    monkeypatch.setattr(served._shelf, "current", empty)
    answer = await http.get("/health")
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (503, "NO_CATALOG")
