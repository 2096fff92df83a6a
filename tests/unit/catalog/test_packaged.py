"""The catalogue inside the package: real, current enough, honest about its age, and free to pass on."""

from __future__ import annotations

from importlib.resources import files

import pytest

import smart_spawn.catalog
from smart_spawn.catalog.packaged import MAX_BYTES, RESOURCE, packaged_facts, redistributable
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
from tests.unit.builders import NOW

FLAGSHIPS = [
    "anthropic/claude-fable-5", "anthropic/claude-opus-5", "anthropic/claude-sonnet-5", "anthropic/claude-opus-4.8",
    "openai/gpt-5.6-sol", "openai/gpt-5.6-terra", "openai/gpt-5.6-luna", "openai/gpt-5.5", "openai/gpt-5.4",
    "google/gemini-3.6-flash", "google/gemini-3.5-flash", "google/gemini-3.1-pro-preview",
    "deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-flash-0731",
    "qwen/qwen3.8-max", "qwen/qwen3.7-max", "qwen/qwen3.7-plus", "moonshotai/kimi-k3", "moonshotai/kimi-k2.6",
    "moonshotai/kimi-k2.7-code", "x-ai/grok-4.5", "x-ai/grok-4.3",
]  # fmt: skip


@pytest.fixture(scope="module")
def packaged() -> Catalog:
    facts = packaged_facts()
    assert facts is not None
    return Catalog.of(facts)


def test_it_is_small_and_holds_only_what_may_be_passed_on() -> None:
    """Under 600 kB, nothing of Artificial Analysis, whoever relayed it, and an attribution for every source."""
    body = files(smart_spawn.catalog).joinpath("data", RESOURCE).read_bytes()
    assert len(body) < MAX_BYTES
    facts = packaged_facts()
    assert facts is not None
    assert redistributable(facts) == facts
    assert not [r for r in facts.readings if r.relayed or r.source == "artificial_analysis"]
    assert {s.source for s in facts.sources} == set(facts.attribution)


def test_it_says_when_its_data_was_collected(packaged: Catalog) -> None:
    """Every source has the day on which it was read, and no reading claims to be newer."""
    for source in packaged.facts.sources:
        assert source.fetched_at is not None
        assert source.fetched_at.date() <= packaged.facts.as_of


def test_no_price_is_below_zero_and_dynamic_prices_are_no_prices(packaged: Catalog) -> None:
    """`-1` means that the seller decides later: no number comes of it."""
    for listing in packaged.listings:
        for rate in (listing.price.base.prompt_usd_per_mtok, listing.price.base.completion_usd_per_mtok):
            assert rate is None or rate >= 0
        if listing.price.dynamic:
            assert not listing.price.known


@pytest.mark.parametrize("model", FLAGSHIPS)
def test_flagships_carry_evidence(packaged: Catalog, model: str) -> None:
    """The newest large models of the big makers have readings of LMArena or LiveBench."""
    assert {r.source for r in packaged.readings_of[model]} & {"lmarena", "livebench"}


@pytest.mark.parametrize("budget", ["low", "medium", "high", "any"])
@pytest.mark.parametrize(
    "category", ["coding", "reasoning", "creative", "vision", "research", "fast-cheap", "general"]
)
def test_every_category_and_budget_has_a_measured_choice(
    packaged: Catalog, budget: str, category: str
) -> None:
    """Offline, from the first second: a live model with evidence, within the budget."""
    decision = route(
        RouteRequest.of(category=category, budget=budget),
        packaged,
        at=NOW,
        decision_id="dec_test",
        policy=RoutingPolicy(),
    )
    listing = packaged.listing(decision.selected.model)
    assert listing is not None
    assert listing.alive(NOW.date())
    assert decision.selected.measured
    assert listing.price.known


def test_coding_for_little_money_rests_on_two_sources(packaged: Catalog) -> None:
    """The example of the README: a current coding model under one dollar, measured by two independent sources."""
    decision = route(
        RouteRequest.of(task="Refactor this Python function to use asyncio", budget="low"),
        packaged,
        at=NOW,
        decision_id="dec_test",
        policy=RoutingPolicy(),
    )
    sources = {r.source for r in packaged.readings_of[decision.selected.model]}
    assert {"lmarena", "livebench"} <= sources
    price = packaged.listings[packaged.index[decision.selected.model]].price.base.prompt_usd_per_mtok
    assert price is not None
    assert price < 1
