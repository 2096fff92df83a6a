"""The worker process: carries runs out until it is told to stop, or its parent is gone.

`smart-spawn worker` starts one by hand, on any machine that reaches the database. `serve` starts one as its child
with `start_worker`: the settings go through its standard input, which stays open, so the child notices the end of
its parent however that came about.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import structlog
from pydantic import BaseModel, SecretStr

from smart_spawn.app import SmartSpawn
from smart_spawn.engines import dbos_engine
from smart_spawn.errors import RunError, SmartSpawnError, StoreError
from smart_spawn.runs.executor import ExecutorEngine
from smart_spawn.settings import Settings
from smart_spawn.store.spawns import ROLL_UP_ROWS

log = structlog.get_logger("smart_spawn.worker")

PRUNE_S = 3600.0
SUM_UP_S = 60.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A worker that lived this long had started well: what ended it is no reason to wait."""
STOP_S = 3.0
LAST_S = 10.0
"""How long a worker that lost its place may take to end."""
CHILD = "--child"
FAILED = 1


def worker_command(settings: Settings) -> list[str]:
    """Return the command of a child worker. It reads its settings from standard input: see `start_worker`."""
    return [sys.executable, "-m", "smart_spawn.worker", CHILD]


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a worker that ends with this process. Closing its standard input stops it; it then finishes in time."""
    child = subprocess.Popen(worker_command(settings), stdin=subprocess.PIPE)  # noqa: S603  # our own command
    assert child.stdin is not None  # noqa: S101  # a pipe, as asked
    with contextlib.suppress(BrokenPipeError):  # it ended at once; whoever waits for it sees how
        child.stdin.write(json.dumps(_revealed(settings)).encode() + b"\n")
        child.stdin.flush()
    return child


class WorkerKeeper:
    """Keeps one worker child alive until it is told to stop, where the settings ask for one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        """Start the worker, and another one whenever it ended: at once at first, then with longer and longer pauses.

        Returns after `stop`. Runs that a dead worker left are resumed by the next one.
        """
        pause_s = FIRST_PAUSE_S
        while self._settings.runs.worker and not self._stopping.is_set():
            began_s = time.monotonic()
            with self._lock:
                if self._stopping.is_set():
                    return
                self._child = _started(self._settings)
            status = self._child.wait() if self._child else "not started"
            if self._stopping.is_set():
                return
            pause_s = (
                FIRST_PAUSE_S if time.monotonic() - began_s > STEADY_S else min(2 * pause_s, LONGEST_PAUSE_S)
            )
            log.warning("worker ended, another follows", status=status, in_s=pause_s)
            self._stopping.wait(pause_s)

    def stop(self) -> None:
        """Have the worker end, and wait for it; one that does not is killed. Its runs stay in the queue."""
        self._stopping.set()
        with self._lock:
            child = self._child
        if child is None:
            return
        if child.stdin is not None:
            with contextlib.suppress(OSError):
                child.stdin.close()
        try:
            child.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _started(settings: Settings) -> subprocess.Popen[bytes] | None:
    try:
        return start_worker(settings)
    except OSError as error:  # no memory or no process numbers left: later there may be
        log.error("worker cannot be started", error=error.strerror)
        return None


def work(settings: Settings, *, executor_id: str | None = None) -> None:
    """Carry runs out until a signal. Raises SettingsError for a taken id, RunError when it lost its place."""
    log_to_stderr()
    asyncio.run(_work(settings, executor_id=executor_id, with_parent=False))


async def _work(settings: Settings, *, executor_id: str | None, with_parent: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    if with_parent:
        loop.add_reader(sys.stdin.fileno(), _watch_parent, stopping)
    async with SmartSpawn(settings) as app, _engine(app, executor_id) as engine:
        log.info("worker ready", executor=engine.executor.id)
        tasks = [
            asyncio.create_task(each)
            for each in (stopping.wait(), engine.lost.wait(), _keep_small(app, settings), _sum_up(app))
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        if engine.lost.is_set():
            _end_in_time()
            raise RunError(
                f"worker `{engine.executor.id}` had to stop: {engine.lost_because}",
                hint="its runs are resumed by other workers; check the database, then start it again",
            )


@contextlib.asynccontextmanager
async def _engine(app: SmartSpawn, executor_id: str | None) -> AsyncIterator[ExecutorEngine]:
    engine = dbos_engine(app.store, app.settings, app.chat, app.modes, clock=app.now, executor_id=executor_id)
    await engine.open()
    try:
        yield engine
    finally:
        await engine.close()


async def _keep_small(app: SmartSpawn, settings: Settings) -> None:
    """Delete old runs, again and again."""
    while True:
        with contextlib.suppress(StoreError):  # the next hour is soon enough
            before = app.now() - timedelta(days=settings.runs.keep_days)
            await asyncio.to_thread(app.store.runs.prune, before)
        await asyncio.sleep(PRUNE_S)


async def _sum_up(app: SmartSpawn) -> None:
    """Add settled lines of the spawn log to the sums by day, again and again: statistics then stay quick."""
    while True:
        with contextlib.suppress(StoreError):  # the next minute is soon enough
            await asyncio.to_thread(_summed_up, app)
        await asyncio.sleep(SUM_UP_S)


def _summed_up(app: SmartSpawn) -> None:
    while app.store.spawns.roll_up(app.now()) >= ROLL_UP_ROWS:
        pass  # others write between two transactions


def _end_in_time() -> None:
    """End this process soon, even where a thread waits for a database that does not answer."""
    last = threading.Timer(LAST_S, os._exit, [FAILED])
    last.daemon = True
    last.start()


def _watch_parent(stopping: asyncio.Event) -> None:
    """Stop at the end of standard input: our parent closed it, or is gone."""
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        stopping.set()


def _revealed(value: Any) -> Any:
    """Write settings as JSON with the secrets in them, for the pipe to our own child and nothing else."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {name: _revealed(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): _revealed(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_revealed(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)


def _child() -> int:
    """Run as the child of `serve`."""
    log_to_stderr()
    settings = Settings.model_validate_json(_first_line())
    try:
        asyncio.run(_work(settings, executor_id=None, with_parent=True))
    except SmartSpawnError as error:
        log.error("worker ended", code=error.code, why=error.message, hint=error.hint)
        return FAILED
    return 0


def log_to_stderr() -> None:
    """Log one event a line: to people on a terminal, else as JSON."""
    people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if people
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _first_line() -> bytes:
    """Read the settings without taking more from the pipe than their line."""
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(sys.stdin.fileno(), 65_536)
        if not part:
            break
        line += part
    return line


if __name__ == "__main__":
    sys.exit(_child())
