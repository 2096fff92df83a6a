"""The database goes away while runs are under way: nothing fails because of it, and work goes on when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from smart_spawn.engines import run_client
from smart_spawn.errors import StoreError
from smart_spawn.model import Mode
from smart_spawn.runs.engine import RunSpec
from smart_spawn.runs.journal import Ticket
from smart_spawn.runs.ports import Ctx, Ended
from smart_spawn.settings import Settings
from smart_spawn.spawn.carry import Job, to_request
from smart_spawn.spawn.outcome import Rung
from smart_spawn.spawn.plan import Step as PlanStep
from smart_spawn.spawn.swarm import StepWork
from smart_spawn.store.database import StoreBusy
from tests.contract.engines import PRICE, Bench, answer, opened, utc_now

LADDER = (Rung(model_id="v/a", provider="fake", price=PRICE, prior=0.7, expected_cost_usd=1),)


class Outage:
    """Puts itself before the journal and answers for it while the database is away."""

    def __init__(self, journal: Any, error: StoreError, only: str) -> None:
        self._journal = journal
        self._error = error
        self._only = only
        self.away = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._journal, name)

        def asked(*args: Any, **kwargs: Any) -> Any:
            if self.away and self._only in ("", name):
                self.refused += 1
                raise self._error
            return method(*args, **kwargs)

        return asked


def between(bench: Bench, error: StoreError, *, only: str = "") -> Outage:
    """Put an outage between an engine and its journal, for all methods or one."""
    services = bench.engine.executions._services
    outage = Outage(services.journal, error, only)
    object.__setattr__(services, "journal", outage)
    return outage


def job(mode: Mode) -> dict[str, Any]:
    steps = (PlanStep(id="a", task="look"), PlanStep(id="b", task="tell", depends_on=("a",)))
    works = tuple(StepWork(step=step, ladder=LADDER) for step in steps)
    return to_request(Job(mode=mode, task="Which?", rungs=LADDER, works=works, decision_id="dec_1"))


@pytest.mark.parametrize("mode", [Mode.SINGLE, Mode.COLLECTIVE, Mode.SWARM])
async def test_a_database_that_is_away_for_a_moment_fails_no_run(tmp_path: Path, mode: Mode) -> None:
    """An answer that cannot be written down at once is written when the database is back, and not bought again."""
    async with opened("memory-on-disk", Settings(home=tmp_path)) as bench:
        outage = between(bench, StoreBusy("away"))
        bench.chat.add(answer("ok", delay_s=0.2), model_id="v/a")
        spec = RunSpec(mode=str(mode), request=job(mode), timeout_s=60)
        run_id = await bench.engine.submit(spec)
        await bench.until(lambda: bool(bench.chat.under_way))
        outage.away = True
        await bench.until(lambda: outage.refused >= 6)
        outage.away = False
        run = await bench.engine.wait(run_id, 20)
        assert (run.status, run.error, run.executions) == ("succeeded", None, 1)
        assert len(bench.chat.calls) == (2 if mode is Mode.SWARM else 1)


@pytest.mark.parametrize("kind", ["memory-on-disk", "own"])
@pytest.mark.parametrize("mode", [Mode.SINGLE, Mode.COLLECTIVE, Mode.SWARM])
async def test_a_longer_outage_interrupts_a_run_and_does_not_end_it(
    tmp_path: Path, mode: Mode, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mode cannot take the database's failure for one of its steps: the run waits, and is taken up again."""
    monkeypatch.setattr("smart_spawn.engines.JOURNAL_PATIENCE_S", 0.05)
    monkeypatch.setattr("smart_spawn.runs.executor.BEAT_S", 0.1)
    async with opened(kind, Settings(home=tmp_path)) as bench:
        outage = between(bench, StoreBusy("away"))
        bench.chat.add(answer("ok", delay_s=0.1), model_id="v/a")
        run_id = await bench.engine.submit(RunSpec(mode=str(mode), request=job(mode), timeout_s=60))
        waiting = asyncio.create_task(bench.engine.wait(run_id, 20))
        await bench.until(lambda: bool(bench.chat.under_way))
        outage.away = True
        await bench.until(lambda: not len(bench.engine.executions))
        assert bench.store.runs.status(run_id) in ("running", "queued")
        outage.away = False
        run = await waiting
        assert (run.status, run.error) == ("succeeded", None)
        assert run.executions > 1
        assert run.cost.in_doubt_usd > 0  # of the answer that could not be written down


