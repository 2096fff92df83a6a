"""`/metrics`: what a Prometheus server reads."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from smart_spawn.app import SmartSpawn
from tests.unit.api.test_callers import bearer

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def read(http: httpx.AsyncClient, path: str = "/metrics") -> Samples:
    """Read every sample by name and labels."""
    answer = await http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def of(samples: Samples, name: str, **labels: str) -> float:
    """Return one sample."""
    return samples[name, frozenset(labels.items())]


async def test_requests_are_counted_by_route_and_status(http: httpx.AsyncClient) -> None:
    """Under the name of the route, with the prefix and without, also where ids are in the path."""
    for path in (
        "/pick?task=x",
        "/api/pick?task=x",
        "/api/pick?task=",
        "/models/acme/strong",
        "/models/no/such",
    ):
        await http.get(path)
    await http.post("/api/route", json={"task": "x"})
    await http.get("/mcp")
    samples = await read(http)
    counted = "smart_spawn_requests_total"
    assert of(samples, counted, method="GET", route="/pick", status="200") == 2
    assert of(samples, counted, method="GET", route="/pick", status="400") == 1
    assert of(samples, counted, method="GET", route="/models/{id}", status="200") == 1
    assert of(samples, counted, method="GET", route="/models/{id}", status="404") == 1
    assert of(samples, counted, method="POST", route="/route", status="200") == 1
    assert of(samples, counted, method="GET", route="/mcp", status="405") == 1
    assert of(samples, "smart_spawn_request_seconds_count", route="/pick") == 3


async def test_what_clients_send_is_no_label(http: httpx.AsyncClient) -> None:
    """Paths and methods that are none of ours share one name, so nobody can fill the memory with names."""
    for n in range(5):
        await http.get(f"/canary-{n}")
        await http.request(f"CANARY{n}", "/api/pick")
    await http.get("/api/pick?task=canary")
    text = (await http.get("/metrics")).text
    assert "canary" not in text.lower()
    samples = await read(http)
    assert of(samples, "smart_spawn_requests_total", method="GET", route="other", status="404") == 5


async def test_the_state_is_that_of_the_moment(http: httpx.AsyncClient, served: SmartSpawn) -> None:
    """Models, sources that are on, and runs by state with what they cost."""
    done = await http.post("/api/spawn", json={"task": "x", "budget": "any", "minCapability": 0})
    samples = await read(http, "/api/metrics")
    assert of(samples, "smart_spawn_models") == 7
    assert of(samples, "smart_spawn_runs", status="succeeded") == 1
    assert of(samples, "smart_spawn_runs", status="failed") == 0
    spent = of(samples, "smart_spawn_runs_spent_usd")
    assert spent == pytest.approx(done.json()["cost"]["usd"], abs=1e-6)  # kept in whole micro-USD
    assert of(samples, "smart_spawn_run_wait_seconds") == 0
    assert of(samples, "smart_spawn_source_readings", source="lmarena") == 5
    assert of(samples, "smart_spawn_info", version="0.1.0", catalog=served.catalog.version) == 1
    assert of(samples, "process_resident_memory_bytes") > 1e6
    assert not any(("source", "artificial_analysis") in labels for _, labels in samples)


async def test_with_keys_only_the_owner_reads_them(http: httpx.AsyncClient, served: SmartSpawn) -> None:
    """What others do is the owner's to know."""
    route = bearer(served.keys.create("laptop", ["route", "execute"]).secret)
    owner = bearer(served.keys.create("owner", ["admin"]).secret)
    assert (await http.get("/metrics", headers=route)).status_code == 403
    assert (await http.get("/metrics", headers=owner)).status_code == 200
    assert (await http.get("/metrics?x=1", headers=owner)).status_code == 400
