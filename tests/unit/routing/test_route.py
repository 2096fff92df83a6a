"""Routing: which model, for which task, within which limits, and why not another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NoEligibleModel, NoModelInBudget, UnknownModel
from smart_spawn.model import Price
from smart_spawn.routing.decision import Decision, decode_decision, encode_decision
from smart_spawn.routing.explain import explain, rejections, rerun
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import recommend, route
from tests.unit.builders import NOW, catalog, listing, reading

STRONG, GOOD, WEAK, BAD = 1.5, 0.8, -0.5, -2.4


def coding(z: float) -> dict[str, float]:
    """Return even evidence on every kind of coding board."""
    return dict.fromkeys(
        ["livebench_agentic_coding", "livebench_coding", "lmarena_coding", "lmarena_webdev"], z
    )


@pytest.fixture
def shop() -> Catalog:
    """Return a catalogue with a model for every purse, and everything that must never be chosen."""
    return catalog(
        [
            listing("acme/flagship", "10", can={"input_modalities": ("text", "image")}),
            listing("acme/middle", "3"),
            listing("acme/small", "0.2", context_tokens=8_000),
            listing("bolt/cheap", "0.1"),
            listing("bolt/cheap:free", "0", "0"),
            listing("bolt/bad", "0.05"),
            listing("cory/unmeasured", "0.5"),
            listing("cory/unpriced", None),
            listing("cory/router", None, router=True, price=Price(dynamic=True)),
            listing("acme/middle:batch", "1.5"),
            listing("~acme/latest", "3", alias_of="acme/middle"),
            listing("acme/retired", "1", expires_on=date(2026, 8, 8)),
            listing("acme/expiring", "1", expires_on=date(2026, 8, 9)),
        ],
        {
            "acme/flagship": coding(STRONG),
            "acme/middle": coding(GOOD),
            "acme/small": coding(0.4),
            "bolt/cheap": coding(0.1),
            "bolt/bad": coding(BAD),
            "cory/unpriced": coding(1.4),
            "cory/router": coding(3.0),
            "acme/retired": coding(3.0),
            "acme/expiring": coding(-1.0),
        },
    )


def choose(shop: Catalog, *, held: Callable[[str], bool] = lambda _: False, **options: Any) -> Decision:
    values = {"category": "coding", **options}
    return route(
        RouteRequest.of(values), shop, at=NOW, decision_id="dec_test", policy=RoutingPolicy(), ever_held=held
    )


@pytest.mark.parametrize(
    ("budget", "model"),
    [("low", "acme/small"), ("medium", "acme/middle"), ("high", "acme/flagship"), ("any", "acme/flagship")],
)
def test_each_budget_gets_the_best_that_it_can_pay(shop: Catalog, budget: str, model: str) -> None:
    """The tier filters first; then the best score wins."""
    assert choose(shop, budget=budget).selected.model == model


def test_low_is_below_one_dollar_and_medium_includes_five() -> None:
    """`low` ends before 1 USD per million tokens, `medium` at 5."""
    shop = catalog(
        [
            listing("a/one", "1"),
            listing("a/under", "0.999"),
            listing("a/five", "5"),
            listing("a/six", "5.01"),
        ],
        {"a/one": coding(1), "a/under": coding(0), "a/five": coding(2), "a/six": coding(3)},
    )
    assert choose(shop, budget="low").selected.model == "a/under"
    assert choose(shop, budget="medium").selected.model == "a/five"
    assert choose(shop, budget="high").selected.model == "a/six"


@pytest.mark.parametrize("model", ["cory/router", "acme/middle:batch", "~acme/latest", "acme/retired"])
def test_what_cannot_answer_a_chat_is_never_a_candidate(shop: Catalog, model: str) -> None:
    """Routers, batch ids, aliases and expired models are no choice, not even the only one."""
    for budget in ("low", "medium", "high", "any"):
        decision = choose(shop, budget=budget)
        assert model not in {decision.selected.model, *(o.model for o in decision.others)}
    with pytest.raises(NoEligibleModel) as stopped:
        choose(shop, budget="any", only=[model])
    assert stopped.value.rejected["alive"] >= 1


def test_a_model_without_a_price_is_only_in_any_and_flagged(shop: Catalog) -> None:
    """Unknown is never zero: no tier holds it but `any`, and there a warning says so."""
    with pytest.raises(NoModelInBudget) as stopped:
        choose(shop, budget="high", only=["cory/unpriced"])
    assert stopped.value.cheapest_budget == "any"
    decision = choose(shop, budget="any", only=["cory/unpriced"])
    assert any("price" in warning for warning in decision.warnings)
    assert decision.selected.expected_cost_usd is None


def test_among_what_cannot_be_told_apart_high_takes_the_cheaper() -> None:
    """Under `high` a lead of less than the uncertainty is not worth paying for; under `any` it is."""
    shop = catalog(
        [listing("a/dear", "20"), listing("b/fair", "4"), listing("c/far", "1")],
        {"a/dear": coding(1.52), "b/fair": coding(1.50), "c/far": coding(0.2)},
    )
    assert choose(shop, budget="any").selected.model == "a/dear"
    cheaper = choose(shop, budget="high")
    assert cheaper.selected.model == "b/fair"
    assert cheaper.confidence < 0.6


def test_a_rationed_sample_is_not_the_cheaper_way_to_work() -> None:
    """Under `high` a `:free` variant wins no tie by its price; its own expected cost is still shown as nothing."""
    shop = catalog(
        [listing("a/dear", "20"), listing("b/fair", "4"), listing("b/fair:free", "0", "0")],
        {"a/dear": coding(1.52), "b/fair": coding(1.50)},
    )
    assert choose(shop, budget="high").selected.model == "b/fair"
    assert choose(shop, budget="high", only=["b/fair:free"]).selected.expected_cost_usd == 0


def test_the_minimum_capability_removes_weak_models(shop: Catalog) -> None:
    """A cheap model that is no good is not a bargain; the answer says how many that were."""
    decision = choose(shop, budget="low")
    assert decision.rejected["minCapability"] == 1
    with pytest.raises(NoModelInBudget) as stopped:
        choose(shop, budget="low", minCapability=60)
    assert stopped.value.cheapest_budget == "medium"
    assert stopped.value.rejected["minCapability"] > 1


def test_models_without_evidence_come_last_and_are_flagged(shop: Catalog) -> None:
    """No board means no score: such a model is chosen only when nothing measured is left."""
    ranked = choose(shop, budget="low")
    assert [o.measured for o in ranked.others] == sorted((o.measured for o in ranked.others), reverse=True)
    alone = choose(shop, budget="low", only=["cory/*"])
    assert alone.selected.model == "cory/unmeasured"
    assert any("guess" in warning for warning in alone.warnings)


@pytest.mark.parametrize(
    ("options", "filter_name"),
    [
        ({"require": ["vision"], "budget": "low"}, "vision"),
        ({"attachments": [{"type": "image"}], "budget": "low"}, "vision"),
        ({"minContext": 1_000_000}, "context"),
        ({"task": "word " * 39_000, "budget": "low", "only": ["acme/small"]}, "context"),
        ({"dataPolicy": {"providers": {"deny": ["acme", "bolt", "cory"]}}}, "dataPolicy"),
        ({"models": ["someone/else"]}, "models"),
        ({"exclude": ["acme/*", "bolt/*", "cory/*", "~acme/*"]}, "exclude"),
    ],
)
def test_a_constraint_that_leaves_nothing_is_named(
    shop: Catalog, options: dict[str, Any], filter_name: str
) -> None:
    """The refusal counts what every filter removed, so that the caller sees which wish to drop."""
    with pytest.raises((NoEligibleModel, NoModelInBudget)) as stopped:
        choose(shop, **options)
    assert stopped.value.details["rejected"][filter_name] > 0


def test_vision_is_asked_for_by_an_attached_image(shop: Catalog) -> None:
    """Only models that take images may do a task with an image; the budget that has one is named."""
    with pytest.raises(NoModelInBudget) as stopped:
        choose(shop, budget="medium", attachments=[{"type": "image"}])
    assert stopped.value.cheapest_budget == "high"


def test_a_typo_must_not_let_a_model_in(shop: Catalog) -> None:
    """An id that no catalogue ever held is refused with the nearest known ones; one that left is a warning."""
    with pytest.raises(UnknownModel) as stopped:
        choose(shop, exclude=["acme/flagshp"])
    assert "acme/flagship" in stopped.value.nearest
    with pytest.raises(UnknownModel):
        choose(shop, only=["nobody/*"])
    decision = choose(shop, exclude=["acme/gone"], held=lambda model: model == "acme/gone")
    assert any("acme/gone" in warning for warning in decision.warnings)


def test_what_the_caller_can_reach_is_obeyed_and_unknown_ids_are_counted(shop: Catalog) -> None:
    """`models` limits the choice; ids that we do not know are ignored, and said."""
    decision = choose(shop, budget="any", models=["openrouter/bolt/cheap", "ollama/llama3", "x/y"])
    assert decision.selected.model == "bolt/cheap"
    assert any(warning.startswith("2 of the ids") for warning in decision.warnings)


def test_excluding_a_model_excludes_its_variants(shop: Catalog) -> None:
    """Who does not want a model does not want its free tier either."""
    decision = choose(shop, budget="low", exclude=["bolt/cheap"])
    assert "bolt/cheap:free" not in {decision.selected.model, *(o.model for o in decision.others)}


def test_a_pin_beats_the_router_and_the_data_policy_beats_the_pin(shop: Catalog) -> None:
    """A pinned model is taken over any score or budget, but never over the policy on data."""
    pinned = choose(shop, budget="low", pin="bolt/bad")
    assert pinned.selected.model == "bolt/bad"
    assert any("minimum capability" in warning for warning in pinned.warnings)
    with pytest.raises(NoEligibleModel) as stopped:
        choose(shop, pin="bolt/bad", dataPolicy={"providers": {"deny": ["bolt"]}})
    assert "data policy beats `pin`" in stopped.value.hint


def test_weights_of_zero_for_all_categories_are_an_error(shop: Catalog) -> None:
    """Nothing to choose by is a mistake of the request, not a division by zero."""
    with pytest.raises(InvalidRequest):
        choose(shop, categoryWeights={"coding": 0})


def test_a_category_named_in_the_weights_joins_the_mix(shop: Catalog) -> None:
    """A caller who weighs vision wants it to count, also where the text does not say so."""
    mix = choose(shop, budget="any", categoryWeights={"vision": 1.5}).mix
    assert mix["vision"] >= 0.15  # type: ignore[index]  # a category is its own name


def test_the_effort_to_ask_for_comes_with_the_choice() -> None:
    """A model that does better when it thinks longer is chosen at that effort; its plain row keeps the default."""
    efforts = ("max", "high", "low")
    shop = catalog(
        [listing("a/thinker", can={"supported_efforts": efforts, "default_effort": "low"})],
        readings=[
            reading("a/thinker", board, z, effort=effort)
            for board in coding(0)
            for effort, z in (("max", 1.5), ("low", 0.2))
        ],
    )
    decision = choose(shop)
    assert decision.selected.effort == "max"
    plain = shop.candidates[shop.rows_of["a/thinker"].start]
    assert plain.effort == "low"
    assert {c.effort for c in shop.candidates} == {"low", "max"}


def test_contributions_add_up_to_the_score(shop: Catalog) -> None:
    """The evidence is the whole score: 50 and every board's points, nothing unexplained."""
    decision = choose(shop, budget="any", task="Fix this bug", category=None)
    why = explain(decision, shop, RoutingPolicy())
    total = 50 + sum(e.contribution for e in why.evidence)
    assert total == pytest.approx(decision.selected.score, abs=1e-5)
    assert why.evidence


