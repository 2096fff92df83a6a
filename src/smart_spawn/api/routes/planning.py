"""`/decompose` and `/swarm`: take a task apart and say who would do each part. No model is called."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.document import describe
from smart_spawn.api.planning_schemas import DecomposeAnswer, SwarmAnswer
from smart_spawn.api.requests import read_object
from smart_spawn.app import SmartSpawn
from smart_spawn.spawn.steps import PlanningRequest
from smart_spawn.surface.plans import decompose_json, swarm_json

PLANNING_ERRORS = (400, 413, 503)


def planning_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes that plan."""
    router = APIRouter(tags=["routing"])
    max_bytes = app.settings.server.max_body_bytes

    async def asked(request: Request) -> PlanningRequest:
        values = await read_object(request, max_bytes=max_bytes)
        return PlanningRequest.of(app.defaults(PlanningRequest, values))

    @router.post(
        "/decompose", **describe("decompose", DecomposeAnswer, body=PlanningRequest, errors=PLANNING_ERRORS)
    )
    async def decompose(request: Request) -> Response:
        """Take a task apart into steps that follow each other, each with its own category and model."""
        return json_answer(decompose_json(await asked(request), app.preview, app.catalog))

    @router.post("/swarm", **describe("swarm", SwarmAnswer, body=PlanningRequest, errors=PLANNING_ERRORS))
    async def swarm(request: Request) -> Response:
        """Take a task apart into a graph: what can be done at once, in which waves, by whom, for how much."""
        body = await asked(request)
        return json_answer(swarm_json(body, app.preview, app.catalog, app.policy, at=app.now()))

    return router
