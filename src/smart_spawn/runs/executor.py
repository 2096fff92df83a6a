"""What every process does that carries runs out: be known to be alive, take what is queued, stop what is cancelled,
and queue again what a dead one left behind.

Ages go by the database's clock. An executor that was not heard of for `STALE_S` is buried by whoever deletes its
row first; the same transaction queues its runs. One that cannot say that it is alive stops well before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from smart_spawn.errors import SettingsError, StoreError
from smart_spawn.runs.calling import Services
from smart_spawn.runs.client import RunClient
from smart_spawn.runs.execution import Executions
from smart_spawn.runs.journal import Executor, Roster, RunReader, Ticket
from smart_spawn.runs.lane import Lane
from smart_spawn.runs.ports import Modes
from smart_spawn.runs.process import is_gone

log = structlog.get_logger("smart_spawn.runs")

STALE_S = 15.0
BEAT_S = 3.0
GIVE_UP_S = 10.0
"""Without a heartbeat for so long we stop, before anybody else may take our runs."""
POLL_S = 0.1
"""How long a queued run waits for its executor at most, and a cancelled one for its end."""
AT_ONCE = 200
"""Runs that one process carries out at the same time; the others stay queued."""


class ExecutorEngine(RunClient):
    """An engine that carries runs out in this process. Open it on the event loop that it is to use."""

    _takes_tickets = True
    """Whether queued runs are handed out here; they are shown again when it begins."""

    def __init__(
        self,
        runs: RunReader,
        roster: Roster,
        services: Services,
        modes: Modes,
        executor: Executor,
        *,
        roster_lane: Lane,
        at_once: int = AT_ONCE,
    ) -> None:
        super().__init__(runs, services.lane, modes=tuple(modes), clock=services.clock)
        self.executor = executor
        self.at_once = at_once
        self.executions = Executions(executor.id, services, modes)
        self.lost = asyncio.Event()
        """Set when this executor was taken for dead, or cannot reach the database: the process should end."""
        self.lost_because = ""
        self._entered = False
        self._roster = roster
        self._roster_lane = roster_lane
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Enter the roster and begin to work. Raises SettingsError when this id is taken by a living process."""
        await self._bury_the_dead()
        if not await self._roster_lane.ask(self._roster.register, self.executor, stale_s=STALE_S):
            raise SettingsError(
                f"an executor with the id `{self.executor.id}` is running already",
                hint="give every worker an id of its own, or none: it then gets one by itself",
                details={"executor": self.executor.id},
            )
        self._entered = True
        if self._takes_tickets:
            await self._roster_lane.ask(self._roster.hand_out_again)
        self._tasks = [
            asyncio.create_task(self._every(BEAT_S, self._beat), name="heartbeat"),
            asyncio.create_task(self._every(BEAT_S, self._bury_the_dead), name="reaper"),
            asyncio.create_task(self._every(POLL_S, self._look), name="dispatch"),
        ]

    async def close(self) -> None:
        """Stop working. Runs under way go back to the queue at once, for others or the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.executions.stop()
        if self._entered and not self.lost.is_set():
            await self._roster_lane.run(self._roster.bury, self.executor, unheard_s=0)
        if self.lost.is_set():  # threads may be stuck in a database that does not answer
            self._roster_lane.close(wait=False)
            self._lane.close(wait=False)
            return
        await asyncio.to_thread(self._roster_lane.close)
        await super().close()

    async def hand_out(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        """Have queued runs carried out; return those that need not be shown again."""
        raise NotImplementedError

    def take_back(self, tickets: Sequence[Ticket]) -> None:
        """Hear of runs that broke off here and are queued again, for whoever takes them up first."""

    def room(self) -> int:
        """Return how many more tickets can be taken."""
        return self.at_once - len(self.executions)

    async def _look(self) -> None:
        """Take queued runs, and stop cancelled ones."""
        room = self.room()
        if room > 0:
            tickets = await self._roster_lane.ask(self._roster.queued, room)
            taken = await self.hand_out(tickets) if tickets else ()
            await self._roster_lane.ask(self._roster.handed_out, taken)
        if len(self.executions):
            for run_id in await self._roster_lane.ask(self._roster.cancelled, self.executor.id):
                self.executions.cancel(run_id)

    async def _beat(self) -> None:
        if not await self._roster_lane.ask(self._roster.beat, self.executor):
            raise _Buried
        carried = await self._roster_lane.ask(self._roster.carried, self.executor.id)
        # Asked second: a run is known here before the database says that we carry it out, never after.
        strays = set(carried) - self.executions.run_ids
        if strays:
            self.take_back(
                await self._roster_lane.ask(self._roster.requeue, self.executor.id, sorted(strays))
            )
        for ticket in list(self.executions.unbegun.values()):
            self.executions.start(ticket)

    async def _bury_the_dead(self) -> None:
        """Queue again what dead executors left. Those of this machine are known to be dead at once.

        Who has not been heard of itself judges nobody by age: the clock may have been set forward for all.
        """
        entered = await self._roster_lane.ask(self._roster.executors)
        unsure = any(each.id == self.executor.id and unheard_s >= STALE_S for each, unheard_s in entered)
        for other, unheard_s in entered:
            gone = is_gone(other)
            silent = unheard_s >= STALE_S and not unsure
            if other.id == self.executor.id or not (gone or silent):
                continue
            runs = await self._roster_lane.ask(self._roster.bury, other, unheard_s=0 if gone else STALE_S)
            if runs is not None:
                log.warning("executor died", executor=other.id, unheard_s=round(unheard_s), runs=len(runs))
                await self._roster_lane.ask(self._roster.hand_out_again)

    async def _every(self, pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat, through failures of the database or the queue, until they lasted for too long."""
        loop = asyncio.get_running_loop()
        well_s = loop.time()
        while True:
            try:
                async with asyncio.timeout(GIVE_UP_S):
                    await work()
            except _Buried:
                self._lose("it was taken for dead")
                return
            except (StoreError, TimeoutError) as error:
                log.warning("database away", work=work.__name__, error=str(error))
                why = "the database does not answer"
            except Exception as error:
                # Of the queue behind us, or a fault of ours. A worker that beats and takes nothing helps nobody.
                why = f"`{work.__name__.strip('_')}` keeps failing: {type(error).__name__}"
                log.error("executor fault", work=work.__name__, error=type(error).__name__)
            else:
                well_s, why = loop.time(), ""
            if why and loop.time() - well_s > GIVE_UP_S - BEAT_S:
                self._lose(why)
                return
            await asyncio.sleep(pause_s)

    def _lose(self, why: str) -> None:
        log.error("executor stops", executor=self.executor.id, why=why)
        self.lost_because = why
        self.lost.set()


class _Buried(Exception):
    """Our row is gone."""
