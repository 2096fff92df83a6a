"""`/roles/*`: who a model can be asked to be."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.document import describe
from smart_spawn.api.planning_schemas import BlocksAnswer, ComposeAnswer
from smart_spawn.api.requests import checked_query, read_object
from smart_spawn.api.schemas import NoQuery
from smart_spawn.app import SmartSpawn
from smart_spawn.spawn.roles import ComposeRequest
from smart_spawn.surface.roles import blocks_json, composed_json


def role_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes of roles."""
    router = APIRouter(tags=["spawning"])
    max_bytes = app.settings.server.max_body_bytes

    @router.get("/roles/blocks", **describe("roleBlocks", BlocksAnswer, errors=(400,)))
    async def list_blocks(request: Request) -> Response:
        """List every role block with its text: personas, technologies, fields, forms, guardrails."""
        checked_query(request.scope["query_string"], NoQuery)
        return json_answer(blocks_json())

    @router.post(
        "/roles/compose",
        **describe("composeRole", ComposeAnswer, body=ComposeRequest, errors=(400, 413)),
    )
    async def compose_role(request: Request) -> Response:
        """Put a role together from blocks, in front of a task. Unknown ids give warnings."""
        values = await read_object(request, max_bytes=max_bytes)
        return json_answer(composed_json(ComposeRequest.of(values)))

    return router
