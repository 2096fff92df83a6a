"""The Smart Spawn of this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Any

import anyio.to_thread

from smart_spawn.app import SmartSpawn
from smart_spawn.client.door import Json, Values
from smart_spawn.errors import InvalidRequest
from smart_spawn.model import CATEGORIES, Category
from smart_spawn.routing.request import RouteRequest
from smart_spawn.runs.engine import ENDED
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.spawn.roles import ComposeRequest
from smart_spawn.spawn.steps import PlanningRequest
from smart_spawn.surface.decisions import decision_json, explain_text, recommend_json, replay_json
from smart_spawn.surface.feedback import feedback_json
from smart_spawn.surface.models import compare_json, model_json, models_json
from smart_spawn.surface.plans import decompose_json, dry_run_json, swarm_json
from smart_spawn.surface.roles import blocks_json, composed_json
from smart_spawn.surface.runs import accepted_json, artifact_json, event_json, run_json, runs_json
from smart_spawn.surface.spawning import spawn_json
from smart_spawn.surface.status import status_json

TIERS = ("premium", "standard", "budget")
STATES = ("queued", "running", *sorted(ENDED))


class Local:
    """Implements `Door` without a network: what a route of the API would do, done here."""

    def __init__(self, app: SmartSpawn) -> None:
        self.app = app

    async def open(self) -> None:
        """See `Door.open`. Raises StoreError."""
        await self.app.__aenter__()

    async def close(self) -> None:
        """See `Door.close`."""
        await self.app.aclose()

    async def route(self, values: Values) -> Json:
        """See `Door.route`."""
        catalog, decision = self.app.catalog, self.app.decide(self._routing(values))
        return decision_json(decision, catalog, self.app.policy)

    async def recommend(self, values: Values) -> Json:
        """See `Door.recommend`."""
        request = self._routing(values)
        raw = request.task or str(request.category or "")
        return recommend_json(self.app.recommend(request), self.app.catalog, task_raw=raw)

    def _routing(self, values: Values) -> RouteRequest:
        return RouteRequest.of(self.app.defaults(RouteRequest, dict(values)))

    async def decision(self, decision_id: str) -> Json:
        """See `Door.decision`."""
        decision, catalog = await anyio.to_thread.run_sync(self.app.decision, decision_id)
        return decision_json(decision, catalog, self.app.policy)

    async def explain(self, decision_id: str) -> str:
        """See `Door.explain`."""
        decision, catalog = await anyio.to_thread.run_sync(self.app.decision, decision_id)
        return explain_text(decision, catalog, self.app.policy)

    async def replay(self, decision_id: str) -> Json:
        """See `Door.replay`."""
        return replay_json(await anyio.to_thread.run_sync(self.app.replay, decision_id), self.app.policy)

    async def models(self, query: Values) -> Json:
        """See `Door.models`."""
        asked: dict[str, Any] = {**query, "limit": _within("limit", query.get("limit", 100), 500)}
        if "category" in asked:
            asked["category"] = Category(_one_of("category", asked["category"], CATEGORIES))
        if "tier" in asked:
            _one_of("tier", asked["tier"], TIERS)
        catalog = self.app.catalog
        rows = partial(models_json, catalog, last_refresh=catalog.facts.as_of.isoformat(), **asked)
        return await anyio.to_thread.run_sync(rows)

    async def model(self, model_id: str) -> Json:
        """See `Door.model`."""
        return {"data": model_json(self.app.catalog, model_id)}

    async def compare(self, model_ids: Sequence[str]) -> Json:
        """See `Door.compare`."""
        return compare_json(self.app.catalog, model_ids)

    async def status(self) -> Json:
        """See `Door.status`."""
        return await anyio.to_thread.run_sync(status_json, self.app)

    async def decompose(self, values: Values) -> Json:
        """See `Door.decompose`."""
        return decompose_json(self._planning(values), self.app.preview, self.app.catalog)

    async def swarm(self, values: Values) -> Json:
        """See `Door.swarm`."""
        app = self.app
        return swarm_json(self._planning(values), app.preview, app.catalog, app.policy, at=app.now())

    def _planning(self, values: Values) -> PlanningRequest:
        return PlanningRequest.of(self.app.defaults(PlanningRequest, dict(values)))

    async def dry_run(self, values: Values) -> Json:
        """See `Door.dry_run`."""
        app = self.app
        return dry_run_json(self._asked(values), app.preview, app.catalog, app.policy, at=app.now())

    def _asked(self, values: Values) -> SpawnRequest:
        return SpawnRequest.of(self.app.defaults(SpawnRequest, dict(values)))

    async def role_blocks(self) -> Json:
        """See `Door.role_blocks`."""
        return blocks_json()

    async def compose_role(self, values: Values) -> Json:
        """See `Door.compose_role`."""
        return composed_json(ComposeRequest.of(values))

    async def submit(self, values: Values, idempotency_key: str | None) -> Json:
        """See `Door.submit`."""
        asked = self._asked(values)
        run_id = await self.app.submit(asked, idempotency_key=idempotency_key)
        return accepted_json(run_id, str(asked.mode))

    async def ended(self, run_id: str) -> Json:
        """See `Door.ended`."""
        result = await self.app.result(await self.app.runs.finished(run_id))
        result.outcome.raise_failure(runId=run_id)
        return spawn_json(result, self.app.policy)

    async def run(self, run_id: str) -> Json:
        """See `Door.run`."""
        return run_json(await self.app.view(run_id), self.app.policy)

    async def runs(self, query: Values) -> Json:
        """See `Door.runs`."""
        limit = _within("limit", query.get("limit", 50), 1000)
        if "status" in query:
            _one_of("status", query["status"], STATES)
        lines = await self.app.runs.list(**{**query, "limit": limit})
        return runs_json(lines, limit=limit)

    async def events(self, run_id: str, after: int) -> AsyncGenerator[Json, None]:
        """See `Door.events`."""
        async for event in self.app.runs.events(run_id, after=after):
            if event is not None:
                yield event_json(event)

    async def artifact(self, run_id: str, step: str) -> Json:
        """See `Door.artifact`."""
        return artifact_json(await self.app.runs.artifact(run_id, step))

    async def cancel(self, run_id: str) -> Json:
        """See `Door.cancel`."""
        await self.app.runs.cancel(run_id)
        return await self.run(run_id)

    async def rate(self, values: Values) -> Json:
        """See `Door.rate`."""
        return await anyio.to_thread.run_sync(feedback_json, self.app, values)


def _one_of(name: str, value: object, valid: Sequence[str]) -> str:
    """Return a word that is one of those. Raises InvalidRequest."""
    if value not in valid:
        raise InvalidRequest(
            f"`{str(value)[:80]}` is not a valid `{name}`",
            hint=f"one of: {', '.join(valid)}",
            details={"field": name, "valid": list(map(str, valid))},
        )
    return str(value)


def _within(name: str, value: object, most: int) -> int:
    """Return a number from 1 to the most. Raises InvalidRequest."""
    if not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidRequest(
            f"`{name}` is {str(value)[:80]}", hint=f"use 1 to {most}", details={"field": name}
        )
    return value
