"""Record the examples of the OpenAPI document from the service itself: `python -m scripts.record_api_examples`.

Answers come from the packaged catalogue and a scripted provider. Long lists are cut, ids and times are made constant.
The same answers go to `tests/data/api`, where programs in other languages find something to be tested with.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.ports import Usage
from smart_spawn.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTED = ROOT / "src" / "smart_spawn" / "api" / "examples.json"
PUBLISHED = ROOT / "tests" / "data" / "api"
NOW = datetime(2026, 8, 8, 12, tzinfo=UTC)
TASK = "Refactor this Python function to use asyncio"
PARTS = "Design a schema for a blog, then write a REST API for it, and finally write tests"
MODEL = "anthropic/claude-opus-4.6"
MOST_ITEMS = 2
CONSTANT = {
    "latencyMs": 812.4,
    "startedAt": "2026-08-08T12:00:00.400000Z",
    "endedAt": "2026-08-08T12:00:02.100000Z",
}
"""What a clock decided, whatever it said."""
MOST_KEYS = 8
ANSWER = Scripted(
    text="import asyncio\n\nasync def fetch_all(urls): ...",
    usage=Usage(prompt_tokens=42, completion_tokens=180),
    cost_usd=Decimal("0.00058"),
)

Asked = dict[str, Any]
ROLE: Asked = {"task": TASK, "persona": "software-engineer", "stack": ["python"], "guardrails": ["code"]}
OWN = "own/wizard"
OWN_MODEL: Asked = {
    "provider": "lab",
    "pricing": {"prompt": 0.2, "completion": 0.8},
    "contextLength": 64_000,
    "capabilities": {"json": True},
}
OWN_RESULTS: Asked = {"benchmark": "livebench_coding", "results": [{"model": OWN, "value": 71.5}]}
CALLS: dict[str, tuple[str, str, Asked, str]] = {
    "pick": ("GET", "/api/pick", {"task": TASK, "budget": "low"}, "PickAnswer"),
    "pickFromBody": ("POST", "/api/pick", {"task": TASK, "budget": "low", "require": ["json"]}, "PickAnswer"),
    "recommend": (
        "GET",
        "/api/recommend",
        {"category": "coding", "budget": "any", "count": 2},
        "RecommendAnswer",
    ),
    "recommendFromBody": (
        "POST",
        "/api/recommend",
        {"task": TASK, "budget": "low", "count": 2, "diversity": "high"},
        "RecommendAnswer",
    ),
    "route": ("POST", "/api/route", {"task": TASK, "budget": "medium"}, "RoutingDecision"),
    "spawn": ("POST", "/api/spawn", {"task": TASK, "budget": "low", "maxCostUsd": 0.05}, "SpawnAnswer"),
    "chat": (
        "POST",
        "/v1/chat/completions",
        {"model": "smart-spawn/auto:low", "messages": [{"role": "user", "content": TASK}]},
        "ChatAnswer",
    ),
    "message": (
        "POST",
        "/v1/messages",
        {
            "model": "smart-spawn/auto:low",
            "max_tokens": 1_024,
            "messages": [{"role": "user", "content": TASK}],
        },
        "MessageAnswer",
    ),
    "countMessageTokens": (
        "POST",
        "/v1/messages/count_tokens",
        {"model": "claude-opus-4-6", "messages": [{"role": "user", "content": TASK}]},
        "CountAnswer",
    ),
    "response": (
        "POST",
        "/v1/responses",
        {"model": "smart-spawn/auto:low", "input": TASK},
        "ResponseAnswer",
    ),
    "chatModels": ("GET", "/v1/models", {}, "ChatModelsAnswer"),
    "chatModel": ("GET", f"/v1/models/{MODEL}", {}, "ChatModel"),
    "decompose": ("POST", "/api/decompose", {"task": PARTS, "budget": "low"}, "DecomposeAnswer"),
    "swarm": ("POST", "/api/swarm", {"task": PARTS, "budget": "low", "context": ["python"]}, "SwarmAnswer"),
    "roleBlocks": ("GET", "/api/roles/blocks", {}, "BlocksAnswer"),
    "composeRole": ("POST", "/api/roles/compose", ROLE, "ComposeAnswer"),
    "models": (
        "GET",
        "/api/models",
        {"category": "coding", "sort": "efficiency", "limit": 2},
        "ModelsAnswer",
    ),
    "model": ("GET", f"/api/models/{MODEL}", {}, "ModelAnswer"),
    "compare": ("GET", "/api/compare", {"models": f"{MODEL},deepseek/deepseek-v3.2"}, "CompareAnswer"),
    "unmatched": ("GET", "/api/catalog/unmatched", {"source": "lmarena"}, "UnmatchedAnswer"),
    "versions": ("GET", "/api/catalog/versions", {"limit": 10}, "VersionsAnswer"),
    "prices": ("GET", f"/api/catalog/prices/{MODEL}", {}, "PricesAnswer"),
    "rollback": ("POST", "/api/catalog/rollback", {"version": None}, "RollbackAnswer"),
    "status": ("GET", "/api/status", {}, "StatusAnswer"),
    "health": ("GET", "/api/health", {}, "HealthAnswer"),
    "putPrivateModel": ("PUT", f"/api/private-models/{OWN}", OWN_MODEL, "PrivateModelAnswer"),
    "privateModel": ("GET", f"/api/private-models/{OWN}", {}, "PrivateModelAnswer"),
    "privateModels": ("GET", "/api/private-models", {}, "PrivateModelsAnswer"),
    "importBenchmarks": ("POST", "/api/benchmarks", OWN_RESULTS, "ImportAnswer"),
    "boards": ("GET", "/api/benchmarks", {}, "BoardsAnswer"),
    "removeBenchmark": ("DELETE", "/api/benchmarks/livebench_coding", {}, "RemovedAnswer"),
    "removePrivateModel": ("DELETE", f"/api/private-models/{OWN}", {}, "RemovedAnswer"),
    "error-400": ("GET", "/api/pick", {"task": TASK, "budgte": "low"}, "ErrorAnswer"),
    "error-402": ("GET", "/api/pick", {"task": TASK, "budget": "low", "minCapability": 75}, "ErrorAnswer"),
    "error-404": ("GET", "/api/models/anthropic/claude-opsu-4.6", {}, "ErrorAnswer"),
    "error-413": ("POST", "/api/pick", {"task": "x" * 200_001}, "ErrorAnswer"),
    "error-422": (
        "GET",
        "/api/pick",
        {"task": TASK, "budget": "any", "minContext": 99_000_000},
        "ErrorAnswer",
    ),
}
WRITTEN: dict[str, Any] = {
    "refresh": {
        "request": {"sources": ["openrouter", "lmarena"]},
        "answer": {"data": {"refresh": "started", "sources": ["openrouter", "lmarena"]}},
    }
}
"""What is not recorded, because it would reach for the network."""


async def record() -> dict[str, Any]:
    """Ask the service everything and return operation → query or request, and answer."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.model_validate(
            {
                "home": home,
                "providers": {"lab": {"base_url": "http://127.0.0.1:9/v1"}},
                "community": {"enabled": True},
            }
        )
        chat = FakeProvider([ANSWER])
        served = SmartSpawn(settings, chat=chat, in_memory=True, now=lambda: NOW)
        async with (
            served,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=create_app(served)), base_url="http://localhost"
            ) as http,
        ):
            found = {name: await ask(http, *call[:3]) for name, call in CALLS.items()}
            version = found["versions"]["answer"]["data"][0]["version"]
            compared = {"from": version, "to": version, "picks": "false"}
            found["diff"] = await ask(http, "GET", "/api/catalog/diff", compared)
            decision = (await http.post("/api/route", json={"task": TASK, "budget": "medium"})).json()["id"]
            asked = {
                "task": PARTS,
                "mode": "plan",
                "steps": ["Design a schema", "Write tests"],
                "budget": "low",
            }
            run_id = (await http.post("/api/spawn", json=asked)).json()["id"]
            run = (await http.get(f"/api/runs/{run_id}")).json()
            listed = (await http.get("/api/runs")).json()
            # all were begun at one moment, so chance decides which comes first
            lines = [line for line in listed["data"] if line["id"] == run_id]
            listed = {"data": lines, "meta": {**listed["meta"], "returned": len(lines)}}
            artifact = (await http.get(f"/api/runs/{run_id}/artifacts/step-1")).json()
            artifact["data"]["createdAt"] = CONSTANT["endedAt"]
            chat.add(Scripted(text="late", delay_s=30))
            accepted = (await http.post("/api/spawn", json={"task": TASK, "wait": False})).json()
            cancelled = (await http.post(f"/api/runs/{accepted['id']}/cancel")).json()
            watched = await http.get(f"/api/runs/{run_id}/events", headers={"last-event-id": "1"})
            event = {
                **json.loads(watched.text.split("data: ")[1].split("\n")[0]),
                "at": CONSTANT["startedAt"],
            }
            learned = learned_calls(decision)
            explained = await http.get(f"/api/decisions/{decision}/explain")
            measured = await http.get("/api/metrics")
            replayed = await http.post(f"/api/decisions/{decision}/replay")
            for name, call in learned.items():
                found[name] = shortened(await ask(http, *call))
    found["decision"] = {"answer": found["route"]["answer"]}
    found["run"] = {"answer": shortened(run)}
    found["cancelRun"] = {"answer": shortened(cancelled)}
    found["runEvents"] = {"answer": shortened(event)}
    found["spawn"]["accepted"] = shortened(accepted)
    found["runs"] = {"query": {"limit": 1}, "answer": shortened(listed)}
    found["runArtifact"] = {"answer": shortened(artifact)}
    found["explain"] = {"answer": constant(explained.text)}
    found["metrics"] = {"answer": _described(measured.text)}
    found["replay"] = {"answer": shortened(replayed.json())}
    return {**found, **WRITTEN}


