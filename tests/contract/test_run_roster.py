"""Executors: one of each id, heard of or buried, and their runs queued again exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text, update

from smart_spawn.engines import memory_engine
from smart_spawn.errors import RunNotCancellable, SettingsError, StoreError
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.runs.executor import STALE_S
from smart_spawn.runs.journal import Executor, NewRun, Ticket
from smart_spawn.settings import Settings
from smart_spawn.store import Store, open_store
from smart_spawn.store import run_tables as t
from smart_spawn.store.database import StoreBusy
from smart_spawn.store.tables import now_us
from tests.contract.engines import utc_now
from tests.contract.store.test_store_schema import MIGRATIONS
from tests.contract.test_run_money import begun_run

ELSEWHERE = Executor(id="far", machine="elsewhere", pid=1, process_started="1", version="v")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open each database that outlives its process."""
    values = (
        {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgresql_database")}
    )
    with open_store(Settings(home=tmp_path, **values)) as opened:
        yield opened


def unheard(store: Store, executor: Executor, seconds: float) -> None:
    """Let an executor have been silent for so long, by the database's clock."""
    with store.database.write() as connection:
        silent = now_us() - round(seconds * 1e6)
        connection.execute(update(t.executors).where(t.executors.c.id == executor.id).values(seen_us=silent))


def test_a_second_executor_of_one_id_is_refused_while_the_first_is_heard_of(store: Store) -> None:
    """Two processes with one id would both be right about their runs, and pay them twice."""
    assert store.roster.register(ELSEWHERE, stale_s=STALE_S)
    other = replace(ELSEWHERE, pid=2)
    assert not store.roster.register(other, stale_s=STALE_S)
    unheard(store, ELSEWHERE, STALE_S + 1)
    assert store.roster.register(other, stale_s=STALE_S)
    assert store.roster.beat(other)
    assert not store.roster.beat(ELSEWHERE)  # the first one comes back and must stop


def test_of_many_that_find_a_dead_executor_one_buries_it(store: Store) -> None:
    """Its run is queued once, under a new number; whoever was slower does nothing."""
    store.roster.register(ELSEWHERE, stale_s=STALE_S)
    begun_run(store, "a", cap=None)
    with store.database.write() as connection:
        connection.execute(update(t.runs).values(executor=ELSEWHERE.id))
    assert store.roster.bury(ELSEWHERE, unheard_s=STALE_S) is None  # it is alive
    unheard(store, ELSEWHERE, STALE_S)
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: store.roster.bury(ELSEWHERE, unheard_s=STALE_S), range(6)))
    assert [runs for runs in results if runs is not None] == [["run_a"]]
    assert store.roster.queued(10) == [Ticket(run_id="run_a", number=2)]


def test_a_clock_that_was_set_back_keeps_no_dead_executor_alive(store: Store) -> None:
    """Whoever was heard of in the future is taken to have been heard of now, and then ages as everybody does."""
    store.roster.register(ELSEWHERE, stale_s=STALE_S)
    unheard(store, ELSEWHERE, -3600)
    assert store.roster.bury(ELSEWHERE, unheard_s=STALE_S) is None
    me = replace(ELSEWHERE, id="me", pid=2)
    store.roster.register(me, stale_s=STALE_S)
    assert {each.id: round(s) for each, s in store.roster.executors()} == {"far": 0, "me": 0}
    unheard(store, ELSEWHERE, -3600)
    assert store.roster.beat(me)
    assert {each.id: round(s) for each, s in store.roster.executors()} == {"far": 0, "me": 0}
    unheard(store, ELSEWHERE, -3600)
    assert (
        store.roster.bury(ELSEWHERE, unheard_s=0) == []
    )  # a process that is known to be gone needs no clock


async def test_a_clock_that_was_set_forward_buries_no_living_executor(tmp_path: Path) -> None:
    """All rows look old at once, our own too: the others are judged once we have been heard of again."""
    settings = Settings(home=tmp_path)
    with open_store(settings) as store:
        engine = memory_engine(store, settings, FakeProvider(), {}, clock=utc_now)
        await engine.open()
        store.roster.register(ELSEWHERE, stale_s=STALE_S)
        for each in (engine.executor, ELSEWHERE):
            unheard(store, each, 3600)
        await engine._bury_the_dead()
        assert {each.id for each, _ in store.roster.executors()} == {engine.executor.id, "far"}
        await engine._beat()
        await engine._bury_the_dead()
        assert {each.id for each, _ in store.roster.executors()} == {engine.executor.id}
        await engine.close()


def test_one_ticket_begins_one_execution(store: Store) -> None:
    """Whoever else holds the same ticket gets nothing."""
    begun_run(store, "a", cap=None)
    store.roster.requeue("executor", ["run_a"])
    with ThreadPoolExecutor(6) as pool:
        ticket = Ticket(run_id="run_a", number=2)
        begun = list(pool.map(lambda n: store.journal.begin(ticket, f"e{n}"), range(6)))
    assert sum(each is not None for each in begun) == 1


