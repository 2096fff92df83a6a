"""Tools that choose a model and say why: `smartspawn_pick`, `_compare`, `_explain`, `_feedback`, `_health`."""

from __future__ import annotations

import anyio.to_thread
from pydantic.alias_generators import to_camel

from smart_spawn import __version__
from smart_spawn.errors import StoreError
from smart_spawn.mcp.answers import CompareAnswer, ExplainAnswer, FeedbackAnswer, HealthAnswer, PickAnswer
from smart_spawn.mcp.arguments import (
    CompareArguments,
    ExplainArguments,
    FeedbackArguments,
    NoArguments,
    PickArguments,
)
from smart_spawn.mcp.call import Call
from smart_spawn.routing.request import RouteRequest
from smart_spawn.surface.decisions import decision_json, explain_text, pick_json
from smart_spawn.surface.feedback import feedback_json
from smart_spawn.surface.models import compare_json
from smart_spawn.surface.status import status_json


async def pick(call: Call, asked: PickArguments) -> PickAnswer:
    """Choose a model for a task."""
    app = call.app
    catalog = app.catalog
    wanted = RouteRequest.of(app.defaults(RouteRequest, asked.request()))
    decision = app.decide(wanted, caller=call.caller.key)
    return PickAnswer.model_validate(pick_json(decision, catalog)["data"])


async def compare(call: Call, asked: CompareArguments) -> CompareAnswer:
    """Put models side by side."""
    return CompareAnswer.model_validate(compare_json(call.app.catalog, asked.models)["data"])


async def explain(call: Call, asked: ExplainArguments) -> ExplainAnswer:
    """Say why a model was chosen. Reads the store, so it works beside the event loop."""
    app = call.app

    def explained() -> ExplainAnswer:
        decision, catalog = app.decision(asked.decision_id)
        return ExplainAnswer(
            explanation=explain_text(decision, catalog, app.policy),
            decision=decision_json(decision, catalog, app.policy, verbose=False),
        )

    return await anyio.to_thread.run_sync(explained)


async def feedback(call: Call, asked: FeedbackArguments) -> FeedbackAnswer:
    """Keep what somebody thinks of a choice or an answer."""
    values = {to_camel(name): value for name, value in asked.given().items()}
    answer = await anyio.to_thread.run_sync(feedback_json, call.app, values, call.caller)
    return FeedbackAnswer.model_validate(answer["data"])


async def health(call: Call, _: NoArguments) -> HealthAnswer:
    """Say whether a model can be chosen, and whether one could be run."""
    return await anyio.to_thread.run_sync(_health, call)


def _health(call: Call) -> HealthAnswer:
    app = call.app
    status, writable = status_json(app)["data"], _writable(call)
    providers = list(app.settings.providers)
    return HealthAnswer(
        status=status["status"],
        openrouter_configured="openrouter" in providers,
        smart_spawn_api_reachable=status["modelCount"] > 0,
        db_writable=writable,
        artifact_storage_writable=writable,  # artifacts are kept in the database
        worker_alive=app.carries_out or _workers_alive(call),
        providers=providers,
        models=status["modelCount"],
        catalog_version=status["catalogVersion"],
        version=__version__,
    )


def _writable(call: Call) -> bool:
    try:
        with call.app.store.database.write():
            return True
    except StoreError:
        return False


def _workers_alive(call: Call) -> bool:
    try:
        return call.app.workers_alive()
    except StoreError:
        return False
