"""`/private-models` and `/benchmarks`: what the owner adds to what sources publish."""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.catalog_schemas import (
    BoardsAnswer,
    ImportAnswer,
    PrivateModelAnswer,
    PrivateModelsAnswer,
    RemovedAnswer,
)
from smart_spawn.api.document import describe
from smart_spawn.api.requests import read_object
from smart_spawn.app import SmartSpawn
from smart_spawn.manage.bodies import BenchmarkBody, PrivateModelBody
from smart_spawn.surface import own


def own_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes for private models and own results."""
    router = APIRouter(tags=["catalogue"])
    limit = app.settings.server.max_body_bytes

    @router.get("/private-models", **describe("privateModels", PrivateModelsAnswer, errors=(503,)))
    async def private_models() -> Response:
        """List the private models."""
        return json_answer(await anyio.to_thread.run_sync(own.private_models_json, app))

    @router.get(
        "/private-models/{id:path}",
        **describe("privateModel", PrivateModelAnswer, errors=(404, 503), path=["id"]),
    )
    async def private_model(request: Request) -> Response:
        """Show one private model as it was given."""
        model_id = request.path_params["id"]
        return json_answer(await anyio.to_thread.run_sync(own.private_model_json, app, model_id))

    @router.put(
        "/private-models/{id:path}",
        **describe(
            "putPrivateModel",
            PrivateModelAnswer,
            body=PrivateModelBody,
            errors=(400, 404, 413, 503),
            path=["id"],
        ),
    )
    async def put(request: Request) -> Response:
        """Add or replace a private model; it takes part in choices at once."""
        values = await read_object(request, max_bytes=limit)
        model_id = request.path_params["id"]
        return json_answer(await anyio.to_thread.run_sync(own.put_private_model, app, model_id, values))

    @router.delete(
        "/private-models/{id:path}",
        **describe("removePrivateModel", RemovedAnswer, errors=(404, 503), path=["id"]),
    )
    async def remove(request: Request) -> Response:
        """Remove a private model."""
        model_id = request.path_params["id"]
        return json_answer(await anyio.to_thread.run_sync(own.remove_private_model, app, model_id))

    @router.get("/benchmarks", **describe("boards", BoardsAnswer, errors=(503,)))
    async def boards() -> Response:
        """List the boards with own results, and whether each counts."""
        return json_answer(await anyio.to_thread.run_sync(own.boards_json, app))

    @router.post(
        "/benchmarks",
        **describe("importBenchmarks", ImportAnswer, body=BenchmarkBody, errors=(400, 413, 503)),
    )
    async def benchmarks(request: Request) -> Response:
        """Import own results, all rows or none; they count at once. `dryRun` only checks them."""
        values = await read_object(request, max_bytes=limit)
        return json_answer(await anyio.to_thread.run_sync(own.import_body, app, values))

    @router.delete(
        "/benchmarks/{name}", **describe("removeBenchmark", RemovedAnswer, errors=(404, 503), path=["name"])
    )
    async def remove_board(request: Request) -> Response:
        """Remove all own results of a board."""
        name = request.path_params["name"]
        return json_answer(await anyio.to_thread.run_sync(own.remove_board, app, name))

    return router
