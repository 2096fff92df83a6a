"""Requests that make no sense, or far too much of it: one clear error each, soon, with cause and way out."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import (
    InvalidRequest,
    NoEligibleModel,
    NoModelInBudget,
    SmartSpawnError,
    TooLarge,
    UnknownModel,
)
from smart_spawn.model import Price
from smart_spawn.routing.decision import Decision, decode_decision, encode_decision
from smart_spawn.routing.filters import MAX_PATTERNS
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import MAX_IDS, MAX_TASK_CHARS, RouteRequest
from smart_spawn.routing.route import route
from smart_spawn.surface.failures import error_json
from tests.unit.builders import NOW, catalog, listing

HALF = "\ud83d"
"""Half a surrogate pair: JSON can escape it, and no file, database or terminal can hold it."""
SOON_S = 2.0
"""CPU seconds; each takes milliseconds, and the worst patterns a tenth of a second."""


@pytest.fixture(scope="module")
def shop() -> Catalog:
    """Return five hundred models of twenty vendors."""
    names = [f"v{n % 20}/model-{n}" for n in range(500)]
    return catalog(
        [listing(name, "0.5") for name in names],
        {name: {"lmarena_coding": (n % 40) / 20 - 1} for n, name in enumerate(names)},
    )


def ask(
    shop: Catalog,
    options: dict[str, Any],
    *,
    held: Callable[[str], bool] = lambda _: False,
    policy: RoutingPolicy | None = None,
) -> Decision:
    request = RouteRequest.of({"category": "coding", "budget": "any", **options})
    return route(
        request, shop, at=NOW, decision_id="dec_test", policy=policy or RoutingPolicy(), ever_held=held
    )


def refused(shop: Catalog, options: dict[str, Any], kind: type[SmartSpawnError]) -> SmartSpawnError:
    """Return the error that a request ends in: soon, short, and in a shape that every surface can send."""
    start = time.process_time()
    with pytest.raises(kind) as stopped:
        ask(shop, options)
    assert time.process_time() - start < SOON_S
    error = stopped.value
    assert len(str(error)) < 1_000
    assert json.loads(msgspec.json.encode(error_json(error)))["error"]["message"]
    return error


@pytest.mark.parametrize(
    "weight", [math.nan, math.inf, -math.inf, -1, -1e-300, 1e308, "many", "nan", None, [1]]
)
def test_a_weight_that_is_no_plain_number_from_0_to_1000_is_refused(shop: Catalog, weight: Any) -> None:
    """One poisoned weight would make every score a poisoned one."""
    error = refused(shop, {"categoryWeights": {"coding": weight}}, InvalidRequest)
    assert "`categoryWeights.coding`" in error.message


def test_a_weight_for_an_unknown_category_is_refused_with_the_known_ones(shop: Catalog) -> None:
    """A typo must not quietly weigh nothing."""
    error = refused(shop, {"categoryWeights": {"codign": 1.5}}, InvalidRequest)
    assert "coding" in error.hint


@pytest.mark.parametrize("field", ["minContext", "minCapability", "count"])
@pytest.mark.parametrize(
    "number",
    [10**30, 10**5_000, -(10**5_000), math.inf, math.nan, -1, "9" * 300, "9" * 100_000],
    ids=["1e30", "5,000 digits", "-5,000 digits", "inf", "nan", "-1", "300 digits", "100,000 digits"],
)
def test_an_enormous_number_is_an_error_and_not_an_overflow(shop: Catalog, field: str, number: Any) -> None:
    """Limits are stated; arrays of 64 bits never see what does not fit them."""
    assert f"`{field}`" in refused(shop, {field: number}, InvalidRequest).message


def test_the_largest_number_that_is_allowed_is_answered(shop: Catalog) -> None:
    """A context that nobody offers leaves no model, and says which filter did it."""
    error = refused(shop, {"minContext": 100_000_000}, NoEligibleModel)
    assert error.details["rejected"] == {"context": 500}


@pytest.mark.parametrize("field", ["exclude", "models"])
def test_ten_thousand_ids_are_answered_soon_and_one_more_is_refused(shop: Catalog, field: str) -> None:
    """A long list costs a look-up an id; ids that have left the catalogue are no error."""
    known = [f"v{n % 20}/model-{n}" for n in range(250)]
    ids = known + [f"old/model-{n}" for n in range(MAX_IDS - len(known))]
    start = time.process_time()
    decision = ask(shop, {field: ids, "minCapability": 0}, held=lambda model: model.startswith("old/"))
    assert time.process_time() - start < SOON_S
    assert decision.candidate_count == 250
    error = refused(shop, {field: [*ids, "one/more"]}, InvalidRequest)
    assert error.message == f"`{field}` is wrong: list should have at most 10000 items, not 10001"


def test_ten_thousand_warnings_do_not_make_a_decision_too_large_to_keep(shop: Catalog) -> None:
    """What is stored and answered stays readable: ids that left are told one by one only as far as it helps."""
    ids = [f"old/model-{n}" for n in range(MAX_IDS)]
    decision = ask(shop, {"exclude": ids}, held=lambda _: True)
    assert decision.warnings
    assert len(decision.warnings) <= 20


def test_unknown_ids_are_refused_at_the_first(shop: Catalog) -> None:
    """Ten thousand typos cost one suggestion, not ten thousand."""
    error = refused(shop, {"exclude": [f"nobody/model-{n}" for n in range(MAX_IDS)]}, UnknownModel)
    assert "nobody/model-0" in error.message
    assert error.hint


def test_more_than_two_hundred_patterns_are_refused(shop: Catalog) -> None:
    """A pattern is compared with every model, so their number is bounded; the limit is in the message."""
    allowed = [f"v{n % 20}/model-{n}*" for n in range(MAX_PATTERNS)]
    assert ask(shop, {"exclude": allowed}).candidate_count < 500
    error = refused(shop, {"exclude": [*allowed, "v1/*"]}, InvalidRequest)
    assert "201 patterns; the limit is 200" in error.message


@pytest.mark.parametrize(
    "pattern", ["*a" * 99 + "*b", "*" + "?*" * 99, "*[a-z0-9]" * 20 + "#", "[" * 200, "[!a-", "[]", "**/**"]
)
def test_a_pattern_that_makes_matchers_slow_is_answered_soon(shop: Catalog, pattern: str) -> None:
    """No pattern of 200 characters can hold up the service, however it is built."""
    start = time.process_time()
    for field in ("models", "exclude"):
        with suppress(NoEligibleModel):
            ask(shop, {field: [pattern] * 50}, held=lambda _: True)
    assert time.process_time() - start < SOON_S


@pytest.mark.parametrize(
    "options",
    [
        {"exclude": [HALF]},
        {"only": [f"v1/{HALF}*"]},
        {"models": [HALF]},
        {"pin": HALF},
        {"context": [HALF]},
        {"sessionId": HALF},
        {"budget": HALF},
        {"require": [HALF]},
        {"categoryWeights": {HALF: 1}},
        {"dataPolicy": {"regions": [HALF]}},
        {"dataPolicy": {"providers": {"deny": [HALF]}}},
        {"attachments": [{"type": HALF}]},
        {HALF: 1},
    ],
    ids=lambda options: next(iter(options)).encode("ascii", "backslashreplace").decode(),
)
def test_half_a_character_in_a_name_is_refused_in_words(shop: Catalog, options: dict[str, Any]) -> None:
    """It comes from clients that cut texts in the middle; the answer itself must be sendable."""
    refused(shop, options, InvalidRequest)


def test_half_a_character_in_a_task_is_read_past(shop: Catalog) -> None:
    """Tasks are pasted from anywhere: the rest still says what is wanted, and the decision can be kept."""
    decision = ask(shop, {"category": None, "task": f"Fix the {HALF} bug in app.py {HALF}"})
    assert decode_decision(encode_decision(decision)).selected == decision.selected
    only_halves = {"category": None, "task": HALF * 10_000}
    assert ask(shop, only_halves).task.characters == 10_000
    error = refused(shop, {"category": None, "task": HALF * MAX_TASK_CHARS}, NoEligibleModel)
    assert error.hint == "send a shorter task"


@pytest.mark.parametrize("task", ["", " \n\t ", "\u3000\u2003"])
def test_an_empty_task_is_missing(shop: Catalog, task: str) -> None:
    """Nothing to choose for is an error of its own, unless a category says what for."""
    assert refused(shop, {"category": None, "task": task}, InvalidRequest).code == "MISSING_PARAM"


def test_a_task_beyond_the_limit_is_refused_by_its_length(shop: Catalog) -> None:
    """The limit and the length are named; the text is not."""
    error = refused(shop, {"task": "x" * (MAX_TASK_CHARS + 1)}, TooLarge)
    assert "200,001 characters; the limit is 200,000" in error.message


@pytest.mark.parametrize(
    "options",
    [{"budget": "x" * 1_000_000}, {"y" * 1_000_000: 1}, {"pin": "z" * 1_000_000}, {"exclude": "v1/model-1"}],
    ids=["value", "name", "id", "no list"],
)
def test_a_wrong_value_of_any_length_makes_a_short_message(shop: Catalog, options: dict[str, Any]) -> None:
    """What came in wrong is not sent back in full."""
    refused(shop, options, InvalidRequest)


@pytest.mark.parametrize("by_owner", [True, False])
def test_the_data_policy_wins_over_a_pin_and_says_so(shop: Catalog, by_owner: bool) -> None:
    """A pin is a wish, the policy is a promise: the refusal names which of the two wins, whoever made the policy."""
    options: dict[str, Any] = {"pin": "v3/model-3"}
    assert ask(shop, options).selected.model == "v3/model-3"
    policy = RoutingPolicy(deny_providers=("v3",)) if by_owner else None
    wish = {} if by_owner else {"dataPolicy": {"providers": {"deny": ["v3"]}}}
    with pytest.raises(NoEligibleModel) as stopped:
        ask(shop, {**options, **wish}, policy=policy)
    assert "the data policy beats `pin`" in stopped.value.hint


@pytest.mark.parametrize("budget", ["low", "medium", "high", "any"])
def test_a_router_whose_price_is_dynamic_satisfies_no_budget(budget: str) -> None:
    """What costs whatever it costs is never chosen, not even when nothing else would do."""
    routers = [listing("r/auto", None, router=True, price=Price(dynamic=True))]
    routers.append(listing("r/free", None, price=Price(dynamic=True)))
    shop = catalog(routers, {m.id: {"lmarena_coding": 2.0} for m in routers})
    with pytest.raises(NoEligibleModel) as stopped:
        ask(shop, {"budget": budget})
    assert stopped.value.rejected == {"alive": 2}
    beside = catalog([*routers, listing("a/dear", "20")], {"a/dear": {"lmarena_coding": 0.0}})
    if budget in ("low", "medium"):
        with pytest.raises(NoModelInBudget) as dearer:
            ask(beside, {"budget": budget})
        assert dearer.value.cheapest_budget == "high"
    else:
        assert ask(beside, {"budget": budget}).selected.model == "a/dear"
