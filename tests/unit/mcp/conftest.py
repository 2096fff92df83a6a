"""An MCP client in memory, over the small catalogue of the HTTP tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from mcp import Client

from smart_spawn.app import SmartSpawn
from smart_spawn.mcp.server import mcp_server
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.settings import Settings
from smart_spawn.surface.caller import LOCAL, Caller
from tests.unit.api.conftest import small_facts

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def chat() -> FakeProvider:
    """Return whoever answers model calls."""
    return FakeProvider(default="8")


@pytest.fixture
async def served(
    tmp_path: Path, chat: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SmartSpawn]:
    """Return an open Smart Spawn that carries runs out itself."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    async with SmartSpawn(Settings.model_validate({"home": tmp_path}), chat=chat, in_memory=True) as app:
        yield app


@pytest.fixture
def connect(served: SmartSpawn) -> Connect:
    """Return how to connect a client: as whom, and by which generation of the protocol."""

    @asynccontextmanager
    async def connected(caller: Caller = LOCAL, mode: str = "auto") -> AsyncIterator[Client]:
        async with Client(mcp_server(served, lambda _: caller), mode=mode) as client:
            yield client

    return connected
