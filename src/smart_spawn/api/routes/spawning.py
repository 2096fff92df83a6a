"""`/spawn`: have the chosen model do the task."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.callers import caller_of
from smart_spawn.api.document import describe
from smart_spawn.api.gate import DECISION_ID
from smart_spawn.api.requests import read_in_time
from smart_spawn.api.run_schemas import AcceptedAnswer, DryRunAnswer
from smart_spawn.api.schemas import SpawnAnswer
from smart_spawn.app import SmartSpawn
from smart_spawn.model import Mode
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.surface.plans import dry_run_json
from smart_spawn.surface.runs import accepted_json
from smart_spawn.surface.spawning import spawn_json

IDEMPOTENCY_KEY = "Idempotency-Key"


def spawning_routes(app: SmartSpawn) -> APIRouter:
    """Return the route that does tasks. Its deadline is the request's `timeoutS`, else `run_timeout_s`."""
    router = APIRouter(tags=["spawning"])
    server = app.settings.server

    @router.post(
        "/spawn",
        **describe(
            "spawn",
            SpawnAnswer,
            body=SpawnRequest,
            headers=[IDEMPOTENCY_KEY],
            errors=(400, 402, 404, 409, 413, 422, 502, 503, 504),
            others={200: [DryRunAnswer], 202: [AcceptedAnswer]},
        ),
    )
    async def spawn(request: Request) -> Response:
        """Choose models and have them do the task; the answer carries the routing decision and the bill.

        `mode` says how: one model, several that agree, a ladder, or a plan of steps. With `dryRun` a plan or swarm is
        only planned and priced, and the answer has the graph that `/swarm` shows. The run goes on when whoever waits
        goes away; with `wait: false` nobody waits, and `/runs/{id}` tells how it stands. The same request under the
        same `Idempotency-Key` is the same run.
        """
        values = await read_in_time(
            request, max_bytes=server.max_body_bytes, timeout_s=server.request_timeout_s
        )
        asked = SpawnRequest.of(app.defaults(SpawnRequest, values))
        if asked.dry_run and asked.mode in (Mode.PLAN, Mode.SWARM):
            return json_answer(dry_run_json(asked, app.preview, app.catalog, app.policy, at=app.now()))
        caller, once = caller_of(request, "execute"), request.headers.get(IDEMPOTENCY_KEY)
        if once is not None and caller.key is not None:
            once = f"{caller.key}:{once}"  # the same word of another caller is another run
        run_id = await app.submit(asked, key_cap=caller.key_cap(app.now()), idempotency_key=once)
        if not asked.wait:
            return json_answer(
                accepted_json(run_id, str(asked.mode)), 202, headers={"location": f"/api/runs/{run_id}"}
            )
        result = await app.result(await app.runs.finished(run_id))
        request.scope[DECISION_ID] = result.decision.id
        result.outcome.raise_failure(runId=run_id)
        return json_answer(spawn_json(result, app.policy))

    return router
