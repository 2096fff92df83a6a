"""`/feedback`, `/spawn-log`, `/beliefs`: what is learned, from whom, and what follows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response

from smart_spawn.api.answers import json_answer
from smart_spawn.api.callers import caller_of
from smart_spawn.api.document import describe
from smart_spawn.api.learning_schemas import FeedbackAnswer, OutcomeAnswer
from smart_spawn.api.requests import read_object
from smart_spawn.app import SmartSpawn
from smart_spawn.surface import feedback

VOTE_ERRORS = (400, 403, 404, 413, 503)

Answer = Callable[..., dict[str, Any]]


def learning_routes(app: SmartSpawn) -> APIRouter:
    """Return the routes of votes and of what they taught. They use the store, so they run beside the event loop."""
    router = APIRouter(tags=["learning"])
    max_bytes = app.settings.server.max_body_bytes

    async def told(request: Request, answer: Answer) -> Response:
        values = await read_object(request, max_bytes=max_bytes)
        work = partial(answer, app, values, caller_of(request, "route"))
        return json_answer(await anyio.to_thread.run_sync(work))

    @router.post(
        "/feedback",
        **describe("feedback", FeedbackAnswer, body=feedback.FeedbackBody, errors=VOTE_ERRORS),
    )
    async def give_feedback(request: Request) -> Response:
        """Say how good a choice or an answer was; the next choices learn from it.

        One vote a decision or run and key: a second replaces the first. `outcome` counts a little less than a rating.
        """
        return await told(request, feedback.feedback_json)

    @router.post(
        "/spawn-log/outcome",
        **describe("logOutcome", OutcomeAnswer, body=feedback.OutcomeBody, errors=(400, 413, 503)),
    )
    async def outcome(request: Request) -> Response:
        """Say how good a model was, without a decision. An unknown model is kept: it counts when the id appears."""
        return await told(request, feedback.outcome_json)

    return router