def learned_calls(decision: str) -> dict[str, tuple[str, str, Asked]]:
    """Return what is asked of votes and statistics, in this order."""
    outcome: Asked = {"model": MODEL, "category": "coding", "rating": 4}
    spawned: Asked = {"model": MODEL, "category": "coding", "mode": "single", "source": "agent"}
    vote: Asked = {
        "at": "2026-08-01T12:00:00Z",
        "voter": "local",
        "subject": "dec_019fc3b0a40043d5e1f7a2b8",
        "kind": "rating",
        "model": MODEL,
        "category": "coding",
        "value": 5,
    }
    return {
        "feedback": ("POST", "/api/feedback", {"decisionId": decision, "rating": 5, "comment": "spot on"}),
        "logOutcome": ("POST", "/api/spawn-log/outcome", outcome),
        "logSpawn": ("POST", "/api/spawn-log", spawned),
        "importVotes": ("POST", "/api/feedback/votes", {"votes": [vote]}),
        "votes": ("GET", "/api/feedback/votes", {"limit": 2}),
        "spawnScores": ("GET", "/api/spawn-log/scores", {"category": "coding"}),
        "spawnStats": ("GET", "/api/spawn-log/stats", {"days": 7}),
        "beliefs": ("GET", "/api/beliefs", {}),
        "belief": ("GET", f"/api/beliefs/{MODEL}", {}),
        "reverseVotes": ("POST", "/api/feedback/reverse", {"day": "2026-08-01"}),
        "undoReversal": ("POST", "/api/feedback/undo", {"act": 1}),
        "voteActs": ("GET", "/api/feedback/acts", {}),
        "stages": ("GET", "/api/stages", {}),
        "communityReport": ("POST", "/api/community/report", {**outcome, "instanceId": "laptop-7f3a"}),
        "communityScores": ("GET", "/api/community/scores", {"category": "coding"}),
    }