def test_an_alternative_wins_after_the_change_that_it_names(shop: Catalog) -> None:
    """The budget named for a better model is the one under which it is chosen."""
    decision = choose(shop, budget="medium")
    dearer = [a for a in explain(decision, shop, RoutingPolicy()).alternatives if a.change.kind == "budget"]
    assert dearer
    assert choose(shop, budget=dearer[0].change.value).selected.model == dearer[0].choice.model


def test_the_weight_named_for_an_alternative_turns_the_choice() -> None:
    """The smallest weight that would have made another model win does so, and slightly less does not."""
    shop = catalog(
        [listing("a/coder"), listing("b/writer")],
        {
            "a/coder": {**coding(1.0), "lmarena_creative_writing": -0.5, "livebench_language": -0.5},
            "b/writer": {**coding(0.2), "lmarena_creative_writing": 1.5, "livebench_language": 1.5},
        },
    )
    weights = {"coding": 1.5, "creative": 0.5}
    first = choose(shop, category=None, task="zzzz", categoryWeights=weights)
    change = explain(first, shop, RoutingPolicy()).alternatives[0].change
    assert change.kind == "weight"
    named = weights.get(change.what, 1.0)
    over = choose(
        shop,
        category=None,
        task="zzzz",
        categoryWeights={**weights, change.what: named * float(change.value)},
    )
    assert over.selected.model != first.selected.model


