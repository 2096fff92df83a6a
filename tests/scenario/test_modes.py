"""Every mode from request to answer, over a small catalogue and a scripted provider."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import Overloaded, StepFailed
from smart_spawn.model import Mode
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.settings import Settings
from smart_spawn.spawn.inline import InlineCtx
from smart_spawn.spawn.request import SpawnRequest
from tests.unit.api.conftest import small_facts
from tests.unit.api.test_document import check, schema_of

QUESTION = "How many prime numbers are there below 20?"


@pytest.fixture
def chat() -> FakeProvider:
    """Return whoever answers model calls."""
    return FakeProvider(default="8")


@pytest.fixture
def app(tmp_path: Path, chat: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmartSpawn]:
    """Return Smart Spawn over a handful of models."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    with SmartSpawn(Settings.model_validate({"home": tmp_path}), chat=chat, in_memory=True) as served:
        yield served


async def ask(app: SmartSpawn, path: str, **body: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=create_app(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        return await http.post(path, json=body)


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "cascade"},
        {"mode": "cascade", "minConfidence": 0.999, "maxEscalation": 1, "judge": "acme/strong"},
        {"mode": "collective", "count": 3, "diversity": "high"},
        {"mode": "collective", "adaptive": True},
        {"mode": "plan", "task": "Read the file, then write a summary"},
        {"mode": "swarm", "steps": ["look", {"id": "end", "task": "tell", "dependsOn": [1]}]},
        {"mode": "swarm", "role": {"persona": "analyst", "guardrails": ["concise"]}},
        {"mode": "single", "role": "writer"},
    ],
)
async def test_every_mode_answers_in_the_documented_shape(app: SmartSpawn, body: dict[str, Any]) -> None:
    """200, with the output, every attempt, the decision and the bill."""
    answer = await ask(app, "/api/spawn", **{"task": QUESTION, "budget": "any", "minCapability": 0, **body})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["status"], found["mode"]) == ("succeeded", body["mode"])
    assert found["output"]
    assert found["cost"]["usd"] == pytest.approx(sum(r["costUsd"] for r in found["responses"]))
    assert found["routingDecision"]["selected"]["model"]
    document = create_app(app).openapi()
    check(document, schema_of(document, "post", "/api/spawn", 200), found)


async def test_a_cascade_starts_cheap_and_says_why_it_went_up(app: SmartSpawn, chat: FakeProvider) -> None:
    """Two cheap models that disagree lead to the best one."""
    for model, text in (("beta/small", "6"), ("beta/cheap", "9"), ("acme/strong", "8")):
        chat.add(text, model_id=model)
    chat.add("7", model_id="beta/cheap:free")
    result = await app.spawn(QUESTION, mode="cascade", budget="any", category="coding", min_capability=0)
    asked = [call.model_id for call in chat.calls]
    assert asked[-1] == "acme/strong"
    assert len(asked) == len(set(asked)) > 1
    assert result.outcome.output == "8"
    assert result.outcome.escalations


async def test_a_collective_takes_different_models(app: SmartSpawn, chat: FakeProvider) -> None:
    """Members differ, and the majority's answer is the answer."""
    result = await app.spawn(
        QUESTION, mode="collective", count=3, diversity="high", budget="any", category="coding"
    )
    assert len({call.model_id for call in chat.calls}) == len(chat.calls) >= 2
    assert result.outcome.consensus
    assert result.outcome.consensus.agreement == 1.0


async def test_a_collective_that_is_smaller_than_wanted_says_so(app: SmartSpawn) -> None:
    """Agreement of fewer models proves less."""
    body = {"task": QUESTION, "budget": "any", "minCapability": 0, "mode": "collective", "count": 5}
    answer = (await ask(app, "/api/spawn", **body)).json()
    members = len(answer["responses"])
    assert members < 5
    assert f"{members} of 5 members: no other candidate is measured and nearly as good" in answer["warnings"]


async def test_a_failed_step_is_an_error_that_names_it(app: SmartSpawn, chat: FakeProvider) -> None:
    """All candidates of one step fail: the caller learns which step, and nothing waits."""
    chat.default = "done"
    for model in ("acme/strong", "acme/middle", "beta/cheap", "gamma/seer", "beta/small", "beta/cheap:free"):
        chat.add(*[Overloaded("busy", provider="fake")] * 4, model_id=model)
    with pytest.raises(StepFailed, match="step `step-1` failed"):
        await app.spawn("x", mode="plan", steps=["one", "two"], timeout_s=20)


