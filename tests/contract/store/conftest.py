"""A store over each database, and documents to put into it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smart_spawn.settings import Settings
from smart_spawn.sources.base import Payload
from smart_spawn.store import Store, open_store

NOW = datetime(2026, 7, 4, 12, 0, 0, 123456, tzinfo=UTC)


def compiled_once() -> dict[str, str]:
    """Let child processes share compiled modules where the environment forbids to keep them: 1 s each otherwise."""
    env = dict(os.environ)
    if env.pop("PYTHONDONTWRITEBYTECODE", None):
        env["PYTHONPYCACHEPREFIX"] = str(
            Path(tempfile.gettempdir()) / f"smart-spawn-tests-{os.getuid()}-compiled"
        )
    return env


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Name each database that outlives its process."""
    if request.param == "sqlite":
        return Settings(home=tmp_path / "home")
    return Settings(home=tmp_path / "home", database_url=request.getfixturevalue("postgresql_database"))


@pytest.fixture(params=["sqlite", "memory", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open an empty store, over each database in turn."""
    if request.param == "memory":
        opened = Store.in_memory()
    elif request.param == "sqlite":
        opened = open_store(Settings(home=tmp_path / "home"))
    else:
        opened = open_store(Settings(database_url=request.getfixturevalue("postgresql_database")))
    with opened:
        yield opened


@pytest.fixture
def document() -> Callable[..., Payload]:
    """Make documents that differ in what a test cares about."""

    def make(
        body: bytes = b"{}", *, source: str = "livebench", part: str = "table", days_ago: float = 0
    ) -> Payload:
        return Payload(
            source=source,
            part=part,
            url=f"https://example.org/{part}",
            body=body,
            fetched_at=NOW - timedelta(days=days_ago),
            etag='"abc"',
            notices={"sunset": "Sat, 01 Aug 2026 00:00:00 GMT"},
        )

    return make
