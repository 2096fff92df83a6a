"""`/models`, `/compare`, `/catalog/unmatched`: what there is to choose from."""

from __future__ import annotations

from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.document import describe
from smart_spawn.api.requests import checked_query
from smart_spawn.api.schemas import (
    CompareAnswer,
    CompareQuery,
    ModelAnswer,
    ModelsAnswer,
    ModelsQuery,
    UnmatchedAnswer,
    UnmatchedQuery,
)
from smart_spawn.app import SmartSpawn
from smart_spawn.surface.models import compare_json, model_json, models_json
from smart_spawn.surface.status import unmatched_json


def model_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes that show the catalogue."""
    router = APIRouter(tags=["catalogue"])

    @router.get("/models", **describe("models", ModelsAnswer, query=ModelsQuery, errors=(400, 503)))
    async def models(request: Request) -> Response:
        """List models with scores, prices and capabilities, sorted best first."""
        query = checked_query(request.scope["query_string"], ModelsQuery)
        catalog = app.catalog
        rows = partial(
            models_json,
            catalog,
            category=query.category,
            tier=query.tier,
            sort=query.sort,
            limit=query.limit,
            q=query.q,
            last_refresh=catalog.facts.as_of.isoformat(),
        )
        return json_answer(await anyio.to_thread.run_sync(rows))

    @router.get("/models/{id:path}", **describe("model", ModelAnswer, errors=(404, 503), path=["id"]))
    async def model(request: Request) -> Response:
        """Show one model with every reading behind its scores. The id holds a slash: `vendor/model`."""
        return json_answer({"data": model_json(app.catalog, request.path_params["id"])})

    @router.get("/compare", **describe("compare", CompareAnswer, query=CompareQuery, errors=(400, 404, 503)))
    async def compare(request: Request) -> Response:
        """Put two to five models side by side."""
        query = checked_query(request.scope["query_string"], CompareQuery)
        return json_answer(compare_json(app.catalog, query.models))

    @router.get(
        "/catalog/unmatched",
        **describe("unmatched", UnmatchedAnswer, query=UnmatchedQuery, errors=(400, 503)),
    )
    async def unmatched(request: Request) -> Response:
        """List the published names that lead to no model, with the reason and the nearest ids."""
        source = checked_query(request.scope["query_string"], UnmatchedQuery).source
        return json_answer(unmatched_json(app.catalog, source))

    return router
