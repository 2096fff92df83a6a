"""The engine behind which dbos stands: a durable queue that several worker processes share.

dbos hands each ticket to one executor and bounds how many each has. Steps, money and who may write stay in our own
journal, in one transaction each, which is why a workflow of dbos holds no steps. Source:
docs/adr/0010-durable-runs.md.

dbos is one object a process, so there is one open engine of this kind at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import structlog
from dbos import DBOS, DBOSConfig, WorkflowSerializationFormat
from sqlalchemy import URL, Engine, create_engine, event

from smart_spawn.errors import SmartSpawnError, StoreError
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.journal import Executor, Ticket

log = structlog.get_logger("smart_spawn.runs")

QUEUE = "runs"
WORKFLOW = "smart_spawn.run"
SCHEMA = "smart_spawn_queue"
"""Its own schema in PostgreSQL; SQLite gets a file of its own."""
QUEUE_POLL_S = 0.1
IDLE_POLL_S = 2.0
"""For what dbos looks after that we do not use. Its threads notice their end as seldom."""
HAND_OUT_AT_ONCE = 50
FORGET_AT_ONCE = 500
FORGET_S = 60.0
ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


class DbosEngine(ExecutorEngine):
    """Carries out what dbos hands to this process."""

    _open: ClassVar[DbosEngine | None] = None

    def __init__(self, *args: Any, queue_url: URL, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._queue_url = queue_url
        self._forgetting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """See `ExecutorEngine.open`. Creates the tables of dbos where there are none."""
        assert DbosEngine._open is None, "one at a time"  # noqa: S101  # see above
        quiet_dbos()
        DBOS(config=_config(self._queue_url, self.executor))
        DbosEngine._open = self
        try:
            await super().open()  # first: a second executor of this id must not touch the queue
            DBOS.launch()  # on this loop, which dbos then uses for our workflows
            await DBOS.register_queue_async(
                QUEUE,
                worker_concurrency=self.at_once,
                polling_interval_sec=QUEUE_POLL_S,
                on_conflict="always_update",
            )
        except (SmartSpawnError, asyncio.CancelledError):
            await self.close()
            raise
        except Exception as error:
            await self.close()
            raise _unusable(self._queue_url, error) from error
        self._forgetting = asyncio.create_task(self._every(FORGET_S, self._forget), name="forget")

    async def close(self) -> None:
        """See `ExecutorEngine.close`."""
        if self._forgetting is not None:
            self._forgetting.cancel()
        await super().close()
        DbosEngine._open = None
        await asyncio.to_thread(DBOS.destroy)

    def room(self) -> int:
        """Fill the queue whatever we carry out ourselves: other workers take from it too."""
        return HAND_OUT_AT_ONCE

    async def hand_out(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        """Put tickets into the queue. One that is there already is not put in twice."""
        for ticket in tickets:
            await DBOS.enqueue_workflow_with_options_async(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": f"{ticket.run_id}:{ticket.number}",
                    "app_version": self.executor.version,
                    "serialization_type": WorkflowSerializationFormat.PORTABLE,
                },
                ticket.run_id,
                ticket.number,
            )
        return tickets

    async def carry_out(self, ticket: Ticket) -> None:
        """Carry out what came out of the queue. How it ends is in the journal, never in dbos."""
        await asyncio.wait([self.executions.start(ticket)])

    async def _forget(self) -> None:
        """Delete what dbos keeps of executions that ended, or whose executor did; the journal has what matters.

        Tickets of a release that nobody runs any more go too: their runs were queued again under ours.
        """
        executors = [executor for executor, _ in await self._roster_lane.ask(self._roster.executors)]
        alive, versions = {each.id for each in executors}, {each.version for each in executors}
        bare: dict[str, Any] = {"name": WORKFLOW, "load_input": False, "load_output": False}
        begun = await DBOS.list_workflows_async(status="PENDING", **bare)
        left = [each.workflow_id for each in begun if each.executor_id not in alive]
        waiting = await DBOS.list_workflows_async(status="ENQUEUED", **bare)
        left += [each.workflow_id for each in waiting if each.app_version not in versions]
        if left:
            await DBOS.delete_workflows_async(left)
        while True:
            ended = await DBOS.list_workflows_async(status=ENDED, limit=FORGET_AT_ONCE, **bare)
            if ended:
                await DBOS.delete_workflows_async([each.workflow_id for each in ended])
            if len(ended) < FORGET_AT_ONCE:
                return


@DBOS.workflow(name=WORKFLOW, serialization_type=WorkflowSerializationFormat.PORTABLE)
async def _run(run_id: str, number: int) -> None:
    engine = DbosEngine._open
    if engine is not None:
        await engine.carry_out(Ticket(run_id=run_id, number=number))


def queue_url(database_url: URL, home: Path) -> URL:
    """Return where the queue is: beside our own SQLite file, or in the same PostgreSQL."""
    if database_url.get_backend_name() == "sqlite":
        return URL.create("sqlite", database=str(home / "queue.db"))
    return database_url


def _unusable(url: URL, error: Exception) -> StoreError:
    """Say what is wrong with the queue, and that nothing is lost with it."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())[:200]
    if url.get_backend_name() == "sqlite":
        hint = f"delete `{url.database}` and start again: runs are kept elsewhere and are queued anew"
    else:
        hint = f"the user of `database_url` must be allowed to create the schema `{SCHEMA}` and use it"
    return StoreError(f"the queue of runs cannot be used: {type(error).__name__}: {said}", hint=hint)


def quiet_dbos() -> None:
    """Let dbos speak only of what went wrong, through our log; it would greet and advertise otherwise."""
    logger = logging.getLogger("dbos")
    logger.handlers = [_Relay(level=logging.WARNING)]  # its own is added only where there is none
    logger.propagate = False


class _Relay(logging.Handler):
    """Turns its records into events of ours, without arguments and trace-backs, which may hold what users wrote."""

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on the first line."""
        if "is not the latest version" in record.getMessage():
            return  # two releases may share a database; each takes its own tickets
        said = record.getMessage().strip().split("\n")[0][:300]
        level = "error" if record.levelno >= logging.ERROR else "warning"
        getattr(log, level)("queue", said=said)


def _config(url: URL, executor: Executor) -> DBOSConfig:
    config: DBOSConfig = {
        "name": "smart-spawn",
        "system_database_url": url.render_as_string(hide_password=False),
        "dbos_system_schema": SCHEMA,
        "application_version": executor.version,
        "executor_id": executor.id,
        "log_level": "WARNING",
        "use_listen_notify": False,
        "sys_db_pool_size": 5,
        "notification_listener_polling_interval_sec": IDLE_POLL_S,
        "scheduler_polling_interval_sec": IDLE_POLL_S,
        "run_migrations": True,
    }
    if url.get_backend_name() == "sqlite":
        config["system_database_engine"] = _sqlite(url)
    return config


def _sqlite(url: URL) -> Engine:
    """Open the file as dbos does, with a log that lets readers go on while somebody writes."""
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    return engine
