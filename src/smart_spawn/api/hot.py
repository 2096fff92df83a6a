"""`GET /pick`, the route that is asked most: no framework between the socket and the decision."""

from __future__ import annotations

from starlette.types import Scope

from smart_spawn.api.answers import encode
from smart_spawn.api.callers import key_of
from smart_spawn.api.gate import DECISION_ID, Hot
from smart_spawn.api.requests import category_as_task, read_query
from smart_spawn.app import SmartSpawn
from smart_spawn.routing.request import RouteRequest
from smart_spawn.surface.decisions import pick_json


def hot_pick(app: SmartSpawn) -> Hot:
    """Return the handler of `GET /pick`. It raises SmartSpawnError."""

    def pick(scope: Scope) -> tuple[int, bytes]:
        values = category_as_task(read_query(scope["query_string"]))
        catalog = app.catalog
        decision = app.decide(RouteRequest.of(app.defaults(RouteRequest, values)), caller=key_of(scope))
        scope[DECISION_ID] = decision.id
        return 200, encode(pick_json(decision, catalog))

    return pick
