"""`serve`: claim the address, say what is served, run the workers, end in time."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Final

import structlog
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server.mp import MPServer
from starlette.types import ASGIApp, Receive, Scope, Send

from smart_spawn.api.address import addresses_of, is_wide
from smart_spawn.api.app import create_app
from smart_spawn.api.gate import MAX_IN_FLIGHT, InFlight
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import NoCatalog, SettingsError, SmartSpawnError
from smart_spawn.settings import Settings
from smart_spawn.store import open_store
from smart_spawn.surface.status import age_line
from smart_spawn.worker import WorkerKeeper

GRACE_S: Final = 0.8
"""How long answers under way may take when the service is told to stop."""
KILL_S: Final = 2
"""After this a worker that does not end is killed: with the grace it never happens unless it hangs."""
READY_S: Final = 30.0
FOLLOW_S: Final = 0.5
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable of the library that counts: it looks when it is imported, so it is set before the processes begin."""

Announce = Callable[[str], None]
_opened: dict[str, SmartSpawn] = {}
"""What was opened and closed again before the workers are forked: they inherit its catalogue."""


class AddressTaken(SmartSpawnError):
    """Somebody listens there already."""

    code = "ADDRESS_TAKEN"


class Claim:
    """An address that no other service of ours can take while we hold it.

    Workers share their port among themselves, and so would two services of one user, each getting half of the
    requests. A name in the system's socket table, gone with its process, keeps the second one out.
    """

    def __init__(self, host: str, port: int, *, has_keys: Callable[[], bool] = lambda: False) -> None:
        family, address = _guarded(host, has_keys)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise _not_bound(error, host, port) from None
            self.address = address
            self.port: int = probe.getsockname()[1]
            self._name = _claim_name(f"smart-spawn {address} {self.port}", host, self.port)

    @property
    def url(self) -> str:
        """The address as a link."""
        return f"http://{f'[{self.address}]' if ':' in self.address else self.address}:{self.port}"

    def release(self) -> None:
        """Let others have it."""
        if self._name is not None:
            self._name.close()


def _claim_name(name: str, host: str, port: int) -> socket.socket | None:
    """Bind a name without a file. Only Linux has these; elsewhere the port alone has to do."""
    if sys.platform != "linux":
        return None
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        holder.bind(f"\0{name}")
    except OSError as error:
        holder.close()
        raise _not_bound(error, host, port) from None
    return holder


def _guarded(host: str, has_keys: Callable[[], bool]) -> tuple[socket.AddressFamily, str]:
    """Resolve a host. Raises SettingsError for one that others can reach while no key exists to protect it."""
    addresses = addresses_of(host)
    if is_wide(host) and not has_keys():
        raise SettingsError(
            f"`host` is `{host}`, which other machines can reach, and no API key exists that could keep them out",
            hint="make a key first, `smart-spawn keys create NAME --scope route,execute`, or use 127.0.0.1",
            details={"key": "host"},
        )
    return min(addresses)  # IPv4 where a name has both


def _not_bound(error: OSError, host: str, port: int) -> SmartSpawnError:
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else 0
        return AddressTaken(
            f"port {port} on {host} is taken by another program",
            hint=f"stop that one, or choose another port: `smart-spawn serve --port {other}`",
            details={"host": host, "port": port},
        )
    if error.errno == errno.EACCES:
        return SettingsError(f"port {port} needs more rights than we have", hint="use a port from 1024 on")
    return SettingsError(f"cannot listen on {host}, port {port}: {error.strerror}", hint="use 127.0.0.1")


def serve(settings: Settings, *, announce: Announce | None = None) -> None:
    """Serve until a signal ends it. Raises SettingsError, AddressTaken, StoreError before anything is served.

    `announce` gets the lines for people; by default they go to standard error.
    """
    claim = Claim(settings.host, settings.port, has_keys=partial(_has_keys, settings))
    keeper = WorkerKeeper(settings)
    try:
        _share_metrics(settings)
        # what is wrong with home, database or catalogue is said here, once
        with SmartSpawn(settings, carries_out=False) as app:
            lines = _greeting(app, claim.url)
        _opened[settings.model_dump_json()] = app
        server = _server(settings, claim)
        server.when_ready = partial(_when_ready, claim, announce or _to_stderr, lines, keeper)
        server.serve(target_loader=partial(load_worker, settings), wrap_loader=False)
    finally:
        keeper.stop()
        _opened.clear()
        claim.release()
        if shared := os.environ.pop(METRICS_FOLDER, None):
            shutil.rmtree(shared, ignore_errors=True)


