"""Choosing over HTTP: the answers, the two ways to ask, and looking into them later."""

from __future__ import annotations

import httpx
import pytest

from tests.unit.api.conftest import body_of

TASK = "Refactor this Python function to use asyncio"


async def test_a_pick_names_the_best_model_in_the_budget(http: httpx.AsyncClient) -> None:
    """The answer carries the model, its price, the reason and what to fall back on."""
    answer = await http.get("/api/pick", params={"task": TASK, "budget": "low"})
    data = body_of(answer)["data"]
    assert answer.status_code == 200
    assert data["id"] == "beta/cheap"
    assert data["category"] == "coding"
    assert data["budget"] == "low"
    assert data["tier"] == {"min": 0, "max": 1.0}
    assert data["pricing"] == {"prompt": 0.5, "completion": 2.5}
    assert "beta/cheap" not in data["fallbacks"]
    assert data["decisionId"].startswith("dec_")


async def test_the_default_budget_is_the_owners(http: httpx.AsyncClient) -> None:
    """A caller who names no budget gets the one of the settings."""
    data = body_of(await http.get("/api/pick", params={"task": TASK}))["data"]
    assert (data["budget"], data["id"]) == ("medium", "acme/middle")


async def test_both_prefixes_and_both_methods_choose_alike(http: httpx.AsyncClient) -> None:
    """`/pick` is `/api/pick`, and a body says the same as a query."""
    asked = {"task": TASK, "budget": "any"}
    answers = [
        await http.get("/pick", params=asked),
        await http.get("/api/pick/", params=asked),
        await http.post("/pick", json=asked),
        await http.post(
            "/api/pick", content=str(asked).replace("'", '"'), headers={"content-type": "text/plain"}
        ),
    ]
    assert {body_of(answer)["data"]["id"] for answer in answers} == {"acme/strong"}


async def test_a_category_name_is_a_task(http: httpx.AsyncClient) -> None:
    """`task=vision` asks for that category, not for a text of one word."""
    data = body_of(await http.get("/api/pick", params={"task": "Vision", "budget": "medium"}))["data"]
    assert (data["category"], data["id"]) == ("vision", "gamma/seer")


@pytest.mark.parametrize(
    "query",
    [
        "exclude=acme/middle,gamma/seer",
        "exclude=acme/middle&exclude=gamma/seer",
        "exclude=openrouter/acme/middle, gamma/seer,",
    ],
)
async def test_lists_may_repeat_or_use_commas(http: httpx.AsyncClient, query: str) -> None:
    """Both spellings of a list exclude the same models."""
    answer = await http.get(f"/api/pick?task=coding&budget=medium&{query}")
    assert body_of(answer)["data"]["id"].startswith("beta/cheap")


async def test_recommendations_come_most_wanted_first(http: httpx.AsyncClient) -> None:
    """As many as asked for, each another model, and the reading of the task beside them."""
    answer = body_of(
        await http.get("/api/recommend", params={"category": "coding", "budget": "any", "count": 3})
    )
    ids = [row["model"]["id"] for row in answer["data"]]
    assert len(set(ids)) == 3
    assert ids[0] == "acme/strong"
    assert answer["meta"]["task"] == "coding"


async def test_a_decision_is_kept_and_comes_out_the_same_again(http: httpx.AsyncClient) -> None:
    """What `/route` answered can be read, explained and made again later."""
    first = body_of(await http.post("/api/route", json={"task": TASK, "budget": "high"}))
    again = body_of(await http.get(f"/api/decisions/{first['id']}"))
    assert again == first
    text = await http.get(f"/api/decisions/{first['id']}/explain")
    assert text.headers["content-type"].startswith("text/plain")
    assert first["selected"]["model"] in text.text
    replayed = body_of(await http.post(f"/api/decisions/{first['id']}/replay"))
    assert replayed["same"] is True
    assert replayed["again"] == replayed["first"] == first


async def test_verbose_adds_every_candidate_and_every_rejection(http: httpx.AsyncClient) -> None:
    """The long answer is asked for with the request, or later of the kept decision."""
    short = body_of(await http.post("/api/route", json={"task": TASK, "budget": "low"}))
    long = body_of(await http.get(f"/api/decisions/{short['id']}", params={"verbose": "true"}))
    assert "candidates" not in short
    assert {row["model"] for row in long["rejectedModels"]} >= {"acme/strong", "acme/middle"}


async def test_a_spawn_returns_output_decision_and_bill(http: httpx.AsyncClient) -> None:
    """The chosen model's text comes with the decision that chose it."""
    answer = body_of(await http.post("/api/spawn", json={"task": TASK, "budget": "low"}))
    assert answer["status"] == "succeeded"
    assert answer["output"] == "This is a scripted answer."
    assert answer["routingDecision"]["selected"]["model"] == answer["model"] == "beta/cheap"
    assert answer["cost"]["usd"] > 0


async def test_models_can_be_listed_shown_and_compared(http: httpx.AsyncClient) -> None:
    """Ids with a slash, with a colon and with a client's prefix all work."""
    rows = body_of(await http.get("/api/models", params={"sort": "coding", "limit": 2}))
    assert [row["id"] for row in rows["data"]] == ["acme/strong", "acme/middle"]
    assert rows["meta"]["returned"] == 2
    for asked in ("beta/cheap:free", "openrouter/beta/cheap:free", "beta%2Fcheap:free"):
        assert body_of(await http.get(f"/api/models/{asked}"))["data"]["id"] == "beta/cheap:free"
    compared = body_of(await http.get("/api/compare", params={"models": "acme/strong,beta/none"}))["data"]
    assert [row["id"] for row in compared["models"]] == ["acme/strong"]
    assert compared["missing"] == ["beta/none"]
    unmatched = body_of(await http.get("/api/catalog/unmatched", params={"source": "lmarena"}))["data"]
    assert [row["publishedName"] for row in unmatched] == ["mystery-9b"]


async def test_health_and_status_tell_what_is_served(http: httpx.AsyncClient) -> None:
    """Health is short; status names every source and the version of the catalogue."""
    health = body_of(await http.get("/health"))
    status = body_of(await http.get("/api/status"))["data"]
    assert health["status"] == "ok"
    assert status["catalogVersion"] == health["catalogVersion"]
    assert status["sources"]["artificial_analysis"]["status"] == "off"
