"""Which executors are alive, and which runs wait for one. All ages are by the database's clock."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, tuple_, update

from smart_spawn.runs.journal import Executor, Ticket
from smart_spawn.store import run_tables as t
from smart_spawn.store.database import Database
from smart_spawn.store.run_tree import add_event, calls_in_doubt
from smart_spawn.store.tables import now_us

SLACK_US = 1_000_000
"""A row this far in the future is no sign of a clock that was set back."""

_RUN = t.runs.c
_EXECUTOR = t.executors.c


class Roster:
    """Implements `runs.journal.Roster`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def queued(self, limit: int) -> Sequence[Ticket]:
        """See `runs.journal.Roster.queued`."""
        waiting = and_(_RUN.status == "queued", _RUN.handed_out.is_(False))
        query = select(_RUN.id, _RUN.queued_times).where(waiting).order_by(_RUN.id).limit(limit)
        with self._database.read() as connection:
            return [Ticket(run_id=row.id, number=row.queued_times) for row in connection.execute(query)]

    def handed_out(self, tickets: Sequence[Ticket]) -> None:
        """See `runs.journal.Roster.handed_out`."""
        if not tickets:
            return
        with self._database.write() as connection:
            connection.execute(update(t.runs).where(_these(tickets)).values(handed_out=True))

    def hand_out_again(self) -> None:
        """See `runs.journal.Roster.hand_out_again`."""
        with self._database.write() as connection:
            lost = and_(_RUN.status == "queued", _RUN.handed_out.is_(True))
            connection.execute(
                update(t.runs).where(lost).values(handed_out=False, queued_times=_RUN.queued_times + 1)
            )

    def cancelled(self, executor: str) -> Sequence[str]:
        """See `runs.journal.Roster.cancelled`."""
        mine = and_(_RUN.executor == executor, _RUN.status == "running", _RUN.cancel_requested.is_(True))
        with self._database.read() as connection:
            return list(connection.execute(select(_RUN.id).where(mine)).scalars())

    def register(self, executor: Executor, *, stale_s: float) -> bool:
        """See `runs.journal.Roster.register`."""
        with self._database.write() as connection:
            _back_to_now(connection)
            same = _EXECUTOR.id == executor.id
            heard = connection.execute(select(now_us() - _EXECUTOR.seen_us).where(same)).scalar_one_or_none()
            if heard is not None and heard < stale_s * 1e6:
                return False
            if heard is not None:
                _bury(connection, executor.id)
            connection.execute(
                insert(t.executors).values(
                    id=executor.id,
                    machine=executor.machine,
                    pid=executor.pid,
                    process_started=executor.process_started,
                    version=executor.version,
                    started_us=now_us(),
                    seen_us=now_us(),
                )
            )
            return True

    def beat(self, executor: Executor) -> bool:
        """See `runs.journal.Roster.beat`."""
        with self._database.write(alone=False) as connection:
            _back_to_now(connection)
            alive = update(t.executors).where(_is(executor)).values(seen_us=now_us())
            return connection.execute(alive).rowcount == 1

    def executors(self) -> Sequence[tuple[Executor, float]]:
        """See `runs.journal.Roster.executors`."""
        query = select(t.executors, (now_us() - _EXECUTOR.seen_us).label("unheard_us"))
        with self._database.read() as connection:
            return [
                (
                    Executor(
                        id=row.id,
                        machine=row.machine,
                        pid=row.pid,
                        process_started=row.process_started,
                        version=row.version,
                    ),
                    row.unheard_us / 1e6,
                )
                for row in connection.execute(query)
            ]

    def bury(self, executor: Executor, *, unheard_s: float) -> Sequence[str] | None:
        """See `runs.journal.Roster.bury`."""
        with self._database.write() as connection:
            silent = _EXECUTOR.seen_us <= now_us() - round(unheard_s * 1e6)
            dead = and_(_is(executor), silent) if unheard_s else _is(executor)
            elected = connection.execute(delete(t.executors).where(dead).returning(_EXECUTOR.id)).first()
            if elected is None:
                return None
            return [ticket.run_id for ticket in _bury(connection, executor.id)]

    def carried(self, executor: str) -> Sequence[str]:
        """See `runs.journal.Roster.carried`."""
        mine = and_(_RUN.executor == executor, _RUN.status == "running")
        with self._database.read() as connection:
            return list(connection.execute(select(_RUN.id).where(mine)).scalars())

    def requeue(self, executor: str, runs: Sequence[str]) -> Sequence[Ticket]:
        """See `runs.journal.Roster.requeue`."""
        with self._database.write() as connection:
            return _queued_again(connection, executor, and_(_RUN.executor == executor, _RUN.id.in_(runs)))


def _back_to_now(connection: Connection) -> None:
    """Count those heard of in the future from now on: the clock was set back, and they may be dead since."""
    connection.execute(
        update(t.executors).where(_EXECUTOR.seen_us > now_us() + SLACK_US).values(seen_us=now_us())
    )


def _is(executor: Executor) -> ColumnElement[bool]:
    """Match the row of this very process, not of another that took its id later."""
    return and_(
        _EXECUTOR.id == executor.id,
        _EXECUTOR.pid == executor.pid,
        _EXECUTOR.machine == executor.machine,
        _EXECUTOR.process_started == executor.process_started,
    )


def _these(tickets: Sequence[Ticket]) -> ColumnElement[bool]:
    return tuple_(_RUN.id, _RUN.queued_times).in_([(each.run_id, each.number) for each in tickets])


def _bury(connection: Connection, executor: str) -> list[Ticket]:
    """Remove an executor and queue what it carried out."""
    connection.execute(delete(t.executors).where(_EXECUTOR.id == executor))
    return _queued_again(connection, executor, _RUN.executor == executor)


def _queued_again(connection: Connection, executor: str, which: ColumnElement[bool]) -> list[Ticket]:
    rows = connection.execute(
        update(t.runs)
        .where(which, _RUN.status == "running")
        .values(
            status="queued",
            handed_out=False,
            queued_times=_RUN.queued_times + 1,
            events=_RUN.events + 1,
        )
        .returning(_RUN.id, _RUN.events, _RUN.queued_times)
    ).all()
    for row in rows:
        # At once, not when it is begun again, which may be never: an open call counts against its provider's limits.
        calls_in_doubt(connection, row.id)
        add_event(connection, row.id, row.events, "run.interrupted", {"executor": executor})
    return [Ticket(run_id=row.id, number=row.queued_times) for row in rows]
