"""Runs over HTTP: accepted, watched, resumed, cancelled, and the same request is the same run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import Refused
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.ports import ModelAnswer, ModelCall
from smart_spawn.settings import Settings
from tests.unit.api.conftest import small_facts
from tests.unit.api.test_document import check, schema_of

TASK = "How many prime numbers are there below 20?"
BODY: dict[str, Any] = {"task": TASK, "budget": "any", "minCapability": 0}


@pytest.fixture
def chat() -> FakeProvider:
    """Return whoever answers model calls."""
    return FakeProvider(default="8")


@pytest.fixture
async def http(
    tmp_path: Path, chat: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that carries runs out itself."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    async with SmartSpawn(Settings.model_validate({"home": tmp_path}), chat=chat, in_memory=True) as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


async def events_of(http: httpx.AsyncClient, run_id: str, **headers: str) -> list[dict[str, Any]]:
    """Watch a run to its end."""
    answer = await http.get(f"/api/runs/{run_id}/events", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in answer.text.split("\n\n") if block and not block.startswith(":")]
    found = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [{**json.loads(one["data"]), "id": one["id"], "event": one["event"]} for one in found]


async def test_a_run_is_accepted_watched_and_read(http: httpx.AsyncClient) -> None:
    """202 with its place; its events come in order to the end; the run then has what waiting would have given."""
    asked = {**BODY, "mode": "plan", "steps": ["count them", "say it"], "wait": False}
    accepted = await http.post("/api/spawn", json=asked)
    assert accepted.status_code == 202
    run_id = accepted.json()["id"]
    assert accepted.headers["location"] == f"/api/runs/{run_id}"

    events = await events_of(http, run_id)
    assert [one["number"] for one in events] == list(range(1, len(events) + 1))
    assert (events[0]["event"], events[-1]["event"]) == ("run.queued", "run.ended")

    run = (await http.get(f"/runs/{run_id}")).json()
    assert (run["status"], run["output"]) == ("succeeded", "8")
    assert run["progress"] == {"total": 2, "done": 2, "running": 0, "failed": 0, "percent": 100}
    assert [(node["id"], node["dependsOn"]) for node in run["nodes"]] == [
        ("step-1", []),
        ("step-2", ["step-1"]),
    ]
    assert run["routingDecision"]["selected"]["model"]
    assert run["cost"]["capUsd"] == 5.0

    artifact = (await http.get(f"/api/runs/{run_id}/artifacts/step-2")).json()["data"]
    assert (artifact["step"], artifact["content"]) == ("step-2", "8")
    assert (await http.get(f"/api/runs/{run_id}/artifacts/nowhere")).status_code == 404
    listed = (await http.get("/api/runs?status=succeeded&limit=1")).json()
    assert [row["id"] for row in listed["data"]] == [run_id]


async def test_a_step_that_failed_is_shown_at_once_with_those_behind_it(
    http: httpx.AsyncClient, chat: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another branch still works, the graph says who failed, why, and what will not be begun because of it."""

    async def scripted(call: ModelCall) -> ModelAnswer:
        if "break it" in call.messages[-1].content:
            raise Refused("no", model=call.model_id)
        await asyncio.sleep(60)
        raise AssertionError("cancelled before")

    monkeypatch.setattr(chat, "complete", scripted)
    steps = [
        {"id": "a", "task": "break it"},
        {"id": "a/b", "task": "work long"},
        {"id": "c", "task": "use it", "dependsOn": ["a"]},
        {"id": "d", "task": "use that", "dependsOn": ["c", "a/b"]},
    ]
    accepted = await http.post("/api/spawn", json={**BODY, "mode": "swarm", "steps": steps, "wait": False})
    run_id = accepted.json()["id"]
    async with asyncio.timeout(10):
        while (run := (await http.get(f"/api/runs/{run_id}")).json())["progress"]["failed"] < 3:  # noqa: ASYNC110  # it is a database that says so
            await asyncio.sleep(0.02)
    assert run["status"] == "running"
    assert {node["id"]: node["state"] for node in run["nodes"]} == {
        "a": "failed",
        "a/b": "running",
        "c": "skipped",
        "d": "skipped",
    }
    by_id = {node["id"]: node for node in run["nodes"]}
    assert by_id["c"]["error"] == by_id["d"]["error"] == "step `a` failed"
    assert by_id["a/b"]["tries"] == 1
    assert by_id["a"]["endedAt"] is not None
    assert (await http.post(f"/api/runs/{run_id}/cancel")).status_code == 200


async def test_a_stream_goes_on_after_the_last_event_seen(http: httpx.AsyncClient) -> None:
    """`Last-Event-ID` leaves out what was seen; with all seen there is nothing more to come, which is 204."""
    run_id = (await http.post("/api/spawn", json=BODY)).json()["id"]
    everything = await events_of(http, run_id)
    rest = await events_of(http, run_id, **{"last-event-id": "2"})
    assert rest == everything[2:]
    last = everything[-1]["id"]
    assert (await http.get(f"/runs/{run_id}/events", headers={"last-event-id": last})).status_code == 204
    assert (await http.get(f"/runs/{run_id}/events", headers={"last-event-id": "two"})).status_code == 400
    assert (await http.get("/runs/run_none/events")).status_code == 404


