"""`/pick`, `/recommend`, `/route`: which model."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.callers import key_of
from smart_spawn.api.document import describe
from smart_spawn.api.gate import DECISION_ID
from smart_spawn.api.hot import hot_pick
from smart_spawn.api.requests import category_as_task, checked_query, read_object
from smart_spawn.api.schemas import PickAnswer, PickQuery, RecommendAnswer, RecommendQuery, RoutingDecision
from smart_spawn.app import SmartSpawn
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.request import RouteRequest
from smart_spawn.surface.decisions import decision_json, pick_json, recommend_json

ROUTING_ERRORS = (400, 402, 404, 413, 422, 503)


def choosing_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes that choose models."""
    router = APIRouter(tags=["routing"])
    hot = hot_pick(app)
    max_bytes = app.settings.server.max_body_bytes

    def decided(request: Request, values: dict[str, Any]) -> Decision:
        wanted = RouteRequest.of(app.defaults(RouteRequest, values))
        decision = app.decide(wanted, caller=key_of(request.scope))
        request.scope[DECISION_ID] = decision.id
        return decision

    @router.get("/pick", **describe("pick", PickAnswer, query=PickQuery, errors=ROUTING_ERRORS))
    async def pick_from_query(request: Request) -> Response:
        """Pick the best model for a task.

        `task` is what is to be done, or the name of a category. Long tasks and the finer wishes go by POST.
        """
        status, body = hot(request.scope)
        return Response(body, status, media_type="application/json")

    @router.post("/pick", **describe("pickFromBody", PickAnswer, body=RouteRequest, errors=ROUTING_ERRORS))
    async def pick_from_body(request: Request) -> Response:
        """Pick the best model for a task of up to 200,000 characters."""
        values = category_as_task(await read_object(request, max_bytes=max_bytes))
        catalog, decision = app.catalog, decided(request, values)
        return json_answer(pick_json(decision, catalog))

    @router.get(
        "/recommend", **describe("recommend", RecommendAnswer, query=RecommendQuery, errors=ROUTING_ERRORS)
    )
    async def recommend(request: Request) -> Response:
        """Recommend one to five models, the most wanted first, from different providers where that costs little."""
        asked = checked_query(request.scope["query_string"], RecommendQuery).model_dump(exclude_none=True)
        return recommended(request, asked)

    @router.post(
        "/recommend",
        **describe("recommendFromBody", RecommendAnswer, body=RouteRequest, errors=ROUTING_ERRORS),
    )
    async def recommend_from_body(request: Request) -> Response:
        """Recommend one to five models for a task of up to 200,000 characters."""
        return recommended(request, await read_object(request, max_bytes=max_bytes))

    def recommended(request: Request, asked: dict[str, Any]) -> Response:
        catalog = app.catalog
        wanted = RouteRequest.of(app.defaults(RouteRequest, category_as_task(asked)))
        decisions = app.recommend(wanted, caller=key_of(request.scope))
        request.scope[DECISION_ID] = decisions[0].id
        raw = asked.get("task") or str(asked.get("category") or "")
        return json_answer(recommend_json(decisions, catalog, task_raw=raw))

    @router.post("/route", **describe("route", RoutingDecision, body=RouteRequest, errors=ROUTING_ERRORS))
    async def route(request: Request) -> Response:
        """Choose a model and say why: evidence, confidence, alternatives, what was ruled out."""
        values = await read_object(request, max_bytes=max_bytes)
        catalog, decision = app.catalog, decided(request, values)
        return json_answer(decision_json(decision, catalog, app.policy))

    return router
