"""Votes on how models did: one row each, never changed but for its reversal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    case,
    func,
    insert,
    select,
    update,
)

from smart_spawn.store.database import Database
from smart_spawn.store.tables import Moment, metadata

CHUNK = 5_000
GATE = "gate"
"""What a run's gate found is no vote: it stands beside what the same key says, however that says it."""

ratings = Table(
    "ratings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("voter", Text, nullable=False, comment="id of the key, or `local`"),
    Column("subject", Text, nullable=False, comment="id of the decision or run; empty where none was named"),
    Column("kind", String(16), nullable=False),
    Column("model", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("tags", Text, nullable=False, comment="separated by commas"),
    Column("cluster", Text, nullable=False),
    Column("value", Float, nullable=False, comment="1 to 5"),
    Column("comment", Text),
    Column("replaces", Integer, comment="id of the voter's earlier row on the same subject"),
    Column("reversed_at", Moment),
)
_R = ratings.c
Index("ix_ratings_voter_subject", _R.voter, _R.subject)
Index("ix_ratings_subject_kind", _R.subject, _R.kind)
Index("ix_ratings_at", _R.at)
# Nearly all votes count, and few replace another: indexes of all would only lead readers astray.
_REVERSED, _REPLACING = _R.reversed_at.is_not(None), _R.replaces.is_not(None)
Index("ix_ratings_reversed_at", _R.reversed_at, sqlite_where=_REVERSED, postgresql_where=_REVERSED)
Index("ix_ratings_replaces", _R.replaces, sqlite_where=_REPLACING, postgresql_where=_REPLACING)
# What rates of success and the drift alarm read, without the rows themselves.
Index("ix_ratings_model", _R.model, _R.category, _R.at, _R.kind, _R.value, _R.reversed_at)

rating_acts = Table(
    "rating_acts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column(
        "at", Moment, nullable=False, unique=True, comment="is `reversed_at` of the votes that it reversed"
    ),
    Column("act", String(8), nullable=False, comment="`reverse` or `undo`"),
    Column("of", Integer, comment="id of the act that was undone"),
    Column("voter", Text),
    Column("since", Moment),
    Column("until", Moment),
    Column("votes", Integer, nullable=False),
)
_A = rating_acts.c

