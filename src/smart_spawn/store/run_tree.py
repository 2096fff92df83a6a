"""What the writers of runs share: events, and stopping a run with all that it started."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from smart_spawn.store import run_tables as t
from smart_spawn.store.tables import now_us

_RUN = t.runs.c
_ADD_EVENT = insert(t.run_events).values(at=now_us())


def add_event(
    connection: Connection,
    run_id: str,
    number: int,
    name: str,
    data: Mapping[str, Any],
    *,
    once: str | None = None,
) -> None:
    """Store an event under the number that its run's row gave."""
    body = msgspec.json.encode(data)
    connection.execute(
        _ADD_EVENT, {"run_id": run_id, "number": number, "name": name, "once": once, "data": body}
    )


def calls_in_doubt(connection: Connection, run_id: str) -> None:
    """Mark the calls that broke off: they may have been billed, so their reservations stay."""
    c = t.run_calls.c
    broken_off = update(t.run_calls).where(c.run_id == run_id, c.state == "open")
    connection.execute(broken_off.values(state="in_doubt", closed_us=now_us()))


def end_steps(connection: Connection, run_id: str, status: str) -> None:
    """End what is under way in a run that has ended."""
    calls_in_doubt(connection, run_id)
    c = t.run_steps.c
    under_way = update(t.run_steps).where(c.run_id == run_id, c.state == "running")
    connection.execute(
        under_way.values(state="failed", error=f"the run ended as {status}", ended_at=now_us())
    )


def cancel_tree(connection: Connection, run_id: str, *, itself: bool = True) -> None:
    """End what waits and ask what runs to stop: a run and all that it started, however deep."""
    tree = select(_RUN.id).where(_RUN.id == run_id).cte("tree", recursive=True)
    below = select(_RUN.id).where(_RUN.parent == tree.c.id)
    for each in connection.execute(select(tree.union(below).c.id)).scalars().all():
        if itself or each != run_id:
            _cancel(connection, each)


def _cancel(connection: Connection, run_id: str) -> None:
    queued = (_RUN.id == run_id) & (_RUN.status == "queued")
    ended = connection.execute(
        update(t.runs)
        .where(queued)
        .values(status="cancelled", cancel_requested=True, ended_at=now_us(), events=_RUN.events + 1)
        .returning(_RUN.events)
    ).scalar_one_or_none()
    if ended is not None:
        end_steps(connection, run_id, "cancelled")  # of an execution before
        add_event(connection, run_id, ended, "run.ended", {"status": "cancelled", "error": None})
        return
    running = (_RUN.id == run_id) & (_RUN.status == "running")
    connection.execute(update(t.runs).where(running).values(cancel_requested=True))
