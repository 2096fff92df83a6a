"""`SmartSpawn` from end to end in one process: choose, remember, replay, do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import NoProvider, NotFound, RateLimited
from smart_spawn.model import Category
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.settings import Settings
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.surface.decisions import decision_json, explain_text
from smart_spawn.surface.spawning import spawn_json
from smart_spawn.surface.status import status_json

TASK = "Refactor this Python function to use asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


async def test_it_answers_offline_from_the_packaged_catalogue(settings: Settings) -> None:
    """Nothing configured, nothing fetched: a choice with evidence, and a status that says how old the data is."""
    async with SmartSpawn(settings) as ss:
        decision = await ss.route(TASK, budget="low")
        assert decision.category is Category.CODING
        body = status_json(ss)["data"]
        assert body["modelCount"] == len(ss.catalog) > 300
        assert body["sources"]["openrouter"]["dataFrom"].startswith("2026-08-08")
        assert body["sources"]["openrouter"]["lastPull"] is None
        assert body["status"] == "stale"


async def test_a_decision_is_remembered_over_a_restart_and_replays_to_the_byte(settings: Settings) -> None:
    """Why this model, last Tuesday? The same answer comes out of what was stored."""
    async with SmartSpawn(settings) as ss:
        decision = await ss.route(TASK, budget="medium", context=["python"], session_id="s")
        text = explain_text(decision, ss.catalog, ss.policy)
    async with SmartSpawn(settings) as later:
        replay = later.replay(decision.id)
        assert replay.same
        assert replay.first.result() == decision.result()
        assert explain_text(replay.first, replay.catalog, later.policy) == text
        with pytest.raises(NotFound):
            later.decision("dec_000000000000000000000000")


async def test_the_owners_defaults_hold_where_a_request_says_nothing(tmp_path: Path) -> None:
    """Budget, minimum capability and category weights of the settings are those of a bare request."""
    own = Settings.model_validate(
        {
            "home": tmp_path,
            "default_budget": "low",
            "min_capability": 55,
            "category_weights": {"creative": 0.0},
        }
    )
    async with SmartSpawn(own) as ss:
        decision = await ss.route("Write a short poem about rain", category_weights={"general": 1.0})
        assert decision.budget == "low"
        assert decision.request.min_capability == 55
        assert Category.CREATIVE not in decision.mix
        assert (await ss.route(TASK, budget="high")).budget == "high"


async def test_a_session_keeps_its_model_while_leaving_gains_nothing(settings: Settings) -> None:
    """The second request of a conversation knows where the first one stood."""
    async with SmartSpawn(settings) as ss:
        first = await ss.route(TASK, session_id="talk")
        second = await ss.route(TASK, session_id="talk")
        assert second.session is not None
        assert second.session.model == first.selected.model == second.selected.model


async def test_a_task_is_done_and_the_decision_comes_along(settings: Settings) -> None:
    """The output, what it cost, what the best model at any price would have cost, and why this one."""
    async with SmartSpawn(settings, chat=FakeProvider(default="async def f(): ...")) as ss:
        result = await ss.spawn(TASK, budget="low")
        body = spawn_json(result, ss.policy)
    assert body["status"] == "succeeded"
    assert body["output"] == "async def f(): ..."
    assert body["routingDecision"]["selected"]["model"] == body["responses"][0]["model"] == body["model"]
    assert body["cost"]["source"] == "list-price"
    assert body["cost"]["savedUsd"] > 0


async def test_the_next_candidate_takes_over_and_satisfies_the_same_limits(settings: Settings) -> None:
    """A model that fails is followed by one that fits the same budget; both attempts are shown."""
    async with SmartSpawn(settings) as ss:
        chosen = await ss.route(TASK, budget="low")
    chat = FakeProvider(
        {chosen.selected.model: [RateLimited("slow down", retry_after_s=3600)] * 5},
        default="done",
    )
    async with SmartSpawn(settings, chat=chat) as ss:
        result = await ss.spawn(TASK, budget="low")
        used = ss.catalog.listing(result.outcome.model or "")
    assert used is not None
    assert used.id in {o.model for o in chosen.others}
    assert used.price.base.prompt_usd_per_mtok is not None
    assert used.price.base.prompt_usd_per_mtok < Decimal(1)
    assert result.outcome.responses[0].error is not None


async def test_without_a_provider_choosing_goes_on_and_doing_says_what_is_missing(settings: Settings) -> None:
    """Routing needs nobody; a spawn names the setting that would make it work."""
    async with SmartSpawn(settings) as ss:
        with pytest.raises(NoProvider) as stopped:
            await ss.spawn(TASK)
        assert "OPENROUTER_API_KEY" in stopped.value.hint
        assert (await ss.route(TASK)).selected.measured


async def test_only_models_that_a_provider_serves_are_chosen_to_be_run(tmp_path: Path) -> None:
    """With one server that runs two models, those are the candidates of a spawn."""
    served = ["qwen/qwen3.7-plus", "z-ai/glm-5.1"]
    cellar = {"base_url": "http://127.0.0.1:9/v1", "models": served, "timeout_s": 1}
    own = Settings.model_validate({"home": tmp_path, "providers": {"cellar": cellar}})
    async with SmartSpawn(own) as ss:
        result = await ss.spawn_request(SpawnRequest.of(task="hello, do it", budget="low"))
        assert {a.model for a in result.outcome.responses} <= set(served)
        assert result.decision.selected.model in served


async def test_the_task_is_in_nothing_that_is_kept(settings: Settings) -> None:
    """Only a keyed hash, the length, the language and the signals of a task are stored."""
    async with SmartSpawn(settings) as ss:
        decision = await ss.route("Translate the word zyzzogeton into French", budget="low")
        assert "zyzzogeton" not in str(decision_json(decision, ss.catalog, ss.policy, verbose=True))
        assert decision.task_digest
    kept = b"".join(path.read_bytes() for path in settings.home_path.rglob("*") if path.is_file())
    assert b"zyzzogeton" not in kept
