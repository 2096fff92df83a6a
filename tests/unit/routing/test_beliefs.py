"""Beliefs in choices: votes move scores, nothing moves without them, and trying out keeps to its rules."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.catalog.learned import Learned
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.feedback import Beliefs, Outcome, learn
from smart_spawn.routing.decision import Decision, decode_decision, encode_decision
from smart_spawn.routing.explain import explain
from smart_spawn.routing.policy import EXPLORE_EVERY, RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import recommend, route
from smart_spawn.surface.decisions import decision_json, pick_json
from tests.unit.builders import NOW, catalog, listing

FIRST, SECOND, THIRD = "acme/first", "bolt/second", "cory/third"
POLICY = RoutingPolicy()
DRAWN, NOT_DRAWN = f"{EXPLORE_EVERY * 3:08x}" + 24 * "0", f"{EXPLORE_EVERY * 3 + 1:08x}" + 24 * "0"
"""Digests of tasks that the lot falls on, and does not."""


@pytest.fixture(scope="module")
def shop() -> Catalog:
    """Return three models of which the first is a little ahead."""
    boards = ["livebench_agentic_coding", "livebench_coding", "lmarena_coding", "lmarena_webdev"]
    places = {FIRST: 1.0, SECOND: 0.9, THIRD: 0.2}
    return catalog(
        [listing(model, "1") for model in places],
        {model: dict.fromkeys(boards, z) for model, z in places.items()},
    )


def votes(model: str, value: float, count: int, **changes: Any) -> list[Outcome]:
    """Return the votes of so many people."""
    return [
        Outcome(
            **{
                "at": NOW,
                "voter": f"key_{n}",
                "kind": "rating",
                "model": model,
                "category": "coding",
                "value": value,
                **changes,
            }
        )
        for n in range(count)
    ]


def believing(served: Catalog, *outcomes: list[Outcome]) -> Catalog:
    """Lay votes beside a catalogue."""
    return served.believing(Learned.of(learn([o for row in outcomes for o in row], NOW), served))


def decided(
    served: Catalog, *, digest: str | None = None, policy: RoutingPolicy = POLICY, **wishes: Any
) -> Decision:
    """Choose for coding."""
    request = RouteRequest.of({"category": "coding", **wishes})
    return route(request, served, at=NOW, decision_id="d", policy=policy, task_digest=digest)


def test_without_votes_nothing_changes(shop: Catalog) -> None:
    """No votes, or votes on models that nobody sells: the same bytes as ever."""
    plain = decided(shop, digest=DRAWN).result()
    assert believing(shop) is shop
    assert decided(believing(shop, votes("gone/model", 1, 50)), digest=DRAWN).result() == plain


def test_votes_move_a_model_past_a_near_equal(shop: Catalog) -> None:
    """Praise for the second and blame for the first turn the order, and the decision says by how much."""
    assert decided(shop).selected.model == FIRST
    decision = decided(believing(shop, votes(FIRST, 2, 6), votes(SECOND, 5, 6)))
    assert decision.selected.model == SECOND
    assert decision.beliefs_version != "none"
    assert (decision.selected.feedback or 0) > 0
    first = next(other for other in decision.others if other.model == FIRST)
    assert (first.feedback or 0) < 0
    assert next(other for other in decision.others if other.model == THIRD).feedback is None


def test_votes_reorder_and_never_remove(shop: Catalog) -> None:
    """A model that everybody rates down comes last; it stays a candidate. A weak one that is praised stays out."""
    blamed = believing(shop, votes(FIRST, 1, 50))
    decision = decided(blamed, minCapability=50)
    assert [other.model for other in decision.others] == [THIRD, FIRST]
    assert decision.candidate_count == 3
    praised = believing(shop, votes(THIRD, 5, 50))
    assert decided(praised, minCapability=60).rejected["minCapability"] == 1


def test_votes_make_a_belief_surer(shop: Catalog) -> None:
    """What many people rated is better known than its benchmarks say, never worse."""
    before, after = decided(shop), decided(believing(shop, votes(FIRST, 4, 30)))
    assert after.selected.variance < before.selected.variance


def test_a_vote_in_a_context_counts_there(shop: Catalog) -> None:
    """A model praised for Rust alone is chosen for Rust, and loses nothing elsewhere that it did not lose before."""
    rust = [*votes(SECOND, 5, 8, tags=("systems",)), *votes(FIRST, 2, 8, tags=("systems",))]
    served = believing(shop, rust, votes(SECOND, 3.5, 80), votes(FIRST, 4.5, 80))
    assert decided(served).selected.model == FIRST
    assert decided(served, context=["rust"]).selected.model == SECOND


def test_always_praised_is_never_rated_down(shop: Catalog) -> None:
    """Somebody who only ever rates one model, and always well, does not push it below what its benchmarks say."""
    for count in (1, 10, 100, 1_000):
        for value in (4.1, 5):
            one = votes(FIRST, value, count, voter="local")
            assert (decided(believing(shop, one)).selected.feedback or 0) > -1


def test_shown_scores_tell_benchmark_and_own_apart(shop: Catalog) -> None:
    """`/pick` shows the benchmark's score beside the one with votes; without votes there is no personal score."""
    served = believing(shop, votes(FIRST, 4, 9))
    shown, plain = pick_json(decided(served), served)["data"], pick_json(decided(shop), shop)["data"]
    assert plain["personalScore"] is None
    assert shown["benchmarkScore"] == plain["benchmarkScore"] == plain["score"]
    assert shown["personalScore"] == shown["score"] > shown["benchmarkScore"]
    told = decision_json(decided(served), served, POLICY)["selected"]["feedback"]
    assert told["contribution"] == pytest.approx(shown["score"] - shown["benchmarkScore"], abs=0.1)
    assert "9 ratings averaging 4.0" in told["beliefs"]["coding"]