async def test_the_same_key_is_the_same_run(http: httpx.AsyncClient, chat: FakeProvider) -> None:
    """Asked twice with one key, the task is done and paid once; another body under that key is a conflict."""
    key = {"idempotency-key": "one"}
    first = await http.post("/api/spawn", json=BODY, headers=key)
    second = await http.post("/api/spawn", json={**BODY, "wait": True}, headers=key)
    assert second.json()["id"] == first.json()["id"]
    assert second.json()["output"] == first.json()["output"]
    assert len(chat.calls) == 1
    other = await http.post("/api/spawn", json={**BODY, "task": "another"}, headers=key)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert (
        await http.post("/api/spawn", json=BODY, headers={"idempotency-key": "k" * 300})
    ).status_code == 400


async def test_a_cancelled_run_stops_and_stays_cancelled(http: httpx.AsyncClient, chat: FakeProvider) -> None:
    """The call under way is broken off; the run keeps what it spent; cancelling again is a conflict."""
    chat.add(*[Scripted(text="late", delay_s=30)] * 4)
    run_id = (await http.post("/api/spawn", json={**BODY, "wait": False})).json()["id"]
    cancelled = await http.post(f"/api/runs/{run_id}/cancel")
    assert cancelled.status_code == 200
    assert cancelled.json()["cancelRequested"]
    events = await events_of(http, run_id)
    assert events[-1]["data"]["status"] == "cancelled"
    run = (await http.get(f"/runs/{run_id}")).json()
    assert run["status"] == "cancelled"
    again = await http.post(f"/runs/{run_id}/cancel")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "RUN_NOT_CANCELLABLE")


async def test_a_failure_names_its_run(http: httpx.AsyncClient, chat: FakeProvider) -> None:
    """What waiting answers as an error can be looked up afterwards."""
    chat.add(*[Refused("no", provider="fake")] * 20)
    failed = await http.post("/api/spawn", json=BODY)
    assert failed.status_code == 502
    run = (await http.get(f"/runs/{failed.json()['error']['details']['runId']}")).json()
    assert (run["status"], run["error"]["code"]) == ("failed", failed.json()["error"]["code"])


STEP = {"id": "a", "task": "b"}


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        (
            {
                "mode": "swarm",
                "steps": [{**STEP, "dependsOn": ["b"]}, {**STEP, "id": "b", "dependsOn": ["a"]}],
            },
            400,
            "circle",
        ),
        ({"mode": "swarm", "steps": [{**STEP, "dependsOn": ["none"]}]}, 400, "none"),
        ({"mode": "swarm", "steps": [STEP, STEP]}, 400, "`a`"),
        ({"mode": "swarm", "steps": ["x"] * 1001}, 400, "1,000"),
        ({"mode": "plan", "steps": ["x" * 200_001]}, 413, "200,000"),
        ({"mode": "collective", "count": 0}, 400, "count"),
        ({"mode": "collective", "count": 50}, 400, "count"),
        ({"mode": "cascade", "minConfidence": 1.5}, 400, "minConfidence"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    http: httpx.AsyncClient, chat: FakeProvider, body: dict[str, Any], status: int, named: str
) -> None:
    """The message names what is wrong, no run is stored and nobody is called."""
    refused = await http.post("/api/spawn", json={**BODY, **body, "wait": False})
    assert refused.status_code == status
    assert named in refused.json()["error"]["message"]
    assert (await http.get("/runs")).json()["data"] == []
    assert not chat.calls


async def test_answers_have_the_documented_shapes(http: httpx.AsyncClient, chat: FakeProvider) -> None:
    """Runs of every mode, ended and under way, and what is accepted."""
    document = (await http.get("/openapi.json")).json()
    for mode in ("single", "collective", "cascade", "swarm"):
        run_id = (await http.post("/spawn", json={**BODY, "mode": mode})).json()["id"]
        run = (await http.get(f"/runs/{run_id}")).json()
        check(document, schema_of(document, "get", "/api/runs/{id}", 200), run)
    chat.add(*[Scripted(text="late", delay_s=30)] * 4)
    accepted = (await http.post("/spawn", json={**BODY, "wait": False})).json()
    check(document, schema_of(document, "post", "/api/spawn", 202), accepted)
    run = (await http.get(f"/runs/{accepted['id']}")).json()
    check(document, schema_of(document, "get", "/api/runs/{id}", 200), run)
    check(document, schema_of(document, "get", "/api/runs", 200), (await http.get("/runs")).json())
    planned = await http.post("/spawn", json={**BODY, "mode": "plan", "steps": ["a", "b"], "dryRun": True})
    check(document, schema_of(document, "post", "/api/spawn", 200), planned.json())
