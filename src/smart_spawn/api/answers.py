"""Values → bytes on the wire: JSON answers and the one shape of every error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from smart_spawn.errors import SmartSpawnError, Unauthorized
from smart_spawn.surface.failures import error_json, http_status

STREAM_HEADERS: Mapping[str, str] = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}
JSON_HEADERS: Mapping[str, str] = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_ENCODER = msgspec.json.Encoder(enc_hook=str)


class Overload(SmartSpawnError):
    """More is being answered than this process can hold; later there is room again."""

    code = "OVERLOADED"


class Stopping(SmartSpawnError):
    """The service ends and cannot wait for this answer."""

    code = "STOPPING"


class DeadlinePassed(SmartSpawnError):
    """The answer took longer than a request may take."""

    code = "TIMEOUT"


class MethodNotAllowed(SmartSpawnError):
    """The path exists, with other methods."""

    code = "METHOD_NOT_ALLOWED"


OWN_STATUSES: Mapping[type[SmartSpawnError], int] = {
    MethodNotAllowed: 405,
    Overload: 503,
    Stopping: 503,
    DeadlinePassed: 504,
}
"""Errors that only HTTP knows; all others are in the table that every surface shares."""
RETRY_AFTER_S: Mapping[type[SmartSpawnError], int] = {Overload: 1, Stopping: 5}


def encode(value: Any) -> bytes:
    """Write a value as JSON. Decimals and the like become text."""
    return _ENCODER.encode(value)


def json_answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response."""
    return Response(
        encode(value),
        status_code=status,
        headers={**JSON_HEADERS, **(headers or {})},
        media_type="application/json",
    )


def status_of(error: SmartSpawnError) -> int:
    """Return the HTTP status of an error."""
    return OWN_STATUSES.get(type(error)) or http_status(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShape:
    """How a protocol writes errors."""

    body: Callable[[SmartSpawnError, int], Any]
    """Error and status → JSON."""
    status: Callable[[SmartSpawnError], int] = status_of


OWN_SHAPE = ErrorShape(body=lambda error, _: error_json(error))


def error_answer(
    error: SmartSpawnError, headers: Mapping[str, str] | None = None, *, shape: ErrorShape = OWN_SHAPE
) -> Response:
    """Return the response of an error, with `Retry-After` where waiting helps."""
    status = shape.status(error)
    wait = RETRY_AFTER_S.get(type(error), getattr(error, "retry_after_s", None))
    waiting = {} if wait is None else {"retry-after": str(max(1, round(wait)))}
    asking = {"www-authenticate": "Bearer"} if isinstance(error, Unauthorized) else {}
    return json_answer(shape.body(error, status), status, {**waiting, **asking, **(headers or {})})


def internal_error() -> SmartSpawnError:
    """Return what a caller learns of a fault of ours: that it was ours, and no more."""
    return SmartSpawnError(
        "the service failed to answer; the fault is ours",
        hint="the log of the service has the details; please report it",
    )