Version = tuple[int, int]
"""Id of the newest vote and of the newest act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRow:
    """One vote as it was given."""

    id: int = 0
    """Given by the store; higher is later."""
    at: datetime
    voter: str
    subject: str = ""
    kind: str
    model: str
    category: str
    tags: str = ""
    cluster: str = ""
    value: float
    """1 (worst) to 5 (best)."""
    comment: str | None = None
    replaces: int | None = None
    """The voter's earlier vote on the same subject, which counts no more."""
    reversed_at: datetime | None = None
    """Since when it does not count, because the owner reversed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRow:
    """Something that the owner did to votes: let some count no more, or undid that."""

    id: int
    at: datetime
    act: str
    """`reverse` or `undo`."""
    of: int | None = None
    """The act that was undone."""
    voter: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    votes: int
    """How many it changed."""


class RatingStore:
    """Votes in the order in which they came. Each change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: RatingRow) -> RatingRow:
        """Store a vote and return it with its id. The voter's earlier one on the subject counts no more."""
        with self._database.write() as connection:
            return _added(connection, row)

    def add_all(self, rows: Sequence[RatingRow]) -> int:
        """Store votes that were exported, those that are here already left out; return how many were new."""
        if not rows:
            return 0
        with self._database.write() as connection:
            added = 0
            for row in rows:
                same = select(_R.id).where(
                    _R.voter == row.voter,
                    _R.subject == row.subject,
                    _R.kind == row.kind,
                    _R.model == row.model,
                    _R.category == row.category,
                    _R.at == row.at,
                )
                if connection.execute(same).first() is None:
                    _added(connection, row)
                    added += 1
        return added

    def version(self) -> Version:
        """Return what differs whenever votes were added, reversed or restored. Two look-ups in indexes."""
        newest = select(select(func.max(_R.id)).scalar_subquery(), select(func.max(_A.id)).scalar_subquery())
        with self._database.read() as connection:
            last, act = connection.execute(newest).one()
        return (last or 0, act or 0)

    def standing(self) -> Iterator[RatingRow]:
        """Give every vote that counts, oldest first: not reversed, and the newest of its voter on its subject.

        One statement, so that a vote and its replacement are never given both.
        """
        query = select(ratings).where(*_counting()).order_by(_R.id).execution_options(yield_per=CHUNK)
        with self._database.read() as connection:
            yield from map(_row, connection.execute(query))

    def after(self, vote_id: int) -> Iterator[RatingRow]:
        """Give every vote with a higher id, oldest first, reversed ones included."""
        while True:
            query = select(ratings).where(_R.id > vote_id).order_by(_R.id).limit(CHUNK)
            with self._database.read() as connection:
                found = [_row(row) for row in connection.execute(query)]
            yield from found
            if len(found) < CHUNK:
                return
            vote_id = found[-1].id

    def get(self, vote_id: int) -> RatingRow | None:
        """Return one vote, `None` when there is none of this id."""
        with self._database.read() as connection:
            row = connection.execute(select(ratings).where(_R.id == vote_id)).first()
        return None if row is None else _row(row)

    def reverse(
        self, at: datetime, *, voter: str | None, since: datetime | None, until: datetime | None
    ) -> ActRow:
        """Let the votes of one voter, or of one span of time, count no more; the act can be undone."""
        query = update(ratings).where(_R.reversed_at.is_(None))
        if voter is not None:
            query = query.where(_R.voter == voter)
        if since is not None:
            query = query.where(_R.at >= since)
        if until is not None:
            query = query.where(_R.at < until)
        with self._database.write() as connection:
            at = _free_moment(connection, at)
            changed = connection.execute(query.values(reversed_at=at)).rowcount
            act = {"at": at, "act": "reverse", "voter": voter, "since": since, "until": until}
            return _noted(connection, {**act, "votes": changed})

    def undo(self, act_id: int, at: datetime) -> ActRow | None:
        """Let the votes that an act reversed count again; `None` where there is no such act to undo."""
        with self._database.write() as connection:
            query = select(_A.at).where(_A.id == act_id, _A.act == "reverse")
            reversed_at = connection.execute(query).scalar_one_or_none()
            undone = select(_A.id).where(_A.act == "undo", _A.of == act_id)
            if reversed_at is None or connection.execute(undone).first() is not None:
                return None
            restored = update(ratings).where(_R.reversed_at == reversed_at).values(reversed_at=None)
            changed = connection.execute(restored).rowcount
            at = _free_moment(connection, at)
            return _noted(connection, {"at": at, "act": "undo", "of": act_id, "votes": changed})

    def acts(self) -> Sequence[ActRow]:
        """Return what was done to votes, oldest first."""
        with self._database.read() as connection:
            return [ActRow(**row._mapping) for row in connection.execute(select(rating_acts).order_by(_A.id))]

    def counts(
        self, since: datetime, *, kinds: Sequence[str], least: float, category: str | None = None
    ) -> Sequence[tuple[str, str, int, int]]:
        """Return model, category, votes that count, and how many of them are `least` or better."""
        query = (
            select(_R.model, _R.category, func.count(), func.sum(_good(least)))
            .where(_R.at >= since, _R.kind.in_(kinds), *_counting())
            .group_by(_R.model, _R.category)
            .order_by(_R.model, _R.category)
        )
        if category is not None:
            query = query.where(_R.category == category)
        with self._database.read() as connection:
            return [(m, c, int(n), int(good)) for m, c, n, good in connection.execute(query)]

    def windows(
        self, start: datetime, split: datetime, *, least: float
    ) -> Sequence[tuple[str, int, int, int, int]]:
        """Return model, votes and good votes from `start` to `split`, votes and good votes since."""
        recent = func.sum(_flag(_R.at >= split))
        good = func.sum(_good(least))
        recent_good = func.sum(_good(least) * _flag(_R.at >= split))
        query = (
            select(_R.model, func.count(), good, recent, recent_good)
            .where(_R.at >= start, *_counting())
            .group_by(_R.model)
        )
        with self._database.read() as connection:
            found = [(m, *map(int, sums)) for m, *sums in connection.execute(query)]
        return [(m, n - late, ok - late_ok, late, late_ok) for m, n, ok, late, late_ok in found]

    def accepted(self, since: datetime, *, least: float) -> tuple[int, int]:
        """Return how many answers the gate accepted that somebody then judged, and how many of them were good."""
        gate, later = ratings.alias("gate"), ratings.alias("later")
        judged = (
            select(func.max(later.c.id).label("last"))
            .join(gate, later.c.subject == gate.c.subject)
            .where(gate.c.kind == GATE, gate.c.subject != "", gate.c.at >= since, gate.c.value >= least)
            .where(later.c.kind.in_(("rating", "outcome")))
            .where(gate.c.reversed_at.is_(None), later.c.reversed_at.is_(None))
            .group_by(gate.c.subject)
            .subquery()
        )
        query = select(func.count(), func.coalesce(func.sum(_good(least)), 0)).where(_R.id == judged.c.last)
        with self._database.read() as connection:
            n, good_ones = connection.execute(query).one()
        return int(n), int(good_ones)


