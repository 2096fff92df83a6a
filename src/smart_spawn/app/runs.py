"""Runs of one `SmartSpawn`: started, watched, cancelled, whoever carries them out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from smart_spawn import errors
from smart_spawn.engines import own_engine, run_client
from smart_spawn.errors import SmartSpawnError, StepFailed
from smart_spawn.model import Mode
from smart_spawn.runs.client import RunClient
from smart_spawn.runs.engine import Artifact, Event, Run, RunLine, RunSpec, RunStatus, Step
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.runs.ports import ChatClient, Ctx, Ended, ModeFunction, Modes
from smart_spawn.runs.wire import plain, rebuilt
from smart_spawn.settings import Settings
from smart_spawn.spawn.carry import Assign, Job, carry, from_request
from smart_spawn.spawn.outcome import Attempt, Cost, SpawnOutcome, Status
from smart_spawn.spawn.plan import MAX_PLAN_STEPS
from smart_spawn.spawn.swarm import NODE_ENDED
from smart_spawn.store import Store

log = structlog.get_logger("smart_spawn.runs")

LATE_S = 5.0
"""How long after its deadline a run may take to say so. One that nobody has begun by then never says it."""
EVENTS_POLL_S = 0.2
"""How long an event waits at most before those who watch are told."""
Ran = Callable[[str, Job, SpawnOutcome], None]
PlanView = tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]
_ENDINGS: Mapping[str, type[SmartSpawnError]] = {
    "timed_out": errors.TimedOut,
    "budget_exceeded": errors.BudgetExceeded,
}
FIRST_POLL_S = 0.02
"""How long an event waits while others come; the longer nothing happens, the nearer to `EVENTS_POLL_S`."""


def modes(assign: Assign, ran: Ran | None = None) -> dict[str, ModeFunction]:
    """Return every mode as engines take them. The outcome that a run keeps is a `SpawnOutcome`, as plain JSON.

    `ran` is told how each run turned out, again when it is resumed.
    """

    async def run(ctx: Ctx, request: Mapping[str, Any]) -> Ended:
        job = from_request(request)
        outcome = await carry(ctx, job, assign)
        try:
            if ran is not None:
                await asyncio.to_thread(ran, ctx.run_id, job, outcome)
        except errors.StoreError as error:  # what is learned of a run is worth less than its answer
            log.warning("run not logged", run=ctx.run_id, code=error.code)
        return Ended(outcome=plain(outcome), status=outcome.status, error=outcome.error)

    return {str(mode): run for mode in Mode}


class Runs:
    """The runs of a store. With `here` this process carries out what it submits; else the workers do."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        modes: Modes,
        *,
        chat: Callable[[], ChatClient],
        clock: Callable[[], datetime],
        here: bool,
    ) -> None:
        self._store = store
        self._settings = settings
        self._modes = modes
        self._chat = chat
        self._clock = clock
        self._here = here
        self._engine: RunClient | None = None
        self._opening = asyncio.Lock()

    async def submit(self, spec: RunSpec, *, idempotency_key: str | None = None) -> str:
        """Queue a run and return its id; see `Engine.submit`."""
        return await (await self._opened()).submit(spec, idempotency_key=idempotency_key)

    async def finished(self, run_id: str) -> Run:
        """Return a run when it has ended. Raises NotFound, TimedOut when nobody began it by its deadline.

        Carried out here, a run ends with whoever waits for it; workers go on without.
        """
        engine = await self._opened()
        run = await engine.status(run_id)
        left_s = (run.deadline_at - self._clock()).total_seconds()
        try:
            run = await engine.wait(run_id, max(0.0, left_s) + LATE_S)
        except asyncio.CancelledError:
            if self._here:
                with contextlib.suppress(SmartSpawnError):
                    await asyncio.shield(engine.cancel(run_id))
            raise
        if run.ended:
            return run
        with contextlib.suppress(errors.RunNotCancellable):
            await engine.cancel(run_id)
        raise errors.TimedOut(
            f"run `{run_id}` was not begun by its deadline: no worker took it",
            hint="start one with `smart-spawn worker`, or let `serve` do it: setting `runs.worker`",
            details={"runId": run_id},
        )

    async def get(self, run_id: str) -> Run:
        """Return a run as it stands. Raises NotFound."""
        return await (await self._opened()).status(run_id)

    async def list(
        self,
        *,
        status: RunStatus | None = None,
        limit: int = 50,
        before: str | None = None,
        key: str | None = None,
    ) -> Sequence[RunLine]:
        """Return runs, newest first; `before` is the id of the last one seen, `key` whose runs to show."""
        return await (await self._opened()).list(status=status, limit=limit, before=before, key=key)

    async def steps(self, run_id: str) -> Sequence[Step]:
        """Return the steps begun so far. Raises NotFound."""
        return await (await self._opened()).steps(run_id)

    async def events(self, run_id: str, *, after: int = 0) -> AsyncIterator[Event | None]:
        """Give the events numbered above `after` as they come, until the run has ended. Raises NotFound.

        `None` comes in between, whenever there was nothing for a moment, so that others can say they are alive.
        """
        engine, pause_s = await self._opened(), FIRST_POLL_S
        while True:
            ended = await engine.has_ended(run_id)  # asked first: what comes later is read below
            found = await engine.events(run_id, after=after)
            for event in found:
                yield event
                after, pause_s = event.number, FIRST_POLL_S
            if ended and not found:
                return
            if not found:
                yield None
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.5, EVENTS_POLL_S)

    async def artifacts(self, run_id: str) -> Sequence[Artifact]:
        """Return what the steps of a run left behind. Raises NotFound."""
        return await (await self._opened()).artifacts(run_id)

    async def artifact(self, run_id: str, step: str) -> Artifact:
        """Return what one step left behind. Raises NotFound."""
        return await (await self._opened()).artifact(run_id, step)

    async def cancel(self, run_id: str) -> Run:
        """Stop a run and the runs that it started. Raises NotFound, RunNotCancellable."""
        return await (await self._opened()).cancel(run_id)

    async def outcome(self, run: Run) -> SpawnOutcome:
        """Return how a run that has ended turned out. One that was broken off shows what its steps had done."""
        if run.outcome is not None:
            return rebuilt(run.outcome, SpawnOutcome)  # type: ignore[no-any-return]  # as `modes` wrote it
        return _broken_off(run, await self.steps(run.id))

    async def plan(self, run_id: str) -> PlanView:
        """Return the waves of a run's plan, each step with those it waits for; empty without a plan."""
        for event in await (await self._opened()).events(run_id, name="plan", limit=1):
            depends_on = event.data["dependsOn"]
            return tuple(tuple((one, tuple(depends_on[one])) for one in w) for w in event.data["waves"])
        return ()

    async def settled(self, run_id: str) -> Mapping[str, Mapping[str, Any]]:
        """Return how the steps of a run's plan ended that have: `state`, `why`, and `at`."""
        events = await (await self._opened()).events(run_id, name=NODE_ENDED, limit=MAX_PLAN_STEPS)
        return {str(event.data["step"]): {**event.data, "at": event.at} for event in events}

    async def close(self) -> None:
        """Let go. What was carried out here goes back to the queue."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.close()

    async def _opened(self) -> RunClient:
        async with self._opening:
            if self._engine is None:
                self._engine = await self._new_engine()
            return self._engine

    async def _new_engine(self) -> RunClient:
        if not self._here:
            return run_client(self._store, self._modes, clock=self._clock)
        engine: ExecutorEngine = own_engine(
            self._store, self._settings, self._chat(), self._modes, clock=self._clock
        )
        await engine.open()
        return engine


def _broken_off(run: Run, steps: Sequence[Step]) -> SpawnOutcome:
    status: Status = "failed" if run.status == "queued" or run.status == "running" else run.status  # noqa: PLR1714  # narrows the type
    said = run.error or {}
    error = None
    if status != "cancelled":
        kind = _ENDINGS.get(status, StepFailed)
        message = str(said.get("message", f"the run ended as `{status}`"))
        error = kind(message, hint=str(said.get("hint", "")), details=said.get("details"))
    return SpawnOutcome(
        mode=Mode(run.mode),
        status=status,
        output="",
        model=None,
        responses=tuple(_attempt(step) for step in steps if step.model is not None),
        usage=None,
        cost=Cost(usd=run.cost.spent_usd, in_doubt_usd=run.cost.in_doubt_usd + run.cost.reserved_usd),
        error=error,
    )


def _attempt(step: Step) -> Attempt:
    """Return what is known of a call: its answer went with the run."""
    return Attempt(
        step=step.name,
        model=step.model or "",
        provider=step.provider or "",
        cost_usd=step.cost_usd,
        error=StepFailed(step.error) if step.error else None,
    )