@pytest.fixture(scope="module")
def settled(shop: Catalog) -> Catalog:
    """Return the shop where the first is well known and the second not at all."""
    return believing(shop, votes(FIRST, 4, 60))


def test_one_task_in_five_may_go_to_a_model_that_is_less_known(settled: Catalog) -> None:
    """It is said in the decision, with the better model by name, and what would have made that one win."""
    usual, tried = decided(settled, digest=NOT_DRAWN), decided(settled, digest=DRAWN)
    assert (usual.selected.model, usual.explored) == (FIRST, None)
    assert (tried.selected.model, tried.explored) == (SECOND, FIRST)
    assert any("tried out" in text and FIRST in text for text in tried.warnings)
    instead = explain(tried, settled, POLICY).alternatives[0]
    assert (instead.choice.model, instead.change.kind) == (FIRST, "explore")
    assert "tried out" in pick_json(tried, settled)["data"]["reason"]


@pytest.mark.parametrize(
    "wishes",
    [{"pin": FIRST}, {"explore": False}, {"only": [FIRST, SECOND]}, {"exclude": [SECOND, THIRD]}],
    ids=str,
)
def test_nothing_is_tried_out_against_a_wish(settled: Catalog, wishes: dict[str, Any]) -> None:
    """A pinned model, a list of models, a constraint or a plain no are kept to."""
    assert decided(settled, digest=DRAWN, **wishes).selected.model == FIRST


def test_nothing_is_tried_out_where_the_owner_or_nobody_asks(settled: Catalog) -> None:
    """`routing.explore` 0 turns it off; a category without a task, and recommendations, have no lot."""
    assert decided(settled, digest=DRAWN, policy=RoutingPolicy(explore=0)).explored is None
    assert decided(settled, digest=None).explored is None
    request = RouteRequest.of({"category": "coding", "count": 3})
    first = recommend(request, settled, at=NOW, decision_id=lambda: "d", policy=POLICY, task_digest=DRAWN)[0]
    assert (first.selected.model, first.request.explore) == (FIRST, False)


def test_a_decision_is_made_again_from_stored_beliefs(settled: Catalog, shop: Catalog) -> None:
    """Beliefs that come back from the store, beside the same catalogue, give the same bytes."""
    assert settled.learned is not None
    again = shop.believing(Learned.of(Beliefs.decode(settled.learned.beliefs.encode()), shop))
    first = decode_decision(encode_decision(decided(settled, digest=DRAWN)))
    assert decided(again, digest=DRAWN).result() == first.result()
