"""The writer behind the answers: cheap, bounded, and never in the way of a request."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from smart_spawn.errors import StoreCorrupt, StoreUnwritable
from smart_spawn.store import GroupWriter, Store, WriterState, tables
from smart_spawn.store.database import Database, StoreBusy

NOW = datetime(2026, 7, 4, tzinfo=UTC)


def row(name: str, *, seen: Any = NOW) -> dict[str, Any]:
    return {"model_id": name, "first_seen": seen, "last_seen": seen}


class Gate:
    """A database whose writes wait, fail, or are counted, as the test says."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.open = threading.Event()
        self.open.set()
        self.errors: list[Exception] = []
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Any]:
        self.open.wait(10)
        if self.errors:
            raise self.errors.pop(0)
        with self._database.write(alone=alone) as connection:
            yield connection
        self.commits += 1


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as store:
        yield store


@pytest.fixture
def gate(store: Store) -> Gate:
    return Gate(store.database)


def writer_over(gate: Gate, **limits: int) -> GroupWriter:
    return GroupWriter(gate, **limits)  # type: ignore[arg-type]  # the part of a Database that it uses


def test_many_rows_share_a_commit(store: Store, gate: Gate) -> None:
    """A thousand rows put at once cost a handful of transactions."""
    writer = writer_over(gate)
    for n in range(1_000):
        assert writer.put(tables.known_ids, row(f"a/{n}"))
    assert writer.flush(5)
    assert len(store.known_ids.ever_held()) == 1_000
    assert gate.commits <= 20
    assert writer.close()


def test_a_row_is_written_without_anybody_asking(store: Store) -> None:
    """A lone row is on the disk a few milliseconds later."""
    store.writer.put(tables.known_ids, row("a/x"))
    deadline = time.monotonic() + 5
    while not store.known_ids.ever_held() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert store.known_ids.ever_held() == {"a/x"}


def test_putting_does_not_wait_for_a_database_that_hangs(gate: Gate) -> None:
    """While a commit hangs, a row still costs the request microseconds."""
    gate.open.clear()
    writer = writer_over(gate)
    started = time.perf_counter()
    for n in range(1_000):
        writer.put(tables.known_ids, row(f"a/{n}"))
    assert time.perf_counter() - started < 5  # one that waited would take the ten seconds of the gate
    assert not writer.flush(0.05)
    gate.open.set()
    assert writer.close()


def test_what_does_not_fit_is_dropped_and_counted(store: Store, gate: Gate) -> None:
    """The queue is bounded by rows; memory does not grow while the database is away."""
    gate.open.clear()
    writer = writer_over(gate, max_rows=10)
    taken = sum(writer.put(tables.known_ids, row(f"a/{n}")) for n in range(100))
    gate.open.set()
    assert writer.flush(5)
    state = writer.state
    assert taken < 100
    assert (state.written, state.dropped) == (taken, 100 - taken)
    assert len(store.known_ids.ever_held()) == taken
    writer.close()


def test_large_rows_fill_the_queue_sooner(gate: Gate) -> None:
    """The bound by bytes counts what callers state, and is free again once the rows are written."""
    gate.open.clear()
    writer = writer_over(gate, max_bytes=1_000)
    assert writer.put(tables.known_ids, row("a/1"), size_bytes=900)
    assert not writer.put(tables.known_ids, row("a/2"), size_bytes=200)
    gate.open.set()
    assert writer.flush(5)
    assert writer.put(tables.known_ids, row("a/3"), size_bytes=900)
    assert writer.close()
    assert (writer.state.written, writer.state.dropped) == (2, 1)


@pytest.mark.parametrize("error", [StoreBusy("another process has it"), StoreUnwritable("the disk is full")])
def test_a_failure_that_passes_is_waited_for(store: Store, gate: Gate, error: Exception) -> None:
    """Rows are kept while another process writes or the disk is full, and written afterwards."""
    gate.errors = [error]
    writer = writer_over(gate)
    writer.put(tables.known_ids, row("a/x"))
    assert not writer.flush(0.05)
    assert writer.state == WriterState(waiting=1, written=0, dropped=0, last_error=str(error))
    assert writer.flush(5)
    assert store.known_ids.ever_held() == {"a/x"}
    after = writer.state
    assert (after.written, after.dropped, after.last_error) == (1, 0, None)
    writer.close()


def test_a_bad_row_does_not_take_the_others_along(store: Store) -> None:
    """A row that the database refuses is dropped and counted; its neighbours are written."""
    for n in range(20):
        store.writer.put(tables.known_ids, row(f"a/{n}", seen=None if n == 7 else NOW))
    assert store.writer.flush(5)
    assert store.known_ids.ever_held() == {f"a/{n}" for n in range(20) if n != 7}
    assert (store.writer.state.written, store.writer.state.dropped) == (19, 1)
    assert store.writer.state.last_error


def test_a_row_may_be_made_by_the_writer(store: Store) -> None:
    """Whoever puts it does not wait for it to be made; one that cannot be made takes no others along."""
    makers: list[str] = []

    def made() -> dict[str, Any]:
        makers.append(threading.current_thread().name)
        return row("a/made")

    def broken() -> dict[str, Any]:
        raise ValueError("it cannot be made")

    for late in (made, broken):
        store.writer.put(tables.known_ids, late)
    store.writer.put(tables.known_ids, row("a/plain"))
    assert store.writer.flush(5)
    assert store.known_ids.ever_held() == {"a/made", "a/plain"}
    assert set(makers) == {"store-writer"}
    assert (store.writer.state.written, store.writer.state.dropped) == (2, 1)


def test_a_damaged_database_is_not_tried_for_ever(gate: Gate) -> None:
    """Rows are given up and counted; the requests go on and the state says why."""
    gate.errors = [StoreCorrupt("the file is damaged")] * 4
    writer = writer_over(gate)
    writer.put(tables.known_ids, row("a/1"))
    assert writer.flush(5)
    assert writer.state.dropped == 1
    assert writer.state.last_error == "the file is damaged"
    writer.close()


def test_closing_writes_what_is_waiting(store: Store, gate: Gate) -> None:
    """A clean stop loses nothing; what comes afterwards is refused and counted."""
    writer = writer_over(gate)
    for n in range(12_000):
        writer.put(tables.known_ids, row(f"a/{n}"))
    assert writer.close(10)
    assert len(store.known_ids.ever_held()) == 12_000
    assert not writer.put(tables.known_ids, row("a/late"))
    assert writer.state.dropped == 1
    assert writer.close()


def test_closing_keeps_to_its_time(gate: Gate) -> None:
    """A database that stays away does not hold the process; what is lost is counted."""
    gate.errors = [StoreBusy("away")] * 1_000
    writer = writer_over(gate)
    writer.put(tables.known_ids, row("a/1"))
    started = time.monotonic()
    writer.close(0.4)
    assert time.monotonic() - started < 10
    assert writer.state.dropped == 1


def test_a_writer_that_was_never_used_has_no_thread() -> None:
    """Reading alone starts nothing, and closing it costs nothing."""
    before = threading.active_count()
    with Store.in_memory() as store:
        assert store.writer.flush(0)
        assert threading.active_count() == before
