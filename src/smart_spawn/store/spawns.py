"""The spawn log: one row for each thing done, and its sums by day, which statistics read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    Table,
    Text,
    case,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from smart_spawn.store.database import Database
from smart_spawn.store.tables import EPOCH, Moment, metadata
from smart_spawn.store.writer import GroupWriter

LOCAL = "local"
"""The caller of everything that is done without a key."""
SETTLE = timedelta(seconds=60)
"""Rows younger than this are not summed up yet: a transaction that began earlier may still bring an older one."""
ROLL_UP_ROWS = 50_000
"""Rows that one roll-up takes, so that other writers wait for half a second at most."""

spawns = Table(
    "spawns",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("day", Integer, nullable=False, comment="days since 1970, UTC"),
    Column("caller", Text, nullable=False, comment="id of the key, or `local`"),
    Column("subject", Text, unique=True, comment="what must be logged once only, e.g. `run:ID`"),
    Column("decision_id", Text),
    Column("run_id", Text),
    Column("model", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("budget", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("role", Text),
    Column("source", Text, nullable=False),
    Column("tags", Text, nullable=False, comment="separated by commas"),
    Column("cost_micro_usd", BigInteger),
    Column("estimated", Boolean, nullable=False),
    Column("baseline_micro_usd", BigInteger),
    Column("escalated", Boolean, comment="none where nothing can escalate"),
    Column("ok", Boolean, comment="none where nobody knows yet"),
)
Index("ix_spawns_day", spawns.c.day)

SUMS = (
    "spawns",
    "costed",
    "cost_micro_usd",
    "estimated_micro_usd",
    "compared",
    "saved_micro_usd",
    "saved_squared",
    "could_escalate",
    "escalated",
    "judged",
    "ok",
)
"""What is summed up. `saved_squared` (micro-USD squared) is what an interval around the savings needs."""
GROUPS = ("day", "caller", "model", "category", "mode")

spawn_days = Table(
    "spawn_days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    *(Column(name, Text, primary_key=True) for name in GROUPS[1:]),
    *(Column(name, Float if name == "saved_squared" else BigInteger, nullable=False) for name in SUMS),
)
spawn_marks = Table(
    "spawn_marks",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False, comment="always 0: one row"),
    Column("summed_up_to", Integer, nullable=False, comment="id of the newest row within `spawn_days`"),
)
_S, _D = spawns.c, spawn_days.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnRow:
    """Something that was done, or is about to be, by one model."""

    at: datetime
    model: str
    category: str
    caller: str = LOCAL
    subject: str | None = None
    """What must be logged once only, such as `run:ID`; a second row of the same subject is left out."""
    decision_id: str | None = None
    run_id: str | None = None
    budget: str = ""
    mode: str = "single"
    role: str | None = None
    source: str = ""
    """Who reported it: `run`, `gateway`, or what the caller of `/spawn-log` said."""
    tags: str = ""
    """Context tags, separated by commas."""
    cost_micro_usd: int | None = None
    """`None` is unknown."""
    estimated: bool = False
    """Whether the cost follows from list prices, not from a bill."""
    baseline_micro_usd: int | None = None
    """What the baseline would have cost; `None` is unknown."""
    escalated: bool | None = None
    """Whether a cascade had to step up; `None` where nothing can escalate."""
    ok: bool | None = None
    """`None` where nobody knows yet."""


_ROW = tuple(field.name for field in fields(SpawnRow))


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnSums:
    """Sums over the spawns of one day, caller, model, category and mode. Money is in micro-USD."""

    day: int
    """Days since 1970, UTC."""
    caller: str
    model: str
    category: str
    mode: str
    spawns: int
    costed: int
    cost_micro_usd: int
    estimated_micro_usd: int
    """The part of the cost that follows from list prices."""
    compared: int
    """Spawns with both a cost and a baseline."""
    saved_micro_usd: int
    saved_squared: float
    could_escalate: int
    escalated: int
    judged: int
    ok: int


class SpawnStore:
    """The spawn log, written behind the answer and summed up by day."""

    def __init__(self, database: Database, writer: GroupWriter) -> None:
        self._database = database
        self._writer = writer

    def put(self, row: SpawnRow) -> bool:
        """Hand a row to the writer, from any thread: microseconds, never an error; False when it was dropped."""
        values = {name: getattr(row, name) for name in _ROW}  # `asdict` copies each value: 45 µs instead of 2
        return self._writer.put(spawns, {**values, "day": (row.at - EPOCH).days}, size_bytes=400)

    def roll_up(self, now: datetime, limit: int = ROLL_UP_ROWS) -> int:
        """Add rows that have settled to the sums by day; return how many. Fewer than `limit` means: all of them."""
        with self._database.write() as connection:
            mark = self._mark(connection)
            settled = select(func.max(_S.id)).where(
                _S.id > mark, _S.id <= mark + limit, _S.at <= now - SETTLE
            )
            youngest = connection.execute(settled).scalar_one()
            if youngest is None:
                return 0
            taken = _summed().where(_S.id > mark, _S.id <= youngest).group_by(*(_S[name] for name in GROUPS))
            rows = [dict(row._mapping) for row in connection.execute(taken)]
            connection.execute(self._database.upsert(spawn_days, add=SUMS), rows)
            connection.execute(update(spawn_marks).values(summed_up_to=youngest))
            return int(youngest - mark)

    def sums(
        self, since: datetime, *, by: Sequence[str] = GROUPS, caller: str | None = None
    ) -> Sequence[SpawnSums]:
        """Return the sums of every day from `since` on by some of `GROUPS`, rows of a moment ago included.

        What is not in `by` is 0 or empty in them.
        """
        self._writer.flush()
        first = (since - EPOCH).days
        mark = select(func.coalesce(func.max(spawn_marks.c.summed_up_to), 0)).scalar_subquery()
        # `+ 0` keeps SQLite from reading by day what is few rows by id.
        fresh = _summed().where(_S.id > mark, _S.day + 0 >= first).group_by(*(_S[name] for name in GROUPS))
        old = select(*(_D[name] for name in (*GROUPS, *SUMS))).where(_D.day >= first)
        if caller is not None:
            fresh, old = fresh.where(_S.caller == caller), old.where(_D.caller == caller)
        every = union_all(old, fresh).subquery()
        names = [every.c[name] for name in by]
        query = select(*names, *(func.sum(every.c[name]).label(name) for name in SUMS)).group_by(*names)
        unnamed = {name: 0 if name == "day" else "" for name in GROUPS}
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [
            SpawnSums(**{**unnamed, **{k: _plain(k, v) for k, v in row._mapping.items()}}) for row in found
        ]

    def saved(self, first_day: int, *, caller: str | None, limit: int) -> Sequence[int]:
        """Return what the newest spawns since a day saved against their baselines, in micro-USD, newest first."""
        query = (
            select(_S.baseline_micro_usd - _S.cost_micro_usd)
            .where(
                _S.cost_micro_usd.is_not(None), _S.baseline_micro_usd.is_not(None), _S.day + 0 >= first_day
            )
            .order_by(_S.id.desc())
            .limit(limit)
        )
        if caller is not None:
            query = query.where(_S.caller == caller)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def _mark(self, connection: Any) -> int:
        mark = connection.execute(select(spawn_marks.c.summed_up_to)).scalar_one_or_none()
        if mark is None:
            connection.execute(insert(spawn_marks).values(slot=0, summed_up_to=0))
        return int(mark or 0)


def _plain(name: str, value: Any) -> Any:
    """Undo what PostgreSQL makes of a sum of large integers: a decimal number."""
    return int(value) if name in SUMS and name != "saved_squared" else value


def _summed() -> Any:
    """Select the sums of spawns; the caller adds which, and the groups."""
    compared = _S.cost_micro_usd.is_not(None) & _S.baseline_micro_usd.is_not(None)
    saved = _S.baseline_micro_usd - _S.cost_micro_usd
    one, none = literal(1), literal(0)
    cost = func.coalesce(_S.cost_micro_usd, 0)
    exact = {
        "spawns": func.count(),
        "costed": func.count(_S.cost_micro_usd),
        "cost_micro_usd": func.sum(cost),
        "estimated_micro_usd": func.sum(case((_S.estimated, cost), else_=none)),
        "compared": func.sum(case((compared, one), else_=none)),
        "saved_micro_usd": func.sum(case((compared, saved), else_=none)),
        "saved_squared": func.sum(case((compared, 1.0 * saved * saved), else_=literal(0.0))),
        "could_escalate": func.count(_S.escalated),
        "escalated": func.sum(case((_S.escalated, one), else_=none)),
        "judged": func.count(_S.ok),
        "ok": func.sum(case((_S.ok, one), else_=none)),
    }
    return select(*(_S[name] for name in GROUPS), *(total.label(name) for name, total in exact.items()))
