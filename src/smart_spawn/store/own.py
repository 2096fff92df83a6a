"""The owner's own models and results, beside what sources publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, LargeBinary, Table, Text, delete, func, select

from smart_spawn.model import Category
from smart_spawn.sources.base import Payload
from smart_spawn.sources.own import OwnBoard, OwnModel, OwnValue, default_weights, document
from smart_spawn.store.database import Database
from smart_spawn.store.tables import Moment, metadata

own_models = Table(
    "own_models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("updated_at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="JSON"),
)

own_boards = Table(
    "own_boards",
    metadata,
    Column("benchmark", Text, primary_key=True),
    Column("edition", Text, primary_key=True),
    Column("updated_at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="JSON"),
)

own_values = Table(
    "own_values",
    metadata,
    Column("benchmark", Text, primary_key=True),
    Column("edition", Text, primary_key=True),
    Column("published_name", Text, primary_key=True),
    Column("updated_at", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False, comment="JSON"),
)

CHUNK = 2_000
"""Rows of one statement; both databases bound the number of parameters."""


class OwnStore:
    """Private models and own results. Every change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def models(self) -> dict[str, OwnModel]:
        """Return the private models by id."""
        with self._database.read() as connection:
            rows = connection.execute(select(own_models.c.body).order_by(own_models.c.id)).scalars()
            found = [msgspec.json.decode(body, type=OwnModel) for body in rows]
        return {model.id: model for model in found}

    def updated_at(self, model_id: str) -> datetime | None:
        """Return when a private model was last written."""
        query = select(own_models.c.updated_at).where(own_models.c.id == model_id)
        with self._database.read() as connection:
            at: datetime | None = connection.execute(query).scalar_one_or_none()
        return at

    def put_model(self, model: OwnModel, at: datetime) -> None:
        """Store a private model, in place of one of the same id."""
        row = {"id": model.id, "updated_at": at, "body": msgspec.json.encode(model)}
        upsert = self._database.upsert(own_models, replace=("updated_at", "body"))
        with self._database.write() as connection:
            connection.execute(upsert.values(row))

    def remove_model(self, model_id: str) -> bool:
        """Delete a private model; False when there was none. Results of it stay, and count for nobody."""
        with self._database.write() as connection:
            return connection.execute(delete(own_models).where(own_models.c.id == model_id)).rowcount > 0

    def boards(self) -> tuple[OwnBoard, ...]:
        """Return the boards that have own results, by name and edition."""
        c = own_boards.c
        with self._database.read() as connection:
            rows = connection.execute(select(c.body).order_by(c.benchmark, c.edition)).scalars()
            return tuple(msgspec.json.decode(body, type=OwnBoard) for body in rows)

    def values(self, benchmark: str | None = None) -> tuple[OwnValue, ...]:
        """Return the own results, of one board or of all."""
        c = own_values.c
        query = select(c.body).order_by(c.benchmark, c.edition, c.published_name)
        if benchmark is not None:
            query = query.where(c.benchmark == benchmark)
        with self._database.read() as connection:
            return tuple(
                msgspec.json.decode(body, type=OwnValue) for body in connection.execute(query).scalars()
            )

    def put_results(self, boards: Sequence[OwnBoard], values: Sequence[OwnValue], at: datetime) -> None:
        """Store boards and results, all or none; a result of the same name on the same board is replaced."""
        board_rows = [_row(board, at, "benchmark", "edition") for board in boards]
        value_rows = [_row(value, at, "benchmark", "edition", "published_name") for value in values]
        with self._database.write() as connection:
            connection.execute(self._database.upsert(own_boards, replace=("updated_at", "body")), board_rows)
            upsert = self._database.upsert(own_values, replace=("updated_at", "body"))
            for start in range(0, len(value_rows), CHUNK):
                connection.execute(upsert, value_rows[start : start + CHUNK])

    def remove_board(self, benchmark: str) -> int:
        """Delete all own results of a board, whatever the edition; return how many there were."""
        with self._database.write() as connection:
            gone = connection.execute(delete(own_values).where(own_values.c.benchmark == benchmark)).rowcount
            connection.execute(delete(own_boards).where(own_boards.c.benchmark == benchmark))
        return gone

    def weights(self) -> Mapping[Category, Mapping[str, float]]:
        """Return the weights that imports named for own boards."""
        return default_weights(self.boards())

    def document(self) -> Payload | None:
        """Return everything as the document that a catalogue is built from; None when there is nothing."""
        models, boards, values = self.models(), self.boards(), self.values()
        with self._database.read() as connection:
            moments = [
                connection.execute(select(func.max(table.c.updated_at))).scalar_one()
                for table in (own_models, own_values)
            ]
        changed_at = max((at for at in moments if at is not None), default=None)
        if changed_at is None:
            return None
        return document(tuple(models.values()), boards, values, changed_at=changed_at)


def _row(item: OwnBoard | OwnValue, at: datetime, *keys: str) -> dict[str, Any]:
    return {
        **{key: getattr(item, key) for key in keys},
        "updated_at": at,
        "body": msgspec.json.encode(item, order="deterministic"),
    }
