"""Runs as those see them who submit, watch, cancel and prune them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args

import msgspec
from sqlalchemy import Connection, case, delete, func, insert, select

from smart_spawn.errors import IdempotencyConflict, InvalidRequest, NotFound, RunNotCancellable
from smart_spawn.runs.engine import Artifact, Event, Progress, Run, RunCost, RunLine, RunStatus, Step
from smart_spawn.runs.journal import NewRun
from smart_spawn.spawn.money import usd
from smart_spawn.store import run_tables as t
from smart_spawn.store.database import Database
from smart_spawn.store.run_tree import add_event, cancel_tree

MAX_ROWS = 1_000
PRUNED_AT_ONCE = 200
"""Runs deleted in one transaction: others write in between, heartbeats above all."""
_ACTIVE = ("queued", "running")
_RUN = t.runs.c


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """The runs that are kept, in numbers."""

    by_status: Mapping[RunStatus, int]
    """Every state, also those that no run is in."""
    spent_usd: Decimal
    oldest_queued_at: datetime | None
    """When the run that waits longest was submitted."""


class RunStore:
    """Implements `runs.journal.RunReader`, and pruning."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(self, new: NewRun) -> str:
        """See `RunReader.submit`."""
        with self._database.write() as connection:
            if new.idempotency_key is not None:
                first = connection.execute(
                    select(_RUN.id, _RUN.fingerprint).where(_RUN.idempotency_key == new.idempotency_key)
                ).first()
                if first is not None:
                    return _same(first, new)
            depth, purses = _family(connection, new)
            connection.execute(insert(t.runs), _columns(new, depth, purses))
            keys = [{"key": key, "run_id": new.id} for key in sorted(_keys(purses))]
            if keys:
                connection.execute(insert(t.run_keys), keys)
            self._open_purses(connection, new)
            add_event(connection, new.id, 1, "run.queued", {"mode": new.mode})
        return new.id

    def run(self, run_id: str) -> Run:
        """See `RunReader.run`."""
        with self._database.read() as connection:
            row = _found(connection.execute(select(t.runs).where(_RUN.id == run_id)).first(), run_id)
            return _run(row, _cost(connection, run_id), _progress(connection, run_id))

    def status(self, run_id: str) -> RunStatus:
        """See `RunReader.status`."""
        with self._database.read() as connection:
            row = connection.execute(select(_RUN.status).where(_RUN.id == run_id)).first()
        status: RunStatus = _found(row, run_id).status
        return status

    def lines(
        self, *, status: RunStatus | None, limit: int, before: str | None, key: str | None = None
    ) -> Sequence[RunLine]:
        """See `RunReader.lines`."""
        columns = (_RUN.id, _RUN.mode, _RUN.status, _RUN.created_at, _RUN.started_at, _RUN.ended_at)
        query, place = select(*columns), _RUN.id
        if key is not None:
            place = t.run_keys.c.run_id
            query = query.join(t.run_keys, place == _RUN.id).where(t.run_keys.c.key == key)
        if status is not None:
            query = query.where(_RUN.status == status)
        if before is not None:
            query = query.where(place < before)
        query = query.order_by(place.desc()).limit(min(limit, MAX_ROWS))
        with self._database.read() as connection:
            return [RunLine(**row._mapping) for row in connection.execute(query)]

    def steps(self, run_id: str) -> Sequence[Step]:
        """See `RunReader.steps`."""
        steps, calls = t.run_steps.c, t.run_calls.c
        money = (
            select(
                calls.step,
                func.count().label("tries"),
                func.sum(case((calls.state == "in_doubt", 1), else_=0)).label("in_doubt"),
                func.sum(calls.cost_micro_usd).label("cost"),
            )
            .where(calls.run_id == run_id)
            .group_by(calls.step)
        )
        columns = (steps.name, steps.state, steps.model, steps.provider, steps.started_at)
        query = select(*columns, steps.ended_at, steps.error).where(steps.run_id == run_id)
        with self._database.read() as connection:
            self._check(connection, run_id)
            calls_of = {row.step: row for row in connection.execute(money)}
            return [
                _step(row, calls_of.get(row.name))
                for row in connection.execute(query.order_by(steps.position))
            ]

    def events(self, run_id: str, *, after: int, limit: int, name: str | None = None) -> Sequence[Event]:
        """See `RunReader.events`."""
        c = t.run_events.c
        query = select(c.number, c.name, c.at, c.data).where(c.run_id == run_id, c.number > after)
        if name is not None:
            query = query.where(c.name == name)
        with self._database.read() as connection:
            self._check(connection, run_id)
            rows = connection.execute(query.order_by(c.number).limit(min(limit, MAX_ROWS)))
            return [
                Event(number=row.number, name=row.name, at=row.at, data=msgspec.json.decode(row.data))
                for row in rows
            ]

    def artifacts(self, run_id: str, step: str | None = None) -> Sequence[Artifact]:
        """See `RunReader.artifacts`."""
        c = t.run_artifacts.c
        query = select(c.step, c.name, c.model, c.kind, c.content, c.created_at).where(c.run_id == run_id)
        if step is not None:
            query = query.where(c.step == step)
        with self._database.read() as connection:
            self._check(connection, run_id)
            rows = connection.execute(query.order_by(c.created_at, c.step)).all()
        if step is not None and not rows:
            raise NotFound(
                f"step `{step[:80]}` of run `{run_id}` has left no artifact",
                hint="the run's steps are listed with it; only steps that have ended leave one",
            )
        return [Artifact(**{**row._mapping, "content": row.content.decode()}) for row in rows]

    def cancel(self, run_id: str) -> None:
        """See `RunReader.cancel`."""
        with self._database.write() as connection:
            row = _found(connection.execute(select(_RUN.status).where(_RUN.id == run_id)).first(), run_id)
            if row.status not in _ACTIVE:
                raise RunNotCancellable(
                    f"run `{run_id}` has ended as `{row.status}`",
                    hint="only runs that are queued or running can be cancelled",
                    details={"status": row.status},
                )
            cancel_tree(connection, run_id)

    def counts(self) -> RunCounts:
        """Count the runs that are kept, and add up what they cost."""
        by_status = select(_RUN.status, func.count()).group_by(_RUN.status)
        spent = select(func.coalesce(func.sum(t.run_calls.c.cost_micro_usd), 0))
        oldest = select(func.min(_RUN.id)).where(_RUN.status == "queued")  # ids sort by time
        with self._database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(by_status)}
            waiting = connection.execute(select(_RUN.created_at).where(_RUN.id == oldest.scalar_subquery()))
            return RunCounts(
                by_status={status: found.get(status, 0) for status in get_args(RunStatus)},
                spent_usd=usd(int(connection.execute(spent).scalar_one())),
                oldest_queued_at=waiting.scalar_one_or_none(),
            )

    def prune(self, before: datetime) -> int:
        """Delete the runs that ended before this moment, with everything of theirs; return how many."""
        old = select(_RUN.id).where(_RUN.ended_at < before).limit(PRUNED_AT_ONCE)
        pruned = 0
        while True:
            with self._database.write() as connection:
                ids = connection.execute(old).scalars().all()
                connection.execute(delete(t.purses).where(t.purses.c.name.in_([f"run:{one}" for one in ids])))
                connection.execute(delete(t.runs).where(_RUN.id.in_(ids)))
            pruned += len(ids)
            if len(ids) < PRUNED_AT_ONCE:
                return pruned

    def _open_purses(self, connection: Connection, new: NewRun) -> None:
        empty = {"held_micro_usd": 0, "spent_micro_usd": 0}
        connection.execute(
            insert(t.purses), {"name": f"run:{new.id}", "cap_micro_usd": new.cap_micro_usd, **empty}
        )
        if new.key is not None:
            of_key = self._database.upsert(t.purses, replace=("cap_micro_usd",))
            connection.execute(
                of_key, {"name": f"key:{new.key}", "cap_micro_usd": new.key_cap_micro_usd, **empty}
            )

    def _check(self, connection: Connection, run_id: str) -> None:
        _found(connection.execute(select(_RUN.id).where(_RUN.id == run_id)).first(), run_id)


