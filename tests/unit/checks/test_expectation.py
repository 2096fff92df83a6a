"""The file of expectations: what an entry may hold, and how a mistake in it is named."""

from __future__ import annotations

import time
from typing import Any

import pytest

from smart_spawn.checks.expectation import MAX_ROUTES, RouteCheck, read_checks
from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import Budget, Category
from smart_spawn.routing.request import RouteRequest

GOOD = {"name": "a", "task": "Fix the bug", "expect": {"category": "coding"}}


def read(*entries: Any) -> tuple[RouteCheck, ...]:
    return read_checks(list(entries), RouteRequest.of)


def test_every_field_of_a_request_may_stand_in_an_entry_in_both_spellings() -> None:
    """Whoever knows the API or the Python names writes the file without looking anything up."""
    (check,) = read(
        {
            "name": "all of it",
            "task": "Fix the bug",
            "budget": "low",
            "categoryWeights": {"coding": 1.5},
            "min_capability": 50,
            "require": ["json"],
            "exclude": ["openrouter/acme/*"],
            "data_policy": {"providers": {"deny": ["x"]}},
            "important": True,
            "expect": {"modelIn": ["openrouter/acme/one"], "max_cost_usd": 0.1, "min_confidence": 0.5},
        }
    )
    assert check.important
    assert check.request.budget is Budget.LOW
    assert check.request.min_capability == 50
    assert check.request.exclude == ("acme/*",)
    assert check.expect.model_in == ("acme/one",)


def test_the_request_may_stand_inside_expect() -> None:
    """An entry can be one block; `category` in it is what is expected, not what is told."""
    (check,) = read({"expect": {"task": "Fix the bug", "budget": "low", "category": "coding"}})
    assert check.request.budget is Budget.LOW
    assert check.request.category is None
    assert check.expect.category is Category.CODING
    assert check.name == "route 1"


def test_a_single_name_needs_no_list() -> None:
    """`model_in: acme/one` means what it says, not one entry a letter."""
    (check,) = read({**GOOD, "expect": {"model_in": "acme/one"}})
    assert check.expect.model_in == ("acme/one",)


@pytest.mark.parametrize(
    ("entry", "message", "hint"),
    [
        ({**GOOD, "tsak": "x"}, "unknown key `tsak`", "`task`"),
        ({**GOOD, "expect": {"modle_in": ["a/b"]}}, "`expect`: unknown key `modle_in`", "`model_in`"),
        ({**GOOD, "xyzzy": 1}, "unknown key `xyzzy`", "known keys"),
        ({1: 2, "name": "a"}, "unknown key `1`", "known keys"),
        ({**GOOD, "budget": "cheap"}, "`cheap` is not a valid `budget`", "low, medium, high"),
        ({**GOOD, "expect": {"category": "code"}}, "`code` is not a valid `category`", "coding"),
        ({**GOOD, "expect": {"min_score": 101}}, "`min_score` is wrong", "101"),
        ({**GOOD, "expect": {"max_cost_usd": float("nan")}}, "`max_cost_usd` is wrong", "nan"),
        ({**GOOD, "expect": {"model_in": []}}, "`model_in` is empty", ""),
        ({**GOOD, "expect": ["coding"]}, "`expect` is not a mapping", "model_in"),
        ({**GOOD, "expect": {}}, "expects nothing", "important"),
        ({**GOOD, "important": "yes"}, "true or false", "leave it out"),
        ({"task": "x", "important": True}, "has no `name`", "lock file"),
        ({**GOOD, "name": ""}, "`name` must be a text", "quotes"),
        ({**GOOD, "name": 7}, "`name` must be a text", "quotes"),
        ({"name": "a", "expect": {"category": "coding"}}, "`task` is empty", "category"),
        ({**GOOD, "expect": {"task": "x", "category": "coding"}}, "`task` stands twice", "beside"),
        ("Fix the bug", "not a mapping", "one key a line"),
    ],
)
def test_a_mistake_is_named_with_its_route_and_the_nearest_known_key(
    entry: Any, message: str, hint: str
) -> None:
    """The first wrong entry is refused by its place, its name and what was probably meant."""
    with pytest.raises(InvalidRequest) as refused:
        read({**GOOD, "name": "fine"}, entry)
    assert refused.value.message.startswith("route 2")
    assert message in refused.value.message
    assert hint in refused.value.hint


@pytest.mark.parametrize("document", [None, [], {}, "text", {"routes": []}, {"routes": [GOOD], "more": 1}])
def test_a_file_without_routes_is_refused(document: Any) -> None:
    """An empty file must not look like one in which everything holds."""
    with pytest.raises(InvalidRequest, match="no list of routes"):
        read_checks(document, RouteRequest.of)


def test_the_list_may_stand_under_the_key_routes() -> None:
    """Both shapes that people expect are read."""
    assert read_checks({"routes": [GOOD]}, RouteRequest.of) == read(GOOD)


def test_two_routes_of_one_name_are_refused() -> None:
    """Reports and lock files go by the name."""
    with pytest.raises(InvalidRequest, match="two routes are called `a`"):
        read(GOOD, GOOD)


def test_ten_thousand_routes_are_read_in_seconds_and_more_are_refused() -> None:
    """The bound is stated, and reaching it costs little."""
    entries = [{**GOOD, "name": f"r{number}"} for number in range(MAX_ROUTES)]
    start = time.process_time()
    assert len(read(*entries)) == MAX_ROUTES
    assert time.process_time() - start < 5
    with pytest.raises(TooLarge, match="10,001 routes; the limit is 10,000"):
        read(*entries, {**GOOD, "name": "one more"})
