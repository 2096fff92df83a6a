"""One database, SQLite or PostgreSQL: transactions, and every failure as one of our own errors.

SQLAlchemy's exceptions never leave this package. Writers begin with `BEGIN IMMEDIATE` on SQLite and take one
advisory lock on PostgreSQL, so read-then-write is safe between processes. Source: docs/adr/0006-one-writer.md.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, Insert, QueuePool, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from smart_spawn.errors import (
    InvalidRequest,
    SettingsError,
    SmartSpawnError,
    StoreCorrupt,
    StoreError,
    StoreUnwritable,
)

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

BUSY_TIMEOUT_S = 10.0
"""How long a transaction waits for another process before it gives up."""
POSTGRESQL_WRITE_LOCK = 0x736D_6172_7473_7077
"""The key of our advisory lock, the letters `smartspw`; any constant would do that nobody else uses."""

_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it is read-only",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_PERM: "permission is denied",
}
_UNWRITABLE_SQLSTATES = {
    "53100": "its disk is full",
    "25006": "it is read-only",
    "42501": "permission is denied",
}


class StoreBusy(StoreError):
    """The database cannot answer now: another process holds it, or the server is away. Waiting may help."""


class Database:
    """An engine and the only two ways through it: `read()` and `write()`."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.in_memory = self.is_sqlite and url.database in (None, "", ":memory:")
        self.path = None if not self.is_sqlite or self.in_memory else Path(str(url.database))
        self.engine = _sqlite_engine(url, self.in_memory) if self.is_sqlite else _postgresql_engine(url)

    @property
    def name(self) -> str:
        """What people call it: the file, or the URL without its password."""
        if self.in_memory:
            return "the database in memory"
        return f"`{self.path}`" if self.path else f"`{self.url.render_as_string(hide_password=True)}`"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Run one transaction that sees one state and writes nothing. Raises StoreError."""
        with self._translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Connection]:
        """Run one transaction that is stored whole or not at all. Raises StoreError.

        `alone` keeps other writers out from the first statement on, so that what was read still holds when
        it is written; plain inserts can do without. SQLite has one writer at a time either way.
        """
        with self._translated(), self.engine.connect() as connection:
            connection = connection.execution_options(smart_spawn_write=True)  # noqa: PLW2901  # same connection
            with connection.begin():
                if alone and not self.is_sqlite:
                    connection.execute(
                        text("SELECT pg_advisory_xact_lock(:key)"), {"key": POSTGRESQL_WRITE_LOCK}
                    )
                yield connection

    def upsert(self, table: Table, *, replace: tuple[str, ...] = (), add: tuple[str, ...] = ()) -> Insert:
        """Build an insert that updates columns where the key exists, or, without any, leaves that row as it is.

        `replace` are set to the new value, `add` grow by it.
        """
        if self.is_sqlite:
            insert: sqlite.Insert | postgresql.Insert = sqlite.insert(table)
        else:
            from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # 0.1 s that SQLite need not pay

            insert = postgresql.insert(table)
        if not replace and not add:
            return insert.on_conflict_do_nothing()
        return insert.on_conflict_do_update(
            index_elements=list(table.primary_key.columns),
            set_={
                **{column: insert.excluded[column] for column in replace},
                **{column: table.c[column] + insert.excluded[column] for column in add},
            },
        )

    def problems(self) -> tuple[str, ...]:
        """Read the whole SQLite file and list what is damaged; empty when it is sound. Raises StoreCorrupt.

        Costs seconds on a file of gigabytes; for `doctor`, never for a request. PostgreSQL checks itself.
        """
        if not self.is_sqlite:
            return ()
        with self.read() as connection:
            rows = connection.execute(text("PRAGMA quick_check(20)")).scalars().all()
        return tuple(str(row) for row in rows if row != "ok")

    def close(self) -> None:
        """Give up every connection. Closing twice does nothing."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise self._explained(error) from error

    def _explained(self, error: SQLAlchemyError | sqlite3.Error) -> SmartSpawnError:
        cause = getattr(error, "orig", None) or error
        said = " ".join(str(cause).split())[:300] or type(cause).__name__
        if not self.is_sqlite:
            return self._explained_postgresql(cause, said)
        code = getattr(cause, "sqlite_errorcode", None)
        primary = code & 0xFF if isinstance(code, int) else None
        if primary in _CORRUPT:
            return StoreCorrupt(
                f"{self.name} is damaged or is no database: {said}",
                hint="move the file aside and start again; nothing is deleted by itself, "
                "and until then the packaged catalogue can be served",
                details={"file": str(self.path)},
            )
        if primary in _UNWRITABLE:
            return StoreUnwritable(
                f"{self.name} cannot be used: {_UNWRITABLE[primary]} ({said})",
                hint="free some space or make the folder writable, or set `home` to another folder",
                details={"file": str(self.path)},
            )
        if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreBusy(
                f"another process kept {self.name} locked for more than {BUSY_TIMEOUT_S:.0f} s",
                hint="try again, or find the process that holds it",
            )
        return StoreError(
            f"{self.name} refused a statement: {said}", hint="`smart-spawn doctor` checks the database"
        )

    def _explained_postgresql(self, cause: BaseException, said: str) -> SmartSpawnError:
        import psycopg  # noqa: PLC0415  # an extra, loaded by then

        state = getattr(cause, "sqlstate", None)
        if state is None and isinstance(cause, psycopg.DataError):
            # refused on this side, before the server saw it: to wait for another answer would be to wait for ever
            return InvalidRequest(
                "a text holds a NUL character, which PostgreSQL cannot keep", hint="leave it out"
            )
        password = self.url.password
        said = said.replace(str(password), "***") if password else said
        if state in _UNWRITABLE_SQLSTATES:
            return StoreUnwritable(
                f"{self.name} cannot be written: {_UNWRITABLE_SQLSTATES[state]} ({said})",
                hint="the owner of the database has to change that",
            )
        if state is None or state == "55P03" or state[:2] in ("08", "28", "3D", "40", "57"):
            return StoreBusy(
                f"{self.name} cannot be reached: {said}", hint="check `database_url` and that the server runs"
            )
        return StoreError(
            f"{self.name} refused a statement: {said}", hint="`smart-spawn doctor` checks the database"
        )


