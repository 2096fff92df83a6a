"""Runs, as Python programs start, watch and stop them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from smart_spawn.answers import Answer, Artifact, Run, RunEvent, RunRow, SpawnResult
from smart_spawn.client.door import Door, Values
from smart_spawn.client.reading import given, read
from smart_spawn.errors import InvalidRequest

AnyRun = str | Run | RunRow | SpawnResult
"""A run by its id, or whatever has it."""


class Runs:
    """The runs of one Smart Spawn: `ss.runs`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def submit(self, task: str, *, idempotency_key: str | None = None, **options: Any) -> str:
        """Start a task and return the id of its run, without waiting. Options are those of `SmartSpawn.spawn`.

        The same request under the same key is the same run, for as long as runs are kept. Costs model calls.
        """
        answer = await self._door.submit(spawning(task, options), idempotency_key)
        return str(answer["id"])

    async def result(self, run: AnyRun) -> SpawnResult:
        """Wait for a run's end. Raises what stopped it. Whoever is cancelled while waiting cancels the run."""
        return read(SpawnResult, await self._door.ended(run_id_of(run)))

    async def get(self, run: AnyRun) -> Run:
        """Return a run as it stands. Raises NotFound."""
        return read(Run, await self._door.run(run_id_of(run)))

    async def list(
        self, *, status: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[RunRow]:
        """Return runs, newest first; `before` is the id of the last one seen."""
        answer = await self._door.runs(given(status=status, limit=limit, before=before))
        return [read(RunRow, row) for row in answer["data"]]

    async def events(self, run: AnyRun, *, after: int = 0) -> AsyncGenerator[RunEvent, None]:
        """Give what happens in a run as it happens, until it has ended. Raises NotFound.

        Starts after event number `after`. A cut connection is taken up again where it was: none is lost or doubled.
        """
        async with aclosing(self._door.events(run_id_of(run), after)) as events:
            async for event in events:
                yield read(RunEvent, event)

    async def artifact(self, run: AnyRun, step: str) -> Artifact:
        """Return what a step left behind. Raises NotFound."""
        return read(Artifact, (await self._door.artifact(run_id_of(run), step))["data"])

    async def cancel(self, run: AnyRun) -> Run:
        """Stop a run and the runs that it started. Raises NotFound, RunNotCancellable."""
        return read(Run, await self._door.cancel(run_id_of(run)))


def run_id_of(run: AnyRun) -> str:
    """Return the id of a run."""
    return run.id if isinstance(run, Answer) else str(run)


def spawning(task: str, options: Values) -> dict[str, Any]:
    """Return what is asked for. Raises InvalidRequest for what has a method of its own."""
    if "wait" in options:
        raise InvalidRequest(
            "`wait` is no option here", hint="`ss.runs.submit` does not wait, `ss.spawn` does"
        )
    if {"dry_run", "dryRun"} & set(options):
        raise InvalidRequest("`dry_run` is no option here", hint="call `ss.dry_run`")
    return {"task": task, **options}
