"""`/v1/responses`: OpenAI's newer protocol, for clients that speak nothing else."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter, Request, Response

from smart_spawn.api.chat_schemas import ChatErrorAnswer
from smart_spawn.api.chats import ALIVE, ChatResponse, Protocol
from smart_spawn.api.document import describe
from smart_spawn.api.events import event_frames
from smart_spawn.api.requests import read_in_time
from smart_spawn.api.response_schemas import ResponseAnswer, ResponseBody
from smart_spawn.api.routes.chats import SESSION_ID, asker_of
from smart_spawn.app import SmartSpawn
from smart_spawn.gateway import Gateway
from smart_spawn.gateway.responses import AskedResponse, ResponseStream, read_response_request, response_of


def response_routes(app: SmartSpawn, gateway: Gateway) -> APIRouter:
    """Return the routes of OpenAI's Responses protocol."""
    router = APIRouter(tags=["chats"])
    server = app.settings.server

    @router.post(
        "/v1/responses",
        **describe(
            "response",
            ResponseAnswer,
            events='event: response.output_text.delta\ndata: {"type": "response.output_text.delta"}\n\n',
            body=ResponseBody,
            headers=[SESSION_ID],
            errors=(400, 402, 404, 413, 422, 429, 502, 503, 504),
            error=ChatErrorAnswer,
        ),
    )
    async def response(request: Request) -> Response:
        """Answer a request of the Responses protocol with the model that routing chooses, or with the one named.

        Nothing is kept: the whole conversation comes in `input`. Tools are functions that the client carries out.
        With `stream` the answer comes as server-sent events.
        """
        asker = asker_of(request, app)
        body = await read_in_time(
            request, max_bytes=server.max_body_bytes, timeout_s=server.request_timeout_s
        )
        asked = read_response_request(body)
        return ChatResponse(partial(gateway.chat, asked.chat, asker), _protocol(asked))

    return router


def _protocol(asked: AskedResponse) -> Protocol:
    return Protocol(
        body=lambda completion: response_of(completion, asked),
        frames=lambda chunks: event_frames(chunks, ResponseStream(asked), alive=ALIVE),
    )
