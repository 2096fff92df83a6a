"""Learned gain in choices: it turns near equals, says so, stays bounded, and nothing moves without it."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.feedback.gain import learn_gains
from smart_spawn.feedback.live_gain import LiveGain
from smart_spawn.routing.decision import Decision, decode_decision, encode_decision, gain_of
from smart_spawn.routing.explain import explain, rejections
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import decide, recommend, route
from smart_spawn.surface.decisions import decision_json, explain_text, pick_json
from tests.unit.builders import NOW, catalog, listing
from tests.unit.feedback.test_gain import EASY, HARD, prompts

STRONG, WEAK, THIRD = "acme/strong", "bolt/weak", "cory/third"
HARD_TASK, EASY_TASK = " ".join(HARD), " ".join(EASY)
PLAIN = RoutingPolicy()


@pytest.fixture(scope="module")
def shop() -> Catalog:
    """Return three models; by benchmarks alone the one that fails on hard tasks is a little ahead."""
    boards = ["livebench_agentic_coding", "livebench_coding", "lmarena_coding", "lmarena_webdev"]
    places = {WEAK: 1.0, STRONG: 0.9, THIRD: 0.2}
    return catalog(
        [*(listing(model, "1") for model in places), listing(f"{STRONG}:free", "0")],
        {model: dict.fromkeys(boards, z) for model, z in places.items()},
    )


@pytest.fixture(scope="module")
def policy() -> RoutingPolicy:
    """Return the rules of an owner with 300 outcomes on record, one of them of a model that nobody sells."""
    tasks, outcomes, _ = prompts(300)
    names = [STRONG, WEAK, "gone/model"]
    gains = learn_gains(names, tasks, ["coding"] * 300, outcomes[:, [0, 1, 1]])
    return RoutingPolicy(gain=LiveGain.of(gains))


def decided(shop: Catalog, policy: RoutingPolicy, task: str, **wishes: Any) -> Decision:
    """Choose for coding."""
    request = RouteRequest.of({"category": "coding", "task": task, **wishes})
    return route(request, shop, at=NOW, decision_id="d", policy=policy)


def test_similar_tasks_turn_near_equals_and_the_decision_says_so(
    shop: Catalog, policy: RoutingPolicy
) -> None:
    """Where the winner is known to fail the other one is chosen, with the points in signals, evidence and reason."""
    assert decided(shop, PLAIN, HARD_TASK).selected.model == WEAK
    decision = decided(shop, policy, HARD_TASK)
    assert decision.selected.model == STRONG
    assert decided(shop, policy, EASY_TASK).selected.model == WEAK
    points = (decision.task.gains or {})[STRONG]
    body = decision_json(decision, shop, policy)
    assert f"gain:{STRONG}{points:+.1f}" in body["task"]["signals"]
    assert body["selected"]["learnedGain"] == {"contribution": points}
    assert f"{points:+.1f} points by similar tasks on record" in body["reason"]
    assert f"similar tasks on record {points:+.2f}" in explain_text(decision, shop, policy)
    picked = pick_json(decision, shop)["data"]
    assert picked["personalScore"] == picked["score"] > picked["benchmarkScore"]


def test_contributions_add_up_to_the_score(shop: Catalog, policy: RoutingPolicy) -> None:
    """50, the readings and the learned points are all of it; the others' points are in their scores too."""
    decision = decided(shop, policy, HARD_TASK)
    parts = sum(e.contribution for e in explain(decision, shop, policy).evidence)
    assert decision.selected.score == pytest.approx(50 + parts + decision.selected_gain, abs=1e-5)
    before = {c.model: c.score for c in _all(decided(shop, PLAIN, HARD_TASK))}
    gains = decision.task.gains or {}
    for choice in _all(decision):
        assert choice.score == pytest.approx(before[choice.model] + gain_of(gains, choice.model), abs=1e-5)


def test_the_stored_decision_is_made_again_to_the_byte_without_its_text(
    shop: Catalog, policy: RoutingPolicy
) -> None:
    """The points are kept with the decision; the task is not, and is not needed."""
    stored = encode_decision(decided(shop, policy, HARD_TASK))
    assert b"topology" not in stored
    first = decode_decision(stored)
    again = decide(first.request, first.task, shop, at=first.created_at, decision_id=first.id, policy=policy)
    assert again.result() == first.result()
    assert encode_decision(again) == stored
    assert decision_json(first, shop, policy) == decision_json(again, shop, policy)


def test_without_it_not_a_byte_of_a_decision_changes(shop: Catalog) -> None:
    """Neither a key nor a version tells of a thing that is off."""
    decision = decided(shop, PLAIN, HARD_TASK)
    assert b"gain" not in encode_decision(decision)
    assert decision.policy_version == RoutingPolicy(gain=None).version
    assert "learnedGain" not in decision_json(decision, shop, PLAIN)["selected"]


def test_the_version_of_the_rules_covers_the_file(shop: Catalog, policy: RoutingPolicy) -> None:
    """Another record, other rules."""
    tasks, outcomes, _ = prompts(200, seed=4)
    other = RoutingPolicy(gain=LiveGain.of(learn_gains([STRONG, WEAK], tasks, ["coding"] * 200, outcomes)))
    assert len({PLAIN.version, policy.version, other.version}) == 3
    assert decided(shop, policy, HARD_TASK).policy_version == policy.version


@pytest.mark.parametrize("wishes", [{"pin": WEAK}, {"task": ""}, {"task": "Write a poem about two ships"}])
def test_pinned_textless_and_unlike_tasks_are_left_alone(
    shop: Catalog, policy: RoutingPolicy, wishes: dict[str, str]
) -> None:
    """The choice, its score and its profile are those of an owner without a record."""
    told = {"task": HARD_TASK, **wishes}
    task = told.pop("task")
    found, plain = decided(shop, policy, task, **told), decided(shop, PLAIN, task, **told)
    assert found.task == plain.task
    assert found.selected == plain.selected
    assert found.task.gains is None


def test_it_reorders_and_never_removes(shop: Catalog, policy: RoutingPolicy) -> None:
    """Minimum capability looks at benchmarks alone, in the choice and in the list of who was removed."""
    least = decided(shop, PLAIN, HARD_TASK).selected.score - 1
    decision = decided(shop, policy, HARD_TASK, minCapability=least)
    plain = decided(shop, PLAIN, HARD_TASK, minCapability=least)
    assert decision.rejected == plain.rejected
    assert rejections(decision, shop, policy) == rejections(plain, shop, PLAIN)


def test_a_free_variant_is_the_same_model(shop: Catalog, policy: RoutingPolicy) -> None:
    """It has the points of the plain one, so that no model gets around what is known of it."""
    free = decided(shop, policy, HARD_TASK, only=[f"{STRONG}:free"])
    plain = decided(shop, policy, HARD_TASK, only=[STRONG])
    assert free.selected.model == f"{STRONG}:free"
    assert free.selected_gain == plain.selected_gain > 0
    before = decided(shop, PLAIN, HARD_TASK, only=[f"{STRONG}:free"]).selected.score
    assert free.selected.score == pytest.approx(before + free.selected_gain)


def test_recommendations_learn_as_choices_do(shop: Catalog, policy: RoutingPolicy) -> None:
    """The first of several is the choice of one."""
    request = RouteRequest.of({"category": "coding", "task": HARD_TASK, "count": 2})
    found = recommend(request, shop, at=NOW, decision_id=lambda: "d", policy=policy)
    assert found[0].selected.model == STRONG


def _all(decision: Decision) -> tuple[Any, ...]:
    return decision.selected, *decision.others
