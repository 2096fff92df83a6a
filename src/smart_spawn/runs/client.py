"""Submitting and watching runs from any process: the part of every engine that carries nothing out."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from smart_spawn.errors import InvalidRequest, StoreError, TooLarge
from smart_spawn.runs.engine import (
    ENDED,
    MAX_DEPTH,
    MAX_REQUEST_BYTES,
    Artifact,
    Event,
    Run,
    RunLine,
    RunSpec,
    RunStatus,
    Step,
)
from smart_spawn.runs.journal import NewRun, RunReader
from smart_spawn.runs.lane import Lane
from smart_spawn.spawn.money import MICRO

FIRST_POLL_S = 0.01
LONGEST_POLL_S = 0.25
OUTAGE_S = 30.0
"""How long whoever waits for a run sits out a database that does not answer: the run goes on, and is paid."""
MAX_KEY_CHARS = 255


def new_run_id(at: datetime) -> str:
    """Return an id that sorts by time and cannot be guessed."""
    return f"run_{int(at.timestamp() * 1_000_000):014x}{secrets.token_hex(5)}"


class RunClient:
    """Implements `Engine` for processes that only submit and watch; somebody else must carry the runs out."""

    _keeps = False
    """Whether the runs submitted here are carried out here, and shown to nobody else as long as we live."""

    def __init__(
        self, runs: RunReader, lane: Lane, *, modes: Sequence[str], clock: Callable[[], datetime]
    ) -> None:
        self._runs = runs
        self._lane = lane
        self._mode_names = frozenset(modes)
        self._clock = clock

    async def close(self) -> None:
        """Give up what it holds. Runs go on where they are carried out."""
        await asyncio.to_thread(self._lane.close)

    async def submit(self, spec: RunSpec, *, idempotency_key: str | None = None) -> str:
        """See `Engine.submit`."""
        return await self._lane.run(self._runs.submit, self._new(spec, idempotency_key))

    async def status(self, run_id: str) -> Run:
        """See `Engine.status`."""
        return await self._lane.run(self._runs.run, run_id)

    async def has_ended(self, run_id: str) -> bool:
        """See `Engine.has_ended`."""
        return await self._lane.run(self._runs.status, run_id) in ENDED

    async def wait(self, run_id: str, timeout_s: float | None = None) -> Run:
        """See `Engine.wait`."""
        loop = asyncio.get_running_loop()
        until = None if timeout_s is None else loop.time() + timeout_s
        pause_s, heard_s = FIRST_POLL_S, loop.time()
        while True:
            try:
                if await self.has_ended(run_id):
                    break
                heard_s = loop.time()
            except StoreError as error:
                if not self._lane.temporary(error) or loop.time() - heard_s > OUTAGE_S:
                    raise
            left_s = LONGEST_POLL_S if until is None else until - loop.time()
            if left_s <= 0:
                break
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 1.5, LONGEST_POLL_S)
        return await self.status(run_id)

    async def cancel(self, run_id: str) -> Run:
        """See `Engine.cancel`."""
        await self._lane.run(self._runs.cancel, run_id)
        return await self.status(run_id)

    async def events(
        self, run_id: str, *, after: int = 0, limit: int = 500, name: str | None = None
    ) -> Sequence[Event]:
        """See `Engine.events`."""
        return await self._lane.run(self._runs.events, run_id, after=after, limit=limit, name=name)

    async def list(
        self,
        *,
        status: RunStatus | None = None,
        limit: int = 50,
        before: str | None = None,
        key: str | None = None,
    ) -> Sequence[RunLine]:
        """See `Engine.list`."""
        return await self._lane.run(self._runs.lines, status=status, limit=limit, before=before, key=key)

    async def steps(self, run_id: str) -> Sequence[Step]:
        """See `Engine.steps`."""
        return await self._lane.run(self._runs.steps, run_id)

    async def artifacts(self, run_id: str) -> Sequence[Artifact]:
        """See `Engine.artifacts`."""
        return await self._lane.run(self._runs.artifacts, run_id)

    async def artifact(self, run_id: str, step: str) -> Artifact:
        """See `Engine.artifact`."""
        return (await self._lane.run(self._runs.artifacts, run_id, step))[0]

    def _new(self, spec: RunSpec, idempotency_key: str | None) -> NewRun:
        """Check a specification and write it as it is stored. Raises InvalidRequest, TooLarge."""
        if spec.mode not in self._mode_names:
            known = ", ".join(f"`{name}`" for name in sorted(self._mode_names)) or "none"
            raise InvalidRequest(f"there is no mode `{spec.mode[:40]}`", hint=f"known: {known}")
        if not 0 < spec.timeout_s <= 7 * 86_400:
            raise InvalidRequest(f"a run of {spec.timeout_s:g} s makes no sense", hint="use up to 604,800 s")
        if idempotency_key is not None and not 0 < len(idempotency_key) <= MAX_KEY_CHARS:
            raise InvalidRequest(
                f"the idempotency key is {len(idempotency_key):,} characters",
                hint=f"use 1 to {MAX_KEY_CHARS} characters, such as a UUID",
            )
        request = msgspec.json.encode(spec.request, order="sorted")
        if len(request) > MAX_REQUEST_BYTES:
            raise TooLarge(
                f"the request is {len(request):,} bytes; the limit is {MAX_REQUEST_BYTES:,}",
                hint="shorten the task or its steps",
            )
        owner = None if spec.key_cap is None else spec.key_cap.key
        created_at = self._clock()
        return NewRun(
            id=new_run_id(created_at),
            mode=spec.mode,
            request=request,
            fingerprint=_fingerprint(spec, request),
            handed_out=self._keeps,
            created_at=created_at,
            deadline_at=created_at + timedelta(seconds=spec.timeout_s),
            cap_micro_usd=_micro(spec.cap_usd),
            allow_unknown_price=spec.allow_unknown_price,
            key=owner,
            key_cap_micro_usd=None if spec.key_cap is None else _micro(spec.key_cap.cap_usd),
            parent=spec.parent,
            # One caller's key says nothing about another's, so they cannot meet.
            idempotency_key=None if idempotency_key is None else f"{owner or ''}/{idempotency_key}",
            max_depth=MAX_DEPTH,
        )


def _micro(cap_usd: Decimal | None) -> int | None:
    """Return a cap in micro-USD, rounded down: a cap is never more than what was said."""
    return None if cap_usd is None else int(cap_usd * MICRO)


def _fingerprint(spec: RunSpec, request: bytes) -> str:
    asked = request if spec.asked is None else msgspec.json.encode(spec.asked, order="sorted")
    rest = (spec.mode, str(spec.cap_usd), spec.timeout_s, spec.parent, spec.allow_unknown_price)
    return hashlib.sha256(msgspec.json.encode(rest) + asked).hexdigest()
