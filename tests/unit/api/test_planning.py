"""`/decompose`, `/swarm` and `/roles/*` over HTTP, in the shapes of published clients."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from smart_spawn.providers.fake import FakeProvider
from tests.unit.api.conftest import body_of
from tests.unit.api.test_document import check, schema_of

PARTS = "Design a schema for a blog, then write a REST API for it, and finally write tests"


async def post(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = body_of(answer)
    return found


async def test_a_task_becomes_steps_with_models(http: httpx.AsyncClient, provider: FakeProvider) -> None:
    """Each step has its own category and the model that routing chooses for it; nobody is called."""
    answer = await post(http, "/api/decompose", task=PARTS, budget="any", context="python,rest")
    assert answer["decomposed"] is True
    assert (answer["totalSteps"], answer["originalTask"], answer["context"]) == (3, PARTS, "python,rest")
    assert [step["step"] for step in answer["steps"]] == [1, 2, 3]
    assert answer["steps"][1]["task"] == "write a REST API for it"
    assert answer["steps"][1]["category"] == "coding"
    assert answer["steps"][1]["model"]["id"] == "acme/strong"
    assert set(answer["steps"][1]["model"]) == {"id", "name", "provider", "score", "pricing"}
    assert answer["steps"][1]["model"]["pricing"] == {"prompt": 8.0, "completion": 40.0}
    assert not provider.calls


async def test_a_task_becomes_a_graph(http: httpx.AsyncClient) -> None:
    """Waves count from 0, edges lead from what is awaited, and the cost has a low and a high end."""
    task = "- Look at Rust\n- Look at Go\n- Compare both languages"
    dag = (await post(http, "/swarm", task=task, budget="medium"))["dag"]
    assert [t["id"] for t in dag["tasks"]] == ["swarm-1", "swarm-2", "swarm-3"]
    assert [t["wave"] for t in dag["tasks"]] == [0, 0, 1]
    assert dag["tasks"][2]["dependsOn"] == ["swarm-1", "swarm-2"]
    assert [w["taskIds"] for w in dag["waves"]] == [["swarm-1", "swarm-2"], ["swarm-3"]]
    assert {"from": "swarm-1", "to": "swarm-3", "type": "dependency"} in dag["edges"]
    assert (dag["totalTasks"], dag["totalWaves"], dag["context"]) == (3, 2, None)
    assert 0 < dag["estimatedCost"]["low"] < dag["estimatedCost"]["high"]
    assert "warning" not in dag


async def test_waves_hold_no_more_than_asked(http: httpx.AsyncClient) -> None:
    """With `maxParallel` a wide wave becomes several, and nothing starts before what it waits for."""
    task = "\n".join(f"- Look at thing {n}" for n in range(5)) + "\n- Summarize all results"
    dag = (await post(http, "/swarm", task=task, maxParallel=2))["dag"]
    assert [len(w["taskIds"]) for w in dag["waves"]] == [2, 2, 1, 1]
    wave = {t["id"]: t["wave"] for t in dag["tasks"]}
    assert all(wave[e["from"]] < wave[e["to"]] for e in dag["edges"])


@pytest.mark.parametrize("path", ["/api/decompose", "/api/swarm"])
async def test_a_task_in_one_piece_is_no_error(http: httpx.AsyncClient, path: str) -> None:
    """The answer is 200, says that the task was not taken apart, and why."""
    answer = await post(http, path, task="Write a haiku")
    assert answer["decomposed"] is False
    assert answer["reason"]
    assert set(answer) == {"decomposed", "reason"}


async def test_given_steps_are_planned_as_they_are(http: httpx.AsyncClient) -> None:
    """Names and objects, each with its own budget and category."""
    steps = ["collect", {"id": "write", "task": "write a poem", "category": "creative", "budget": "low"}]
    answer = await post(http, "/decompose", task="whole", budget="any", steps=steps)
    assert [s["task"] for s in answer["steps"]] == ["collect", "write a poem"]
    assert (answer["steps"][1]["category"], answer["steps"][1]["budget"]) == ("creative", "low")
    assert answer["steps"][1]["model"]["id"] == "beta/cheap"


async def test_a_step_that_nobody_can_do_has_no_model(http: httpx.AsyncClient) -> None:
    """The others are planned all the same, and a warning names the step."""
    steps = ["write code", {"id": "see", "task": "look", "category": "vision", "budget": "low"}]
    dag = (await post(http, "/swarm", task="whole", budget="any", minCapability=60, steps=steps))["dag"]
    assert dag["tasks"][0]["model"]
    assert dag["tasks"][1]["model"] is None
    assert dag["tasks"][1]["reason"]
    assert "see" in dag["warning"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "task"),
        ({"task": "x", "budgte": "low"}, "budgte"),
        ({"task": "x", "steps": [{"id": "a", "task": "y", "dependsOn": ["b"]}]}, "`b`"),
        ({"task": "x", "steps": [{"id": "a", "task": "y", "dependsOn": ["a"]}]}, "circle"),
        ({"task": "x", "steps": [{"id": "a", "task": "y"}, {"id": "a", "task": "z"}]}, "two steps"),
        ({"task": "x", "steps": ["y"] * 1001}, "1,001 steps"),
    ],
)
async def test_wrong_plans_are_refused(http: httpx.AsyncClient, body: dict[str, Any], named: str) -> None:
    """400, with the step or the field in the message."""
    answer = await http.post("/api/swarm", json=body)
    assert answer.status_code == 400
    assert named in body_of(answer)["error"]["message"]


async def test_a_step_that_is_too_long_is_refused(http: httpx.AsyncClient) -> None:
    """413, with both lengths."""
    answer = await http.post("/api/swarm", json={"task": "x", "steps": ["y" * 200_001]})
    assert answer.status_code == 413
    assert "200,001" in body_of(answer)["error"]["message"]


async def test_roles_are_listed_and_composed(http: httpx.AsyncClient) -> None:
    """The blocks with their texts, and a prompt that holds role and task."""
    blocks = body_of(await http.get("/api/roles/blocks"))
    assert blocks["counts"] == {"personas": 36, "stack": 82, "domains": 15, "formats": 17, "guardrails": 6}
    assert set(blocks["personas"][0]) == {"id", "title", "core"}
    assert set(blocks["stack"][0]) == set(blocks["formats"][0]) == {"id", "instructions"}
    role = await post(http, "/roles/compose", task="Do it", persona="analyst", guardrails=["concise", "no"])
    assert (role["hasRole"], role["personaTitle"], role["guardrails"]) == (True, "Analyst", ["concise"])
    assert role["fullPrompt"].startswith("You are an analyst.")
    assert role["fullPrompt"].endswith("Do it")
    assert role["wordCount"] > 10
    assert len(role["warnings"]) == 1
    bare = await post(http, "/roles/compose", task="Do it")
    assert (bare["hasRole"], bare["fullPrompt"], bare["wordCount"]) == (False, "Do it", 0)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "/api/decompose", {"task": PARTS, "context": "python"}),
        ("post", "/api/decompose", {"task": "Write a haiku"}),
        ("post", "/api/swarm", {"task": PARTS, "budget": "any"}),
        ("post", "/api/swarm", {"task": "x", "minCapability": 99, "steps": ["y"]}),
        ("get", "/api/roles/blocks", None),
        ("post", "/api/roles/compose", {"task": "x", "persona": "pirate", "stack": ["go"]}),
    ],
)
async def test_answers_are_as_documented(
    http: httpx.AsyncClient, api: Any, method: str, path: str, body: dict[str, Any] | None
) -> None:
    """What is answered has the documented shape and no field more."""
    answer = await http.request(method.upper(), path, json=body)
    document = api.openapi()
    check(document, schema_of(document, method, path, answer.status_code), body_of(answer))
