"""Aider's leaderboard, and second opinions on capabilities and prices."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from smart_spawn.errors import SourceChanged
from smart_spawn.model import Listing, Price, Rates
from smart_spawn.settings import Settings, SourceSettings
from smart_spawn.sources import all_sources
from smart_spawn.sources.aider_polyglot import AiderPolyglot
from smart_spawn.sources.base import Batch, Payload
from smart_spawn.sources.cross_check import price_disagreements
from smart_spawn.sources.genai_prices import GenAIPrices
from smart_spawn.sources.models_dev import ModelsDev
from tests.unit.sources.published import payload


def run(
    model: str, rate: float, day: str, *, command: str = "aider --model x", edit_format: str = "diff"
) -> str:
    return (
        f"- dirname: d\n  model: {model}\n  edit_format: {edit_format}\n  pass_rate_1: 1.0\n"
        f"  pass_rate_2: {rate}\n  command: {command}\n  date: {day}\n  total_cost: 0.0\n\n"
    )


RUNS = (
    run(
        "aurora-2 (high)", 71.5, "2025-08-06", command="aider --model openrouter/north/aurora-2 --effort high"
    )
    + run("Lotus", 30.0, "2025-02-01")
    + run("Lotus", 25.5, "2025-06-01", edit_format="whole")
    + run("aurora-2 + Lotus", 80.0, "2025-06-01", edit_format="architect")
)


def aider(text: str = RUNS) -> Batch:
    return AiderPolyglot(SourceSettings()).parse(
        [payload("aider_polyglot", "polyglot_leaderboard", text.encode())]
    )


def test_aider_gives_one_reading_per_model() -> None:
    """The latest run counts, two models together count for none, and a command with a catalogue id is a bridge."""
    batch = aider()
    assert {(m.published_name, m.value, m.bridge) for m in batch.measurements} == {
        ("aurora-2 (high)", 71.5, "north/aurora-2"),
        ("Lotus", 25.5, None),
    }
    assert batch.published_on == date(2025, 8, 6)
    assert batch.notes == ("1 runs of two models together are set aside",)


@pytest.mark.parametrize(
    ("text", "named"),
    [(RUNS.replace("pass_rate_2", "solved"), "pass_rate_2"), ("a: [", "YAML"), ("{}", "list"), ("", "list")],
)
def test_a_changed_aider_file_is_told_in_words(text: str, named: str) -> None:
    """A renamed field or another document is named."""
    with pytest.raises(SourceChanged, match=named):
        aider(text)


def test_yaml_cannot_run_anything() -> None:
    """Tags that would build objects are refused like any other broken document."""
    with pytest.raises(SourceChanged, match="YAML"):
        aider("- !!python/object/apply:os.system ['true']\n")


def models_dev(**seller: Any) -> bytes:
    model = {
        "id": "north/aurora-2",
        "name": "Aurora 2",
        "tool_call": True,
        "reasoning": True,
        "structured_output": True,
        "modalities": {"input": ["text", "image", "pdf"], "output": ["text"]},
        "limit": {"context": 200000, "output": 32000},
        "cost": {"input": 3, "output": 15, "cache_read": 0.3},
        **seller,
    }
    return json.dumps(
        {
            "openrouter": {"id": "openrouter", "models": {"north/aurora-2": model}},
            "xai": {"models": {"grok-1": {"status": "deprecated"}, "grok-9": {}}},
            "reseller": {"models": {"aurora-1": {"status": "deprecated"}}},
        }
    ).encode()


def test_models_dev_gives_capabilities_and_what_makers_deprecate() -> None:
    """Opinions on OpenRouter's ids are never models on offer; a maker's deprecation counts, a reseller's does not."""
    batch = ModelsDev(SourceSettings()).parse([payload("models_dev", "api", models_dev())])
    (listing,) = batch.opinions
    assert batch.listings == ()
    assert batch.count == 1
    assert listing.capabilities.vision
    assert listing.capabilities.function_calling
    assert listing.price.base.cached_input_usd_per_mtok == Decimal("0.3")
    assert listing.context_tokens == 200_000
    assert batch.deprecated == ("x-ai/grok-1",)
    with pytest.raises(SourceChanged, match="modalities"):
        ModelsDev(SourceSettings()).parse([payload("models_dev", "api", models_dev(modalities=None))])


def genai(prices: Any) -> Payload:
    models = [{"id": "north/aurora-2", "match": {"equals": "north/aurora-2"}, "prices": prices}]
    return payload("genai_prices", "data", json.dumps([{"id": "openrouter", "models": models}]).encode())


def test_genai_prices_takes_the_price_in_force_on_the_day() -> None:
    """Of dated prices the last that has begun counts; tiers by prompt length become overrides."""
    tiered = {"base": 3, "tiers": [{"start": 200000, "price": 6}]}
    dated = [
        {"prices": {"input_mtok": 1, "output_mtok": 2}},
        {"constraint": {"start_date": "2026-11-01"}, "prices": {"input_mtok": tiered, "output_mtok": 15}},
        {"constraint": {"start_date": "2026-11-02"}, "prices": {"input_mtok": 9, "output_mtok": 9}},
    ]
    (listing,) = GenAIPrices(SourceSettings()).parse([genai(dated)]).opinions
    assert listing.price.base.prompt_usd_per_mtok == Decimal(3)
    assert listing.price.overrides[0].min_prompt_tokens == 200_000
    assert listing.price.overrides[0].rates.prompt_usd_per_mtok == Decimal(6)
    assert GenAIPrices(SourceSettings()).parse([genai({})]).opinions == ()


def listing(prompt: str | None, completion: str = "10", model_id: str = "a/b") -> Listing:
    rates = Rates(
        prompt_usd_per_mtok=(prompt and Decimal(prompt)) or None, completion_usd_per_mtok=Decimal(completion)
    )
    return Listing(id=model_id, name=model_id, price=Price(base=rates))


@pytest.mark.parametrize(
    ("theirs", "warned"), [("1.25", False), ("1.26", True), ("0.8", False), ("0.79", True)]
)
def test_prices_that_differ_by_more_than_a_fifth_are_warned_about(theirs: str, warned: bool) -> None:
    """Twenty per cent of the dearer one is the limit, in either direction."""
    found = price_disagreements([listing("1")], [listing(theirs)], source="genai_prices")
    assert bool(found) is warned
    if found:
        assert str(found[0]) == (
            f"`a/b`: the prompt price is 1 USD/M here and {theirs} according to `genai_prices`"
        )


def test_only_what_both_state_is_compared() -> None:
    """An unknown price or an id of one side alone is no disagreement."""
    others = [listing(None), listing("5", model_id="c/d")]
    assert price_disagreements([listing("1")], others, source="models_dev") == ()


def test_extra_sources_are_off_until_the_settings_name_them() -> None:
    """A table in the settings switches one on; `enabled = false` in it keeps it off."""
    rows = {"aider_polyglot": {}, "genai_prices": {"enabled": True}, "models_dev": {"enabled": False}}
    names = [source.name for source in all_sources(Settings.model_validate({"sources": rows}))]
    assert names[-2:] == ["aider_polyglot", "genai_prices"]
    assert "models_dev" not in names
