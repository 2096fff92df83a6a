"""The tables of today are the sum of the migrations, and opening does not pay for them."""

import subprocess
import sys
import time
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import smart_spawn.store
from smart_spawn.settings import Settings
from smart_spawn.store import open_store
from smart_spawn.store.database import Database, database_url
from smart_spawn.store.schema import make_current, migrated
from smart_spawn.store.spawn_sums import SUMS
from smart_spawn.store.tables import EPOCH, REVISION_TABLE, SCHEMA_REVISION, metadata

from .conftest import NOW, compiled_once

MIGRATIONS = Path(smart_spawn.store.__file__).parent / "migrations"


def test_the_revision_of_the_tables_is_the_newest_migration() -> None:
    """Whoever adds a migration moves the constant too, and there is one line of them."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_REVISION]


def test_migrating_from_nothing_gives_the_tables_of_today(settings: Settings) -> None:
    """A database that came through all migrations has no difference to a new one."""
    url = database_url(settings.database_url, settings.home_path)
    settings.home_path.mkdir(parents=True)
    database = Database(url)
    with database.write() as connection:
        migrated(connection)
    with database.read() as connection:
        revision = connection.execute(text("SELECT version_num FROM smart_spawn_schema")).scalar_one()
        context = MigrationContext.configure(
            connection,
            opts={"version_table": REVISION_TABLE, "compare_type": True, "compare_server_default": True},
        )
        assert compare_metadata(context, metadata) == []
    assert revision == SCHEMA_REVISION
    make_current(database)  # and is then opened as any other
    database.close()


def test_sums_that_stood_crossed_stand_side_by_side(settings: Settings) -> None:
    """Statistics of what an earlier release summed up are the same after the migration."""
    settings.home_path.mkdir(parents=True)
    database = Database(database_url(settings.database_url, settings.home_path))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    rows = [
        (caller, model, mode)
        for caller in ("local", "key_1")
        for model in "ab"
        for mode in ("single", "cascade")
    ]
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")
        for number, (caller, model, mode) in enumerate(rows, 1):
            sums = ", ".join([str(number)] * len(SUMS))
            connection.execute(
                text(
                    f"INSERT INTO spawn_days (day, caller, model, category, mode, {', '.join(SUMS)})"  # noqa: S608
                    f" VALUES (:day, :caller, :model, 'coding', :mode, {sums})"
                ),
                {"day": (NOW - EPOCH).days, "caller": caller, "model": model, "mode": mode},
            )
    database.close()

    with open_store(settings) as store:
        found = {
            whose: {
                way: {row.name: row.spawns for row in sums}
                for way, sums in store.spawns.sums(NOW, caller=whose).items()
            }
            for whose in (None, "key_1")
        }
        squares = [row.saved_squared for row in store.spawns.sums(NOW)["day"]]
    day = NOW.date().isoformat()
    assert found[None] == {
        "day": {day: 36},
        "model": {"a": 14, "b": 22},
        "category": {"coding": 36},
        "mode": {"cascade": 20, "single": 16},
        "caller": {"key_1": 26, "local": 10},
    }
    assert found["key_1"]["model"] == {"a": 11, "b": 15}
    assert found["key_1"]["caller"] == {"key_1": 26}
    assert squares == [36.0]


def test_opening_an_existing_store_is_quick_and_imports_no_migrations(tmp_path: Path) -> None:
    """A start pays for a comparison, not for alembic."""
    settings = Settings(home=tmp_path)
    open_store(settings).close()
    took = []
    for _ in range(5):
        started = time.perf_counter()
        open_store(settings).close()
        took.append(time.perf_counter() - started)
    assert min(took) < 0.15  # the quickest: the others measure what else the machine does
    script = (
        "import sys; from smart_spawn.settings import Settings; from smart_spawn.store import open_store;"
        f"open_store(Settings(home={str(tmp_path)!r})).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=compiled_once(), timeout=30)


def test_four_processes_may_open_a_new_store_at_once(settings: Settings) -> None:
    """One of them makes the tables, the others find them."""
    script = """
import os, sys
from smart_spawn.settings import Settings
from smart_spawn.store import open_store
children = []
for _ in range(4):
    children.append(os.fork())
    if not children[-1]:
        open_store(Settings(home=sys.argv[1], database_url=sys.argv[2])).close()
        os._exit(0)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""
    command = [sys.executable, "-c", script, str(settings.home), settings.database_url]
    done = subprocess.run(
        command, capture_output=True, text=True, env=compiled_once(), timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
