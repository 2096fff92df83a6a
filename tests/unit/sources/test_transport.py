"""The network as sources see it: polite, bounded, and honest about what came back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from smart_spawn.errors import SourceChanged, SourceUnavailable
from smart_spawn.sources import transport
from smart_spawn.sources.base import Payload
from smart_spawn.sources.transport import Transport

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
URL = "https://source.test/data"


class Script:
    """Answers from a list, and keeps the requests."""

    def __init__(self, *answers: httpx.Response | Callable[[httpx.Request], httpx.Response]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        return answer if isinstance(answer, httpx.Response) else answer(request)


async def get(
    script: Script, *, timeout_s: float = 20.0, held: Payload | None = None, **options: Any
) -> Payload:
    async with httpx.AsyncClient(transport=httpx.MockTransport(script)) as client:
        http = Transport(client, source="demo", held=(held,) if held else (), now=NOW, timeout_s=timeout_s)
        try:
            return await http.get(URL, part="data", **options)
        finally:
            script.http = http  # type: ignore[attr-defined]  # for the tests to look at


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("smart_spawn.sources.transport.asyncio.sleep", sleep)
    return slept


def redirect(to: str) -> httpx.Response:
    return httpx.Response(302, headers={"Location": to})


def held(url: str = URL) -> Payload:
    return Payload(
        source="demo",
        part="data",
        url=url,
        body=b"old",
        fetched_at=NOW,
        etag='"v1"',
        last_modified="Mon, 02 Nov 2026",
    )


async def test_a_busy_source_is_asked_once_more_after_the_wait_it_named(waits: list[float]) -> None:
    """A 429 or 503 with a short Retry-After is followed by one more request, not by several."""
    script = Script(httpx.Response(503, headers={"Retry-After": "3"}), httpx.Response(200, content=b"fine"))
    assert (await get(script)).body == b"fine"
    assert waits == [3.0]
    with pytest.raises(SourceUnavailable):
        await get(Script(httpx.Response(429), httpx.Response(429)))
    assert waits == [3.0, transport.DEFAULT_RETRY_WAIT_S]


async def test_a_wait_that_does_not_fit_is_reported_instead(waits: list[float]) -> None:
    """A source that asks for an hour is left alone for an hour; nobody sleeps through the time-out."""
    script = Script(httpx.Response(429, headers={"Retry-After": "Mon, 02 Nov 2026 13:00:00 GMT"}))
    with pytest.raises(SourceUnavailable) as caught:
        await get(script)
    assert caught.value.retry_after_s == 3600.0
    assert caught.value.status == 429
    assert not waits


@pytest.mark.parametrize("status", [401, 403, 404, 410, 418])
async def test_a_refusal_is_not_repeated(status: int, waits: list[float]) -> None:
    """Asking again does not help against a refusal, so it is not done."""
    script = Script(httpx.Response(status))
    with pytest.raises(SourceUnavailable, match=f"HTTP {status}") as caught:
        await get(script)
    assert caught.value.status == status
    assert len(script.requests) == 1
    assert not waits


async def test_a_used_up_allowance_stops_the_next_request() -> None:
    """After `X-RateLimit-Remaining: 0` nothing more is asked before the reset that the source named."""
    reset = str(int(NOW.timestamp()) + 1800)
    script = Script(
        httpx.Response(200, content=b"1", headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})
    )
    async with httpx.AsyncClient(transport=httpx.MockTransport(script)) as client:
        http = Transport(client, source="demo", now=NOW, timeout_s=20)
        await http.get(URL, part="one")
        assert http.rest_s == 1800.0
        with pytest.raises(SourceUnavailable, match="no requests left") as caught:
            await http.get(URL, part="two")
    assert caught.value.retry_after_s == 1800.0
    assert len(script.requests) == 1


async def test_a_forbidden_with_nothing_left_means_too_many() -> None:
    """GitHub answers 403 when the hourly allowance is used up: it is told as such."""
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 900)}
    with pytest.raises(SourceUnavailable, match="too many requests") as caught:
        await get(Script(httpx.Response(403, headers=headers)))
    assert caught.value.retry_after_s == 900.0


async def test_what_is_held_is_returned_when_it_is_still_the_same() -> None:
    """Both validators are sent, and a 304 gives the held document with its date."""
    script = Script(httpx.Response(304))
    assert await get(script, held=held()) == held()
    assert script.requests[0].headers["If-None-Match"] == '"v1"'
    assert script.requests[0].headers["If-Modified-Since"] == "Mon, 02 Nov 2026"


async def test_another_service_is_not_asked_about_our_old_copy() -> None:
    """After the base URL changed, the first request is unconditional."""
    script = Script(httpx.Response(200, content=b"new"))
    await get(script, held=held("https://mirror.test/data"))
    assert "If-None-Match" not in script.requests[0].headers


async def test_redirects_are_followed_only_where_allowed() -> None:
    """A download may be redirected a few times; anything else that redirects is an error."""
    cdn = "https://cdn.test/blob"
    allowed = Script(redirect("/resolve"), redirect(cdn), httpx.Response(200, content=b"x"))
    got = await get(allowed, redirects=True)
    assert got.url == URL
    assert [str(request.url) for request in allowed.requests] == [URL, "https://source.test/resolve", cdn]
    with pytest.raises(SourceUnavailable, match="HTTP 302"):
        await get(Script(redirect(cdn)))
    with pytest.raises(SourceUnavailable, match="more than 3 times"):
        await get(Script(*[redirect(cdn)] * 4), redirects=True)


async def test_a_key_stays_with_its_origin() -> None:
    """A redirect to another host, or away from TLS, never carries what was meant for the first."""
    key = {"x-api-key": "secret"}
    script = Script(redirect("/same"), redirect("https://cdn.test/blob"), httpx.Response(200, content=b"x"))
    await get(script, redirects=True, headers=key, held=held())
    assert [request.headers.get("x-api-key") for request in script.requests] == ["secret", "secret", None]
    assert script.requests[2].headers["If-None-Match"] == '"v1"'
    with pytest.raises(SourceUnavailable, match="unsafe address"):
        await get(Script(redirect("http://source.test/data")), redirects=True, headers=key)


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{}", "text/html; charset=utf-8"),
        (b"\n  <!DOCTYPE html><p>", "application/json"),
        (b"<html>", "text/csv"),
    ],
)
async def test_a_web_page_is_not_data(content: bytes, content_type: str) -> None:
    """By its type or by how it begins, a web page is recognised and refused."""
    with pytest.raises(SourceChanged, match="answered a web page instead of `data`"):
        await get(Script(httpx.Response(200, content=content, headers={"Content-Type": content_type})))


async def test_a_document_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer takes more memory than the limit, whether it announces its size or not."""
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 1000)

    async def endless() -> Any:
        while True:
            yield b"x" * 100

    with pytest.raises(SourceUnavailable, match="sends more than"):
        await get(Script(httpx.Response(200, content=endless())))
    with pytest.raises(SourceUnavailable, match="sends more than"):
        await get(Script(httpx.Response(200, content=b"x" * 1001)))


async def test_deprecation_is_noticed_and_other_links_are_not() -> None:
    """`Deprecation`, `Sunset` and the link that explains them are kept for the status."""
    headers = {
        "Deprecation": "@1785801600",
        "Sunset": "Wed, 04 Nov 2026 23:59:59 GMT",
        "Link": '<https://source.test/migrate>; rel="deprecation"',
    }
    script = Script(httpx.Response(200, content=b"x", headers=headers))
    got = await get(script)
    assert dict(got.notices) == {name.lower(): value for name, value in headers.items()}
    plain = await get(Script(httpx.Response(200, content=b"x", headers={"Link": '<a>; rel="xet-auth"'})))
    assert not plain.notices


async def test_an_unreachable_source_is_told_in_words() -> None:
    """No connection names the network and the settings that matter."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(SourceUnavailable, match="cannot be reached") as caught:
        await get(Script(refuse))
    assert "base_url" in caught.value.hint


async def test_we_say_who_we_are() -> None:
    """Requests carry our name and version, and redirects are never followed by the client itself."""
    async with transport.open_client() as client:
        assert client.headers["User-Agent"].startswith("smart-spawn/")
        assert not client.follow_redirects
