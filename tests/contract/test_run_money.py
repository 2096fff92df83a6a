"""No sequence of reservations, bills, crashes and processes spends more than a cap."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from smart_spawn.runs.journal import (
    Begun,
    Bill,
    CallIntent,
    CallLimits,
    Claim,
    Granted,
    Later,
    NewRun,
    RunLost,
    Short,
    StepEnd,
    Ticket,
)
from smart_spawn.settings import Settings
from smart_spawn.spawn.money import usd
from smart_spawn.store import Store, open_store
from smart_spawn.store import run_tables as t
from smart_spawn.store.tables import now_us

NOW = datetime(2026, 7, 4, 12, tzinfo=UTC)


def begun_run(store: Store, name: str, *, cap: int | None, key_cap: int | None = None) -> Begun:
    """Submit and begin a run."""
    store.runs.submit(
        NewRun(
            id=f"run_{name}",
            mode="any",
            request=b"{}",
            fingerprint=name,
            created_at=NOW,
            deadline_at=NOW + timedelta(hours=1),
            cap_micro_usd=cap,
            allow_unknown_price=False,
            key="k",
            key_cap_micro_usd=key_cap,
            parent=None,
            idempotency_key=None,
            max_depth=5,
        )
    )
    begun = store.journal.begin(Ticket(run_id=f"run_{name}", number=1), "executor")
    assert begun is not None
    return begun


def intent(step: str, worst: int, number: int = 0) -> CallIntent:
    return CallIntent(step=step, number=number, model="m", provider="p", worst_micro_usd=worst)


def purses(store: Store) -> dict[str, tuple[int | None, int, int]]:
    """Return cap, held and spent by name."""
    with store.database.read() as connection:
        return {row.name: (row[1], row[2], row[3]) for row in connection.execute(select(t.purses))}


ACTION = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 60)),
    st.tuples(st.just("bill"), st.integers(0, 100)),  # in percent of the worst case
    st.tuples(st.just("doubt"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
)


@settings(max_examples=60)
@given(cap=st.integers(0, 200), key_cap=st.integers(0, 200), actions=st.lists(ACTION, max_size=25))
def test_held_and_spent_never_exceed_any_cap(cap: int, key_cap: int, actions: list[tuple[str, int]]) -> None:
    """After every action the purses hold exactly what was granted and not billed, and no more than the caps."""
    with Store.in_memory() as store:
        begun = begun_run(store, "a", cap=cap, key_cap=key_cap)
        under_way: list[tuple[str, int]] = []
        held = spent = 0
        for number, (action, amount) in enumerate(actions):
            if action == "open":
                grant = store.journal.open_call(begun.claim, intent(f"s{number}", amount))
                fits = held + spent + amount <= min(cap, key_cap)
                assert isinstance(grant, Granted if fits else Short)
                if isinstance(grant, Granted):
                    under_way.append((f"s{number}", amount))
                    held += amount
                else:
                    assert grant.left_micro_usd == max(0, min(cap, key_cap) - held - spent)
            elif action == "crash":
                store.roster.requeue("executor", ["run_a"])
                again = store.journal.begin(store.roster.queued(1)[0], "executor")
                assert again is not None
                begun, under_way = again, []  # what was under way is in doubt, and stays held
            elif under_way:
                step, worst = under_way.pop()
                cost = worst * amount // 100 if action == "bill" else None
                bill = Bill(step=step, number=0, cost_micro_usd=cost)
                store.journal.close_step(begun.claim, StepEnd(step=step, body=b"{}"), bill)
                if cost is not None:
                    held, spent = held - worst, spent + cost
            assert purses(store) == {"run:run_a": (cap, held, spent), "key:k": (key_cap, held, spent)}
            assert held + spent <= min(cap, key_cap)


@pytest.fixture(params=["sqlite", "postgresql"])
def two_stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Open one database twice, as two workers do."""
    values = (
        {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgresql_database")}
    )
    with (
        open_store(Settings(home=tmp_path, **values)) as one,
        open_store(Settings(home=tmp_path, **values)) as two,
    ):
        yield one, two


def test_workers_that_reserve_at_once_share_one_cap(two_stores: tuple[Store, Store]) -> None:
    """Two workers, two runs of one key, 50 calls at once against a cap that pays for 20: 20 are granted."""
    cap, worst = 20 * 7, 7
    begun = [
        begun_run(store, name, cap=None, key_cap=cap) for store, name in zip(two_stores, "ab", strict=True)
    ]

    def reserve(number: int) -> bool:
        side = number % 2
        grant = two_stores[side].journal.open_call(begun[side].claim, intent(f"s{number}", worst))
        if isinstance(grant, Granted) and number % 3 == 0:  # some are billed meanwhile, at the worst
            bill = Bill(step=f"s{number}", number=0, cost_micro_usd=worst)
            two_stores[side].journal.settle(begun[side].claim, bill)
        return isinstance(grant, Granted)

    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(reserve, range(50)))
    assert granted == 20
    _, held, spent = purses(two_stores[0])["key:k"]
    assert held + spent == cap


