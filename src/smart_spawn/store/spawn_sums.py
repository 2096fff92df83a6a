"""Sums of the spawn log by day, each way of looking at it apart: a handful of rows a day, however many spawns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    Connection,
    Float,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    union_all,
)

from smart_spawn.store.tables import EPOCH, metadata

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
WAYS = ("model", "category", "mode", "caller")
"""The ways of looking at a day. Their sums stand side by side: crossed, they would be hundreds of times as many."""
EVERYBODY = ""

spawn_days = Table(
    "spawn_days",
    metadata,
    Column("whose", Text, primary_key=True, comment="a caller, or empty: everybody's together"),
    Column("way", String(8), primary_key=True, comment="`model`, `category`, `mode` or `caller`"),
    Column("day", Integer, primary_key=True, autoincrement=False, comment="days since 1970, UTC"),
    Column("name", Text, primary_key=True, comment="of the model, category, mode or caller"),
    *(Column(name, Float if name == "saved_squared" else BigInteger, nullable=False) for name in SUMS),
)
spawn_marks = Table(
    "spawn_marks",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False, comment="always 0: one row"),
    Column("summed_up_to", Integer, nullable=False, comment="id of the newest row within `spawn_days`"),
)
_D = spawn_days.c


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnSums:
    """Sums over the spawns of one day, model, category, mode or caller. Money is in micro-USD."""

    name: str
    """Of what they are the sums; a day as YYYY-MM-DD, UTC."""
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


def summed_up_to(connection: Connection) -> int:
    """Return the id of the newest row that is summed up; the first time, make the row that says so."""
    mark = connection.execute(select(spawn_marks.c.summed_up_to)).scalar_one_or_none()
    if mark is None:
        connection.execute(insert(spawn_marks).values(slot=0, summed_up_to=0))
    return int(mark or 0)


def newest_summed() -> Any:
    """Select the same within another query, which then sees one state of both."""
    return select(func.coalesce(func.max(spawn_marks.c.summed_up_to), 0)).scalar_subquery()


def summed(spawns: Table) -> Select[Any]:
    """Select the sums of spawns by day and everything in `WAYS`; the caller says of which."""
    row = spawns.c
    compared = row.cost_micro_usd.is_not(None) & row.baseline_micro_usd.is_not(None)
    saved = row.baseline_micro_usd - row.cost_micro_usd
    one, none = literal(1), literal(0)
    cost = func.coalesce(row.cost_micro_usd, 0)
    exact = {
        "spawns": func.count(),
        "costed": func.count(row.cost_micro_usd),
        "cost_micro_usd": func.sum(cost),
        "estimated_micro_usd": func.sum(case((row.estimated, cost), else_=none)),
        "compared": func.sum(case((compared, one), else_=none)),
        "saved_micro_usd": func.sum(case((compared, saved), else_=none)),
        "saved_squared": func.sum(case((compared, 1.0 * saved * saved), else_=literal(0.0))),
        "could_escalate": func.count(row.escalated),
        "escalated": func.sum(case((row.escalated, one), else_=none)),
        "judged": func.count(row.ok),
        "ok": func.sum(case((row.ok, one), else_=none)),
    }
    groups = [row.day, *(row[way] for way in WAYS)]
    return select(*groups, *(total.label(name) for name, total in exact.items())).group_by(*groups)


def by_ways(crossed: Select[Any]) -> Any:
    """Select the rows of `spawn_days` that follow from what `summed` selects."""
    held = crossed.cte("crossed")
    return union_all(*_parts(held, together=True), *_parts(held, together=False))


def sums_of(
    connection: Connection, fresh: Select[Any], first_day: int, caller: str | None
) -> Mapping[str, Sequence[SpawnSums]]:
    """Add up what is in `spawn_days` and what is fresh, since a day, by every way and by day."""
    whose = EVERYBODY if caller is None else caller
    new = union_all(*_parts(fresh.cte("crossed"), together=caller is None)).subquery()
    old = select(_D.way, _D.day, _D.name, *(_D[name] for name in SUMS)).where(
        _D.whose == whose, _D.way.in_(WAYS), _D.day >= first_day
    )
    added = select(new.c.way, new.c.day, new.c.name, *(new.c[name] for name in SUMS))
    every = union_all(old, added).cte("every")
    by_way = select(every.c.way, every.c.name, *_added(every)).group_by(every.c.way, every.c.name)
    # Every spawn has one mode, so those of a day are all of it.
    by_day = (
        select(literal("day").label("way"), cast(every.c.day, Text).label("name"), *_added(every))
        .where(every.c.way == "mode")
        .group_by(every.c.day)
    )
    found: dict[str, list[SpawnSums]] = {way: [] for way in ("day", *WAYS)}
    for row in connection.execute(union_all(by_way, by_day)):
        found[row.way].append(_read(row))
    return {way: sorted(rows, key=lambda row: row.name) for way, rows in found.items()}


def _parts(crossed: CTE, *, together: bool) -> list[Select[Any]]:
    """Select what is crossed by each way apart, everybody's together or each caller's."""
    parts = []
    for way in WAYS:
        whose = literal(EVERYBODY) if together else crossed.c.caller
        named = crossed.c[way].label("name")
        groups = [crossed.c.day, crossed.c[way], *([] if together else [crossed.c.caller])]
        part = select(whose.label("whose"), literal(way).label("way"), crossed.c.day, named, *_added(crossed))
        parts.append(part.group_by(*groups))
    return parts


def _added(table: Any) -> list[Any]:
    return [func.sum(table.c[name]).label(name) for name in SUMS]


def _read(row: Row[Any]) -> SpawnSums:
    held = dict(row._mapping)
    way, name = held.pop("way"), held.pop("name")
    if way == "day":
        name = (EPOCH + timedelta(days=int(name))).date().isoformat()
    # PostgreSQL makes a decimal number of a sum of large integers.
    return SpawnSums(name=name, **{k: v if k == "saved_squared" else int(v) for k, v in held.items()})