def test_every_rejected_model_has_its_reason(shop: Catalog) -> None:
    """What was removed is listed one by one, and counts agree with the list."""
    decision = choose(shop, budget="low")
    listed = rejections(decision, shop, RoutingPolicy())
    assert dict(listed)["acme/flagship"] == "budget"
    assert dict(listed)["bolt/bad"] == "minCapability"
    assert len(listed) == sum(decision.rejected.values())
    assert len(listed) + decision.candidate_count == len(shop)


def test_a_decision_survives_the_store_and_says_the_same_again(shop: Catalog) -> None:
    """What was stored can be read, run again, and gives the same result to the byte; the task is not in it."""
    decision = choose(shop, task="Refactor the secret-handshake module", category=None, budget="any")
    stored = encode_decision(decision)
    assert b"handshake" not in stored
    again = decode_decision(stored)
    assert again.result() == decision.result()
    race = rerun(again, shop, RoutingPolicy())
    assert shop.candidates[int(race.ranking.order[0])].listing.id == decision.selected.model


def test_recommendations_differ_where_that_costs_little() -> None:
    """Three good models come from three makers when those are nearly as good, and by rank when they are not."""
    shop = catalog(
        [listing("a/one"), listing("a/two"), listing("b/three"), listing("c/four"), listing("d/poor")],
        {
            "a/one": coding(1.5),
            "a/two": coding(1.45),
            "b/three": coding(1.4),
            "c/four": coding(1.38),
            "d/poor": coding(-0.4),
        },
    )

    def models(diversity: str) -> list[str]:
        request = RouteRequest.of(category="coding", count=3, diversity=diversity)
        return [
            d.selected.model
            for d in recommend(request, shop, at=NOW, decision_id=lambda: "dec", policy=RoutingPolicy())
        ]

    assert models("high") == ["a/one", "b/three", "c/four"]
    assert models("low")[:2] == ["a/one", "a/two"]


