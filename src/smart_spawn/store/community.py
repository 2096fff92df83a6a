"""What others report: one row for each pseudonym, model and category, and posteriors of other installations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table, Text, delete, func, insert, select

from smart_spawn.store.database import Database
from smart_spawn.store.tables import EPOCH, Moment, metadata

community_reports = Table(
    "community_reports",
    metadata,
    Column("contributor", Text, primary_key=True, comment="a keyed pseudonym"),
    Column("model", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("caller", Text, nullable=False, comment="id of the key it came with, or `local`"),
    Column("ratings", BigInteger, nullable=False),
    Column("total", Float, nullable=False, comment="sum of the ratings"),
    Column("last_at", Moment, nullable=False),
    Column("day", Integer, nullable=False, comment="of the newest report, days since 1970"),
    Column("today", Integer, nullable=False, comment="reports on that day"),
)
_C = community_reports.c
Index("ix_community_reports_caller_day", _C.caller, _C.day)
Index("ix_community_reports_last_at", _C.last_at)
community_posteriors = Table(
    "community_posteriors",
    metadata,
    Column("publisher", Text, primary_key=True, comment="fingerprint of the key that signed them"),
    Column("model", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("rating", Float, nullable=False, comment="1 to 5"),
    Column("contributors", Integer, nullable=False),
    Column("at", Moment, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """All that one contributor said about one model in one category."""

    contributor: str
    model: str
    category: str
    ratings: int
    total: float
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorRow:
    """What another installation has learned about one model in one category."""

    publisher: str
    model: str
    category: str
    rating: float
    """1 to 5."""
    contributors: int
    at: datetime


class CommunityStore:
    """Reports and posteriors. Each change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reports_of(self, caller: str, at: datetime) -> int:
        """Return how many reports came with a key on this day."""
        query = select(func.coalesce(func.sum(_C.today), 0)).where(
            _C.caller == caller, _C.day == (at - EPOCH).days
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def report(
        self, contributor: str, model: str, category: str, rating: float, *, caller: str, at: datetime
    ) -> None:
        """Add one rating to what its contributor said before."""
        day = (at - EPOCH).days
        row = {"contributor": contributor, "model": model, "category": category, "caller": caller}
        first = {**row, "ratings": 1, "total": rating, "last_at": at, "day": day, "today": 1}
        with self._database.write() as connection:
            held = connection.execute(
                select(_C.day, _C.today).where(
                    _C.contributor == contributor, _C.model == model, _C.category == category
                )
            ).first()
            if held is None:
                connection.execute(insert(community_reports).values(first))
                return
            connection.execute(
                community_reports.update()
                .where(_C.contributor == contributor, _C.model == model, _C.category == category)
                .values(
                    caller=caller,
                    ratings=_C.ratings + 1,
                    total=_C.total + rating,
                    last_at=at,
                    day=day,
                    today=held.today + 1 if held.day == day else 1,
                )
            )

    def reports(self, category: str | None = None) -> Sequence[ReportRow]:
        """Return every contributor's sums, in a fixed order."""
        names = tuple(ReportRow.__slots__)
        query = select(*(_C[name] for name in names)).order_by(_C.model, _C.category, _C.contributor)
        if category is not None:
            query = query.where(_C.category == category)
        with self._database.read() as connection:
            return [ReportRow(**row._mapping) for row in connection.execute(query)]

    def version(self) -> tuple[Any, ...]:
        """Return what differs whenever a report or a posterior came. Two small queries."""
        posteriors = select(func.count(), func.max(community_posteriors.c.at)).select_from(
            community_posteriors
        )
        with self._database.read() as connection:
            newest = connection.execute(select(func.max(_C.last_at))).scalar_one()
            return (newest, *connection.execute(posteriors).one())

    def put_posteriors(self, publisher: str, rows: Sequence[PosteriorRow]) -> None:
        """Replace all that a publisher said before."""
        with self._database.write() as connection:
            table = community_posteriors
            connection.execute(delete(table).where(table.c.publisher == publisher))
            if rows:
                values = [{name: getattr(row, name) for name in PosteriorRow.__slots__} for row in rows]
                connection.execute(insert(table), values)

    def posteriors(self) -> Sequence[PosteriorRow]:
        """Return what other installations published, in a fixed order."""
        table = community_posteriors
        query = select(table).order_by(table.c.publisher, table.c.model, table.c.category)
        with self._database.read() as connection:
            return [PosteriorRow(**row._mapping) for row in connection.execute(query)]
