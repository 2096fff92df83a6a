"""One suite over all five sources: they fetch, they parse, and no fault costs the data that is held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest

from smart_spawn.settings import Settings
from smart_spawn.sources import ADAPTERS, all_sources, transport
from smart_spawn.sources.base import Payload, Source
from smart_spawn.sources.fetching import SourceFetch, fetch_all
from smart_spawn.sources.quarantine import SourceReading, read
from tests.unit.sources.published import FETCHED_AT
from tests.unit.sources.publisher import FAULTS, Publisher, publishing

NAMES = tuple(ADAPTERS)[:5]  # the main five; the extra ones are single files of the same kinds
NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
COUNTS = {
    "openrouter": 24,
    "artificial_analysis": 10,
    "open_llm_leaderboard": 10,
    "lmarena": 11,
    "livebench": 21,
}

IN_WORDS = {
    "401": "key is missing or wrong",
    "410": "removed this address for good",
    "429": "too many requests",
    "500": "is in trouble itself (HTTP 500)",
    "503": "is in trouble itself (HTTP 503)",
    "html": "answered a web page",
    "truncated": "stopped half way",
    "slow": "did not answer within 0.3 s",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Publisher]:
    with publishing() as publisher:
        yield publisher


@pytest.fixture
def publisher(server: Publisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(transport, "DEFAULT_RETRY_WAIT_S", 0.02)
    yield server
    server.faults.clear()
    server.seen.clear()
    server.headers.clear()


def sources(publisher: Publisher, timeout_s: float = 5.0) -> dict[str, Source]:
    rows = {
        name: {"base_url": f"{publisher.url}/{name}", "api_key": "own-key", "timeout_s": timeout_s}
        for name in NAMES
    }
    return {source.name: source for source in all_sources(Settings.model_validate({"sources": rows}))}


async def refresh(
    chosen: Mapping[str, Source], held: Mapping[str, Sequence[Payload]]
) -> dict[str, tuple[SourceFetch, SourceReading]]:
    fetches = await fetch_all(list(chosen.values()), held, now=NOW)
    return {f.source: (f, read(chosen[f.source], f, held.get(f.source, ()))) for f in fetches}


async def held_payloads(publisher: Publisher) -> dict[str, tuple[Payload, ...]]:
    if not publisher.fetched:
        fetches = await fetch_all(list(sources(publisher).values()), {}, now=FETCHED_AT)
        publisher.fetched = {fetch.source: fetch.payloads for fetch in fetches}
    return publisher.fetched


async def test_all_sources_are_fetched_and_read(publisher: Publisher) -> None:
    """Every source gives what it published, and says when it was fetched."""
    result = await refresh(sources(publisher), {})
    assert tuple(result) == NAMES
    for name, (fetch, reading) in result.items():
        assert (fetch.status, reading.state, reading.error) == ("ok", "new", None), name
        assert reading.batch is not None
        assert reading.batch.count == COUNTS[name], name
        assert all(payload.fetched_at == NOW and payload.source == name for payload in reading.payloads)


async def test_a_second_refresh_transfers_nothing(publisher: Publisher) -> None:
    """Held documents are asked about conditionally, and keep the date on which they arrived."""
    held = await held_payloads(publisher)
    publisher.seen.clear()
    result = await refresh(sources(publisher), held)
    assert {status for path, status, _ in publisher.seen if "2026_09_30" not in path} == {304}
    for name, (fetch, reading) in result.items():
        assert (fetch.status, reading.state) == ("unchanged", "held"), name
        assert all(payload.fetched_at == FETCHED_AT for payload in reading.payloads)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_leaves_the_held_data_in_use(publisher: Publisher, name: str, fault: str) -> None:
    """Whatever one source does, its fetch ends in time, what is held stays, and the reason is in words."""
    held = await held_payloads(publisher)
    publisher.faults[name] = fault
    chosen = {name: sources(publisher, 0.3 if fault == "slow" else 5.0)[name]}
    fetch, reading = (await refresh(chosen, held))[name]
    assert fetch.took_s < (1.0 if fault == "slow" else 4.0)
    assert reading.state == "quarantined"
    assert reading.batch is not None
    assert reading.batch.count == COUNTS[name]
    assert reading.payloads == held[name]
    assert reading.error is not None
    assert reading.error.source == name
    assert reading.error.message.startswith(f"`{name}` ")
    assert "held before stays in use" in reading.error.hint
    assert IN_WORDS.get(fault, "has changed: ") in reading.error.message


@pytest.mark.parametrize("name", NAMES)
async def test_a_fault_with_nothing_held_is_reported_and_not_raised(publisher: Publisher, name: str) -> None:
    """On a first refresh a broken source is missing, with its reason; no rubbish is taken for data."""
    publisher.faults[name] = "renamed"
    _, reading = (await refresh({name: sources(publisher)[name]}, {}))[name]
    assert (reading.state, reading.batch, reading.payloads) == ("missing", None, ())
    assert reading.error is not None


async def test_a_slow_source_does_not_delay_the_others(publisher: Publisher) -> None:
    """Four sources are done and reported while the fifth still has not answered."""
    publisher.faults["lmarena"] = "slow"
    chosen = {**sources(publisher), "lmarena": sources(publisher, 0.3)["lmarena"]}
    order: list[str] = []
    fetches = await fetch_all(
        list(chosen.values()), {}, now=NOW, progress=lambda fetch: order.append(fetch.source)
    )
    assert {fetch.source: fetch.status for fetch in fetches} == dict.fromkeys(NAMES, "ok") | {
        "lmarena": "error"
    }
    assert sorted(order) == sorted(NAMES)


async def test_all_sources_may_fail_at_once(publisher: Publisher) -> None:
    """Five faults at once give five reasons and cost nothing that is held."""
    held = await held_payloads(publisher)
    publisher.faults |= dict(zip(NAMES, ("401", "html", "truncated", "410", "shrunk"), strict=True))
    result = await refresh(sources(publisher), held)
    assert {name: reading.state for name, (_, reading) in result.items()} == dict.fromkeys(
        NAMES, "quarantined"
    )


async def test_keys_never_reach_the_payload_or_another_source(publisher: Publisher) -> None:
    """Only Artificial Analysis is sent its key, in a header; stored addresses do not hold it."""
    publisher.fetched = {}
    held = await held_payloads(publisher)
    sent = {path.split("/")[1] for path, _, headers in publisher.seen if "own-key" in str(headers)}
    assert sent == {"artificial_analysis"}
    assert not any("own-key" in payload.url for payloads in held.values() for payload in payloads)


async def test_the_environments_proxy_is_used(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `HTTP_PROXY` set, a source is reached through it, even one that has no address here."""
    monkeypatch.setenv("HTTP_PROXY", publisher.url)
    rows = {"openrouter": {"base_url": "http://source.invalid/openrouter"}}
    (source,) = [s for s in all_sources(Settings.model_validate({"sources": rows})) if s.name == "openrouter"]
    (fetch,) = await fetch_all([source], {}, now=NOW)
    assert (fetch.status, fetch.payloads[0].url) == ("ok", "http://source.invalid/openrouter/models")


async def test_a_download_may_come_from_a_content_network(publisher: Publisher) -> None:
    """The hub redirects its files; they arrive whole, are asked about conditionally, and keep the hub's address."""
    path = next(path for path in publisher.documents if "/webdev/" in path)
    moved = path.replace("/lmarena/", "/network/", 1)
    publisher.documents[moved] = publisher.documents[path]
    publisher.redirects[path] = f"{publisher.url.replace('127.0.0.1', 'localhost')}{moved}"
    chosen = {"lmarena": sources(publisher)["lmarena"]}
    try:
        first = (await refresh(chosen, {}))["lmarena"]
        again = (await refresh(chosen, {"lmarena": first[0].payloads}))["lmarena"]
    finally:
        publisher.redirects.clear()
    assert (first[1].state, again[0].status) == ("new", "unchanged")
    assert first[0].requests == again[0].requests == 5
    assert path in first[0].payloads[2].url
