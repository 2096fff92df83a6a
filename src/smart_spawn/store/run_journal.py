"""A run being carried out: steps, calls with their money, events, its end.

Each method is one transaction that first takes the run's row, which tells whether this execution still has the
run, and gives the event its number. Caps are kept by one statement over all purses: each row says for itself
whether the amount fits, so two processes cannot both take the last of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, func, insert, or_, select, update

from smart_spawn.runs.engine import Artifact
from smart_spawn.runs.journal import (
    Begun,
    Bill,
    CallIntent,
    CallLimits,
    Claim,
    Finished,
    Grant,
    Granted,
    Later,
    RunCancelled,
    RunLost,
    Short,
    StepEnd,
    Ticket,
)
from smart_spawn.runs.ports import RunEnd
from smart_spawn.store import run_tables as t
from smart_spawn.store.database import Database
from smart_spawn.store.run_tree import add_event, calls_in_doubt, cancel_tree, end_steps
from smart_spawn.store.tables import now_us

MINUTE_US = 60_000_000
MAX_CHARS = 2_000
"""Of an error in one line."""

_RUN = t.runs.c
_NEXT_EVENT = (
    update(t.runs)
    .where(_RUN.id == bindparam("run"), _RUN.executions == bindparam("execution"), _RUN.status == "running")
    .values(events=_RUN.events + 1)
    .returning(_RUN.events, _RUN.cancel_requested, _RUN.purses)
)
_STEP = and_(t.run_steps.c.run_id == bindparam("run"), t.run_steps.c.name == bindparam("step"))
_CLOSE_STEP = (
    update(t.run_steps)
    .where(_STEP)
    .values(state=bindparam("new_state"), result=bindparam("body"), error=bindparam("why"), ended_at=now_us())
)
_OPEN_CALL = insert(t.run_calls).values(state="open", opened_us=now_us())
_CALL = and_(
    t.run_calls.c.run_id == bindparam("run"),
    t.run_calls.c.step == bindparam("in_step"),
    t.run_calls.c.number == bindparam("try"),
)
_SETTLE = (
    update(t.run_calls)
    .where(_CALL, t.run_calls.c.executor == bindparam("by"), t.run_calls.c.state != "settled")
    .values(state=bindparam("new_state"), cost_micro_usd=bindparam("cost"), closed_us=now_us())
    .returning(t.run_calls.c.reserved_micro_usd)
)
_HELD, _SPENT, _CAP = (t.purses.c.held_micro_usd, t.purses.c.spent_micro_usd, t.purses.c.cap_micro_usd)
_RESERVE = (
    update(t.purses)
    .where(
        t.purses.c.name.in_(bindparam("names", expanding=True)),
        or_(_CAP.is_(None), _HELD + _SPENT + bindparam("amount") <= _CAP),
    )
    .values(held_micro_usd=_HELD + bindparam("amount"))
)
_BILL = (
    update(t.purses)
    .where(t.purses.c.name.in_(bindparam("names", expanding=True)))
    .values(held_micro_usd=_HELD - bindparam("reserved"), spent_micro_usd=_SPENT + bindparam("cost"))
)


class _DoesNotFit(Exception):
    """Roll the transaction back: some purse could not take the reservation."""

    def __init__(self, purses: list[str]) -> None:
        super().__init__()
        self.purses = purses


class RunJournal:
    """Implements `runs.journal.Journal`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # A step that a crash interrupted is there already, and stays at its place.
        self._open_step = database.upsert(t.run_steps, replace=("state",)).values(
            started_at=now_us(), state="running"
        )

    def begin(self, ticket: Ticket, executor: str) -> Begun | None:
        """See `Journal.begin`."""
        mine = and_(_RUN.id == ticket.run_id, _RUN.queued_times == ticket.number, _RUN.status == "queued")
        with self._database.write() as connection:
            row = connection.execute(
                update(t.runs)
                .where(mine)
                .values(
                    status="running",
                    executor=executor,
                    executions=_RUN.executions + 1,
                    started_at=func.coalesce(_RUN.started_at, now_us()),
                    events=_RUN.events + 1,
                )
                .returning(
                    _RUN.executions,
                    _RUN.events,
                    _RUN.mode,
                    _RUN.request,
                    _RUN.deadline_at,
                    _RUN.allow_unknown_price,
                    _RUN.purses,
                )
            ).first()
            if row is None:
                return None
            claim = Claim(run_id=ticket.run_id, execution=row.executions, executor=executor)
            name = "run.started" if row.executions == 1 else "run.resumed"
            add_event(connection, claim.run_id, row.events, name, {"execution": row.executions})
            return _begun(connection, claim, row)

    def open_step(self, claim: Claim, step: str, *, model: str | None, provider: str | None) -> None:
        """See `Journal.open_step`."""
        with self._database.write(alone=False) as connection:
            number, _ = _next(connection, claim)
            self._begin_step(connection, claim, number, step, model, provider)

    def close_step(self, claim: Claim, end: StepEnd, bill: Bill | None) -> None:
        """See `Journal.close_step`."""
        lost: RunLost | None = None
        with self._database.write(alone=False) as connection:
            try:
                number, purses = _next(connection, claim, cancelled_too=True)
            except RunLost as error:
                lost, purses = error, _purses_of(connection, claim)
            if bill is not None:
                _settle(connection, claim, bill, purses)
            if lost is None:
                _close_step(connection, claim, number, end)
        if lost is not None:
            raise lost

    def open_call(self, claim: Claim, intent: CallIntent) -> Grant:
        """See `Journal.open_call`."""
        try:
            # Counting calls and adding one must not be interleaved with another process doing the same.
            limited = intent.limits != CallLimits()
            with self._database.write(alone=limited) as connection:
                wait_s = _wait_s(connection, intent)
                if wait_s is not None:
                    return Later(wait_s=wait_s)
                number, purses = _next(connection, claim)
                if intent.number == 0:
                    self._begin_step(connection, claim, number, intent.step, intent.model, intent.provider)
                else:
                    data = {"step": intent.step, "model": intent.model, "try": intent.number}
                    add_event(connection, claim.run_id, number, "step.retried", data)
                taken = connection.execute(_RESERVE, {"names": purses, "amount": intent.worst_micro_usd})
                if taken.rowcount != len(purses):
                    raise _DoesNotFit(purses)
                connection.execute(
                    _OPEN_CALL,
                    {
                        "run_id": claim.run_id,
                        "step": intent.step,
                        "number": intent.number,
                        "model": intent.model,
                        "provider": intent.provider,
                        "executor": claim.executor,
                        "reserved_micro_usd": intent.worst_micro_usd,
                    },
                )
        except _DoesNotFit as refusal:
            return Short(left_micro_usd=self._left(refusal.purses) or 0)
        return Granted()

    def settle(self, claim: Claim, bill: Bill) -> None:
        """See `Journal.settle`."""
        with self._database.write(alone=False) as connection:
            _settle(connection, claim, bill, _purses_of(connection, claim))

    def left_micro_usd(self, claim: Claim) -> int | None:
        """See `Journal.left_micro_usd`."""
        with self._database.read() as connection:
            purses = _purses_of(connection, claim)
        return self._left(purses)

    def emit(self, claim: Claim, name: str, data: Mapping[str, Any], *, once: str) -> None:
        """See `Journal.emit`."""
        with self._database.write(alone=False) as connection:
            c = t.run_events.c
            if connection.execute(select(c.number).where(c.run_id == claim.run_id, c.once == once)).first():
                return
            number, _ = _next(connection, claim)
            add_event(connection, claim.run_id, number, name, data, once=once)

    def keep(self, claim: Claim, artifact: Artifact) -> None:
        """See `Journal.keep`."""
        with self._database.write(alone=False) as connection:
            c = t.run_artifacts.c
            there = select(c.step).where(c.run_id == claim.run_id, c.step == artifact.step)
            if connection.execute(there).first():
                return
            number, _ = _next(connection, claim)
            values = {"name": artifact.name, "model": artifact.model, "kind": artifact.kind}
            connection.execute(
                insert(t.run_artifacts).values(created_at=now_us()),
                {
                    "run_id": claim.run_id,
                    "step": artifact.step,
                    "content": artifact.content.encode("utf-8", "replace"),
                    **values,
                },
            )
            add_event(connection, claim.run_id, number, "artifact", {"step": artifact.step, **values})

    def finish(
        self, claim: Claim, status: RunEnd, outcome: Mapping[str, Any] | None, error: Mapping[str, Any] | None
    ) -> None:
        """See `Journal.finish`."""
        with self._database.write(alone=False) as connection:
            number, _ = _next(connection, claim, cancelled_too=True)
            end_steps(
                connection, claim.run_id, status
            )  # the bill of a call that was broken off may still come
            connection.execute(
                update(t.runs)
                .where(_RUN.id == claim.run_id)
                .values(
                    status=status,
                    ended_at=now_us(),
                    outcome=None if outcome is None else msgspec.json.encode(outcome),
                    error=None if error is None else msgspec.json.encode(error),
                )
            )
            if status != "succeeded":
                cancel_tree(connection, claim.run_id, itself=False)
            code = None if error is None else error.get("code")
            add_event(connection, claim.run_id, number, "run.ended", {"status": status, "error": code})

    def _begin_step(
        self,
        connection: Connection,
        claim: Claim,
        number: int,
        step: str,
        model: str | None,
        provider: str | None,
    ) -> None:
        values = {"run_id": claim.run_id, "name": step, "position": number}
        connection.execute(self._open_step, {**values, "model": model, "provider": provider})
        add_event(connection, claim.run_id, number, "step.started", {"step": step, "model": model})

    def _left(self, purses: list[str]) -> int | None:
        with self._database.read() as connection:
            left: int | None = connection.execute(
                select(func.min(_CAP - _HELD - _SPENT)).where(t.purses.c.name.in_(purses))
            ).scalar_one()
        return None if left is None else max(0, left)


