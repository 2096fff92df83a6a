"""What changed between two catalogues, and which choices did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from smart_spawn.catalog.diff import diff
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import BUDGETS, Budget, Category
from smart_spawn.routing.picks import diff_picks, fixed_tasks
from smart_spawn.routing.policy import RoutingPolicy
from tests.unit.builders import TODAY, catalog, listing

TASKS = ["Refactor this Python function to use asyncio instead of threads"]
SCORES = {
    "acme/strong": {"livebench_coding": 1.5, "lmarena_coding": 1.5},
    "acme/plain": {"livebench_coding": 0.5},
}


def built(scores: Mapping[str, Mapping[str, float]] = SCORES, **prices: str) -> Catalog:
    return catalog([listing(m, prices.get(m.partition("/")[2], "0.5")) for m in scores], scores)


def test_equal_catalogues_have_no_difference() -> None:
    """Nothing changed means nothing is listed, choices included."""
    assert diff(built(), built()).empty
    assert diff_picks(built(), built(), RoutingPolicy(), tasks=TASKS).changes == ()


def test_models_come_go_and_expire() -> None:
    """Ids that came and went are named; so is one that is still listed and not served any more."""
    before = built()
    ending = [replace(m, expires_on=TODAY + timedelta(days=9)) for m in before.listings[:1]]
    after = catalog([*ending, listing("acme/new", "1")], {})
    found = diff(before, after)
    assert (found.added, found.removed, found.expiring) == (("acme/new",), ("acme/strong",), ("acme/plain",))
    later = Catalog.of(replace(after.facts, as_of=TODAY + timedelta(days=10)))
    assert diff(after, later).expired == ("acme/plain",)


def test_a_price_is_told_with_old_and_new() -> None:
    """Every rate that moved has both values."""
    found = diff(built(), built(strong="2"))
    assert [(p.model_id, p.rate, p.before, p.after) for p in found.prices] == [
        ("acme/strong", "prompt", Decimal("0.5"), Decimal(2)),
        ("acme/strong", "completion", Decimal("2.5"), Decimal(10)),
    ]


def test_a_score_names_the_board_that_moved_it() -> None:
    """The moves of the boards add up to the move of the score, and say what happened on the board."""
    better = {**SCORES, "acme/plain": {"livebench_coding": 2.5}}
    [coding] = [s for s in diff(built(), built(better)).scores if s.category is Category.CODING]
    assert coding.model_id == "acme/plain"
    assert [(b.benchmark, b.cause) for b in coding.boards] == [("livebench_coding", "value")]
    assert sum(b.points for b in coding.boards) == pytest.approx(coding.points)


@pytest.mark.parametrize(
    ("after", "budget", "cause"),
    [
        (built(strong="3"), Budget.LOW, "price"),
        (built({"acme/plain": SCORES["acme/plain"]}), Budget.LOW, "left"),
        (built({**SCORES, "acme/best": {"livebench_coding": 3.0, "lmarena_coding": 3.0}}), Budget.ANY, "new"),
        (
            built({**SCORES, "acme/plain": {"livebench_coding": 4.0, "lmarena_coding": 4.0}}),
            Budget.ANY,
            "score",
        ),
    ],
)
def test_a_changed_choice_says_why(after: Catalog, budget: Budget, cause: str) -> None:
    """The price that left the budget, the model that left or came, the scores: each is told as what it is."""
    found = diff_picks(built(), after, RoutingPolicy(), tasks=TASKS)
    [change] = [c for c in found.changes if c.budget is budget]
    assert (change.before, change.cause) == ("acme/strong", cause)
    assert change.why


def test_choices_are_compared_over_two_hundred_different_tasks() -> None:
    """The fixed set is 200 tasks of every category, at four budgets."""
    tasks = fixed_tasks()
    assert len(tasks) == len(set(tasks)) == 200
    assert diff_picks(built(), built(), RoutingPolicy()).asked == 200 * len(BUDGETS)