def _added(connection: Connection, row: RatingRow) -> RatingRow:
    replaces = None
    if row.subject:
        earlier = select(func.max(_R.id)).where(
            _R.voter == row.voter,
            _R.subject == row.subject,
            _R.kind == GATE if row.kind == GATE else _R.kind != GATE,
        )
        replaces = connection.execute(earlier).scalar_one()
    stored = replace(row, replaces=replaces)
    new_id = connection.execute(insert(ratings).values(_values(stored)).returning(_R.id)).scalar_one()
    return replace(stored, id=new_id)


def _free_moment(connection: Connection, at: datetime) -> datetime:
    """Return the moment, or a little later where another act has it: acts are told apart by it."""
    newest: datetime | None = connection.execute(select(func.max(_A.at))).scalar_one()
    return at if newest is None or at > newest else newest + timedelta(microseconds=1)


def _noted(connection: Connection, values: dict[str, Any]) -> ActRow:
    act_id = connection.execute(insert(rating_acts).values(values).returning(_A.id)).scalar_one()
    return ActRow(id=act_id, **values)


def _flag(condition: ColumnElement[bool]) -> Any:
    return case((condition, 1), else_=0)


def _good(least: float) -> Any:
    return _flag(_R.value >= least)


def _counting() -> tuple[ColumnElement[bool], ...]:
    """Say which votes count: not reversed, not replaced by a later one that counts."""
    later, next_one = ratings.alias("later"), ratings.alias("next_one")
    replaced = (
        select(later.c.id)
        .where(
            later.c.voter == _R.voter,
            later.c.subject == _R.subject,
            (later.c.kind == GATE) == (_R.kind == GATE),
            later.c.id > _R.id,
            later.c.reversed_at.is_(None),
        )
        .exists()
    )
    # Whatever has later votes has a next one, which says so: few have, and only those need the dear question.
    ever_replaced = select(next_one.c.id).where(next_one.c.replaces == _R.id).exists()
    return _R.reversed_at.is_(None), ~ever_replaced | ~replaced


def _values(row: RatingRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in RatingRow.__slots__ if name != "id"}


def _row(row: Row[Any]) -> RatingRow:
    return RatingRow(**row._mapping)
