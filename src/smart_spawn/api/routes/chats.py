"""`/v1`: OpenAI's protocol, for clients that speak nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.callers import caller_of
from smart_spawn.api.chat_schemas import ChatAnswer, ChatBody, ChatErrorAnswer, ChatModel, ChatModelsAnswer
from smart_spawn.api.chats import OPENAI, ChatResponse, Protocol
from smart_spawn.api.document import describe
from smart_spawn.api.requests import read_in_time
from smart_spawn.app import SmartSpawn
from smart_spawn.gateway import Asker, Gateway
from smart_spawn.gateway.listing import model_row, model_rows

SESSION_ID = "x-session-id"


def chat_routes(app: SmartSpawn, gateway: Gateway) -> APIRouter:
    """Return the routes of OpenAI's protocol."""
    router = APIRouter(tags=["chats"])

    @router.get(
        "/v1/models", **describe("chatModels", ChatModelsAnswer, errors=(503,), error=ChatErrorAnswer)
    )
    async def models(_: Request) -> Response:
        """List the names that `model` may have: ours, which choose, and every model that can be called."""
        return json_answer({"object": "list", "data": model_rows(app)})

    @router.get(
        "/v1/models/{id:path}",
        **describe("chatModel", ChatModel, errors=(404, 503), path=["id"], error=ChatErrorAnswer),
    )
    async def model(request: Request) -> Response:
        """Show one of them. The id may hold a slash."""
        return json_answer(model_row(app, request.path_params["id"]))

    @router.post(
        "/v1/chat/completions",
        **describe(
            "chat",
            ChatAnswer,
            events='data: {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "Hello"}}]}\n\n',
            body=ChatBody,
            headers=[SESSION_ID],
            errors=(400, 402, 404, 413, 422, 429, 502, 503, 504),
            error=ChatErrorAnswer,
        ),
    )
    async def chat(request: Request) -> Response:
        """Answer a chat with the model that routing chooses, or with the one that is named.

        Members that we do not know are handed on to the provider. With `stream` the answer comes as server-sent
        events. `x-session-id` names the conversation, which stays on its model; without it the beginning of the
        conversation tells.
        """
        return await chat_response(request, app, gateway, OPENAI)

    return router


async def chat_response(
    request: Request, app: SmartSpawn, gateway: Gateway, protocol: Protocol
) -> ChatResponse:
    """Read a chat and return the response that answers it."""
    server = app.settings.server
    body = await read_in_time(request, max_bytes=server.max_body_bytes, timeout_s=server.request_timeout_s)
    asker = asker_of(request, app)
    return ChatResponse(partial(gateway.chat, body, asker), protocol)


def asker_of(request: Request, app: SmartSpawn) -> Asker:
    """Return who asks. Raises Forbidden where the key may only choose."""
    caller = caller_of(request, "execute")
    return Asker(
        key_cap=caller.key_cap(app.now()), key=caller.key, session_id=request.headers.get(SESSION_ID)
    )


@asynccontextmanager
async def ready(gateway: Gateway) -> AsyncIterator[None]:
    """Load what calls need beside the first answers, and let go of it at the end."""
    loading = asyncio.create_task(gateway.prepare())
    try:
        yield
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        gateway.close()
