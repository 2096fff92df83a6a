"""What is remembered of models beyond the catalogue of today: every id ever held, and every price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from sqlalchemy import Select, and_, func, select

from smart_spawn.model import Price
from smart_spawn.store import tables as t
from smart_spawn.store.database import Database

CHUNK = 5_000
"""Rows of one statement; both databases bound the number of parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricePoint:
    """A list price and the UTC day on which it was first seen."""

    day: date
    price: Price


class KnownIds:
    """Every model id that any catalogue ever held: an id that is not among them is a typo."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def saw(self, model_ids: Iterable[str], at: datetime) -> None:
        """Remember ids of a catalogue. The first moment stays, the last one moves."""
        rows = [{"model_id": i, "first_seen": at, "last_seen": at} for i in sorted(set(model_ids))]
        upsert = self._database.upsert(t.known_ids, replace=("last_seen",))
        with self._database.write() as connection:
            for start in range(0, len(rows), CHUNK):
                connection.execute(upsert, rows[start : start + CHUNK])

    def ever_held(self) -> frozenset[str]:
        """Return all ids."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(t.known_ids.c.model_id)).scalars())

    def seen(self, model_id: str) -> tuple[datetime, datetime] | None:
        """Return when an id was first and last in a catalogue."""
        c = t.known_ids.c
        with self._database.read() as connection:
            row = connection.execute(select(c.first_seen, c.last_seen).where(c.model_id == model_id)).first()
        return None if row is None else (row.first_seen, row.last_seen)


class PriceHistory:
    """List prices by model and day. A day is written only when the price differs from the one before."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, day: date, prices: Mapping[str, Price]) -> int:
        """Append the prices that changed; return how many. A second change on one day replaces the first."""
        with self._database.write() as connection:
            known = {row.model_id: row.price for row in connection.execute(_latest())}
            rows = [
                {"model_id": model_id, "day": day.isoformat(), "price": encoded}
                for model_id, price in sorted(prices.items())
                if (encoded := msgspec.json.encode(price)) != known.get(model_id)
            ]
            upsert = self._database.upsert(t.prices, replace=("price",))
            for start in range(0, len(rows), CHUNK):
                connection.execute(upsert, rows[start : start + CHUNK])
        return len(rows)

    def of(self, model_id: str) -> tuple[PricePoint, ...]:
        """Return what a model has cost, oldest first."""
        c = t.prices.c
        query = select(c.day, c.price).where(c.model_id == model_id).order_by(c.day)
        with self._database.read() as connection:
            return tuple(
                PricePoint(day=date.fromisoformat(row.day), price=msgspec.json.decode(row.price, type=Price))
                for row in connection.execute(query)
            )


def _latest() -> Select[str, bytes]:
    """Select the newest price of every model."""
    c = t.prices.c
    newest = select(c.model_id, func.max(c.day).label("day")).group_by(c.model_id).subquery()
    same = and_(newest.c.model_id == c.model_id, newest.c.day == c.day)
    return select(c.model_id, c.price).join(newest, same)
