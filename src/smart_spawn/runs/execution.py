"""One execution of a run, from its ticket to its end, and all executions of a process."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog

from smart_spawn.errors import BudgetExceeded, SmartSpawnError, StepFailed
from smart_spawn.runs.calling import Services
from smart_spawn.runs.context import RunContext
from smart_spawn.runs.journal import Begun, Interrupted, JournalAway, RunCancelled, RunLost, Ticket
from smart_spawn.runs.ports import Ended, Modes

log = structlog.get_logger("smart_spawn.runs")

STOP_S = 5.0
"""How long stopped executions may take to write down what is in doubt."""
MAX_EXECUTIONS = 20
"""How often a run is begun. One that ends whoever carries it out must not end all workers, again and again."""


class Executions:
    """The runs that this process carries out. Use it on one event loop."""

    def __init__(self, executor: str, services: Services, modes: Modes) -> None:
        self._executor = executor
        self._services = services
        self._modes = modes
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._cancelled: set[str] = set()
        self.unbegun: dict[str, Ticket] = {}
        """By run: what could not be begun because the database was away. Nobody else would show it again."""

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def run_ids(self) -> frozenset[str]:
        """The runs under way."""
        return frozenset(self._tasks)

    def start(self, ticket: Ticket) -> asyncio.Task[None]:
        """Begin an execution; one of the same run that is still there has lost it and is stopped."""
        before = self._tasks.get(ticket.run_id)
        if before is not None:
            before.cancel()
        self._cancelled.discard(ticket.run_id)  # of the one before; this one is told again
        self.unbegun.pop(ticket.run_id, None)
        task = asyncio.create_task(self._carry_out(ticket), name=f"run {ticket.run_id}")
        self._tasks[ticket.run_id] = task
        task.add_done_callback(lambda done: self._forget(ticket.run_id, done))
        return task

    def task(self, run_id: str) -> asyncio.Task[None] | None:
        """Return the execution of a run that is under way here."""
        return self._tasks.get(run_id)

    def cancel(self, run_id: str) -> None:
        """Stop a run that somebody cancelled, what it waits for included."""
        task = self._tasks.get(run_id)
        if task is not None and run_id not in self._cancelled:
            self._cancelled.add(run_id)
            task.cancel()

    async def stop(self) -> None:
        """Stop all and leave them unfinished, for another execution to resume."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    def _forget(self, run_id: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(run_id) is task:
            del self._tasks[run_id]
            self._cancelled.discard(run_id)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("run interrupted", run=run_id, error=type(error).__name__, at=_place_of(error))

    async def _carry_out(self, ticket: Ticket) -> None:
        services = self._services
        try:
            begun = await services.written(services.journal.begin, ticket, self._executor)
        except JournalAway:
            # If it was stored after all, the next heartbeat finds a run that nobody carries out, and this is void.
            self.unbegun[ticket.run_id] = ticket
            return
        if begun is None:
            return  # cancelled while it waited, or begun elsewhere
        try:
            ended = await self._ended(begun)
            await services.written(
                services.journal.finish,
                begun.claim,
                ended.status,
                dict(ended.outcome) or None,
                None if ended.error is None else _error(ended.error),
            )
        except RunLost:
            log.warning("run lost", run=ticket.run_id, execution=begun.claim.execution)
        except JournalAway as away:
            log.warning("run waits for the database", run=ticket.run_id, why=str(away))

    async def _ended(self, begun: Begun) -> Ended:
        """Return how the run ended. Raises CancelledError when this process stops, RunLost."""
        left_s = (begun.deadline_at - self._services.clock()).total_seconds()
        try:
            async with asyncio.timeout(max(0.0, left_s)) as limit:
                return await self._mode_of(begun)
        except TimeoutError as error:
            if not limit.expired():
                return _faulty(begun, error)
            return Ended(status="timed_out", error=_Late("the run's deadline passed", hint=_LATE_HINT))
        except RunCancelled:
            return Ended(status="cancelled")
        except asyncio.CancelledError:
            if begun.claim.run_id not in self._cancelled:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            return Ended(status="cancelled")

    async def _mode_of(self, begun: Begun) -> Ended:
        mode = self._modes.get(begun.mode)
        if begun.claim.execution > MAX_EXECUTIONS:
            return Ended(status="failed", error=_given_up())
        try:
            if mode is None:
                raise SmartSpawnError(
                    f"mode `{begun.mode}` is not known to this process",
                    hint="use one release of smart-spawn for the server and all workers",
                )
            context = RunContext(begun, self._services)
            ended = await mode(context, msgspec.json.decode(begun.request))
            msgspec.json.encode(ended.outcome)  # what cannot be stored fails here, by name
            return ended
        except BudgetExceeded as error:
            return Ended(status="budget_exceeded", error=error)
        except SmartSpawnError as error:
            return Ended(status="failed", error=error)
        except (TimeoutError, Interrupted):
            raise
        except Exception as error:
            return _faulty(begun, error)


class _Late(SmartSpawnError):
    code = "TIMEOUT"


_LATE_HINT = "raise `timeoutS`, or ask for less at once"


def _error(error: SmartSpawnError) -> Mapping[str, Any]:
    details: Mapping[str, Any] = msgspec.json.decode(msgspec.json.encode(error.details, enc_hook=str))
    return {"code": error.code, "message": error.message, "hint": error.hint, "details": details}


def _given_up() -> SmartSpawnError:
    return StepFailed(
        f"the run was interrupted {MAX_EXECUTIONS} times, so it is not begun again",
        hint="look into the workers' logs for what ended them; what its steps had done is kept with the run",
    )


def _faulty(begun: Begun, error: Exception) -> Ended:
    """End a run whose mode raised what no mode should."""
    kind = type(error).__name__
    log.error("mode failed", run=begun.claim.run_id, mode=begun.mode, error=kind, at=_place_of(error))
    why = f"unexpected {kind} in mode `{begun.mode}`; this is a fault of smart-spawn"
    hint = "report it with the line of the worker's log that says `mode failed`"
    return Ended(status="failed", error=SmartSpawnError(why, hint=hint))


def _place_of(error: BaseException) -> list[str]:
    """Say where an error came from; never what it says, which may quote a prompt."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