async def ask(http: httpx.AsyncClient, method: str, path: str, asked: Asked) -> dict[str, Any]:
    """Ask once; the example has what was asked and what came."""
    if method == "GET":
        return {"query": asked, "answer": shortened((await http.get(path, params=asked)).json())}
    answer = (await http.request(method, path, json=asked or None)).json()
    return {"request": asked, "answer": shortened(answer)}


def shortened(value: Any) -> Any:
    """Cut what is long and make what differs between two recordings constant."""
    if isinstance(value, dict):
        rows = list(value.items())
        cut = rows[:MOST_KEYS] if all(isinstance(item, float) for item in value.values()) else rows
        return {key: CONSTANT.get(key) if key in CONSTANT and item else shortened(item) for key, item in cut}
    if isinstance(value, list):
        return [shortened(item) for item in value[:MOST_ITEMS]]
    return constant(value) if isinstance(value, str) else value


def _described(metrics: str) -> str:
    """Return what the first metrics are, without their values, which differ every time."""
    lines = [line for line in metrics.splitlines() if line.startswith("#")]
    return "\n".join(lines[:4]) + "\n"


def constant(text: str) -> str:
    """Replace random ids."""
    return re.sub(r"\b(dec|run)_[0-9a-f]{24}\b", r"\1_019fc3b0a40043d5e1f7a2b8", text)


def main() -> None:
    """Record, and write both places."""
    found = asyncio.run(record())
    errors = {name: example["answer"] for name, example in found.items() if name.startswith("error-")}
    documented = {name: example for name, example in found.items() if name not in errors} | errors
    DOCUMENTED.write_text(json.dumps(documented, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PUBLISHED.mkdir(parents=True, exist_ok=True)
    for name, call in CALLS.items():
        example = {"schema": call[3], "value": found[name]["answer"]}
        path = PUBLISHED / f"{name}.json"
        path.write_text(json.dumps(example, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(documented)} examples")


if __name__ == "__main__":
    main()