async def test_a_role_reaches_the_model(app: SmartSpawn, chat: FakeProvider) -> None:
    """As the system message, in every mode."""
    for mode in Mode:
        await app.spawn(QUESTION, mode=str(mode), role="teacher", budget="any")
        worker = chat.calls[-1]
        assert worker.messages[0].role == "system"
        assert "teacher" in worker.messages[0].content


async def test_a_dry_run_calls_nobody(app: SmartSpawn, chat: FakeProvider) -> None:
    """It shows who would do what, for how much, and the longest chain."""
    answer = await ask(
        app, "/api/spawn", task="Read the file, then write a summary", mode="plan", dryRun=True
    )
    found = answer.json()
    assert found["dryRun"]
    assert found["dag"]["criticalPath"] == ["step-1", "step-2"]
    assert found["dag"]["estimatedCost"]["high"] > 0
    assert not chat.calls


async def test_the_deadline_holds_for_all_calls_together(app: SmartSpawn, chat: FakeProvider) -> None:
    """A run that takes too long ends as `timed_out`, whatever mode it is in."""
    chat.add(*[Scripted(text="late", delay_s=5)] * 10)
    answer = await ask(app, "/api/spawn", task=QUESTION, mode="collective", timeoutS=0.2)
    assert answer.status_code == 504


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"judge": "acme/strnog", "mode": "cascade"}, 404, "acme/strnog"),
        ({"mode": "swarm", "steps": [{"id": "a", "task": "b", "dependsOn": ["c"]}]}, 400, "`c`"),
        ({"mode": "collective", "count": 50}, 400, "count"),
        ({"mode": "cascade", "minConfidence": 1.5}, 400, "minConfidence"),
        ({"mode": "collective", "maxCostUsd": 0.0000001}, 402, "USD"),
    ],
)
async def test_what_cannot_be_done_is_refused(
    app: SmartSpawn, chat: FakeProvider, body: dict[str, Any], status: int, named: str
) -> None:
    """With the status of the contract, before anybody is called."""
    answer = await ask(app, "/api/spawn", **{"task": QUESTION, "budget": "any", **body})
    assert answer.status_code == status
    error = answer.json()["error"]
    assert named in error["message"]
    assert error["hint"]
    assert not chat.calls


async def test_modes_are_there_for_engines(app: SmartSpawn, chat: FakeProvider) -> None:
    """Each takes its job as JSON and ends with an outcome as surfaces show it."""
    import json

    from smart_spawn.app.jobs import JobMaker
    from smart_spawn.spawn.carry import to_request
    from smart_spawn.spawn.request import SpawnRequest

    assert set(app.modes) == {str(mode) for mode in Mode}
    for mode in Mode:
        request = SpawnRequest.of({"task": QUESTION, "mode": mode, "budget": "any"})
        jobs = JobMaker(dispatcher=app.dispatcher(app.catalog), choose=app.preview)
        job = json.loads(json.dumps(to_request(jobs.job(request, app.preview(request)))))
        ctx = InlineCtx(chat=chat, clock=app.now, random=lambda: 0.5)
        ended = await app.modes[str(mode)](ctx, job)
        assert ended.status == "succeeded"
        assert json.loads(json.dumps(ended.outcome))["output"]


async def test_asking_again_for_a_run_under_way_leaves_it_alone(app: SmartSpawn, chat: FakeProvider) -> None:
    """A submission sent once more, because its answer was lost, neither stops the run nor pays it twice."""
    chat.add(Scripted(text="8", delay_s=1.0))
    request = SpawnRequest.of({"task": QUESTION, "budget": "any", "minCapability": 0})
    run_id = await app.submit(request, idempotency_key="once")
    await asyncio.sleep(0.2)
    assert await app.submit(request, idempotency_key="once") == run_id
    run = await asyncio.wait_for(app.runs.finished(run_id), 30)
    assert (run.status, len(chat.calls)) == ("succeeded", 1)
