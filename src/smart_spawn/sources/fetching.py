"""Fetch all sources at once, each within its own time, and say what happened to each in words."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import httpx

from smart_spawn.errors import SourceError, SourceUnavailable
from smart_spawn.sources.base import Payload, Source
from smart_spawn.sources.cadence import LastCheck, is_due
from smart_spawn.sources.transport import Transport, open_client

FetchStatus = Literal["ok", "unchanged", "error", "off", "not_due"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFetch:
    """What became of one source in one refresh."""

    source: str
    status: FetchStatus
    payloads: tuple[Payload, ...] = ()
    """All documents of the source, whole: new ones, and the held ones that are still the same."""
    error: SourceError | None = None
    notices: Mapping[str, str] = field(default_factory=dict)
    """`deprecation`, `sunset` and `link` headers of any of its answers."""
    checked_at: datetime
    requests: int = 0
    took_s: float = 0.0
    retry_after_s: float | None = None
    """How long the source asked to be left alone."""

    @property
    def not_before(self) -> datetime | None:
        """The moment until which the source asked to be left alone."""
        return None if self.retry_after_s is None else self.checked_at + timedelta(seconds=self.retry_after_s)

    @property
    def last_check(self) -> LastCheck:
        """What `cadence` needs to know of this attempt."""
        return LastCheck(
            checked_at=self.checked_at, ok=self.status in ("ok", "unchanged"), not_before=self.not_before
        )


async def fetch_all(
    sources: Sequence[Source],
    held: Mapping[str, Sequence[Payload]],
    *,
    now: datetime,
    progress: Callable[[SourceFetch], None] | None = None,
    force: Collection[str] = frozenset(),
    checks: Mapping[str, LastCheck] | None = None,
    off: Collection[str] = (),
    client: httpx.AsyncClient | None = None,
) -> tuple[SourceFetch, ...]:
    """Fetch the sources concurrently; the result has one entry per source, in their order, then the `off` ones.

    Nothing is raised for a source that fails: its entry carries the error. `held` are the payloads of before,
    asked about conditionally. `checks` are the last attempts: a source that is not due is not asked, unless it
    is in `force`; without `checks` all are asked. `progress` is called as each one ends.
    """
    async with AsyncExitStack() as stack:
        shared = client if client is not None else await stack.enter_async_context(open_client())

        async def one(source: Source) -> SourceFetch:
            last = (checks or {}).get(source.name)
            if not is_due(source.refresh_hours, last, now=now, forced=source.name in force):
                fetch = SourceFetch(source=source.name, status="not_due", checked_at=now)
            else:
                fetch = await _fetch(source, tuple(held.get(source.name, ())), shared, now)
            if progress is not None:
                progress(fetch)
            return fetch

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(source), name=f"fetch {source.name}") for source in sources]
    done = [task.result() for task in tasks]
    return (*done, *(SourceFetch(source=name, status="off", checked_at=now) for name in off))


async def _fetch(
    source: Source, held: tuple[Payload, ...], client: httpx.AsyncClient, now: datetime
) -> SourceFetch:
    """Fetch one source within its time-out. Never raises for what the source does."""
    http = Transport(client, source=source.name, held=held, now=now, timeout_s=source.timeout_s)
    began = time.monotonic()
    payloads: tuple[Payload, ...] = ()
    error: SourceError | None = None
    try:
        async with asyncio.timeout(source.timeout_s):
            payloads = tuple(await source.fetch(http))
    except TimeoutError:
        error = SourceUnavailable(
            f"`{source.name}` did not answer within {source.timeout_s:g} s",
            source=source.name,
            hint=f"the data held before stays in use; `sources.{source.name}.timeout_s` gives it longer",
        )
    except SourceError as failure:
        error = failure
    except Exception as failure:  # a defect of one adapter must not stop the other sources
        error = SourceError(
            f"`{source.name}` could not be fetched: {type(failure).__name__}: {failure}"[:500],
            source=source.name,
        )
    known = {payload.part: payload.sha256 for payload in held}
    same = bool(payloads) and {payload.part: payload.sha256 for payload in payloads} == known
    asked = error.retry_after_s if isinstance(error, SourceUnavailable) else None
    return SourceFetch(
        source=source.name,
        status="error" if error else "unchanged" if same else "ok",
        payloads=() if error else payloads,
        error=error,
        notices=http.notices,
        checked_at=now,
        requests=http.requests,
        took_s=time.monotonic() - began,
        retry_after_s=asked if asked is not None else http.rest_s,
    )