def _next(connection: Connection, claim: Claim, *, cancelled_too: bool = False) -> tuple[int, list[str]]:
    """Take the run's row and the number of the next event. Raises RunLost, and RunCancelled unless told."""
    row = connection.execute(_NEXT_EVENT, {"run": claim.run_id, "execution": claim.execution}).first()
    if row is None:
        raise RunLost(f"run `{claim.run_id}` is carried out by somebody else, or has ended")
    if row.cancel_requested and not cancelled_too:
        raise RunCancelled(f"run `{claim.run_id}` was cancelled")
    return row.events, msgspec.json.decode(row.purses)


def _purses_of(connection: Connection, claim: Claim) -> list[str]:
    row = connection.execute(select(_RUN.purses).where(_RUN.id == claim.run_id)).first()
    return [] if row is None else msgspec.json.decode(row.purses)


def _close_step(connection: Connection, claim: Claim, number: int, end: StepEnd) -> None:
    state = "failed" if end.failed else "succeeded"
    values = {"run": claim.run_id, "step": end.step, "new_state": state, "body": end.body}
    # PostgreSQL refuses NUL in text, and an error may quote what a provider sent.
    why = None if end.error is None else end.error.replace("\0", "")[:MAX_CHARS]
    connection.execute(_CLOSE_STEP, {**values, "why": why})
    data = {"step": end.step, "state": state, "error": why}
    add_event(connection, claim.run_id, number, "step.ended", data)


