"""Engines tied to what a process has: its store, its settings, somebody who answers model calls.

By how much they do: `run_client` submits and watches, `own_engine` carries out what is submitted to it,
`memory_engine` whatever is queued, `dbos_engine` shares a durable queue with other workers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from smart_spawn.runs.calling import Services
from smart_spawn.runs.client import RunClient
from smart_spawn.runs.engine_memory import MemoryEngine, OwnRunsEngine
from smart_spawn.runs.executor import STALE_S
from smart_spawn.runs.journal import CallLimits
from smart_spawn.runs.lane import Lane
from smart_spawn.runs.ports import ChatClient, Modes
from smart_spawn.runs.process import OWN, is_gone, this_executor
from smart_spawn.settings import Settings
from smart_spawn.store import Store
from smart_spawn.store.database import StoreBusy, database_url
from smart_spawn.store.tables import SCHEMA_REVISION

if TYPE_CHECKING:
    from smart_spawn.runs.engine_dbos import DbosEngine

WRITERS = 4
"""Threads that write to PostgreSQL, which commits several transactions with one flush. SQLite has one."""
JOURNAL_PATIENCE_S = 8.0
"""How long a step's end is held while the database restarts. An executor without a heartbeat stops a little later."""


def run_client(store: Store, modes: Modes, *, clock: Callable[[], datetime]) -> RunClient:
    """Return an engine that hands runs to the workers. Runs wait while there are none."""
    return RunClient(store.runs, _lane(store), modes=tuple(modes), clock=clock)


def own_engine(
    store: Store, settings: Settings, chat: ChatClient, modes: Modes, *, clock: Callable[[], datetime]
) -> OwnRunsEngine:
    """Return the engine of the library and of commands; open it on the loop that `chat` belongs to."""
    return OwnRunsEngine(
        store.runs,
        store.roster,
        _services(store, settings, chat, clock),
        modes,
        this_executor(version(), prefix=OWN),
        roster_lane=_lane(store, writers=1),
    )


def memory_engine(
    store: Store,
    settings: Settings,
    chat: ChatClient,
    modes: Modes,
    *,
    clock: Callable[[], datetime],
    executor_id: str | None = None,
) -> MemoryEngine:
    """Return an engine without a scheduler; open it on the loop that `chat` belongs to."""
    return MemoryEngine(
        store.runs,
        store.roster,
        _services(store, settings, chat, clock),
        modes,
        this_executor(version(), executor_id=executor_id),
        roster_lane=_lane(store, writers=1),
        at_once=settings.runs.at_once,
    )


def dbos_engine(
    store: Store,
    settings: Settings,
    chat: ChatClient,
    modes: Modes,
    *,
    clock: Callable[[], datetime],
    executor_id: str | None = None,
) -> DbosEngine:
    """Return the engine of worker processes; one can be open in a process. Importing it costs two seconds."""
    from smart_spawn.runs.engine_dbos import DbosEngine, queue_url  # noqa: PLC0415  # for workers only

    address = database_url(settings.database_url, settings.home_path)
    return DbosEngine(
        store.runs,
        store.roster,
        _services(store, settings, chat, clock),
        modes,
        this_executor(version(), executor_id=executor_id),
        roster_lane=_lane(store, writers=1),
        at_once=settings.runs.at_once,
        queue_url=queue_url(address, settings.home_path),
    )


def workers_alive(store: Store) -> bool:
    """Tell whether somebody takes queued runs of this store: a worker, of a service or by itself. One small query."""
    return any(
        unheard_s < STALE_S and not executor.id.startswith(OWN) and not is_gone(executor)
        for executor, unheard_s in store.roster.executors()
    )


def version() -> str:
    """Name the release for the queue: a run that one release queued is not begun by another's modes."""
    from smart_spawn import __version__  # noqa: PLC0415  # the package itself imports what is below us

    return f"{__version__}+{SCHEMA_REVISION}"


def _services(store: Store, settings: Settings, chat: ChatClient, clock: Callable[[], datetime]) -> Services:
    return Services(
        journal=store.journal,
        lane=_lane(store, patience_s=JOURNAL_PATIENCE_S),
        chat=chat,
        clock=clock,
        random=random.random,
        max_parallel_steps=settings.max_parallel_steps,
        limits={
            name: CallLimits(at_once=row.max_calls_at_once, per_minute=row.max_calls_per_minute)
            for name, row in settings.providers.items()
        },
    )


def _lane(store: Store, *, writers: int = WRITERS, patience_s: float = 1.0) -> Lane:
    threads = 1 if store.database.is_sqlite else writers
    return Lane(threads, temporary=lambda error: isinstance(error, StoreBusy), patience_s=patience_s)
