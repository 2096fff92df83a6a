"""A gateway over a small catalogue and a scripted provider, in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.gateway import Answered, Asker, Gateway, Streamed
from smart_spawn.gateway.shapes import Json
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.settings import Settings
from tests.unit.api.conftest import small_facts
from tests.unit.builders import NOW

NOBODY = Asker()


@pytest.fixture
def provider() -> FakeProvider:
    """Return whoever answers model calls."""
    return FakeProvider()


@pytest.fixture
def app(tmp_path: Path, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmartSpawn]:
    """Return an open Smart Spawn over the small catalogue."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    with SmartSpawn(
        Settings.model_validate({"home": tmp_path}), chat=provider, in_memory=True, now=lambda: NOW
    ) as app:
        yield app


@pytest.fixture
def gateway(app: SmartSpawn) -> Iterator[Gateway]:
    """Return its gateway."""
    gateway = Gateway(app)
    yield gateway
    gateway.close()


def said(text: str, model: str = "auto", **more: Any) -> Json:
    """Return the body of a chat with one message."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


async def whole(gateway: Gateway, body: Json, asker: Asker = NOBODY) -> Answered:
    """Ask for a whole answer."""
    answer = await gateway.chat(body, asker)
    assert isinstance(answer, Answered)
    return answer


async def streamed(gateway: Gateway, body: Json, asker: Asker = NOBODY) -> Streamed:
    """Ask for a stream."""
    answer = await gateway.chat({**body, "stream": True}, asker)
    assert isinstance(answer, Streamed)
    return answer


def content(answer: Answered) -> Any:
    """Return the text of an answer."""
    return answer.body["choices"][0]["message"]["content"]