def _found(row: Any, run_id: str) -> Any:
    if row is None:
        raise NotFound(
            f"there is no run `{run_id[:80]}`",
            hint="`smart-spawn runs list` shows those that are kept; their ids start with `run_`",
        )
    return row


def _same(first: Any, new: NewRun) -> str:
    if first.fingerprint != new.fingerprint:
        raise IdempotencyConflict(
            "this idempotency key was used for another request",
            hint="use a new key for a new request; send the same request to get its run again",
            details={"runId": first.id},
        )
    run_id: str = first.id
    return run_id


def _family(connection: Connection, new: NewRun) -> tuple[int, list[str]]:
    """Return how deep a run is nested and whose purses it spends from."""
    own = [f"run:{new.id}", *([f"key:{new.key}"] if new.key is not None else [])]
    if new.parent is None:
        return 0, own
    row = connection.execute(
        select(_RUN.depth, _RUN.purses, _RUN.status, _RUN.cancel_requested).where(_RUN.id == new.parent)
    ).first()
    parent = _found(row, new.parent)
    if parent.depth >= new.max_depth:
        raise InvalidRequest(
            f"runs are nested {new.max_depth} deep at most",
            hint="let the run do the work itself instead of starting another",
        )
    if parent.status not in _ACTIVE or parent.cancel_requested:
        raise InvalidRequest(f"run `{new.parent}` has ended, so it can start none", hint="start it by itself")
    inherited: list[str] = msgspec.json.decode(parent.purses)
    return parent.depth + 1, [*inherited, *(name for name in own if name not in inherited)]


