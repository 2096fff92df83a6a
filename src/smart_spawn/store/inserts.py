"""Many new rows with few calls of the driver.

Python's SQLite driver lets go of the interpreter for every row of an `executemany`, twice, and then has to wait for
it behind whatever else the process does: at 1,600 decisions a second that was a tenth of what the service could
answer. Rows that share a statement share that wait. PostgreSQL's driver sends rows in one stream anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam
from sqlalchemy.dialects import sqlite

from smart_spawn.store.database import Database

ROWS_OF_A_STATEMENT = (32, 4, 1)
"""How many rows one statement may hold. Few sizes, because each is compiled once and kept; old versions of SQLite
take no more than 999 values at once, and our widest row has 19."""

Row = Mapping[str, Any]


class Inserts:
    """Inserts rows into one database; those whose key exists already are left as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._statements: dict[tuple[Table, tuple[str, ...], int], str] = {}

    def add(self, connection: Connection, table: Table, rows: Sequence[Row]) -> None:
        """Insert rows that name the same columns. Raises what the database or a column's type raises."""
        if not self._database.is_sqlite:
            connection.execute(self._database.upsert(table), rows)
            return
        # the compiler orders values as the table does, however a row names them
        names = tuple(column.name for column in table.columns if column.name in rows[0])
        ready = [_processor(table, name, connection) for name in names]
        for chunk in _chunks(rows):
            values = [
                value if process is None else process(value)
                for row in chunk
                for value, process in zip((row[name] for name in names), ready, strict=True)
            ]
            connection.exec_driver_sql(self._statement(connection, table, names, len(chunk)), tuple(values))

    def _statement(self, connection: Connection, table: Table, names: tuple[str, ...], count: int) -> str:
        known = self._statements.get((table, names, count))
        if known is None:
            rows: list[dict[str, Any]] = [
                {name: bindparam(f"{name}_{at}") for name in names} for at in range(count)
            ]
            insert = sqlite.insert(table).values(rows).on_conflict_do_nothing()
            known = self._statements[table, names, count] = str(insert.compile(dialect=connection.dialect))
        return known


def _processor(table: Table, name: str, connection: Connection) -> Callable[[Any], Any] | None:
    """Return what makes a value of this column one of the driver's, None where it is one already."""
    found: Callable[[Any], Any] | None = (
        table.c[name].type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    )
    return found


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    at = 0
    for size in ROWS_OF_A_STATEMENT:
        while len(rows) - at >= size:
            yield rows[at : at + size]
            at += size