def _share_metrics(settings: Settings) -> None:
    """Have several processes add up what they count, in a folder that ends with the service."""
    os.environ.pop(METRICS_FOLDER, None)
    if settings.server.workers > 1:
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="smart-spawn-metrics-")


def _has_keys(settings: Settings) -> bool:
    """Look whether a key could keep others out. Asked only for a host that others can reach."""
    with open_store(settings) as store:
        return bool(store.keys.all(active_only=True))


def _greeting(app: SmartSpawn, url: str) -> list[str]:
    try:
        catalog = app.catalog
        known = f"{len(catalog)} models; data: {age_line(catalog, app.now().date())}"
    except NoCatalog as error:
        known = f"{error.message}; {error.hint}"
    return [
        f"Smart Spawn answers on {url}",
        known,
        f'try: curl "{url}/api/pick?task=Refactor+this+Python+function+to+use+asyncio&budget=low"',
        f"     all routes: {url}/docs · Ctrl-C stops it",
    ]


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201  # what people read while it starts


def _when_ready(claim: Claim, announce: Announce, lines: list[str], keeper: WorkerKeeper) -> None:
    """Wait until somebody listens, say so, and only then spend the machine's time on a worker for runs."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until:
        try:
            socket.create_connection((claim.address, claim.port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
            continue
        for line in lines:
            announce(line)
        break
    keeper.keep()


class _Server(MPServer):
    """Granian, telling when the first worker answers."""

    when_ready: Callable[[], None]

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        # Its own hook comes before the workers are forked, where a thread would do harm.
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]  # not annotated there
        threading.Thread(target=self.when_ready, daemon=True).start()


def _server(settings: Settings, claim: Claim) -> _Server:
    """Set Granian up with our limits, quiet unless something is wrong."""
    return _Server(
        target="smart_spawn.api.server:load_worker",
        address=claim.address,
        port=claim.port,
        interface=Interfaces.ASGI,
        runtime_mode=RuntimeModes.st,  # fewer threads at the interpreter's lock: a third less p99 at 64 connections
        workers=settings.server.workers,
        http=HTTPModes.http1,
        websockets=False,
        backpressure=MAX_IN_FLIGHT * 2,  # so that the gate refuses with words before connections wait
        log_level=LogLevels.error,
        log_dictconfig=_GRANIAN_LOG,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_S,
    )


_GRANIAN_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}
    },
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"_granian": {"level": "ERROR", "handlers": ["stderr"], "propagate": False}},
}


def load_worker(settings: Settings) -> ASGIApp:
    """Return what one worker process serves."""
    configure_log()
    in_flight = InFlight()
    served = _opened.get(settings.model_dump_json()) or SmartSpawn(settings, carries_out=False)
    service = Stoppable(create_app(served, in_flight=in_flight), in_flight)
    gc.collect()
    gc.freeze()  # the catalogue lives as long as the process: collecting garbage need not look at it
    return service


class Stoppable:
    """Sees to it that a stop does not wait for slow answers.

    Granian waits for every answer under way, however long. On the same signal we give them `GRACE_S` and end
    the rest.
    """

    def __init__(self, inner: ASGIApp, in_flight: InFlight) -> None:
        self._inner = inner
        self._in_flight = in_flight
        self._draining: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on; at the start, listen to the signals too."""
        if scope["type"] == "lifespan":
            self._listen(asyncio.get_running_loop())
            self._following = asyncio.create_task(_follow(os.getppid()))
        await self._inner(scope, receive, send)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        def heard(signum: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._drain, loop)

        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                # The event loop hears of signals through a file, and Granian through the loop; this one comes beside.
                signal.signal(number, heard)
                signal.siginterrupt(number, False)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._draining is None:
            self._draining = loop.create_task(self._in_flight.drain(GRACE_S))


async def _follow(parent: int) -> None:
    """End with the process that started us, also when it was killed: an orphan would keep the port."""
    while os.getppid() == parent:  # noqa: ASYNC110  # nobody tells of it
        await asyncio.sleep(FOLLOW_S)
    signal.raise_signal(signal.SIGTERM)


def configure_log() -> None:
    """Log to standard error: one JSON object a line, or lines for people on a terminal."""
    people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(_for_people() if people else _for_programs()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
        if people
        else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )


def _for_people() -> list[Any]:
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]


def _for_programs() -> list[Any]:
    import msgspec  # noqa: PLC0415  # beside its one use

    encoder = msgspec.json.Encoder(enc_hook=str)
    return [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=lambda event, **_: encoder.encode(event)),
    ]