def _columns(new: NewRun, depth: int, purses: list[str]) -> dict[str, Any]:
    return {
        "id": new.id,
        "mode": new.mode,
        "status": "queued",
        "created_at": new.created_at,
        "deadline_at": new.deadline_at,
        "cancel_requested": False,
        "parent": new.parent,
        "depth": depth,
        "queued_times": 1,
        "handed_out": new.handed_out,
        "executions": 0,
        "events": 1,
        "purses": msgspec.json.encode(purses).decode(),
        "allow_unknown_price": new.allow_unknown_price,
        "idempotency_key": new.idempotency_key,
        "fingerprint": new.fingerprint,
        "request": new.request,
    }


def _cost(connection: Connection, run_id: str) -> RunCost:
    c = t.run_calls.c
    by_state = {
        row.state: row
        for row in connection.execute(
            select(
                c.state,
                func.sum(c.reserved_micro_usd).label("reserved"),
                func.sum(c.cost_micro_usd).label("cost"),
            )
            .where(c.run_id == run_id)
            .group_by(c.state)
        )
    }
    cap = connection.execute(
        select(t.purses.c.cap_micro_usd).where(t.purses.c.name == f"run:{run_id}")
    ).scalar_one_or_none()

    def held(state: str) -> int:
        return int(by_state[state].reserved) if state in by_state else 0

    return RunCost(
        spent_usd=usd(int(by_state["settled"].cost) if "settled" in by_state else 0),
        in_doubt_usd=usd(held("in_doubt")),
        reserved_usd=usd(held("open")),
        cap_usd=None if cap is None else usd(cap),
    )


def _progress(connection: Connection, run_id: str) -> Progress:
    c = t.run_steps.c
    query = select(c.state, func.count().label("many")).where(c.run_id == run_id).group_by(c.state)
    many = {row.state: int(row.many) for row in connection.execute(query)}
    return Progress(
        total=sum(many.values()),
        done=many.get("succeeded", 0),
        running=many.get("running", 0),
        failed=many.get("failed", 0),
    )


def _run(row: Any, cost: RunCost, progress: Progress) -> Run:
    return Run(
        id=row.id,
        mode=row.mode,
        status=row.status,
        created_at=row.created_at,
        deadline_at=row.deadline_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        cancel_requested=row.cancel_requested,
        parent=row.parent,
        keys=_keys(msgspec.json.decode(row.purses)),
        executor=row.executor,
        executions=row.executions,
        request=msgspec.json.decode(row.request),
        outcome=None if row.outcome is None else msgspec.json.decode(row.outcome),
        error=None if row.error is None else msgspec.json.decode(row.error),
        cost=cost,
        progress=progress,
    )


def _keys(purses: Sequence[str]) -> frozenset[str]:
    """Return the ids of the keys whose money a run spends. A month's purse has the month behind the id."""
    return frozenset(name.split(":")[1] for name in purses if name.startswith("key:"))


def _step(row: Any, money: Any) -> Step:
    cost = None if money is None or money.cost is None else usd(int(money.cost))
    return Step(
        **row._mapping,
        tries=money.tries if money else 0,
        in_doubt=int(money.in_doubt) if money else 0,
        cost_usd=cost,
    )
