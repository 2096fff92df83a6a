"""What a choice costs in large catalogues: as much as there are models, never their square."""

from __future__ import annotations

import time

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
from tests.unit.builders import NOW, catalog, listing


def shop(models: int) -> Catalog:
    """Return so many models, each on one board."""
    names = [f"v{n % 20}/model-{n}" for n in range(models)]
    return catalog(
        [listing(name, "0.5") for name in names],
        {name: {"lmarena_coding": (n % 400) / 200 - 1} for n, name in enumerate(names)},
    )


def best_s(models: Catalog) -> float:
    """Return the least CPU time of a choice, in seconds."""
    times = []
    for _ in range(5):
        request = RouteRequest.of({"task": "Fix the failing test", "budget": "low", "exclude": ["v1/*"]})
        start = time.process_time()
        route(request, models, at=NOW, decision_id="dec_test", policy=RoutingPolicy())
        times.append(time.process_time() - start)
    return min(times)


def test_time_grows_no_faster_than_the_catalogue() -> None:
    """Twenty thousand models take at most some thirty times as long as two thousand (noise included)."""
    assert best_s(shop(20_000)) <= 30 * best_s(shop(2_000)) + 0.02