def test_an_execution_that_lost_its_run_can_settle_its_bill_and_nothing_else(
    two_stores: tuple[Store, Store],
) -> None:
    """A worker that was taken for dead and wakes up writes no result; what it paid is put right."""
    first, second = two_stores
    begun = begun_run(first, "a", cap=100)
    assert isinstance(first.journal.open_call(begun.claim, intent("s", 40)), Granted)
    first.roster.requeue("executor", ["run_a"])
    assert (
        first.journal.begin(Ticket(run_id="run_a", number=1), "late") is None
    )  # an old ticket begins nothing
    again = second.journal.begin(Ticket(run_id="run_a", number=2), "other")
    assert again is not None
    assert (again.tries, again.in_doubt_micro_usd) == ({"s": 1}, {"s": 40})
    with pytest.raises(RunLost):
        first.journal.close_step(
            begun.claim, StepEnd(step="s", body=b'"late"'), Bill(step="s", number=0, cost_micro_usd=15)
        )
    with pytest.raises(RunLost):
        first.journal.open_call(begun.claim, intent("t", 1))
    with pytest.raises(RunLost):
        first.journal.finish(begun.claim, "succeeded", {}, None)
    assert purses(first)["run:run_a"] == (100, 0, 15)
    assert [step.state for step in first.runs.steps("run_a")] == ["running"]
    assert isinstance(second.journal.open_call(again.claim, intent("s", 40, number=1)), Granted)


def test_the_minute_of_a_provider_passes(two_stores: tuple[Store, Store]) -> None:
    """Calls older than a minute by the database's clock do not count against its limit."""
    store, other = two_stores
    begun = begun_run(store, "a", cap=None)

    def ask(where: Store, step: str) -> object:
        limited = CallIntent(
            step=step, number=0, model="m", provider="p", worst_micro_usd=1, limits=CallLimits(per_minute=2)
        )
        return where.journal.open_call(begun.claim, limited)

    assert isinstance(ask(store, "a"), Granted)
    assert isinstance(ask(other, "b"), Granted)
    later = ask(other, "c")
    assert isinstance(later, Later)
    assert 50 < later.wait_s <= 60
    with store.database.write() as connection:
        connection.execute(t.run_calls.update().values(opened_us=now_us() - 61_000_000))
    assert isinstance(ask(other, "c"), Granted)
    with store.database.write() as connection:  # as after a clock that was set back by an hour
        connection.execute(t.run_calls.update().values(opened_us=now_us() + 3_600_000_000))
    assert isinstance(ask(other, "d"), Granted)


def test_a_call_that_broke_off_does_not_fill_its_provider(two_stores: tuple[Store, Store]) -> None:
    """A run that nobody resumes, or that is cancelled before, leaves no call that counts as under way for ever."""
    store, _ = two_stores

    def ask(claim: Claim, step: str) -> object:
        one = CallLimits(at_once=1)
        return store.journal.open_call(
            claim, CallIntent(step=step, number=0, model="m", provider="p", worst_micro_usd=7, limits=one)
        )

    dead, other = begun_run(store, "a", cap=100), begun_run(store, "b", cap=100)
    assert isinstance(ask(dead.claim, "s"), Granted)
    assert isinstance(ask(other.claim, "s"), Later)
    store.roster.requeue("executor", ["run_a"])
    assert isinstance(ask(other.claim, "s"), Granted)
    store.runs.cancel("run_a")
    run = store.runs.run("run_a")
    assert (run.status, run.cost.in_doubt_usd, run.cost.reserved_usd) == ("cancelled", usd(7), usd(0))
    assert (run.progress.running, run.progress.failed) == (0, 1)
    assert purses(store)["run:run_a"] == (100, 7, 0)
