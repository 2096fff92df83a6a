"""The engines without a scheduler: queued runs become tasks of this process.

How durable they are depends on the journal: over a store in memory everything ends with the process; over the one
on disk, a worker or the next process resumes the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from smart_spawn.runs.engine import Run, RunSpec
from smart_spawn.runs.execution import STOP_S
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.journal import Ticket


class MemoryEngine(ExecutorEngine):
    """Carries out whatever is queued, as tasks."""

    async def hand_out(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        """Start them. They need no mark: beginning one takes it out of the queue, and only one process can."""
        under_way = self.executions.run_ids
        for ticket in tickets:
            if ticket.run_id not in under_way:
                self.executions.start(ticket)
        return ()


class OwnRunsEngine(ExecutorEngine):
    """Carries out at once what was submitted to it, and leaves other people's runs to them.

    For the library and for commands: they end soon, and have providers of their own.
    """

    _keeps = True
    _takes_tickets = False

    async def submit(self, spec: RunSpec, *, idempotency_key: str | None = None) -> str:
        """See `Engine.submit`."""
        run_id = await super().submit(spec, idempotency_key=idempotency_key)
        if self.executions.task(run_id) is None:  # else it is the same submission once more, and under way
            self.executions.start(Ticket(run_id=run_id, number=1))  # one that has ended does not begin again
        return run_id

    async def wait(self, run_id: str, timeout_s: float | None = None) -> Run:
        """See `Engine.wait`. A run of our own is waited for without asking the database."""
        loop = asyncio.get_running_loop()
        until = None if timeout_s is None else loop.time() + timeout_s
        task = self.executions.task(run_id)
        if task is not None:
            await asyncio.wait({task}, timeout=timeout_s)
            if task.cancelled():  # we are stopping, and may not wait for who goes on with it
                return await super().wait(run_id, 0)
        return await super().wait(run_id, None if until is None else max(0.0, until - loop.time()))

    async def cancel(self, run_id: str) -> Run:
        """See `Engine.cancel`. A run of our own has ended when this returns."""
        run = await super().cancel(run_id)
        task = self.executions.task(run_id)
        if task is None:
            return run
        self.executions.cancel(run_id)
        await asyncio.wait({task}, timeout=STOP_S)
        return await self.status(run_id)

    def take_back(self, tickets: Sequence[Ticket]) -> None:
        """Go on with them: our callers wait, and there may be no worker."""
        for ticket in tickets:
            self.executions.start(ticket)

    async def hand_out(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        """Leave them in the queue."""
        return ()

    def room(self) -> int:
        """Ask for no tickets."""
        return 0
