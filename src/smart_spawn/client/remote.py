"""A Smart Spawn service somewhere else."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncGenerator, Sequence
from urllib.parse import quote

from smart_spawn.client.door import Json, Values
from smart_spawn.client.failures import error_of
from smart_spawn.client.wire import Wire
from smart_spawn.errors import SmartSpawnError

CANCEL_S = 5.0
"""How long a waiter that was cancelled tries to stop its run."""


class Remote:
    """Implements `Door` over HTTP."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def open(self) -> None:
        """Do nothing: the first request connects."""

    async def close(self) -> None:
        """See `Door.close`."""
        await self._wire.close()

    async def route(self, values: Values) -> Json:
        """See `Door.route`."""
        return await self._wire.json("POST", "/route", body=values)

    async def recommend(self, values: Values) -> Json:
        """See `Door.recommend`."""
        return await self._wire.json("POST", "/recommend", body=values)

    async def decision(self, decision_id: str) -> Json:
        """See `Door.decision`."""
        return await self._wire.json("GET", f"/decisions/{_part(decision_id)}")

    async def explain(self, decision_id: str) -> str:
        """See `Door.explain`."""
        return await self._wire.text(f"/decisions/{_part(decision_id)}/explain")

    async def replay(self, decision_id: str) -> Json:
        """See `Door.replay`."""
        return await self._wire.json("POST", f"/decisions/{_part(decision_id)}/replay")

    async def models(self, query: Values) -> Json:
        """See `Door.models`."""
        return await self._wire.json("GET", "/models", query=query)

    async def model(self, model_id: str) -> Json:
        """See `Door.model`."""
        return await self._wire.json("GET", f"/models/{_path(model_id)}")

    async def compare(self, model_ids: Sequence[str]) -> Json:
        """See `Door.compare`."""
        return await self._wire.json("GET", "/compare", query={"models": ",".join(model_ids)})

    async def status(self) -> Json:
        """See `Door.status`."""
        return await self._wire.json("GET", "/status")

    async def decompose(self, values: Values) -> Json:
        """See `Door.decompose`."""
        return await self._wire.json("POST", "/decompose", body=values)

    async def swarm(self, values: Values) -> Json:
        """See `Door.swarm`."""
        return await self._wire.json("POST", "/swarm", body=values)

    async def dry_run(self, values: Values) -> Json:
        """See `Door.dry_run`."""
        return await self._wire.json("POST", "/spawn", body={**values, "dry_run": True})

    async def role_blocks(self) -> Json:
        """See `Door.role_blocks`."""
        return await self._wire.json("GET", "/roles/blocks")

    async def compose_role(self, values: Values) -> Json:
        """See `Door.compose_role`."""
        return await self._wire.json("POST", "/roles/compose", body=values)

    async def submit(self, values: Values, idempotency_key: str | None) -> Json:
        """See `Door.submit`. However often it is sent, it is one run."""
        once = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        return await self._wire.json("POST", "/spawn", body={**values, "wait": False}, headers=once)

    async def ended(self, run_id: str) -> Json:
        """See `Door.ended`. Watching shows that both ends live, where one long answer would be cut by proxies."""
        try:
            async with contextlib.aclosing(self.events(run_id, 0)) as events:
                async for _ in events:
                    pass
        except asyncio.CancelledError:
            with contextlib.suppress(SmartSpawnError, TimeoutError):
                async with asyncio.timeout(CANCEL_S):
                    await self.cancel(run_id)
            raise
        run = await self.run(run_id)
        if run.get("error"):
            raise error_of(run["error"], runId=run_id)
        return run

    async def run(self, run_id: str) -> Json:
        """See `Door.run`."""
        return await self._wire.json("GET", f"/runs/{_part(run_id)}")

    async def runs(self, query: Values) -> Json:
        """See `Door.runs`."""
        return await self._wire.json("GET", "/runs", query=query)

    def events(self, run_id: str, after: int) -> AsyncGenerator[Json, None]:
        """See `Door.events`."""
        return self._wire.events(f"/runs/{_part(run_id)}/events", after=after)

    async def artifact(self, run_id: str, step: str) -> Json:
        """See `Door.artifact`."""
        return await self._wire.json("GET", f"/runs/{_part(run_id)}/artifacts/{_path(step)}")

    async def cancel(self, run_id: str) -> Json:
        """See `Door.cancel`."""
        return await self._wire.json("POST", f"/runs/{_part(run_id)}/cancel")

    async def rate(self, values: Values) -> Json:
        """See `Door.rate`. Sent twice it is one vote: the second replaces the first."""
        return await self._wire.json("POST", "/feedback", body=values)


def _part(text: str) -> str:
    """Spell an id as one part of a path. An empty one would be another route, and so would dots alone."""
    return quote(text, safe="") if text.strip(".") else text.replace(".", "%2E") or "%20"


def _path(text: str) -> str:
    """Spell an id that may hold slashes."""
    return "/".join(_part(part) for part in text.split("/"))
