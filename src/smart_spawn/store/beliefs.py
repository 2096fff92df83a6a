"""Beliefs as decisions used them: version → body, so that a past decision is made again from the same values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Column, Connection, Index, LargeBinary, Table, Text, delete, select

from smart_spawn.store.database import Database
from smart_spawn.store.tables import Moment, metadata
from smart_spawn.store.writer import GroupWriter

beliefs = Table(
    "beliefs",
    metadata,
    Column("version", Text, primary_key=True),
    Column("created_at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="JSON, compressed"),
)
Index("ix_beliefs_created_at", beliefs.c.created_at)

WAITING_BYTES = 50_000
"""What a snapshot of some thousand cells takes while it waits to be written."""


class BeliefStore:
    """Snapshots by version. The body is opaque here."""

    def __init__(self, database: Database, writer: GroupWriter) -> None:
        self._database = database
        self._writer = writer

    def save(self, version: str, body: Callable[[], bytes], at: datetime) -> bool:
        """Hand a snapshot to the writer, before the first decision that names it; False when it was dropped.

        Nobody waits for `body`: the writer's thread makes it.
        """
        return self._writer.put(
            beliefs,
            lambda: {"version": version, "created_at": at, "body": body()},
            size_bytes=WAITING_BYTES,
        )

    def get(self, version: str) -> bytes | None:
        """Return a snapshot, `None` when it is not stored any more."""
        self._writer.flush()
        with self._database.read() as connection:
            query = select(beliefs.c.body).where(beliefs.c.version == version)
            body: bytes | None = connection.execute(query).scalar_one_or_none()
        return body


def pruned_beliefs(connection: Connection, before: datetime) -> int:
    """Delete snapshots made before a moment: the decisions that name them go at the same time."""
    return connection.execute(delete(beliefs).where(beliefs.c.created_at < before)).rowcount
