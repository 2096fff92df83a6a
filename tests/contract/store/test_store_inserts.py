"""Many new rows at once, over every database: all of them, in their own columns, and in few statements."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import SQLAlchemyError

from smart_spawn.errors import StoreError
from smart_spawn.store import Store, tables
from smart_spawn.store.inserts import Inserts

from .conftest import NOW


def decision(at: int, **changed: Any) -> dict[str, Any]:
    return {
        "body": bytes([at % 256]) * (at % 7),
        "model": f"vendor/{at}",
        "created_at": NOW + timedelta(microseconds=at),
        "id": f"d{at:05}",
        "beliefs_version": "b1",
        "catalog_version": f"c{at}",
        **changed,
    }


def held(store: Store) -> list[Mapping[str, Any]]:
    with store.database.read() as connection:
        rows = connection.execute(select(tables.decisions).order_by(tables.decisions.c.id))
        return [dict(row._mapping) for row in rows]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 31, 32, 33, 200])
def test_every_row_arrives_in_its_own_columns(store: Store, count: int) -> None:
    """However many there are, and in whatever order they name their columns."""
    rows = [decision(at) for at in range(count)]
    rows[-1] = dict(reversed(rows[-1].items()))
    with store.database.write() as connection:
        Inserts(store.database).add(connection, tables.decisions, rows)
    assert held(store) == rows


def test_rows_that_exist_stay_as_they_are(store: Store) -> None:
    """A key that is held already, or comes twice in one call, keeps its first row."""
    inserts = Inserts(store.database)
    with store.database.write() as connection:
        inserts.add(connection, tables.decisions, [decision(3, model="first")])
        inserts.add(connection, tables.decisions, [decision(at) for at in (*range(70), 5)])
    assert [row["model"] for row in held(store)] == [
        "first" if at == 3 else f"vendor/{at}" for at in range(70)
    ]


def test_a_row_that_lacks_a_value_is_refused(store: Store) -> None:
    """Nothing of its call is stored: not even the rows of statements that came before."""
    rows = [decision(at) for at in range(100)]
    rows[90]["model"] = None
    with pytest.raises(StoreError), store.database.write() as connection:
        Inserts(store.database).add(connection, tables.decisions, rows)
    assert not held(store)


def test_a_moment_without_a_zone_is_refused(store: Store) -> None:
    """What a column's type checks is checked here too."""
    naive = decision(1, created_at=NOW.replace(tzinfo=None))
    with (
        pytest.raises((ValueError, StoreError, SQLAlchemyError), match="no time zone"),
        store.database.write() as connection,
    ):
        Inserts(store.database).add(connection, tables.decisions, [naive])


def test_rows_share_statements(store: Store) -> None:
    """Two hundred rows go to the driver in eight calls; each call waits for the interpreter on its own."""
    calls: list[bool] = []
    event.listen(store.database.engine, "before_cursor_execute", lambda *given: calls.append(given[-1]))
    with store.database.write(alone=False) as connection:
        calls.clear()
        Inserts(store.database).add(connection, tables.decisions, [decision(at) for at in range(200)])
    assert len(calls) <= 8
    assert not (store.database.is_sqlite and any(calls)), "`executemany` waits for every row"
