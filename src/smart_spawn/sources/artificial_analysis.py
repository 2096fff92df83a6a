"""Artificial Analysis' own interface: three indices and measured speed, one row per reasoning setting.

Live: `GET https://artificialanalysis.ai/api/v2/language/models/free?page=N` with an own key. Its terms forbid
redistribution and use in selection guidance for others: off until the owner gives a key, never in the shipped
catalogue. Source to name wherever a value is shown: Artificial Analysis (artificialanalysis.ai).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from smart_spawn.errors import SourceUnavailable
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Measurement, Payload, Unit
from smart_spawn.sources.documents import Rows, changed, number, read_json

MAX_PAGES = 20
"""Four were needed in October 2026; a free key has 100 requests a day."""
CRAWLS = 2
"""How often a crawl is begun when the index version changes between two of its pages."""

INDICES = {
    "artificial_analysis_intelligence_index": "aa_intelligence_index",
    "artificial_analysis_coding_index": "aa_coding_index",
    "artificial_analysis_agentic_index": "aa_agentic_index",
}
SPEEDS: dict[str, tuple[str, Unit, bool]] = {
    "median_output_tokens_per_second": ("aa_output_tokens_per_second", "tokens_per_s", True),
    "median_time_to_first_token_seconds": ("aa_time_to_first_token_s", "s", False),
}
"""Column → our name, unit, whether higher is better."""


class _Pagination(msgspec.Struct):
    page: int
    total_pages: int


class _Page(msgspec.Struct):
    intelligence_index_version: float | str
    pagination: _Pagination
    data: list[Any]


class _Model(msgspec.Struct):
    id: str
    name: str
    evaluations: dict[str, Any]
    performance: dict[str, Any] | None = None
    huggingface_url: str | None = None


class ArtificialAnalysis:
    """All pages of the free list, of one index version."""

    name = "artificial_analysis"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://artificialanalysis.ai/api/v2").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 24.0
        self.timeout_s = settings.timeout_s
        self._api_key = settings.api_key

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download every page. Raises SourceChanged when no crawl ends in the index version it began with."""
        if self._api_key is None or not self._api_key.get_secret_value():
            raise SourceUnavailable(
                f"`{self.name}` needs an own API key",
                source=self.name,
                hint="set `sources.artificial_analysis.api_key`, or leave the source off",
            )
        for _ in range(CRAWLS):
            payloads = await self._crawl(http, self._api_key.get_secret_value())
            if len({_version(read_json(payload, _Page)) for payload in payloads}) == 1:
                return payloads
        raise changed(
            self.name, "its index version changed between two pages, twice", hint="it is asked again later"
        )

    async def _crawl(self, http: Http, key: str) -> list[Payload]:
        payloads: list[Payload] = []
        pages = 1
        while len(payloads) < pages:
            number_of_page = len(payloads) + 1
            payload = await http.get(
                f"{self.base_url}/language/models/free",
                part=f"page_{number_of_page}",
                params={"page": number_of_page},
                headers={"x-api-key": key},
            )
            payloads.append(payload)
            pages = read_json(payload, _Page).pagination.total_pages
            if pages > MAX_PAGES:
                raise changed(self.name, f"it has {pages} pages; at most {MAX_PAGES} are read")
        return payloads

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read indices and speeds. Raises SourceChanged, naming the field, or when index versions are mixed."""
        pages = [read_json(payload, _Page) for payload in payloads]
        if not pages:
            raise changed(self.name, "no page was downloaded")
        versions = {_version(page) for page in pages}
        if len(versions) != 1:
            raise changed(self.name, f"pages of index versions {' and '.join(sorted(versions))} are mixed")
        if len(pages) < pages[0].pagination.total_pages:
            raise changed(
                self.name, f"{len(pages)} of {pages[0].pagination.total_pages} pages were downloaded"
            )
        rows = Rows(payloads[0])
        models = [model for page in pages for model in rows.of(page.data, _Model)]
        if not models:
            raise changed(self.name, "it lists no model")
        self._need_indices(models)
        unique = {
            model.id: model for model in models
        }  # a model can move to the next page between two requests
        measurements = tuple(r for model in unique.values() for r in _readings(model, next(iter(versions))))
        return Batch(source=self.name, measurements=measurements, notes=tuple(rows.notes()))

    def _need_indices(self, models: Sequence[_Model]) -> None:
        """Raise SourceChanged when an index that used to be there is in no row, not even as `null`."""
        for column in INDICES:
            if not any(column in model.evaluations for model in models):
                raise changed(self.name, f"no row has `evaluations.{column}`")


def _version(page: _Page) -> str:
    return str(page.intelligence_index_version)


def _readings(model: _Model, version: str) -> Iterator[Measurement]:
    readings: list[tuple[str, float | None, Unit, bool]] = [
        (benchmark, number(model.evaluations.get(column)), "index", True)
        for column, benchmark in INDICES.items()
    ]
    for column, (benchmark, unit, higher_is_better) in SPEEDS.items():
        measured = number((model.performance or {}).get(column))
        # A speed or a waiting time of zero was not measured.
        readings.append((benchmark, measured if measured and measured > 0 else None, unit, higher_is_better))
    for benchmark, value, unit, higher_is_better in readings:
        if value is not None:
            yield Measurement(
                source="artificial_analysis",
                benchmark=benchmark,
                published_name=model.name,
                value=value,
                unit=unit,
                edition=version,
                higher_is_better=higher_is_better,
                bridge=_hugging_face_id(model.huggingface_url),
            )


def _hugging_face_id(url: str | None) -> str | None:
    """Take `maker/model` from the end of a Hugging Face address."""
    parts = [part for part in (url or "").split("?")[0].split("/") if part]
    return "/".join(parts[-2:]) if len(parts) >= 4 and parts[1].endswith("huggingface.co") else None
