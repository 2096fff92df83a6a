"""`/runs`: watch what is being done, read what it left behind, stop it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from smart_spawn.api.answers import STREAM_HEADERS, encode, json_answer
from smart_spawn.api.callers import caller_of
from smart_spawn.api.document import describe
from smart_spawn.api.requests import checked_query
from smart_spawn.api.run_schemas import ArtifactAnswer, EventData, RunAnswer, RunsAnswer, RunsQuery
from smart_spawn.api.schemas import NoQuery
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import InvalidRequest
from smart_spawn.runs.engine import Event
from smart_spawn.surface.runs import artifact_json, event_json, run_json, runs_json, visible_run

HEARTBEAT_S = 10.0
"""How often a silent stream shows that it is alive: well within the patience of proxies."""
MAX_EVENT_ID = 10**9


def run_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes of runs."""
    router = APIRouter(tags=["runs"])

    async def own(request: Request) -> str:
        """Return the id in the path, of a run that the caller may see. Raises NotFound for those of other keys."""
        return (await visible_run(app, caller_of(request, "execute"), request.path_params["id"])).id

    @router.get("/runs", **describe("runs", RunsAnswer, query=RunsQuery, errors=(400,)))
    async def runs(request: Request) -> Response:
        """List runs, newest first."""
        query = checked_query(request.scope["query_string"], RunsQuery)
        key = caller_of(request, "execute").sees_only
        lines = await app.runs.list(status=query.status, limit=query.limit, before=query.before, key=key)
        return json_answer(runs_json(lines, limit=query.limit))

    @router.get("/runs/{id}", **describe("run", RunAnswer, errors=(400, 404), path=["id"]))
    async def run(request: Request) -> Response:
        """Return a run as it stands: its nodes, progress and money, and its answer once it has ended."""
        checked_query(request.scope["query_string"], NoQuery)
        return json_answer(run_json(await app.view(await own(request)), app.policy))

    @router.get(
        "/runs/{id}/events",
        **describe("runEvents", EventData, errors=(400, 404), path=["id"], media_type="text/event-stream"),
    )
    async def events(request: Request) -> Response:
        """Watch a run as server-sent events until it ends.

        `Last-Event-ID` goes on after that event. A run that has ended, and of which everything was seen, is 204:
        clients that reconnect by themselves stop then.
        """
        run_id = await own(request)
        after = _after(request.headers.get("last-event-id", ""))
        ended = (await app.runs.get(run_id)).ended
        found = app.runs.events(run_id, after=after)
        if ended:
            first = await anext(found, None)
            if first is None:
                return Response(status_code=204)
            return StreamingResponse(
                _stream(_with(first, found)), media_type="text/event-stream", headers=STREAM_HEADERS
            )
        return StreamingResponse(_stream(found), media_type="text/event-stream", headers=STREAM_HEADERS)

    @router.get(
        "/runs/{id}/artifacts/{step:path}",
        **describe("runArtifact", ArtifactAnswer, errors=(404,), path=["id", "step"]),
    )
    async def artifact(request: Request) -> Response:
        """Return what a step left behind."""
        found = await app.runs.artifact(await own(request), request.path_params["step"])
        return json_answer(artifact_json(found))

    @router.post("/runs/{id}/cancel", **describe("cancelRun", RunAnswer, errors=(400, 404, 409), path=["id"]))
    async def cancel(request: Request) -> Response:
        """Stop a run and the runs that it started. What was paid stays on its bill."""
        checked_query(request.scope["query_string"], NoQuery)
        run_id = await own(request)
        await app.runs.cancel(run_id)
        return json_answer(run_json(await app.view(run_id), app.policy))

    return router


def _after(header: str) -> int:
    """Read `Last-Event-ID`. Raises InvalidRequest."""
    if not header.strip():
        return 0
    if not (header.isascii() and header.isdigit() and int(header) <= MAX_EVENT_ID):
        raise InvalidRequest(
            f"`Last-Event-ID` is `{header[:40]}`", hint="send the id of the last event, a number"
        )
    return int(header)


async def _with(first: Event | None, rest: AsyncIterator[Event | None]) -> AsyncIterator[Event | None]:
    yield first
    async for event in rest:
        yield event


async def _stream(events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    """Write events as they come, and a comment whenever it was silent for long."""
    loop = asyncio.get_running_loop()
    spoke_s = loop.time()
    async for event in events:
        if event is not None:
            data = encode(event_json(event)).decode()
            yield f"id: {event.number}\nevent: {event.name}\ndata: {data}\n\n".encode()
            spoke_s = loop.time()
        elif loop.time() - spoke_s >= HEARTBEAT_S:
            yield b": waiting\n\n"
            spoke_s = loop.time()
