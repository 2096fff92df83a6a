"""The worker process: ready, refused, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from smart_spawn.settings import Settings
from smart_spawn.store import open_store
from tests.contract.store.conftest import compiled_once

PARENT = """
import sys, time
from smart_spawn.settings import load_settings
from smart_spawn.worker import start_worker
child = start_worker(load_settings(overrides={"home": sys.argv[1], "providers.p": {
    "base_url": "http://127.0.0.1:9", "api_key": "sk-canary"}}))
print(child.pid, flush=True)
time.sleep(60)
"""


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait until something has come about."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def executors(home: Path) -> list[str]:
    """Return the executors that are entered."""
    with open_store(Settings(home=home)) as store:
        return [executor.id for executor, _ in store.roster.executors()]


def ended(pid: int) -> bool:
    """Tell whether a process is over."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def test_a_worker_ends_with_the_service_that_started_it(tmp_path: Path) -> None:
    """Kill -9 of the parent leaves no child behind; no secret is in its arguments or variables."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=compiled_once(),
    )
    assert parent.stdout is not None
    try:
        child = int(parent.stdout.readline())
        until(lambda: bool(executors(tmp_path)))
        for part in ("cmdline", "environ"):
            assert b"canary" not in Path(f"/proc/{child}/{part}").read_bytes()
    finally:
        parent.kill()
        parent.wait(timeout=10)
        parent.stdout.close()
    until(lambda: ended(child), 30)
    assert executors(tmp_path) == []


def test_a_second_worker_of_one_id_is_refused_and_a_signal_stops_the_first(tmp_path: Path) -> None:
    """The refusal names the way out and is wrong use; SIGTERM ends the first one in time, with nothing left."""
    environment = {**compiled_once(), "SMART_SPAWN_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "smart_spawn", "worker", "--id", "one"]
    first = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: executors(tmp_path) == ["one"])
        second = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert second.returncode == 2
        assert "`one` is running already" in second.stderr
        assert "hint: give every worker an id of its own" in second.stderr
        assert executors(tmp_path) == ["one"]
        began = time.monotonic()
        os.kill(first.pid, signal.SIGTERM)
        assert first.wait(timeout=10) == 0
        assert time.monotonic() - began < 5
        assert executors(tmp_path) == []
    finally:
        first.kill()
        first.wait(timeout=10)