def _settle(connection: Connection, claim: Claim, bill: Bill, purses: list[str]) -> None:
    known = bill.cost_micro_usd is not None
    values = {"run": claim.run_id, "in_step": bill.step, "try": bill.number, "by": claim.executor}
    reserved = connection.execute(
        _SETTLE,
        {**values, "new_state": "settled" if known else "in_doubt", "cost": bill.cost_micro_usd},
    ).scalar_one_or_none()
    if reserved is not None and known:
        connection.execute(_BILL, {"names": purses, "reserved": reserved, "cost": bill.cost_micro_usd})


def _begun(connection: Connection, claim: Claim, row: Any) -> Begun:
    calls_in_doubt(connection, claim.run_id)
    steps, calls = t.run_steps.c, t.run_calls.c
    of_run = steps.run_id == claim.run_id
    ended = connection.execute(
        select(steps.name, steps.state, steps.result).where(of_run, steps.state != "running")
    ).all()
    open_steps = select(steps.name).where(of_run, steps.state == "running")
    doubt = connection.execute(
        select(
            calls.step,
            func.count().label("tries"),
            func.sum(calls.reserved_micro_usd).filter(calls.state == "in_doubt").label("held"),
        )
        .where(calls.run_id == claim.run_id, calls.step.in_(open_steps))
        .group_by(calls.step)
    ).all()
    capped = select(func.count()).where(
        t.purses.c.name.in_(msgspec.json.decode(row.purses)), _CAP.is_not(None)
    )
    said = select(t.run_events.c.once).where(
        t.run_events.c.run_id == claim.run_id, t.run_events.c.once.is_not(None)
    )
    kept = select(t.run_artifacts.c.step).where(t.run_artifacts.c.run_id == claim.run_id)
    return Begun(
        claim=claim,
        mode=row.mode,
        request=row.request,
        deadline_at=row.deadline_at,
        capped=bool(connection.execute(capped).scalar_one()),
        allow_unknown_price=row.allow_unknown_price,
        finished={each.name: Finished(failed=each.state == "failed", body=each.result) for each in ended},
        tries={each.step: each.tries for each in doubt},
        in_doubt_micro_usd={each.step: int(each.held or 0) for each in doubt},
        said=frozenset(connection.execute(said).scalars()),
        kept=frozenset(connection.execute(kept).scalars()),
    )


def _wait_s(connection: Connection, intent: CallIntent) -> float | None:
    """Return how long the provider's limits ask to wait; `None` when it may be called now."""
    limits, c = intent.limits, t.run_calls.c
    if limits.at_once is not None:
        under_way = select(func.count()).where(c.provider == intent.provider, c.state == "open")
        if connection.execute(under_way).scalar_one() >= limits.at_once:
            return 0.1
    if limits.per_minute is not None:
        # Between, not only after: a clock that was set back must not hold calls up until it is where it was.
        recent = (c.provider == intent.provider) & c.opened_us.between(now_us() - MINUTE_US, now_us())
        newest = select(now_us() - c.opened_us).where(recent).order_by(c.opened_us.desc())
        ages = connection.execute(newest.limit(limits.per_minute)).scalars().all()
        if len(ages) >= limits.per_minute:
            return max(0.01, (MINUTE_US - ages[-1]) / 1e6)
    return None