def test_old_runs_are_deleted_with_all_that_is_theirs(store: Store) -> None:
    """Pruning takes ended runs, their steps, events and purses; what runs stays."""
    for name in "ab":
        begun = begun_run(store, name, cap=5)
        store.journal.open_step(begun.claim, "s", model=None, provider=None)
    store.journal.finish(begun.claim, "succeeded", {"a": 1}, None)
    now = datetime.now(UTC)
    assert store.runs.prune(now - timedelta(hours=1)) == 0
    assert store.runs.prune(now + timedelta(hours=1)) == 1
    with store.database.read() as connection:
        for table in (t.runs.c.id, t.run_steps.c.run_id, t.run_events.c.run_id):
            assert set(connection.execute(table.table.select().with_only_columns(table)).scalars()) == {
                "run_a"
            }
        names = set(connection.execute(t.purses.select().with_only_columns(t.purses.c.name)).scalars())
    assert names == {"run:run_a", "key:k"}


def test_many_old_runs_are_deleted_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the deletion of a month's runs: each transaction of it is short."""
    monkeypatch.setattr("smart_spawn.store.runs.PRUNED_AT_ONCE", 3)
    for number in range(7):
        begun = begun_run(store, str(number), cap=5)
        store.journal.finish(begun.claim, "succeeded", None, None)
    write = Mock(wraps=store.database.write)
    monkeypatch.setattr(store.database, "write", write)
    assert store.runs.prune(datetime.now(UTC) + timedelta(hours=1)) == 7
    assert write.call_count == 3
    assert store.runs.lines(status=None, limit=10, before=None) == []


def test_a_run_that_ended_cannot_be_cancelled(store: Store) -> None:
    """The refusal says how it ended."""
    begun = begun_run(store, "a", cap=None)
    store.journal.finish(begun.claim, "failed", None, {"code": "X"})
    with pytest.raises(RunNotCancellable, match="has ended as `failed`"):
        store.runs.cancel("run_a")


def listed(store: Store, **which: Any) -> list[str]:
    """Return the ids of runs as lists show them."""
    asked: dict[str, Any] = {"status": None, "limit": 10, "before": None, **which}
    return [line.id for line in store.runs.lines(**asked)]


def test_the_runs_of_a_key_are_listed_like_those_of_everybody(store: Store) -> None:
    """Newest first, by status and page; a run below another one is also the upper one's key's."""
    for name in "abc":
        begun = begun_run(store, name, cap=None)
    store.journal.finish(begun.claim, "failed", None, None)
    below = NewRun(
        id="run_d",
        mode="any",
        request=b"{}",
        fingerprint="d",
        created_at=datetime.now(UTC),
        deadline_at=datetime.now(UTC),
        cap_micro_usd=None,
        allow_unknown_price=False,
        key="other:2026-11",
        key_cap_micro_usd=None,
        parent="run_a",
        idempotency_key=None,
        max_depth=5,
    )
    store.runs.submit(below)
    assert listed(store, key="k") == ["run_d", "run_c", "run_b", "run_a"]
    assert listed(store, key="k", status="failed") == ["run_c"]
    assert listed(store, key="k", limit=2, before="run_c") == ["run_b", "run_a"]
    assert listed(store, key="other") == ["run_d"]
    assert listed(store, key="oth") == listed(store, key="%") == []
    assert store.runs.run("run_d").keys == {"k", "other"}


def test_runs_of_a_release_before_find_their_keys(store: Store) -> None:
    """The table of keys is filled from what runs say of their purses."""
    begun_run(store, "a", cap=None)
    with store.database.write() as connection:
        connection.execute(text("DROP TABLE run_keys"))
        connection.execute(text("UPDATE smart_spawn_schema SET version_num = '0006'"))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0007")  # those after it have been here
    assert listed(store, key="k") == ["run_a"]


async def test_an_executor_of_a_taken_id_does_not_open(tmp_path: Path) -> None:
    """The second one is refused with the way out, and the first one goes on undisturbed."""
    settings = Settings(home=tmp_path)
    with open_store(settings) as store:
        make = [
            memory_engine(store, settings, FakeProvider(), {}, clock=utc_now, executor_id="one") for _ in "ab"
        ]
        await make[0].open()
        with pytest.raises(SettingsError, match="`one` is running already"):
            await make[1].open()
        await make[1].close()
        assert store.roster.beat(make[0].executor)
        await make[0].close()


async def test_an_executor_that_is_taken_for_dead_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A heartbeat that finds no row says that the process must end, and so does a database that is away."""
    monkeypatch.setattr("smart_spawn.runs.executor.BEAT_S", 0.01)
    settings = Settings(home=tmp_path)
    with open_store(settings) as store:
        engine = memory_engine(store, settings, FakeProvider(), {}, clock=utc_now)
        await engine.open()
        assert store.roster.bury(engine.executor, unheard_s=0) == []
        await asyncio.wait_for(engine.lost.wait(), 5)
        assert engine.lost_because == "it was taken for dead"
        await engine.close()

        monkeypatch.setattr("smart_spawn.runs.executor.GIVE_UP_S", 0.05)

        def away(*args: object) -> bool:
            raise StoreError("gone")

        engine = memory_engine(store, settings, FakeProvider(), {}, clock=utc_now)
        monkeypatch.setattr(store.roster, "beat", away)
        await engine.open()
        await asyncio.wait_for(engine.lost.wait(), 5)
        assert engine.lost_because == "the database does not answer"
        await engine.close()


def test_a_busy_database_is_asked_again() -> None:
    """What may pass is tried some times; anything else is raised at once."""
    from smart_spawn.runs.lane import Lane

    asked: list[int] = []

    def busy() -> int:
        asked.append(1)
        if len(asked) < 3:
            raise StoreBusy("locked")
        return len(asked)

    lane = Lane(1, temporary=lambda error: isinstance(error, StoreBusy))
    assert asyncio.run(lane.run(busy)) == 3
    lane.close()
