"""What every request passes first and last: who may ask, how much at once, how long, and one line of log.

A plain ASGI callable, so that the hot route pays for nothing else.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from smart_spawn.api.answers import (
    DeadlinePassed,
    Overload,
    Stopping,
    error_answer,
    internal_error,
)
from smart_spawn.api.error_shapes import error_shape
from smart_spawn.errors import Forbidden, NotFound, SmartSpawnError

MAX_IN_FLIGHT: Final = 512
"""Requests that are answered at the same time. Further ones are told to come back; it bounds memory."""
DECISION_ID: Final = "smart_spawn.decision_id"
"""The key of the scope under which a handler leaves the id of its decision, for the log."""
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Hot = Callable[[Scope], tuple[int, bytes]]
"""Answers without waiting for anything: status and JSON."""

log = structlog.get_logger("smart_spawn.api")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request, and all of them together, may take."""

    allowed_hosts: Sequence[str]
    """Names that a `Host` header may carry, without port. `*` allows all."""
    timeout_s: float
    patient: re.Pattern[str] = re.compile("(?!)")
    """Paths whose handlers hold a deadline of their own."""
    max_in_flight: int = MAX_IN_FLIGHT


class InFlight:
    """The requests that are being answered by one process."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping = False

    async def drain(self, grace_s: float) -> None:
        """Let what is being answered finish within the grace, then end the rest with an error."""
        self.stopping = True
        waiting = self.tasks - {asyncio.current_task()}
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=grace_s)
            for task in late:
                task.cancel()


class Exchange:
    """One request on its way: remembers what was answered, and drops the body that HEAD does not get."""

    __slots__ = ("_head", "_send", "status")

    def __init__(self, send: Send, *, head: bool) -> None:
        self._send = send
        self._head = head
        self.status = 0

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self._head:
            message = {**message, "body": b""}
        await self._send(message)


class Gate:
    """The outermost callable of the service."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        hot: Mapping[str, Hot],
        in_flight: InFlight,
        authenticate: Callable[[Scope], None] | None = None,
        answered: Callable[[str, str, int, float], None] | None = None,
    ) -> None:
        self._inner = app
        self._authenticate = authenticate
        self._answered = answered
        self._limits = limits
        self._hosts = frozenset(host.lower() for host in limits.allowed_hosts)
        self._hot = hot
        self._in_flight = in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        method = scope["method"]
        scope = _normalised(scope)
        exchange = Exchange(send, head=method == "HEAD")
        await self._answer(scope, receive, exchange)
        took_s = time.perf_counter() - started
        if self._answered is not None:
            self._answered(_known_method(method), self._route_of(scope), exchange.status, took_s)
        log.info(
            "request",
            method=method,
            path=_loggable(scope["path"]),
            status=exchange.status,
            ms=round(took_s * 1000, 2),
            **({"decision": scope[DECISION_ID]} if DECISION_ID in scope else {}),
        )

    async def _answer(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        task: asyncio.Task[None] = asyncio.current_task()  # type: ignore[assignment]  # there always is one here
        try:
            self._admit(scope)
            if self._authenticate is not None:
                self._authenticate(scope)
            self._in_flight.tasks.add(task)
            hot = self._hot.get(scope["path"]) if scope["method"] == "GET" else None
            if hot is not None:
                await _send_json(exchange, *hot(scope))
            else:
                await self._within_deadline(scope, receive, exchange)
        except SmartSpawnError as error:
            await self._fail(error, scope, receive, exchange)
        except asyncio.CancelledError:
            if not self._in_flight.stopping:
                raise
            task.uncancel()
            stopping = Stopping("the service is stopping", hint="ask again when it is back")
            await self._fail(stopping, scope, receive, exchange)
        except Exception:
            log.exception("request failed", path=_loggable(scope["path"]))
            await self._fail(internal_error(), scope, receive, exchange)
        finally:
            self._in_flight.tasks.discard(task)

    def _route_of(self, scope: Scope) -> str:
        """Name the route that answered, as the document does; whatever is none of ours has one name."""
        if scope["path"] in self._hot:
            return "/pick"
        path: str = getattr(scope.get("route") or scope.get("endpoint"), "path_format", "other")
        return path.removeprefix("/api")

    async def _within_deadline(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        patient = self._limits.patient.fullmatch(scope["path"]) is not None
        try:
            async with asyncio.timeout(None if patient else self._limits.timeout_s) as deadline:
                await self._inner(scope, receive, exchange.send)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise DeadlinePassed(
                f"no answer within {self._limits.timeout_s:g} s",
                hint="ask for less at once, or raise `server.request_timeout_s` in the settings",
            ) from None

    async def _fail(self, error: SmartSpawnError, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        """Answer with an error, unless the answer has begun: then it can only break off."""
        if exchange.status == 0:
            response = error_answer(error, shape=error_shape(scope["path"]))
            await response(scope, receive, exchange.send)

    def _admit(self, scope: Scope) -> None:
        """Refuse what comes from elsewhere, leads nowhere or is too much at once.

        Raises Forbidden, NotFound, Overload.
        """
        host = origin = None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value.decode("latin-1")
            elif name == b"origin":
                origin = value.decode("latin-1")
        if host is not None and self._hosts.isdisjoint((_bare_host(host), "*")):
            raise Forbidden(
                f"the host name `{host[:100]}` is not one of this service",
                hint="use localhost, or add the name to `server.allowed_hosts` in the settings",
            )
        if origin is not None and scope["method"] not in SAFE_METHODS and not _same_origin(origin, host):
            raise Forbidden(
                f"web pages of `{origin[:100]}` may not send this request",
                hint="send it from a program, or from a page of this service",
            )
        if "\0" in scope["path"]:  # in no id that we give, and not every database takes it for a text
            raise NotFound(
                "no path holds a NUL character", hint="the routes are listed at /openapi.json and /docs"
            )
        if len(self._in_flight.tasks) >= self._limits.max_in_flight:
            raise Overload(
                f"{len(self._in_flight.tasks)} requests are being answered already",
                hint="ask again in a moment, or raise `server.workers` in the settings",
            )


def _normalised(scope: Scope) -> Scope:
    """Drop the slash at the end of a path, which means nothing here, and let HEAD go where GET goes."""
    path, method = scope["path"], scope["method"]
    if method != "HEAD" and (path == "/" or not path.endswith("/")):
        return scope
    return {**scope, "path": path.rstrip("/") or "/", "method": "GET" if method == "HEAD" else method}


def _known_method(method: str) -> str:
    """Return a method that we know; clients may send any word."""
    return method if method in METHODS else "other"


def _loggable(path: str) -> str:
    """Cut a path to a length and to characters that a log can hold."""
    shown = path if len(path) <= 200 else path[:199] + "…"
    return shown if shown.isprintable() else ascii(shown)


def _bare_host(host: str) -> str:
    """Drop the port of a `Host` header."""
    if host.startswith("["):
        return host.partition("]")[0].lower() + "]"
    return host.partition(":")[0].lower().rstrip(".")


def _same_origin(origin: str, host: str | None) -> bool:
    try:
        return host is not None and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


async def _send_json(exchange: Exchange, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await exchange.send({"type": "http.response.start", "status": status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body})
