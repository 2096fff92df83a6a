"""`/catalog/versions`, `/catalog/diff`, `/catalog/rollback`: the past of the catalogue."""

from __future__ import annotations

from functools import partial

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.catalog_schemas import (
    DiffAnswer,
    DiffQuery,
    PricesAnswer,
    RollbackAnswer,
    RollbackBody,
    VersionsAnswer,
    VersionsQuery,
)
from smart_spawn.api.document import describe
from smart_spawn.api.requests import checked_body, checked_query, read_object
from smart_spawn.app import SmartSpawn
from smart_spawn.surface.versions import diff_json, prices_json, rollback_json, versions_json


def version_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes that show and choose versions of the catalogue."""
    router = APIRouter(tags=["catalogue"])

    @router.get(
        "/catalog/versions", **describe("versions", VersionsAnswer, query=VersionsQuery, errors=(400, 503))
    )
    async def versions(request: Request) -> Response:
        """List the stored versions, newest first."""
        query = checked_query(request.scope["query_string"], VersionsQuery)
        return json_answer(await anyio.to_thread.run_sync(versions_json, app, query.limit))

    @router.get("/catalog/diff", **describe("diff", DiffAnswer, query=DiffQuery, errors=(400, 404, 503)))
    async def diff(request: Request) -> Response:
        """Tell which models, prices, scores and choices changed between two versions, and why."""
        query = checked_query(request.scope["query_string"], DiffQuery)
        work = partial(diff_json, app, query.from_, query.to, picks=query.picks)
        return json_answer(await anyio.to_thread.run_sync(work))

    @router.get(
        "/catalog/prices/{id:path}", **describe("prices", PricesAnswer, errors=(404, 503), path=["id"])
    )
    async def prices(request: Request) -> Response:
        """Tell what a model has cost since it was first seen. The id holds a slash: `vendor/model`."""
        model_id = request.path_params["id"]
        return json_answer(await anyio.to_thread.run_sync(prices_json, app, model_id))

    @router.post(
        "/catalog/rollback",
        **describe("rollback", RollbackAnswer, body=RollbackBody, errors=(400, 404, 413, 503)),
    )
    async def rollback(request: Request) -> Response:
        """Serve a stored version until told otherwise; `{"version": null}` serves the newest again."""
        values = await read_object(request, max_bytes=app.settings.server.max_body_bytes)
        body = checked_body(values, RollbackBody)
        return json_answer(await anyio.to_thread.run_sync(rollback_json, app, body.version))

    return router
