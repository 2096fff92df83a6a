"""Decisions as they were answered. The body is opaque here: whoever made it knows its shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from smart_spawn.store import tables as t
from smart_spawn.store.database import Database
from smart_spawn.store.writer import GroupWriter

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One decision and the versions it was made from."""

    id: str
    created_at: datetime
    catalog_version: str
    beliefs_version: str
    model: str
    """The id of the selected model."""
    body: bytes


class DecisionStore:
    """Decisions by id, written behind the answer."""

    def __init__(self, database: Database, writer: GroupWriter) -> None:
        self._database = database
        self._writer = writer

    def save(self, row: DecisionRow) -> bool:
        """Hand a decision to the writer: microseconds, never an error; False when it had to be dropped."""
        columns = {
            "id": row.id,
            "created_at": row.created_at,
            "catalog_version": row.catalog_version,
            "beliefs_version": row.beliefs_version,
            "model": row.model,
            "body": row.body,
        }
        return self._writer.put(t.decisions, columns, size_bytes=len(row.body) + 300)

    def get(self, decision_id: str) -> DecisionRow | None:
        """Return a decision, also one that was saved a moment ago by this process."""
        found = self._find(decision_id)
        if found is None and self._writer.state.waiting:
            self._writer.flush()
            found = self._find(decision_id)
        return found

    def recent(self, limit: int = 50) -> tuple[DecisionRow, ...]:
        """Return the newest decisions, newest first."""
        self._writer.flush()
        c = t.decisions.c
        query = select(t.decisions).order_by(c.created_at.desc(), c.id).limit(limit)
        with self._database.read() as connection:
            return tuple(_decision(row) for row in connection.execute(query))

    def each(self) -> Iterator[DecisionRow]:
        """Yield all decisions in the order of their ids, which is that of time; a page is in memory at once."""
        self._writer.flush()
        c, last = t.decisions.c, ""
        while True:
            query = select(t.decisions).where(c.id > last).order_by(c.id).limit(PAGE)
            with self._database.read() as connection:
                rows = [_decision(row) for row in connection.execute(query)]
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1].id

    def prune(self, before: datetime) -> int:
        """Delete decisions made before a moment; return how many."""
        with self._database.write() as connection:
            return pruned_decisions(connection, before)

    def _find(self, decision_id: str) -> DecisionRow | None:
        with self._database.read() as connection:
            row = connection.execute(select(t.decisions).where(t.decisions.c.id == decision_id)).first()
        return None if row is None else _decision(row)


def pruned_decisions(connection: Connection, before: datetime) -> int:
    """Delete decisions made before a moment."""
    return connection.execute(delete(t.decisions).where(t.decisions.c.created_at < before)).rowcount


def _decision(row: Row[Any]) -> DecisionRow:
    return DecisionRow(**row._mapping)
