"""Keeping a worker alive beside the service, also where the system has no room for one just now."""

from __future__ import annotations

import errno
import threading
from typing import Any

import pytest

from smart_spawn import worker
from smart_spawn.settings import Settings


class Child:
    """A process that has ended, or runs until it is told to."""

    stdin = None

    def __init__(self, *, runs: bool) -> None:
        self._over = threading.Event()
        if not runs:
            self._over.set()

    def wait(self, timeout: float | None = None) -> int:
        self._over.wait(timeout if timeout is None else 0)
        self._over.set()
        return 0


def test_a_worker_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process number is left, then the first child ends at once: the second one stays."""
    running = Child(runs=True)
    outcomes: list[Any] = [OSError(errno.EAGAIN, "no room"), Child(runs=False), running]
    started = threading.Event()

    def start(settings: Settings) -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        if outcome is running:
            started.set()
        return outcome

    monkeypatch.setattr(worker, "start_worker", start)
    monkeypatch.setattr(worker, "FIRST_PAUSE_S", 0.01)
    keeper = worker.WorkerKeeper(Settings())
    thread = threading.Thread(target=keeper.keep)
    thread.start()
    assert started.wait(10)
    keeper.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert outcomes == []


def test_a_worker_that_lost_its_place_ends_whatever_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that is stuck in a frozen database does not keep the next worker from starting."""
    ended = threading.Event()
    monkeypatch.setattr(worker, "LAST_S", 0.01)
    monkeypatch.setattr("smart_spawn.worker.os._exit", lambda status: ended.set() if status else None)
    worker._end_in_time()
    assert ended.wait(10)
