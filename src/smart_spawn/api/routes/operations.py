"""`/status`, `/health`, `/refresh`: how the service is doing, and keeping it current."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.document import describe
from smart_spawn.api.refreshing import Refresher
from smart_spawn.api.requests import checked_query, read_object
from smart_spawn.api.schemas import HealthAnswer, NoQuery, RefreshAnswer, RefreshBody, StatusAnswer
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import InvalidRequest, NoCatalog
from smart_spawn.refresh import check_names
from smart_spawn.surface.status import status_json

PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def operation_routes(app: SmartSpawn, refresher: Refresher, metrics: Callable[[], bytes]) -> APIRouter:
    """Return the routes for whoever runs the service."""
    router = APIRouter(tags=["operations"])

    @router.get("/status", **describe("status", StatusAnswer, query=NoQuery, errors=(400,)))
    async def status(request: Request) -> Response:
        """Tell how fresh the catalogue is, source by source."""
        checked_query(request.scope["query_string"], NoQuery)
        return json_answer(await anyio.to_thread.run_sync(status_json, app))

    @router.get("/health", **describe("health", HealthAnswer, errors=(503,)))
    async def health() -> Response:
        """Answer 200 when a pick can be answered, else 503."""
        catalog = app.catalog
        if not len(catalog):
            raise NoCatalog("the catalogue is empty", hint="`smart-spawn refresh` fills it")
        return json_answer({"status": "ok", "models": len(catalog), "catalogVersion": catalog.version})

    @router.get("/metrics", **describe("metrics", None, query=NoQuery, errors=(400,)))
    async def read_metrics(request: Request) -> Response:
        """Return what Prometheus reads: requests, catalogue, sources, runs. With keys it takes the scope `admin`."""
        checked_query(request.scope["query_string"], NoQuery)
        return Response(await anyio.to_thread.run_sync(metrics), media_type=PROMETHEUS)

    @router.post(
        "/refresh", **describe("refresh", RefreshAnswer, body=RefreshBody, errors=(400, 413), status=202)
    )
    async def refresh(request: Request) -> Response:
        """Start a refresh in the background and answer at once. One runs at a time."""
        values = await read_object(request, max_bytes=app.settings.server.max_body_bytes)
        names = check_names(_sources(values))
        started = await refresher.start(names, if_due=False)
        state = "started" if started else "running"
        return json_answer({"data": {"refresh": state, "sources": list(names or refresher.names)}}, 202)

    return router


def _sources(values: dict[str, object]) -> list[str]:
    """Read the names out of the body. Raises InvalidRequest."""
    unknown = [name for name in values if name != "sources"]
    if unknown:
        raise InvalidRequest(f"unknown field `{unknown[0]}`", hint="the only field is `sources`")
    names = values.get("sources", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidRequest("`sources` is not a list of names", hint='for example {"sources": ["lmarena"]}')
    return names
