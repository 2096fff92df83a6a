"""`/decisions/{id}`: why this model was chosen, last Tuesday."""

from __future__ import annotations

from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse

from smart_spawn.api.answers import json_answer
from smart_spawn.api.document import describe
from smart_spawn.api.requests import checked_query
from smart_spawn.api.schemas import NoQuery, ReplayAnswer, RoutingDecision, VerboseQuery
from smart_spawn.app import SmartSpawn
from smart_spawn.surface.decisions import decision_json, explain_text, replay_json


def decision_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes that look into past decisions. They read the store, so they run beside the event loop."""
    router = APIRouter(tags=["decisions"])

    @router.get(
        "/decisions/{id}",
        **describe("decision", RoutingDecision, query=VerboseQuery, errors=(400, 404), path=["id"]),
    )
    async def decision(request: Request) -> Response:
        """Return a past routing decision."""
        verbose = checked_query(request.scope["query_string"], VerboseQuery).verbose
        found, catalog = await anyio.to_thread.run_sync(app.decision, request.path_params["id"])
        render = partial(decision_json, found, catalog, app.policy, verbose=verbose)
        return json_answer(await anyio.to_thread.run_sync(render))

    @router.get("/decisions/{id}/explain", **describe("explain", None, errors=(404,), path=["id"]))
    async def explain(request: Request) -> Response:
        """Explain a past decision on one screen of plain text."""
        found, catalog = await anyio.to_thread.run_sync(app.decision, request.path_params["id"])
        return PlainTextResponse(await anyio.to_thread.run_sync(explain_text, found, catalog, app.policy))

    @router.post("/decisions/{id}/replay", **describe("replay", ReplayAnswer, errors=(400, 404), path=["id"]))
    async def replay(request: Request) -> Response:
        """Decide again from what was stored, and say whether the answer is the same."""
        checked_query(request.scope["query_string"], NoQuery)
        replayed = await anyio.to_thread.run_sync(app.replay, request.path_params["id"])
        return json_answer(await anyio.to_thread.run_sync(replay_json, replayed, app.policy))

    return router
