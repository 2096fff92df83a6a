"""The group-commit writer: many small inserts, one transaction.

`put` costs the caller microseconds and never fails: a thread collects what arrived within `LINGER_S` and
commits it as one transaction. When the database cannot keep up or is broken, rows wait in a bounded queue;
what no longer fits is dropped and counted, and the requests go on. A process that is killed loses at most
what arrived in the last 50 milliseconds. Source: docs/adr/0006-one-writer.md.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from smart_spawn.errors import SmartSpawnError, StoreUnwritable
from smart_spawn.store.database import Database, StoreBusy
from smart_spawn.store.inserts import Inserts, Row

MAX_ROWS = 50_000
MAX_BYTES = 64 * 1024 * 1024
"""The queue holds no more than this, by rows and by the bytes that their callers stated."""
MAX_BATCH = 5_000
"""Rows of one transaction: about 50 ms, which is how long another process may have to wait."""
LINGER_S = 0.05  # ten times fewer commits than 5 ms, and a third less CPU a decision
RETRY_S = 0.25
STOP_S = 2.0

Entry = tuple[Table, Row | Callable[[], Row], int]
"""A table, a row or what makes it, and its size in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterState:
    """What the writer has done and what is wrong, for status and metrics."""

    waiting: int
    written: int
    dropped: int
    """Rows that did not fit into the queue, that the database refused, or that were left at the stop."""
    last_error: str | None
    """Of the newest failed attempt; None again after a success."""


class GroupWriter:
    """One thread that inserts rows in groups. Rows whose key exists already are left as they are."""

    def __init__(self, database: Database, *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> None:
        self._database = database
        self._inserts = Inserts(database)
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._settled = threading.Condition(self._lock)
        self._queue: list[Entry] = []
        self._bytes = 0
        self._accepted = self._handled = self._written = self._dropped = 0
        self._last_error: str | None = None
        self._stop_at: float | None = None
        self._hurry = False
        self._thread: threading.Thread | None = None

    def put(self, table: Table, row: Row | Callable[[], Row], *, size_bytes: int = 0) -> bool:
        """Take one row; False when it had to be dropped. Never blocks on the database, never raises.

        A row that takes a while to make may come as what makes it, which the writer's thread then calls.
        """
        with self._lock:
            if (
                self._stop_at is not None
                or len(self._queue) >= self._max_rows
                or self._bytes + size_bytes > self._max_bytes
            ):
                self._dropped += 1
                return False
            self._queue.append((table, row, size_bytes))
            self._bytes += size_bytes
            self._accepted += 1
            if self._thread is None:
                self._start()
        if not self._arrived.is_set():
            self._arrived.set()
        return True

    def flush(self, timeout_s: float = STOP_S) -> bool:
        """Wait until every row taken so far is stored or given up; False when that took longer."""
        with self._settled:
            target = self._accepted
            if self._handled >= target:
                return True
            self._hurry = True
            self._arrived.set()
            return self._settled.wait_for(lambda: self._handled >= target, timeout_s)

    def close(self, timeout_s: float = STOP_S) -> bool:
        """Write what is waiting and stop, within the time; False when rows had to be left, which are counted."""
        with self._lock:
            if self._stop_at is None:
                self._stop_at = time.monotonic() + timeout_s
            thread = self._thread
        self._arrived.set()
        if thread is not None:
            thread.join(timeout_s + 0.25)
        with self._lock:
            left = len(self._queue)
            self._queue.clear()
            self._dropped += left
        return left == 0 and (thread is None or not thread.is_alive())

    @property
    def state(self) -> WriterState:
        """Counts since the start, and what is wrong."""
        with self._lock:
            return WriterState(
                waiting=self._accepted - self._handled,
                written=self._written,
                dropped=self._dropped,
                last_error=self._last_error,
            )

    def _start(self) -> None:
        # A daemon, so that a caller who forgets to close cannot hang the interpreter's exit.
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while True:
            self._arrived.wait()
            if not self._hurry and self._stop_at is None:
                time.sleep(LINGER_S)  # lets company arrive: one commit for all of it
            batch = self._take()
            if batch:
                self._store(batch)
            elif self._stop_at is not None:
                return

    def _take(self) -> list[Entry]:
        with self._lock:
            self._hurry = False
            batch, self._queue = self._queue[:MAX_BATCH], self._queue[MAX_BATCH:]
            if not self._queue and self._stop_at is None:
                self._arrived.clear()
            return batch

    def _store(self, batch: Sequence[Entry]) -> None:
        """Write a batch, again and again while the database is busy or full; refused rows are given up."""
        while True:
            try:
                self._insert(batch)
            except Exception as error:  # this thread must outlive every failure of the database
                self._note(error)
                if not _may_pass(error):
                    self._one_by_one(batch)
                    return
                if self._stop_at is not None and time.monotonic() + RETRY_S >= self._stop_at:
                    self._settle(batch, written=0)
                    return
                time.sleep(RETRY_S)
            else:
                self._settle(batch, written=len(batch))
                return

    def _one_by_one(self, batch: Sequence[Entry]) -> None:
        """Save the good rows of a batch that the database refused as a whole."""
        for entry in batch:
            try:
                self._insert([entry])
            except Exception as error:  # as above
                self._settle([entry], written=0)
                self._note(error)
            else:
                self._settle([entry], written=1, keep_error=True)

    def _insert(self, batch: Sequence[Entry]) -> None:
        groups: dict[Table, list[dict[str, Any]]] = {}
        for table, row, _ in batch:
            groups.setdefault(table, []).append(dict(row() if callable(row) else row))
        with self._database.write(alone=False) as connection:
            for table, rows in groups.items():
                self._inserts.add(connection, table, rows)

    def _note(self, error: Exception) -> None:
        with self._lock:
            self._last_error = error.message if isinstance(error, SmartSpawnError) else type(error).__name__

    def _settle(self, batch: Sequence[Entry], *, written: int, keep_error: bool = False) -> None:
        with self._settled:
            self._handled += len(batch)
            self._written += written
            self._dropped += len(batch) - written
            self._bytes -= sum(size for _, _, size in batch)
            if written and not keep_error:
                self._last_error = None
            self._settled.notify_all()


def _may_pass(error: Exception) -> bool:
    """Tell whether waiting may help: another writer, a full disk, a server that restarts. Not a bad row."""
    return isinstance(error, (StoreBusy, StoreUnwritable))
