"""Artificial Analysis' pages become indices and speeds of one index version."""

from __future__ import annotations

import json

import pytest
from pydantic import SecretStr

from smart_spawn.errors import SourceChanged, SourceUnavailable
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.artificial_analysis import ArtificialAnalysis
from smart_spawn.sources.base import Batch, Http, Payload
from tests.unit.sources.published import analysis_page, payload

SOURCE = ArtificialAnalysis(SourceSettings(api_key=SecretStr("own-key")))


def parse(*bodies: bytes) -> Batch:
    return SOURCE.parse(
        [payload("artificial_analysis", f"page_{n}", body) for n, body in enumerate(bodies, 1)]
    )


class Pages(Http):
    """Serves pages in turn and counts them."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.keys: list[str] = []

    async def get(self, url, *, part, params=None, headers=None, redirects=False) -> Payload:  # type: ignore[no-untyped-def]  # as in the protocol
        self.keys.append(headers["x-api-key"])
        return payload("artificial_analysis", part, self.bodies.pop(0))


def test_indices_and_speeds_are_read_with_unit_and_direction() -> None:
    """Null is unknown, a speed of zero was never measured, and waiting is better when shorter."""
    batch = parse(analysis_page(1), analysis_page(2))
    readings = {(m.published_name, m.benchmark): m for m in batch.measurements}
    assert readings["Aurora 2 (xhigh)", "aa_intelligence_index"].value == 40.5
    assert ("Aurora 2 (Non-reasoning)", "aa_coding_index") not in readings
    assert ("Lotus Coder", "aa_output_tokens_per_second") not in readings
    assert not readings["Lotus Coder", "aa_time_to_first_token_s"].higher_is_better
    assert {m.edition for m in batch.measurements} == {"4.3"}
    assert batch.count == 10


def test_index_versions_are_never_mixed() -> None:
    """Pages of two versions are refused: their values are on different scales."""
    with pytest.raises(SourceChanged, match=r"4\.1 and 4\.3"):
        parse(analysis_page(1, version=4.1), analysis_page(2))


def test_a_missing_page_is_noticed() -> None:
    """Half of the pages is not the list."""
    with pytest.raises(SourceChanged, match="1 of 2 pages"):
        parse(analysis_page(1))


async def test_a_version_that_changes_during_the_crawl_is_crawled_again() -> None:
    """The crawl begins anew once; the pages that count are of one version."""
    pages = Pages(analysis_page(1, version=4.1), analysis_page(2), analysis_page(1), analysis_page(2))
    assert SOURCE.parse(await SOURCE.fetch(pages)).count == 10
    assert pages.keys == ["own-key"] * 4


async def test_a_version_that_changes_twice_ends_the_fetch() -> None:
    """With 100 requests a day we do not crawl for ever."""
    bodies = [analysis_page(1, version=4.1), analysis_page(2)] * 2
    with pytest.raises(SourceChanged, match="changed between two pages"):
        await SOURCE.fetch(Pages(*bodies))


async def test_without_a_key_nothing_is_asked() -> None:
    """The error names the setting, and no request leaves."""
    pages = Pages()
    with pytest.raises(SourceUnavailable, match="api_key"):
        await ArtificialAnalysis(SourceSettings()).fetch(pages)
    assert not pages.keys


def test_a_renamed_index_is_named() -> None:
    """An index that is in no row any more is a change, even when all else can be read."""
    rows = json.loads(analysis_page(1, pages=1))["data"]
    for row in rows:
        row["evaluations"]["smartness"] = row["evaluations"].pop("artificial_analysis_intelligence_index")
    with pytest.raises(SourceChanged, match="artificial_analysis_intelligence_index"):
        parse(analysis_page(1, pages=1, rows=rows))