@pytest.mark.parametrize("kind", ["own", "memory-on-disk", "dbos"])
async def test_a_run_that_could_not_be_begun_is_begun_later(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its ticket was taken when the database went away; nobody would show it again."""
    monkeypatch.setattr("smart_spawn.engines.JOURNAL_PATIENCE_S", 0.05)
    monkeypatch.setattr("smart_spawn.runs.executor.BEAT_S", 0.1)
    async with opened(kind, Settings(home=tmp_path)) as bench:
        outage = between(bench, StoreBusy("away"), only="begin")
        outage.away = True
        run_id = await bench.engine.submit(RunSpec(mode="single", request=job(Mode.SINGLE), timeout_s=60))
        await bench.until(lambda: outage.refused > 0 and not len(bench.engine.executions))
        outage.away = False
        run = await bench.engine.wait(run_id, 20)
        assert (run.status, run.executions) == ("succeeded", 1)


async def test_what_the_database_refuses_for_good_fails_the_run_with_the_reason(tmp_path: Path) -> None:
    """A statement that will never be accepted is not tried until the deadline."""
    async with opened("memory-on-disk", Settings(home=tmp_path)) as bench:
        outage = between(
            bench, StoreError("the database refused a statement", hint="see the log"), only="close_step"
        )
        bench.chat.add(answer("ok", delay_s=0.1), model_id="v/a")
        run_id = await bench.engine.submit(RunSpec(mode="single", request=job(Mode.SINGLE), timeout_s=60))
        await bench.until(lambda: bool(bench.chat.under_way))
        outage.away = True
        run = await bench.engine.wait(run_id, 20)
        assert run.status == "failed"
        assert "refused a statement" in str(run.error)


async def test_a_run_that_ends_its_worker_again_and_again_is_given_up(tmp_path: Path) -> None:
    """What kills whoever begins it is begun a bounded number of times, so that it cannot take all workers down."""
    from smart_spawn.runs.execution import MAX_EXECUTIONS

    async with opened("memory-on-disk", Settings(home=tmp_path)) as bench:
        begun: list[int] = []

        async def script(ctx: Ctx) -> Ended:
            begun.append(1)
            await asyncio.sleep(60)
            return Ended()

        run_id = await bench.submit(script)
        for number in range(1, MAX_EXECUTIONS + 1):
            await bench.until(lambda number=number: len(begun) == number)  # type: ignore[misc]  # a default
            await bench.engine.executions.stop()
            bench.store.roster.requeue(bench.engine.executor.id, [run_id])
        run = await bench.engine.wait(run_id, 20)
        assert run.status == "failed"
        assert f"{MAX_EXECUTIONS} times" in str(run.error)
        assert len(begun) == MAX_EXECUTIONS


async def test_a_scheduler_that_fails_once_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected failure of the queue does not leave a worker that beats and takes nothing."""
    async with opened("memory-on-disk", Settings(home=tmp_path)) as bench:
        hand_out, failures = bench.engine.hand_out, iter([RuntimeError("the queue's disk is full")])

        async def failing(tickets: Sequence[Ticket]) -> Sequence[Ticket]:
            for failure in failures:
                raise failure
            return await hand_out(tickets)

        monkeypatch.setattr(bench.engine, "hand_out", failing)

        async def script(ctx: Ctx) -> Ended:
            return Ended()

        assert (await bench.run(script)).status == "succeeded"
        assert not bench.engine.lost.is_set()


async def test_a_scheduler_that_keeps_failing_ends_its_executor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may do better, so this one says what is wrong and stops."""
    monkeypatch.setattr("smart_spawn.runs.executor.GIVE_UP_S", 2.0)
    monkeypatch.setattr("smart_spawn.runs.executor.BEAT_S", 0.1)
    async with opened("memory-on-disk", Settings(home=tmp_path)) as bench:

        async def failing(tickets: Sequence[Ticket]) -> Sequence[Ticket]:
            raise RuntimeError("canary")

        monkeypatch.setattr(bench.engine, "hand_out", failing)

        async def script(ctx: Ctx) -> Ended:
            return Ended()

        await bench.submit(script)
        await asyncio.wait_for(bench.engine.lost.wait(), 10)
        assert "RuntimeError" in bench.engine.lost_because
        assert "canary" not in bench.engine.lost_because


async def test_whoever_waits_for_a_run_sits_an_outage_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is not lost to the caller because the database restarted while it was being made."""
    async with opened("memory-on-disk", Settings(home=tmp_path)) as bench:
        client = run_client(bench.store, {"scripted": None}, clock=utc_now)  # type: ignore[dict-item]  # names alone
        answered, asked = bench.store.runs.status, list[str]()

        async def script(ctx: Ctx) -> Ended:
            await asyncio.sleep(0.3)
            return Ended(outcome={"done": True})

        def away(run_id: str) -> Any:
            asked.append(run_id)
            if len(asked) < 8:
                raise StoreBusy("away")
            return answered(run_id)

        run_id = await bench.submit(script)
        monkeypatch.setattr(bench.store.runs, "status", away)
        assert (await client.wait(run_id, 20)).outcome == {"done": True}
        monkeypatch.setattr("smart_spawn.runs.client.OUTAGE_S", 0.1)
        asked.clear()
        with pytest.raises(StoreBusy):
            await client.wait(run_id, 20)
        await client.close()
