"""A service over a small catalogue, in memory and in process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.catalog.facts import Facts, SourceFacts, Unmatched
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.settings import Settings
from tests.unit.builders import NOW, TODAY, listing, reading

LISTINGS = (
    listing(
        "acme/strong", "8", can={"supported_efforts": ("high", "low"), "input_modalities": ("text", "image")}
    ),
    listing("acme/middle", "2"),
    listing("beta/cheap", "0.5"),
    listing("beta/cheap:free", "0", "0"),
    listing("beta/small", "0.1", can={"function_calling": False}),
    listing("gamma/unpriced", None),
    listing("gamma/seer", "3", can={"input_modalities": ("text", "image")}),
)
POINTS = {
    "acme/strong": (2.0, 1.8),
    "acme/middle": (1.0, 1.2),
    "beta/cheap": (0.4, 0.2),
    "beta/small": (-0.3, -0.2),
    "gamma/seer": (0.8, 0.6),
}
BOARDS = (
    "lmarena_coding",
    "livebench_coding",
    "lmarena_overall",
    "lmarena_creative_writing",
    "lmarena_vision",
)


def small_facts() -> Facts:
    """Return a handful of models with readings, an unmatched name and a source."""
    readings = tuple(
        reading(model, board, z[at % 2])
        for model, z in POINTS.items()
        for at, board in enumerate(BOARDS)
        if board != "lmarena_vision" or model in ("acme/strong", "gamma/seer")
    )
    return Facts(
        as_of=TODAY,
        listings=LISTINGS,
        readings=readings,
        weights=shipped_weights(),
        unmatched=(Unmatched(source="lmarena", published_name="mystery-9b", reason="no such model"),),
        sources=(SourceFacts(source="lmarena", fetched_at=NOW, count=5, matched=5, unmatched=1),),
        attribution={"lmarena": "LMArena"},
    )


@pytest.fixture
def provider() -> FakeProvider:
    """Return whoever answers model calls."""
    return FakeProvider()


@pytest.fixture
def served(tmp_path: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmartSpawn]:
    """Return an open Smart Spawn over the small catalogue."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    settings = Settings.model_validate({"home": tmp_path, "server": {"max_body_bytes": 300_000}})
    with SmartSpawn(settings, chat=provider, in_memory=True, now=lambda: NOW) as app:
        yield app


@pytest.fixture
def api(served: SmartSpawn) -> FastAPI:
    """Return its HTTP service."""
    return create_app(served)


@pytest.fixture
async def http(api: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the service."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=api), base_url="http://testserver"
    ) as client:
        yield client


def body_of(response: httpx.Response) -> Any:
    """Return the JSON of an answer."""
    assert response.headers["content-type"] == "application/json", response.text
    return json.loads(response.content)
