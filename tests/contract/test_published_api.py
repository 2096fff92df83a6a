"""What published clients rely on, field by field: names, types, statuses and codes, with `/api` and without.

Nobody here can change those clients. A field is never renamed, never of another type, and one that is new is added to
the shape on purpose.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.settings import Settings
from tests.contract.shapes import NUMBER, Each, Or, maybe, misfits
from tests.unit.api.conftest import small_facts

CATEGORIES = ["coding", "reasoning", "creative", "vision", "research", "fast-cheap", "general"]
BUDGETS = ["low", "medium", "high", "any"]
CATEGORY, BUDGET = Or(tuple(CATEGORIES)), Or(tuple(BUDGETS))
PRICING = {
    "prompt": maybe(float),
    "completion": maybe(float),
    "cachedInput?": float,
    "reasoning?": float,
}
"""USD per million tokens."""
BY_CATEGORY = {f"{category}?": NUMBER for category in CATEGORIES}
MODEL = {
    "id": str,
    "name": str,
    "provider": str,
    "contextLength": maybe(int),
    "maxOutputTokens": maybe(int),
    "pricing": {**PRICING, "overrides?": list},
    "capabilities": dict.fromkeys(("vision", "functionCalling", "streaming", "json", "reasoning"), bool),
    "categories": [CATEGORY],
    "scores": BY_CATEGORY,
    "costEfficiency": BY_CATEGORY,
    "tier": Or(("premium", "standard", "budget", None)),
    "benchmarks": Each(NUMBER),
    "speed": {"outputTokensPerSecond?": NUMBER, "timeToFirstToken?": NUMBER},
    "tags": [str],
    "reasoningEfforts": [str],
    "lastUpdated": maybe(str),
    "sourcesCovered": [str],
}
PICK = {
    "data": {
        "id": str,
        "name": str,
        "provider": str,
        "score": float,
        "benchmarkScore": maybe(float),
        "personalScore": maybe(float),
        "pricing": PRICING,
        "budget": BUDGET,
        "tier": {"min": NUMBER, "max": maybe(NUMBER)},
        "candidateCount": int,
        "category": CATEGORY,
        "confidence": float,
        "reasoningEffort": maybe(str),
        "reason": str,
        "fallbacks": [str],
        "decisionId": str,
        "contextTags?": [str],
        "contextBoost?": float,
        "warnings?": [str],
    }
}
RECOMMEND = {
    "data": [
        {
            "model": MODEL,
            "reason": str,
            "confidence": float,
            "reasoningEffort": maybe(str),
            "qualityGivenUp": float,
        }
    ],
    "meta": {
        "task": CATEGORY,
        "taskRaw": str,
        "budget": BUDGET,
        "candidatesConsidered": int,
        "decisionId": str,
    },
}
STEP_MODEL = maybe({"id": str, "name": str, "provider": str, "score": float, "pricing": PRICING})
WHOLE = {"decomposed": False, "reason": str}
"""A task that does not split: 200."""
DECOMPOSE = {
    "decomposed": True,
    "totalSteps": int,
    "steps": [
        {
            "step": int,
            "task": str,
            "category": CATEGORY,
            "budget": BUDGET,
            "model": STEP_MODEL,
            "reason": str,
        }
    ],
    "originalTask": str,
    "context": maybe(str),
}
SWARM = {
    "decomposed": True,
    "dag": {
        "tasks": [
            {
                "id": str,
                "description": str,
                "category": CATEGORY,
                "budget": BUDGET,
                "persona": str,
                "dependsOn": [str],
                "model": STEP_MODEL,
                "reason": str,
                "wave": int,
            }
        ],
        "waves": [{"wave": int, "taskIds": [str], "description": str}],
        "edges": [{"from": str, "to": str, "type": str}],
        "totalTasks": int,
        "totalWaves": int,
        "criticalPath": [str],
        "originalTask": str,
        "context": maybe(str),
        "estimatedCost": {"low": NUMBER, "high": NUMBER},
        "warning?": str,
    },
}
ROLE = {
    "hasRole": bool,
    "persona": maybe(str),
    "personaTitle": maybe(str),
    "stack": [str],
    "domain": maybe(str),
    "format": maybe(str),
    "guardrails": [str],
    "wordCount": int,
    "fullPrompt": str,
    "warnings?": [str],
}
INSTRUCTIONS = [{"id": str, "instructions": str}]
BLOCKS = {
    "personas": [{"id": str, "title": str, "core": str}],
    "stack": INSTRUCTIONS,
    "domains": INSTRUCTIONS,
    "formats": INSTRUCTIONS,
    "guardrails": INSTRUCTIONS,
    "counts": dict.fromkeys(("personas", "stack", "domains", "formats", "guardrails"), int),
}
STATUS = {
    "data": {
        "status": Or(("ok", "stale", "degraded", "empty")),
        "lastRefresh": maybe(str),
        "modelCount": int,
        "modelsWithScores": int,
        "modelsWithBenchmarks": int,
        "sources": Each(
            {
                "status": Or(("ok", "stale", "error", "off")),
                "lastPull": maybe(str),
                "lastGood": maybe(str),
                "dataFrom": maybe(str),
                "count": int,
                "matched": int,
                "unmatched": int,
                "publishedAt": maybe(str),
                "nextPull": maybe(str),
                "error?": str,
                "quarantined?": bool,
                "notices?": [str],
                "notes?": [str],
            }
        ),
        "catalogVersion": maybe(str),
        "catalogAsOf": maybe(str),
        "norm": maybe(str),
        "attribution": Each(str),
        "version": str,
    }
}
VOTE = {"recorded": True, "model": str, "category": CATEGORY, "rating": Or((float, "success", "failure"))}
OUTCOME = {"data": VOTE}
FEEDBACK = {"data": {**VOTE, "subject": str, "replaced": bool}}
LOGGED = {"data": {"logged": True}}
SCORES = {"data": [{"model": str, "category": CATEGORY, "successRate": NUMBER, "total": int}]}
INTERVAL = maybe([NUMBER])
STATS = {
    "data": {
        "totalSpawns": int,
        "byModel": Each(int),
        "byCategory": Each(int),
        "byMode": Each(int),
        "totalEstimatedCost": NUMBER,
        "savings": NUMBER,
        "since": str,
        "daily": [{"date": str, "spawns": int, "estimatedCost": NUMBER}],
        "cascade": {
            "total": int,
            "cheapOnly": int,
            "withPremium": int,
            "escalationRate": NUMBER,
            "avgSavingsPerCascade": NUMBER,
        },
        "categoryAvgCost": Each(NUMBER),
        "topModels": [{"model": str, "count": int, "avgCost": NUMBER}],
        "spend": {
            "usd": NUMBER,
            "byListPricesUsd": NUMBER,
            "unknownCost": int,
            "byDay": Each(NUMBER),
            "byModel": Each(NUMBER),
            "byCategory": Each(NUMBER),
            "byMode": Each(NUMBER),
            "byKey": Each(NUMBER),
        },
        "saved": {"usd": NUMBER, "interval95": INTERVAL, "compared": int, "sample": int, "baseline": str},
        "gate?": {"judged": int, "good": int, "precision": maybe(NUMBER), "interval95": INTERVAL},
        "drift?": [dict],
    }
}
ERROR = {"error": {"code": str, "message": str, "hint": str, "details": dict}}

TASK = "Refactor this Python function"
PARTS = "1. Design a schema for a blog.\n2. Write a REST API for it.\n3. Write the tests."
LIST = "- Look at Rust\n- Look at Go\n- Compare both languages"


@pytest.fixture
async def http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service in memory."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    async with SmartSpawn(Settings.model_validate({"home": tmp_path}), in_memory=True) as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


prefixed = pytest.mark.parametrize("prefix", ["", "/api"])


async def answer_to(http: httpx.AsyncClient, method: str, path: str, body: Any = None) -> httpx.Response:
    """Send a request as published clients do: JSON with its content type, also on GET."""
    headers = {"content-type": "application/json"}
    if body is None:
        return await http.request(method, path, headers=headers)
    return await http.request(method, path, headers=headers, json=body)


GOOD = [
    pytest.param("GET", f"/pick?task={TASK}&budget=medium", None, PICK, id="pick"),
    pytest.param(
        "GET", f"/pick?task={TASK}&budget=any&context=python,typescript", None, PICK, id="pick-context"
    ),
    pytest.param(
        "GET", "/pick?task=coding&budget=low&exclude=openrouter/beta/cheap", None, PICK, id="pick-exclude"
    ),
    pytest.param("GET", f"/pick?task={TASK}&budget=medium&exclude=", None, PICK, id="pick-nothing-excluded"),
    pytest.param(
        "GET", "/pick?task=vision&budget=high&require=vision&minContext=1000", None, PICK, id="pick-require"
    ),
    pytest.param(
        "POST", "/pick", {"task": TASK, "budget": "any", "context": ["python"]}, PICK, id="pick-post"
    ),
    pytest.param("POST", "/pick", {"task": TASK, "context": "python, rest"}, PICK, id="pick-context-text"),
    pytest.param("GET", f"/recommend?task={TASK}&budget=any&count=3", None, RECOMMEND, id="recommend"),
    pytest.param(
        "GET",
        "/recommend?category=coding&budget=high&count=5&require=vision&minContext=1&diversity=high&context=python",
        None,
        RECOMMEND,
        id="recommend-category",
    ),
    pytest.param(
        "POST",
        "/decompose",
        {"task": PARTS, "budget": "any", "context": "python,rest"},
        DECOMPOSE,
        id="decompose",
    ),
    pytest.param("POST", "/decompose", {"task": PARTS}, DECOMPOSE, id="decompose-without-context"),
    pytest.param(
        "POST", "/decompose", {"task": "Write a haiku", "budget": "low"}, WHOLE, id="decompose-whole"
    ),
    pytest.param("POST", "/decompose", {"task": "x", "steps": ["a", "b"]}, DECOMPOSE, id="decompose-steps"),
    pytest.param(
        "POST",
        "/swarm",
        {"task": LIST, "budget": "medium", "context": "rust", "maxParallel": 5},
        SWARM,
        id="swarm",
    ),
    pytest.param("POST", "/swarm", {"task": "Write a haiku", "maxParallel": 5}, WHOLE, id="swarm-whole"),
    pytest.param("POST", "/swarm", {"task": LIST, "minCapability": 99}, SWARM, id="swarm-without-models"),
    pytest.param("POST", "/roles/compose", {"task": TASK}, ROLE, id="role-none"),
    pytest.param(
        "POST",
        "/roles/compose",
        {
            "task": TASK,
            "persona": "software-engineer",
            "stack": ["typescript", "no-such"],
            "domain": "fintech",
            "format": "full-implementation",
            "guardrails": ["concise"],
        },
        ROLE,
        id="role",
    ),
    pytest.param("GET", "/roles/blocks", None, BLOCKS, id="blocks"),
    pytest.param("GET", "/status", None, STATUS, id="status"),
    pytest.param(
        "POST",
        "/spawn-log",
        {
            "model": "openrouter/acme/strong",
            "category": "coding",
            "budget": "medium",
            "mode": "single",
            "role": "software-engineer",
            "source": "mcp",
            "context": "python,rest",
        },
        LOGGED,
        id="log",
    ),
    pytest.param(
        "POST", "/spawn-log", {"model": "future/model-9", "category": "general"}, LOGGED, id="log-future"
    ),
    pytest.param("GET", "/spawn-log/scores", None, SCORES, id="scores"),
    pytest.param("GET", "/spawn-log/scores?category=coding&minSamples=1", None, SCORES, id="scores-of"),
    pytest.param("GET", "/spawn-log/stats", None, STATS, id="stats"),
    pytest.param("GET", "/spawn-log/stats?days=7", None, STATS, id="stats-of-a-week"),
    pytest.param(
        "POST",
        "/spawn-log/outcome",
        {"model": "openrouter/acme/strong", "category": "coding", "rating": 4, "context": "python,rest"},
        OUTCOME,
        id="outcome",
    ),
    pytest.param(
        "POST",
        "/spawn-log/outcome",
        {"model": "future/model-9", "category": "general", "rating": 1},
        OUTCOME,
        id="outcome-of-the-future",
    ),
]


@prefixed
@pytest.mark.parametrize(("method", "path", "body", "shape"), GOOD)
async def test_a_good_answer_has_every_field_and_no_other(
    http: httpx.AsyncClient, prefix: str, method: str, path: str, body: Any, shape: Any
) -> None:
    """200, JSON, and the shape that clients read."""
    answer = await answer_to(http, method, prefix + path, body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert misfits(answer.json(), shape) == []


BAD = [
    pytest.param("GET", "/pick", None, 400, "MISSING_PARAM", id="pick-nothing"),
    pytest.param("GET", "/pick?task=&budget=low", None, 400, "MISSING_PARAM", id="pick-empty"),
    pytest.param("GET", "/pick?task=x&budget=tiny", None, 400, "INVALID_PARAM", id="pick-budget"),
    pytest.param("GET", "/pick?task=x&bugdet=low", None, 400, "INVALID_PARAM", id="pick-unknown"),
    pytest.param("GET", "/pick?task=x&exclude=no/such", None, 404, "UNKNOWN_MODEL", id="pick-model"),
    pytest.param(
        "POST", "/pick", {"task": "x", "only": ["gamma/unpriced"]}, 402, "NO_MODEL_IN_BUDGET", id="pick-402"
    ),
    pytest.param("GET", "/pick?task=x&minContext=90000000", None, 422, "NO_ELIGIBLE_MODEL", id="pick-422"),
    pytest.param("POST", "/pick", {"task": "x" * 200_001}, 413, "TOO_LARGE", id="pick-413"),
    pytest.param("GET", "/recommend", None, 400, "MISSING_PARAM", id="recommend-nothing"),
    pytest.param("GET", "/recommend?task=x&count=6", None, 400, "INVALID_PARAM", id="recommend-count"),
    pytest.param("GET", "/recommend?category=cooking", None, 400, "INVALID_PARAM", id="recommend-category"),
    pytest.param(
        "GET", "/recommend?task=x&require=telepathy", None, 400, "INVALID_PARAM", id="recommend-require"
    ),
    pytest.param("POST", "/decompose", {}, 400, "MISSING_PARAM", id="decompose-nothing"),
    pytest.param(
        "POST", "/decompose", {"task": "x", "mode": "plan"}, 400, "INVALID_PARAM", id="decompose-unknown"
    ),
    pytest.param("POST", "/swarm", {"budget": "low"}, 400, "MISSING_PARAM", id="swarm-nothing"),
    pytest.param(
        "POST", "/swarm", {"task": "x", "maxParallel": 0}, 400, "INVALID_PARAM", id="swarm-parallel"
    ),
    pytest.param("POST", "/roles/compose", {}, 400, "MISSING_PARAM", id="role-nothing"),
    pytest.param(
        "POST", "/roles/compose", {"task": "x", "person": "y"}, 400, "INVALID_PARAM", id="role-unknown"
    ),
    pytest.param(
        "POST", "/spawn-log/outcome", {"category": "coding", "rating": 4}, 400, "MISSING_PARAM", id="o-model"
    ),
    pytest.param(
        "POST",
        "/spawn-log/outcome",
        {"model": "a/b", "category": "coding"},
        400,
        "MISSING_PARAM",
        id="o-rating",
    ),
    pytest.param(
        "POST",
        "/spawn-log/outcome",
        {"model": "a/b", "category": "coding", "rating": 6},
        400,
        "INVALID_PARAM",
        id="outcome-too-good",
    ),
    pytest.param(
        "POST",
        "/spawn-log/outcome",
        {"model": "a/b", "category": "cooking", "rating": 3},
        400,
        "INVALID_PARAM",
        id="outcome-category",
    ),
    pytest.param("POST", "/spawn-log", {"category": "coding"}, 400, "MISSING_PARAM", id="log-model"),
    pytest.param("POST", "/spawn-log", {"model": "a/b"}, 400, "MISSING_PARAM", id="log-category"),
    pytest.param(
        "POST", "/spawn-log", {"model": "a/b", "category": "cooking"}, 400, "INVALID_PARAM", id="log-cooking"
    ),
    pytest.param("GET", "/spawn-log/scores?minSamples=0", None, 400, "INVALID_PARAM", id="scores-samples"),
    pytest.param(
        "GET", "/spawn-log/scores?category=cooking", None, 400, "INVALID_PARAM", id="scores-cooking"
    ),
    pytest.param("GET", "/spawn-log/stats?days=0", None, 400, "INVALID_PARAM", id="stats-days"),
    pytest.param("POST", "/feedback", {"rating": 3}, 400, "MISSING_PARAM", id="feedback-subject"),
    pytest.param("POST", "/feedback", {"decisionId": "dec_none"}, 400, "MISSING_PARAM", id="feedback-rating"),
    pytest.param(
        "POST", "/feedback", {"decisionId": "dec_none", "rating": 3}, 404, "NOT_FOUND", id="feedback-unknown"
    ),
    pytest.param("GET", "/compare", None, 400, "MISSING_PARAM", id="compare-nothing"),
    pytest.param("GET", "/status?deep=1", None, 400, "INVALID_PARAM", id="status-unknown"),
    pytest.param("GET", "/no/such", None, 404, "NOT_FOUND", id="no-route"),
    pytest.param("DELETE", "/pick", None, 405, "METHOD_NOT_ALLOWED", id="no-method"),
]


@prefixed
@pytest.mark.parametrize(("method", "path", "body", "status", "code"), BAD)
async def test_an_error_has_its_status_its_code_and_the_one_shape(
    http: httpx.AsyncClient, prefix: str, method: str, path: str, body: Any, status: int, code: str
) -> None:
    """`error.message` is what published clients show; code, hint and details are always beside it."""
    answer = await answer_to(http, method, prefix + path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert misfits(answer.json(), ERROR) == []
    assert answer.json()["error"]["message"]


@prefixed
@pytest.mark.parametrize("path", ["/pick", "/decompose", "/swarm", "/roles/compose"])
@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff", b'{"task": "\\ud800"}'])
async def test_a_body_that_is_no_object_is_refused(
    http: httpx.AsyncClient, prefix: str, path: str, body: bytes
) -> None:
    """400 with a code of its own, whatever the route."""
    answer = await http.post(prefix + path, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_BODY")
    assert misfits(answer.json(), ERROR) == []


@pytest.mark.parametrize("value", ["budget=tiny", "category=cooking", "diversity=some", "require=telepathy"])
async def test_a_wrong_name_lists_the_right_ones(http: httpx.AsyncClient, value: str) -> None:
    """A client that shows `message` and `hint` shows what to choose from."""
    error = (await http.get(f"/recommend?task=x&{value}")).json()["error"]
    valid = error["details"]["valid"]
    assert len(valid) >= 3
    assert all(name in error["hint"] for name in valid)


@prefixed
async def test_a_prefix_of_openrouter_is_dropped_everywhere(http: httpx.AsyncClient, prefix: str) -> None:
    """Clients of OpenRouter keep its prefix on ids."""
    plain = await http.get(f"{prefix}/pick?task=coding&budget=any&exclude=acme/strong")
    marked = await http.get(f"{prefix}/pick?task=coding&budget=any&exclude=openrouter/acme/strong")
    assert plain.json()["data"]["id"] == marked.json()["data"]["id"] != "acme/strong"
    compared = await http.get(f"{prefix}/compare?models=openrouter/acme/strong,openrouter/acme/middle")
    assert [row["id"] for row in compared.json()["data"]["models"]] == ["acme/strong", "acme/middle"]
    one = await http.get(f"{prefix}/models/openrouter/acme/strong")
    assert one.json()["data"]["id"] == "acme/strong"
    pinned = await http.post(
        f"{prefix}/route",
        json={"task": "x", "budget": "any", "pin": "openrouter/acme/middle", "models": ["openrouter/acme/*"]},
    )
    assert pinned.json()["selected"]["model"] == "acme/middle"


@prefixed
async def test_a_vote_on_a_choice_is_kept_once(http: httpx.AsyncClient, prefix: str) -> None:
    """A rating or a word; the second of the same kind takes the place of the first."""
    picked = (await http.get(f"{prefix}/pick?task=coding&budget=any")).json()["data"]
    for rating, replaced in ((5, False), (2, True)):
        voted = await http.post(
            f"{prefix}/feedback", json={"decisionId": picked["decisionId"], "rating": rating, "comment": "x"}
        )
        assert (voted.status_code, misfits(voted.json(), FEEDBACK)) == (200, [])
        assert voted.json()["data"]["model"] == picked["id"]
        assert voted.json()["data"]["replaced"] is replaced


@prefixed
async def test_what_was_logged_is_counted(http: httpx.AsyncClient, prefix: str) -> None:
    """Spawns that others made, and how they turned out, by model and category, without the prefix of OpenRouter."""
    for rating in (5, 4, 1):
        spawned = {"model": "openrouter/acme/strong", "category": "coding"}
        await http.post(f"{prefix}/spawn-log", json={**spawned, "mode": "cascade", "budget": "low"})
        await http.post(f"{prefix}/spawn-log/outcome", json={**spawned, "rating": rating})
    (row,) = (await http.get(f"{prefix}/spawn-log/scores?category=coding&minSamples=3")).json()["data"]
    assert (row["model"], row["category"], row["total"]) == ("acme/strong", "coding", 3)
    assert 0 < row["successRate"] < 1
    assert (await http.get(f"{prefix}/spawn-log/scores?minSamples=4")).json()["data"] == []
    stats = await http.get(f"{prefix}/spawn-log/stats")
    assert misfits(stats.json(), STATS) == []
    found = stats.json()["data"]
    assert found["totalSpawns"] == found["byModel"]["acme/strong"] == found["byCategory"]["coding"] == 3
    assert found["byMode"] == {"cascade": 3}
    assert found["daily"][0]["spawns"] == found["topModels"][0]["count"] == 3


@prefixed
async def test_ids_of_the_future_are_kept(http: httpx.AsyncClient, prefix: str) -> None:
    """An outcome of a model that the catalogue does not hold is accepted, without the prefix of OpenRouter."""
    answer = await http.post(
        f"{prefix}/spawn-log/outcome",
        json={"model": "openrouter/future/model-9", "category": "coding", "rating": 5},
    )
    assert answer.json()["data"]["model"] == "future/model-9"


async def test_a_budget_tier_is_an_interval_of_input_prices(http: httpx.AsyncClient) -> None:
    """USD per million tokens: below 1, up to 5, without a ceiling twice."""
    tiers = [
        (await http.get(f"/pick?task=coding&budget={budget}")).json()["data"]["tier"] for budget in BUDGETS
    ]
    assert tiers == [
        {"min": 0, "max": 1},
        {"min": 0, "max": 5},
        {"min": 0, "max": None},
        {"min": 0, "max": None},
    ]


def test_the_shapes_themselves_refuse() -> None:
    """A missing field, a new one, another type: each is told with its place."""
    shape = {"a": int, "b?": [maybe(str)], "c": Each(float)}
    assert misfits({"a": 1, "b": ["x", None], "c": {"any": 1.0}}, shape) == []
    assert misfits({"a": True, "b": [1], "d": 1}, shape) == [
        "answer.c is missing",
        "answer.d is not of the shape",
        "answer.a is True, not int",
        "answer.b[0] is 1, not str",
    ]
