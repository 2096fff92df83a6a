"""The engine without a scheduler: queued runs become tasks of this process.

For tests, the library and one-shot commands. How durable it is depends on the journal it is given: over a store
in memory everything ends with the process; over the one on disk, a worker or the next process resumes the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.journal import Ticket


class MemoryEngine(ExecutorEngine):
    """Carries out runs as tasks."""

    async def hand_out(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        """Start them. They need no mark: beginning one takes it out of the queue, and only one process can."""
        under_way = self.executions.run_ids
        for ticket in tickets:
            if ticket.run_id not in under_way:
                self.executions.start(ticket)
        return ()
