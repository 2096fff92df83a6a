"""OpenRouter's list becomes listings whose prices can be billed and whose sentinels are gone."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from smart_spawn.errors import SourceChanged
from smart_spawn.model import Listing
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch
from smart_spawn.sources.openrouter import OpenRouter
from tests.unit.sources.published import documents, payload

BODY = documents("openrouter")["/models"]


def parse(body: bytes = BODY, **settings: Any) -> Batch:
    return OpenRouter(SourceSettings(**settings)).parse([payload("openrouter", "models", body)])


@pytest.fixture(scope="module")
def listings() -> dict[str, Listing]:
    return {listing.id: listing for listing in parse().listings}


def changed_row(index: int = 0, **changes: Any) -> bytes:
    envelope = json.loads(BODY)
    envelope["data"][index].update(changes)
    return json.dumps(envelope).encode()


def test_prices_are_exact_and_per_million_tokens(listings: dict[str, Listing]) -> None:
    """A price text in USD per token is multiplied exactly, whatever its number of digits."""
    assert listings["north/aurora-2"].price.base.prompt_usd_per_mtok == Decimal(3)
    assert listings["north/aurora-2"].price.base.cached_input_usd_per_mtok == Decimal("0.3")
    assert listings["west/tiny"].price.base.prompt_usd_per_mtok == Decimal("0.0833333333333333")
    assert str(listings["filler/model-9"].price.base.completion_usd_per_mtok) == "10"


def test_long_prompts_cost_what_the_override_says(listings: dict[str, Listing]) -> None:
    """A conditional price holds for prompts strictly longer than its limit, and inherits what it leaves out."""
    price, monday = listings["north/aurora-2"].price, datetime(2026, 11, 2, 12, tzinfo=UTC)
    assert price.rates(200_000, monday).prompt_usd_per_mtok == Decimal(3)
    assert price.rates(200_001, monday).prompt_usd_per_mtok == Decimal(6)
    assert price.rates(200_001, monday).cached_input_usd_per_mtok == Decimal("0.3")


def test_hours_and_days_of_an_override_are_utc_and_may_wrap(listings: dict[str, Listing]) -> None:
    """A weekend price from 16:30 to 00:30 UTC is billed then and at no other time."""
    price = listings["north/aurora-2"].price
    saturday_evening, saturday_noon = (datetime(2026, 11, 7, hour, 40, tzinfo=UTC) for hour in (16, 12))
    assert price.rates(10, saturday_evening).prompt_usd_per_mtok == Decimal("1.5")
    assert price.rates(10, saturday_noon).prompt_usd_per_mtok == Decimal(3)


def test_a_condition_that_cannot_be_read_is_no_price_cut() -> None:
    """Days as bare numbers could begin on Sunday or Monday: that override is left out, and the batch says so."""
    batch = parse()
    aurora = next(listing for listing in batch.listings if listing.id == "north/aurora-2")
    assert len(aurora.price.overrides) == 2
    assert any("conditional price" in note for note in batch.notes)


def test_zero_is_a_price_only_where_the_id_says_free(listings: dict[str, Listing]) -> None:
    """`:free` costs nothing; an unannounced model or one that makes music has an unknown price."""
    free = listings["east/lotus-coder:free"].price
    assert free.known
    assert free.base.prompt_usd_per_mtok == 0
    for model_id in ("hidden/comet-alpha", "south/lyre-music", "openrouter/free"):
        assert listings[model_id].price.base.prompt_usd_per_mtok is None, model_id
        assert not listings[model_id].price.known


def test_a_price_of_minus_one_is_a_router_and_never_a_number(listings: dict[str, Listing]) -> None:
    """What decides its price per request is marked dynamic; no rate is ever below zero."""
    auto = listings["openrouter/auto"]
    assert auto.price.dynamic
    assert auto.router
    rates = [listing.price.base.prompt_usd_per_mtok for listing in listings.values()]
    assert all(rate is None or rate >= 0 for rate in rates)


def test_a_moving_alias_names_its_target_and_is_no_router(listings: dict[str, Listing]) -> None:
    """`~` ids carry the tokenizer of routers, but stand for one model."""
    alias = listings["~north/aurora-latest"]
    assert alias.alias_of == "north/aurora-2"
    assert not alias.router
    assert not alias.alive(date(2026, 1, 1))


def test_placeholders_and_empty_texts_are_unknown(listings: dict[str, Listing]) -> None:
    """2098-12-31 is no expiry date and an empty Hugging Face id is none."""
    tiny = listings["west/tiny"]
    assert tiny.expires_on is None
    assert tiny.hugging_face_id is None
    assert tiny.max_output_tokens is None
    assert listings["west/leaving"].expires_on == date(2026, 8, 10)


def test_the_smaller_context_is_the_one_that_can_be_used(listings: dict[str, Listing]) -> None:
    """A first provider with less context than the model limits what can be sent."""
    assert listings["west/tiny"].context_tokens == 8192
    assert listings["openrouter/auto"].context_tokens == 200_000


def test_capabilities_come_from_the_parameters(listings: dict[str, Listing]) -> None:
    """Tools, JSON, images and efforts are read; an effort that we do not know is not offered."""
    able = listings["north/aurora-2"].capabilities
    assert able.vision
    assert able.function_calling
    assert able.json
    assert able.supported_efforts == ("xhigh", "high", "medium", "low")
    assert able.default_effort == "medium"
    assert listings["west/leaving"].capabilities.reasoning_mandatory
    assert not listings["west/tiny"].capabilities.function_calling


def test_relayed_readings_stand_once_under_the_plain_id() -> None:
    """A `:batch` or `:free` twin repeats its plain id's readings; a model that is only free keeps its own."""
    readings = {(m.published_name, m.benchmark): m.value for m in parse().measurements}
    assert readings == {
        ("north/aurora-2", "aa_intelligence_index"): 41.5,
        ("north/aurora-2", "aa_agentic_index"): 33.0,
        ("north/aurora-2", "design_arena_codecategories"): 1311.0,
        ("north/aurora-2", "design_arena_website"): 1290.0,
        ("north/aurora-2", "design_arena_agents_python_pptxslides"): 1240.0,
        ("east/lotus-coder:free", "design_arena_codecategories"): 1105.0,
    }
    assert all(m.bridge == m.published_name for m in parse().measurements)


def test_relayed_readings_can_be_switched_off() -> None:
    """The owner's setting leaves the listings and drops the readings."""
    batch = parse(relayed_benchmarks=False)
    assert not batch.measurements
    assert batch.count == 24


def test_a_missing_field_everywhere_is_named() -> None:
    """When `pricing` has another name the source has changed, and the error says which field."""
    renamed = BODY.replace(b'"pricing"', b'"cost"')
    with pytest.raises(SourceChanged, match="pricing"):
        parse(renamed)


def test_one_odd_row_does_not_cost_the_others() -> None:
    """A single row of the wrong shape is set aside with a note."""
    batch = parse(changed_row(4, context_length="a lot"))
    assert batch.count == 23
    assert any("context_length" in note for note in batch.notes)


@pytest.mark.parametrize("text", ["free", "NaN", "Infinity", "", None])
def test_a_price_that_is_no_number_is_unknown(text: str | None) -> None:
    """Whatever is not a finite number becomes an unknown price, not zero and not a failure."""
    body = changed_row(11, pricing={"prompt": text, "completion": "0.000004"})
    listing = next(m for m in parse(body).listings if m.id == "north/gpt-chat-latest")
    assert listing.price.base.prompt_usd_per_mtok is None
    assert not listing.price.known