def database_url(setting: str, home: Path) -> URL:
    """Turn the setting `database_url` into an address. Raises SettingsError; never shows a password."""
    if setting == "sqlite":
        return URL.create("sqlite+pysqlite", database=str(home / "smart-spawn.db"))
    try:
        url = make_url(setting)
    except ArgumentError:
        raise _wrong_url("it is no URL") from None
    scheme = url.drivername.partition("+")[0]
    if scheme == "sqlite":
        return url.set(drivername="sqlite+pysqlite")
    if scheme in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    raise _wrong_url(f"`{scheme}` is not supported")


def _wrong_url(why: str) -> SettingsError:
    return SettingsError(
        f"settings key `database_url` is wrong: {why}",
        hint="use `sqlite`, `sqlite:///path/to/file.db` or `postgresql://user@host/name`",
        details={"key": "database_url"},
    )


def _sqlite_engine(url: URL, in_memory: bool) -> Engine:
    # A database in memory lives in its one connection, so all threads take turns on it.
    pool: dict[str, Any] = (
        {"pool_size": 1, "max_overflow": 0} if in_memory else {"pool_size": 5, "max_overflow": 10}
    )
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_timeout=BUSY_TIMEOUT_S,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
        **pool,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: Python's own would come too late
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("smart_spawn_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL) -> Engine:
    limits = f"-c lock_timeout={BUSY_TIMEOUT_S * 1000:.0f} -c statement_timeout=60000"
    # A server that is cut off is noticed within half a minute; the system's own patience is hours.
    alive = {
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    try:
        return create_engine(
            url,
            pool_size=5,
            max_overflow=10,
            pool_timeout=BUSY_TIMEOUT_S,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "options": limits, **alive},
        )
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"PostgreSQL needs the package `{error.name}`, which is not installed",
            hint="install `smart-spawn[postgres]`",
            details={"key": "database_url"},
        ) from None
