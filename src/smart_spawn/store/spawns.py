"""The spawn log: one row for each thing done. Statistics read its sums by day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text, func, select, update

from smart_spawn.store.database import Database
from smart_spawn.store.spawn_sums import (
    SUMS,
    SpawnSums,
    by_ways,
    newest_summed,
    spawn_days,
    spawn_marks,
    summed,
    summed_up_to,
    sums_of,
)
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
Index("ix_spawns_caller_day", spawns.c.caller, spawns.c.day)
_S = spawns.c


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


def _values(row: SpawnRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _ROW}  # `asdict` copies each value: 45 µs instead of 2
    return {**values, "day": (row.at - EPOCH).days}


class SpawnStore:
    """The spawn log, written behind the answer and summed up by day."""

    def __init__(self, database: Database, writer: GroupWriter) -> None:
        self._database = database
        self._writer = writer

    def put(self, row: SpawnRow | Callable[[], SpawnRow]) -> bool:
        """Hand a row to the writer, from any thread: microseconds, never an error; False when it was dropped.

        Nobody waits for a row that has to be made first: the writer's thread makes it.
        """
        made = (lambda: _values(row())) if callable(row) else _values(row)
        return self._writer.put(spawns, made, size_bytes=400)

    def roll_up(self, now: datetime, limit: int = ROLL_UP_ROWS) -> int:
        """Add rows that have settled to the sums by day; return how many. Fewer than `limit` means: all of them."""
        with self._database.write() as connection:
            mark = summed_up_to(connection)
            settled = select(func.max(_S.id)).where(
                _S.id > mark, _S.id <= mark + limit, _S.at <= now - SETTLE
            )
            youngest = connection.execute(settled).scalar_one()
            if youngest is None:
                return 0
            taken = by_ways(summed(spawns).where(_S.id > mark, _S.id <= youngest))
            rows = [dict(row) for row in connection.execute(taken).mappings()]
            connection.execute(self._database.upsert(spawn_days, add=SUMS), rows)
            connection.execute(update(spawn_marks).values(summed_up_to=youngest))
            return int(youngest - mark)

    def sums(self, since: datetime, *, caller: str | None = None) -> Mapping[str, Sequence[SpawnSums]]:
        """Return the sums of every day from `since` on, of one caller or all, rows of a moment ago included.

        They come by `day`, `model`, `category`, `mode` and `caller`, each in the order of its names.
        """
        self._writer.flush()
        first = (since - EPOCH).days
        # `+ 0` keeps SQLite from reading by day what is few rows by id.
        fresh = summed(spawns).where(_S.id > newest_summed(), _S.day + 0 >= first)
        if caller is not None:
            fresh = fresh.where(_S.caller == caller)
        with self._database.read() as connection:
            return sums_of(connection, fresh, first, caller)

    def saved(self, first_day: int, *, caller: str | None, limit: int) -> Sequence[int]:
        """Return what the newest spawns since a day saved against their baselines, in micro-USD, newest first."""
        query = (
            select(_S.baseline_micro_usd - _S.cost_micro_usd)
            .where(_S.cost_micro_usd.is_not(None), _S.baseline_micro_usd.is_not(None), _S.day >= first_day)
            .order_by(_S.day.desc(), _S.id.desc())
            .limit(limit)
        )
        if caller is not None:
            query = query.where(_S.caller == caller)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())
