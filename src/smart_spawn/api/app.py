"""`create_app`: the routes, the gate before them, and what runs beside them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from smart_spawn import __version__
from smart_spawn.api.address import is_wide
from smart_spawn.api.answers import MethodNotAllowed, error_answer
from smart_spawn.api.callers import Callers
from smart_spawn.api.docs_page import add_docs_page
from smart_spawn.api.document import document
from smart_spawn.api.error_shapes import error_shape
from smart_spawn.api.gate import Gate, InFlight, Limits
from smart_spawn.api.hot import hot_pick
from smart_spawn.api.refreshing import Refresher, keeping_current
from smart_spawn.api.routes.chats import chat_routes, ready
from smart_spawn.api.routes.choosing import choosing_routes
from smart_spawn.api.routes.decisions import decision_routes
from smart_spawn.api.routes.learning import learning_routes
from smart_spawn.api.routes.mcp import McpRoute
from smart_spawn.api.routes.messages import message_routes
from smart_spawn.api.routes.models import model_routes
from smart_spawn.api.routes.operations import operation_routes
from smart_spawn.api.routes.own import own_routes
from smart_spawn.api.routes.planning import planning_routes
from smart_spawn.api.routes.responses import response_routes
from smart_spawn.api.routes.roles import role_routes
from smart_spawn.api.routes.runs import run_routes
from smart_spawn.api.routes.spawning import spawning_routes
from smart_spawn.api.routes.versions import version_routes
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import NotFound, SmartSpawnError
from smart_spawn.gateway import Gateway

PATIENT_PATHS = re.compile(r"(/api)?/(spawn|runs/[^/]+/events|v1/.+|mcp)")
"""What takes as long as a run or a long answer; each holds deadlines of its own."""
TAGS = [
    {"name": "routing", "description": "Which model."},
    {"name": "spawning", "description": "Have it do the task."},
    {"name": "chats", "description": "For clients of OpenAI's protocols and of Anthropic's."},
    {"name": "runs", "description": "Watch it, stop it, read what it left behind."},
    {"name": "decisions", "description": "Why this model."},
    {"name": "learning", "description": "How it turned out, and what follows."},
    {"name": "catalogue", "description": "What there is to choose from."},
    {"name": "operations", "description": "How the service is doing."},
]


class Service(FastAPI):
    """The service, with its document made by us, and the gate before everything else."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return what answers requests, from the gate on.

        What the framework puts before it catches errors that the gate lets nobody see, at a price for every pick.
        """
        layer: Any = super().build_middleware_stack()
        while not isinstance(layer, Gate):
            layer = layer.app
        return layer

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document, made once."""
        if not self.openapi_schema:
            self.openapi_schema = document(self)
        return self.openapi_schema


def create_app(app: SmartSpawn | None = None, *, in_flight: InFlight | None = None) -> FastAPI:
    """Return the HTTP service for one `SmartSpawn`, which it opens when it starts and closes when it ends.

    `in_flight` keeps the requests that are being answered, for whoever has to wait for them.
    """
    served = app or SmartSpawn()
    settings = served.settings
    from smart_spawn.api.metrics import Metrics  # noqa: PLC0415  # where it counts is decided when it is imported

    metrics = Metrics(served)
    refresher, mcp = Refresher(settings), McpRoute(served)
    gateway = Gateway(served)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with served, keeping_current(served, refresher), ready(gateway), aclosing(mcp.endpoint):
            yield

    api = Service(
        title="Smart Spawn",
        version=__version__,
        openapi_tags=TAGS,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    add_docs_page(api)
    hot = hot_pick(served)
    api.add_middleware(
        Gate,
        limits=Limits(
            allowed_hosts=(*settings.server.allowed_hosts, settings.host),
            timeout_s=settings.server.request_timeout_s,
            patient=PATIENT_PATHS,
        ),
        hot={"/api/pick": hot, "/pick": hot},
        in_flight=in_flight or InFlight(),
        answered=metrics.answered,
        authenticate=Callers(served, wide=is_wide(settings.host)).admit,
    )
    api.add_exception_handler(SmartSpawnError, _known)
    api.add_exception_handler(HTTPException, _unrouted)
    routers = (
        choosing_routes(served),
        spawning_routes(served),
        run_routes(served),
        planning_routes(served),
        role_routes(served),
        decision_routes(served),
        learning_routes(served),
        model_routes(served),
        operation_routes(served, refresher, metrics.text),
        version_routes(served),
        own_routes(served),
    )
    chats = (
        chat_routes(served, gateway),
        message_routes(served, gateway),
        response_routes(served, gateway),
    )
    api.router.routes.extend(mcp.routes())
    routed = (route for router in (*routers, *chats) for route in router.routes)
    api.state.routes = [*mcp.routes(), *routed]
    for router in chats:
        api.include_router(router)
        api.include_router(router, prefix="/api", include_in_schema=False)
    for router in routers:
        api.include_router(router, prefix="/api")
        api.include_router(router, include_in_schema=False)
    return api


async def _known(request: Request, error: Exception) -> Response:
    assert isinstance(error, SmartSpawnError)  # noqa: S101  # registered for this type alone
    return error_answer(error, shape=error_shape(request.scope["path"]))


async def _unrouted(request: Request, error: Exception) -> Response:
    """Give Starlette's own refusals, no such path or method, the shape of our errors."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this type alone
    path = request.scope["path"][:200]
    shape = error_shape(path)
    if error.status_code == 405:
        allowed = ", ".join(_methods(request))
        refusal = MethodNotAllowed(f"{request.method} is not a method of `{path}`", hint=f"use {allowed}")
        return error_answer(refusal, headers={"allow": allowed}, shape=shape)
    missing = NotFound(f"there is no route `{path}`", hint="the routes are listed at /openapi.json and /docs")
    return error_answer(missing, shape=shape)


def _methods(request: Request) -> list[str]:
    """List the methods of every route that has this path."""
    path = request.scope["path"].removeprefix("/api")
    routes: list[Route] = request.app.state.routes
    return sorted(
        {method for route in routes if route.path_regex.match(path) for method in route.methods or ()}
    )
