"""`/v1/messages`: Anthropic's protocol, for clients that speak nothing else."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.chats import ChatResponse, Protocol
from smart_spawn.api.document import describe
from smart_spawn.api.events import event_frame, event_frames
from smart_spawn.api.message_schemas import (
    CountAnswer,
    CountBody,
    MessageAnswer,
    MessageBody,
    MessageErrorAnswer,
)
from smart_spawn.api.requests import read_in_time
from smart_spawn.api.routes.chats import SESSION_ID, asker_of
from smart_spawn.app import SmartSpawn
from smart_spawn.gateway import Gateway
from smart_spawn.gateway.messages import AskedMessage, MessageStream, message_of, read_message_request
from smart_spawn.gateway.published import PublishedNames
from smart_spawn.gateway.reading import read_ask

PING = event_frame(("ping", {"type": "ping"}))


def message_routes(app: SmartSpawn, gateway: Gateway) -> APIRouter:
    """Return the routes of Anthropic's protocol."""
    router = APIRouter(tags=["chats"])
    server, names = app.settings.server, PublishedNames()

    async def asked(request: Request, **usual: int) -> AskedMessage:
        body = await read_in_time(
            request, max_bytes=server.max_body_bytes, timeout_s=server.request_timeout_s
        )
        return read_message_request({**usual, **body})

    @router.post(
        "/v1/messages",
        **describe(
            "message",
            MessageAnswer,
            events='event: ping\ndata: {"type": "ping"}\n\n',
            body=MessageBody,
            headers=[SESSION_ID],
            errors=(400, 402, 404, 413, 422, 429, 502, 503, 504),
            error=MessageErrorAnswer,
        ),
    )
    async def message(request: Request) -> Response:
        """Answer a message of Anthropic's protocol with the model that routing chooses, or with the one named.

        `model` is a name as for chats, or Anthropic's own for a model, such as `claude-opus-4-6`. The key may come as
        `x-api-key`. With `stream` the answer comes as server-sent events.
        """
        asker = asker_of(request, app)
        wish = await asked(request)
        chat = await names.named(wish.chat, app.catalog)
        return ChatResponse(partial(gateway.chat, chat, asker), _protocol(wish))

    @router.post(
        "/v1/messages/count_tokens",
        **describe(
            "countMessageTokens",
            CountAnswer,
            body=CountBody,
            errors=(400, 404, 413, 503),
            error=MessageErrorAnswer,
        ),
    )
    async def count_tokens(request: Request) -> Response:
        """Estimate the tokens of a message from its length: every model counts in a way of its own."""
        wish = await asked(request, max_tokens=1)
        chat = await names.named(wish.chat, app.catalog)
        return json_answer({"input_tokens": read_ask(chat, app.catalog).prompt_tokens})

    return router


def _protocol(asked: AskedMessage) -> Protocol:
    return Protocol(
        body=lambda completion: message_of(completion, asked),
        frames=lambda chunks: event_frames(chunks, MessageStream(asked), alive=PING),
    )
