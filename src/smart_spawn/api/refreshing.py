"""Keeping the catalogue current: a refresh runs in a process of its own, when it is due or asked for.

There it cannot slow the answers down, and a crash in it is harmless. The store's lease sees to it that only one runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio.to_thread
import msgspec
import structlog
from pydantic import SecretStr

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import StoreError
from smart_spawn.refresh import due
from smart_spawn.settings import Settings
from smart_spawn.sources import ADAPTERS, is_enabled

LOOK_S: Final = 1.0
"""How often a process looks for keys, catalogues and votes that another one stored: a small query each."""
SCHEDULE_S: Final = 60.0
"""How often it is asked what is due."""
FIRST_SCHEDULE_S: Final = 1.0
"""The first answers come before the first refresh."""
END_S: Final = 0.5
"""How long a refresh may take to end when the service stops. It is safe to end it anywhere."""
MAX_REPORT_BYTES: Final = 1 << 20

log = structlog.get_logger("smart_spawn.refresh")


class Refresher:
    """The refreshes that this process starts, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._job: asyncio.Task[None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The sources that are on."""
        return tuple(name for name in ADAPTERS if is_enabled(self._settings, name))

    async def start(self, names: Sequence[str] = (), *, if_due: bool) -> bool:
        """Start a refresh in the background; False when one is running already."""
        if self._job is not None and not self._job.done():
            return False
        self._job = asyncio.create_task(self._run(tuple(names), if_due))
        return True

    async def stop(self) -> None:
        """End a running refresh. What it had not finished is as if it had never begun."""
        if self._job is not None:
            self._job.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._job

    async def _run(self, names: Sequence[str], if_due: bool) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "smart_spawn.api.refresh_job",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_REPORT_BYTES,
            start_new_session=True,  # Ctrl-C in a terminal reaches us, and we end it
        )
        try:
            assert process.stdin is not None  # noqa: S101  # both are pipes
            assert process.stdout is not None  # noqa: S101
            process.stdin.write(order(self._settings, names, if_due=if_due) + b"\n")
            answer = await process.stdout.readline()  # standard input stays open: its end would end the job
            await process.wait()
            _report(answer, process.returncode)
        except (OSError, ValueError) as error:
            log.warning("refresh failed", error=type(error).__name__)
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def order(settings: Settings, names: Sequence[str], *, if_due: bool) -> bytes:
    """Write what a refresh process is to do, settings with their secrets included: it goes through a pipe."""
    return msgspec.json.encode(
        {"settings": settings.model_dump(), "sources": list(names), "ifDue": if_due}, enc_hook=_plain
    )


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _report(answer: bytes, code: int | None) -> None:
    """Log one line about a finished refresh."""
    if not answer:
        log.warning("refresh ended without a report", exit_code=code)
        return
    report = msgspec.json.decode(answer)
    if "error" in report:
        log.warning("refresh failed", **{k: report["error"][k] for k in ("code", "message", "hint")})
        return
    log.info(
        "refreshed",
        version=report["version"],
        changed=report["changed"],
        seconds=report["tookS"],
        sources={name: row["status"] for name, row in report["sources"].items()},
        failed=report["failed"],
    )


@asynccontextmanager
async def keeping_current(app: SmartSpawn, refresher: Refresher) -> AsyncIterator[None]:
    """Refresh what is due and take up newer catalogues, for as long as the block lasts."""
    tasks = [asyncio.create_task(_look(app))]
    if app.settings.server.refresh:
        tasks.append(asyncio.create_task(_schedule(app, refresher)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, refresher.stop(), return_exceptions=True)


async def _look(app: SmartSpawn) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            await anyio.to_thread.run_sync(app.keys.check_for_newer)
            if await anyio.to_thread.run_sync(app.check_for_newer_catalog):
                log.info("catalogue changed", version=app.catalog.version)
            await anyio.to_thread.run_sync(app.check_for_newer_votes)
        except StoreError as error:
            log.warning("cannot look for a newer catalogue", code=error.code, message=error.message)


async def _schedule(app: SmartSpawn, refresher: Refresher) -> None:
    """Start what is due, if no other process of this home does."""
    turn = Turn(app.settings.home_path / "scheduler.lock")
    await asyncio.sleep(FIRST_SCHEDULE_S)
    try:
        while True:
            if turn.mine() and await _is_due(app):
                await refresher.start(if_due=True)
            await asyncio.sleep(SCHEDULE_S)
    finally:
        turn.give_up()


async def _is_due(app: SmartSpawn) -> bool:
    def look() -> bool:
        return bool(due(app.settings, app.store.statuses.all(), app.now()))

    try:
        return await anyio.to_thread.run_sync(look)
    except StoreError as error:
        log.warning("cannot tell what is due", code=error.code, message=error.message)
        return False


class Turn:
    """Whose turn it is to watch the clock: a lock on a file, which the system takes back when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Any = None

    def mine(self) -> bool:
        """Take the turn if nobody has it. Where there is no file to lock, everybody has it: the lease decides."""
        if self._file is not None:
            return True
        try:
            file = self._path.open("ab")
        except OSError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        return True

    def give_up(self) -> None:
        """Let another process have it."""
        if self._file is not None:
            self._file.close()
            self._file = None