scores = st.dictionaries(
    st.sampled_from([f"{v}/{n}" for v in "abc" for n in ("one", "two", "three")]),
    st.floats(min_value=-2, max_value=2, allow_nan=False),
    min_size=2,
)


@settings(max_examples=40)
@given(scores, st.randoms(use_true_random=False))
def test_the_order_of_models_does_not_matter(found: dict[str, float], shuffle: Any) -> None:
    """The same facts in any order give the same decision."""
    listings = [listing(model, "0.5") for model in found]
    readings = {model: coding(z) for model, z in found.items()}
    first = catalog(listings, readings)
    names = list(found)
    shuffle.shuffle(names)
    second = catalog([listing(m, "0.5") for m in names], {m: readings[m] for m in names})
    one, other = choose(first, minCapability=0), choose(second, minCapability=0)
    assert (one.selected, one.others, one.confidence) == (other.selected, other.others, other.confidence)


@settings(max_examples=40)
@given(scores, st.floats(min_value=0.01, max_value=1.5))
def test_a_better_reading_never_lowers_its_model(found: dict[str, float], more: float) -> None:
    """Raising one reading on its scale raises the score of its model, and nobody else's."""
    listings = [listing(model) for model in found]
    before = catalog(listings, {m: coding(z) for m, z in found.items()})
    target = min(found)
    better = {m: coding(z) for m, z in found.items()}
    better[target]["lmarena_coding"] += more
    after = catalog(listings, better)
    rows = after.rows_of[target]
    assert (after.rows.table.scores[rows.start] >= before.rows.table.scores[rows.start] - 1e-9).all()


@settings(max_examples=40)
@given(
    scores,
    st.fixed_dictionaries(
        {},
        optional={
            "require": st.just(["vision"]),
            "minContext": st.sampled_from([1_000, 500_000]),
            "exclude": st.sampled_from([["a/*"], ["b/two"]]),
            "minCapability": st.sampled_from([45, 60]),
        },
    ),
)
def test_a_stricter_request_never_adds_a_candidate(found: dict[str, float], stricter: dict[str, Any]) -> None:
    """Every further constraint can only remove."""
    shop = catalog([listing(m) for m in found], {m: coding(z) for m, z in found.items()})
    wide = choose(shop, minCapability=0, held=lambda _: True)
    try:
        narrow = choose(shop, **{"minCapability": 0, **stricter}, held=lambda _: True)
    except (NoEligibleModel, NoModelInBudget):
        return
    assert narrow.candidate_count <= wide.candidate_count
    assert {narrow.selected.model} <= {wide.selected.model, *(o.model for o in wide.others)}
