"""What came in → plain values: JSON bodies and query parameters, bounded and checked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from smart_spawn.api.answers import DeadlinePassed
from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import CATEGORIES
from smart_spawn.routing.request import invalid

MAX_PARAMETERS = 200
MAX_DRAINED_BYTES = 8_000_000
"""A body that is declared longer by no more than this is taken off the line: who still sends sees no answer."""
LIST_PARAMETERS = frozenset({"exclude", "only", "models", "context", "require", "sources"})
"""Parameters that may be repeated and may hold several values separated by commas."""
CATEGORY_NAMES = frozenset(map(str, CATEGORIES))

Query = TypeVar("Query", bound=BaseModel)


async def read_object(request: Request, *, max_bytes: int) -> dict[str, Any]:
    """Read a JSON object of a bounded size, whatever its declared content type.

    An absent body is an empty object. Raises TooLarge, also while a chunked body still arrives, and
    InvalidRequest with the position of the fault.
    """
    body = await read_bytes(request, max_bytes)
    if not body.strip():
        return {}
    value = parse_json(body)
    if not isinstance(value, dict):
        raise _bad_body(f"the body is a JSON {_kind(value)}", hint="send a JSON object")
    return value


async def read_in_time(request: Request, *, max_bytes: int, timeout_s: float) -> dict[str, Any]:
    """Read as `read_object`, for routes that have no deadline else. Raises DeadlinePassed too."""
    async with arriving_within(timeout_s):
        return await read_object(request, max_bytes=max_bytes)


def parse_json(body: bytes) -> Any:
    """Read JSON strictly: no NaN, no lone surrogates, no bottomless nesting. Raises InvalidRequest."""
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise _bad_body("the body is nested too deeply", hint="send a flat JSON object") from None
    except UnicodeDecodeError as error:
        raise _bad_body(f"the body is not UTF-8 (byte {error.start})", hint="send JSON in UTF-8") from None
    except msgspec.DecodeError as error:
        raise _bad_body(
            f"the body is not valid JSON: {_fault(str(error))}", hint="send a JSON object in UTF-8"
        ) from None


def _fault(text: str) -> str:
    """Say what the decoder found wrong, without its own preamble."""
    found = text.removeprefix("JSON is malformed: ")
    return "it ends too early" if found == "Input data was truncated" else found


async def read_bytes(request: Request, max_bytes: int) -> bytes:
    """Read a body of a bounded size. Raises TooLarge, also while a chunked body still arrives, InvalidRequest."""
    declared = int(text) if (text := request.headers.get("content-length", "")).isdigit() else 0
    if declared > max_bytes + MAX_DRAINED_BYTES:
        raise _too_large(max_bytes)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > max(declared, max_bytes):
                raise _too_large(max_bytes)
            if declared <= max_bytes:
                parts.append(part)
    except ClientDisconnect:
        raise _bad_body("the body ends before its declared length", hint="send all of it") from None
    if declared > max_bytes:
        raise _too_large(max_bytes)
    return b"".join(parts)


@asynccontextmanager
async def arriving_within(timeout_s: float) -> AsyncIterator[None]:
    """Bound how long a body may take on a path without a deadline. Raises DeadlinePassed."""
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError:
        raise DeadlinePassed(
            f"the body did not arrive within {timeout_s:g} s", hint="send it faster"
        ) from None


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"the body is longer than {max_bytes:,} bytes",
        hint="send less, or raise `server.max_body_bytes` in the settings",
        details={"maxBytes": max_bytes},
    )


def _bad_body(message: str, *, hint: str) -> InvalidRequest:
    return InvalidRequest(message, hint=hint, code="INVALID_BODY")


def _kind(value: Any) -> str:
    return {list: "array", str: "string", bool: "boolean", type(None): "null"}.get(type(value), "number")


def read_query(raw: bytes, lists: Collection[str] = LIST_PARAMETERS) -> dict[str, Any]:
    """Read query parameters: lists may repeat or use commas, others come once, and empty ones do not count.

    Raises InvalidRequest.
    """
    try:
        pairs = parse_qsl(
            raw.decode("ascii", "strict"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except UnicodeError:
        raise InvalidRequest("the query is not UTF-8", hint="percent-encode it as UTF-8") from None
    except ValueError:
        raise InvalidRequest(
            f"the query has more than {MAX_PARAMETERS} parameters", hint="use POST with a JSON body"
        ) from None
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in lists:
            found = [part for part in map(str.strip, value.split(",")) if part]
            values[name] = [*values.get(name, ()), *found]
        elif name in values:
            raise InvalidRequest(f"`{name}` is given twice", hint="give it once", details={"field": name})
        elif value:
            values[name] = value
    return values


def checked_query(raw: bytes, kind: type[Query]) -> Query:
    """Read query parameters into a model. Raises InvalidRequest, naming the parameter."""
    try:
        return kind.model_validate(read_query(raw))
    except ValidationError as error:
        raise invalid(error, kind) from None


def checked_body(values: Mapping[str, Any], kind: type[Query]) -> Query:
    """Check a JSON body against its shape. Raises InvalidRequest, naming the field."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise invalid(error, kind) from None


def category_as_task(values: Mapping[str, Any]) -> dict[str, Any]:
    """Let a task that is the name of a category stand for that category, unless one is named beside it."""
    task = values.get("task")
    name = task.strip().lower() if isinstance(task, str) and len(task) < 40 else ""
    if name in CATEGORY_NAMES and values.get("category") is None:
        return {**values, "task": "", "category": name}
    return dict(values)
