"""Bring a database to the tables of this release, in process, when it is opened.

The usual case is one comparison of the stored revision with ours; alembic is imported only when an older
database has to be changed. An empty one gets the tables as they are today, which a test holds equal to the
sum of the migrations.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, text

from smart_spawn.errors import MigrationNeeded
from smart_spawn.store.database import Database
from smart_spawn.store.tables import REVISION_TABLE, SCHEMA_REVISION, metadata

if TYPE_CHECKING:
    from alembic.config import Config

_revisions = Table(REVISION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


def make_current(database: Database) -> None:
    """Create or migrate the tables where that is needed. Raises StoreError; MigrationNeeded for a newer one."""
    with database.read() as connection:
        if _revision(connection) == SCHEMA_REVISION:
            return
    with database.write() as connection:  # another process may have done it since: look again, alone now
        revision = _revision(connection)
        if revision is None:
            metadata.create_all(connection)
            _revisions.create(connection)
            connection.execute(insert(_revisions).values(version_num=SCHEMA_REVISION))
        elif revision != SCHEMA_REVISION:
            _upgrade(connection, database.name, revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(REVISION_TABLE):
        return None
    revision: str | None = connection.execute(select(_revisions.c.version_num)).scalar_one_or_none()
    return revision


def migrated(connection: Connection) -> None:
    """Run every migration that is missing, on this connection and in its transaction."""
    from alembic import command  # noqa: PLC0415  # heavy, and needed once in a release

    config = _alembic()
    config.attributes["connection"] = connection
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))  # tables may be rebuilt on the way
    command.upgrade(config, "head")


def _upgrade(connection: Connection, name: str, revision: str) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

    known = {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}
    if revision not in known:
        raise MigrationNeeded(
            f"{name} has schema `{revision}`, which this release does not know; it knows up to `{SCHEMA_REVISION}`",
            hint="a newer Smart Spawn wrote it: install that release, or set `home` to another folder",
            details={"revision": revision, "known": SCHEMA_REVISION},
        )
    migrated(connection)


def _alembic() -> Config:
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
