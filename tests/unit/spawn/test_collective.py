"""Collective: members at once, majority, survivors, merges, and what dissents."""

from __future__ import annotations

from typing import Any

from smart_spawn.errors import AuthFailed, Overloaded, Refused
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.spawn.calls import Brief
from smart_spawn.spawn.collective import CollectiveOptions, collective, members_of
from smart_spawn.spawn.outcome import SpawnOutcome
from tests.unit.spawn.runs import context, models, rung

MEMBERS = [rung("a/best", 0.85), rung("b/second", 0.84), rung("c/third", 0.80)]
TEXTS = {
    name: f"A text of {name} about the matter, far too long to be counted as a vote.\nMore of it by {name}."
    for name in ("a", "b", "c")
}


async def gather(a: Any, b: Any = None, c: Any = None, judge: Any = None, **options: Any) -> SpawnOutcome:
    given = {"a/best": a, "b/second": b, "c/third": c, "j/judge": judge}
    chat = FakeProvider({name: [answer] for name, answer in given.items() if answer is not None})
    choices = CollectiveOptions(judge=rung("j/judge") if judge else None, **options)
    return await collective(context(chat), Brief(task="How many?"), MEMBERS, choices)


async def test_most_short_answers_win_over_the_best_member() -> None:
    """Two of three, with the share that agreed and who said something else."""
    outcome = await gather("7", "The answer is 8.", "8")
    assert (outcome.output, outcome.model) == ("The answer is 8.", "b/second")
    assert outcome.consensus
    assert (outcome.consensus.method, outcome.consensus.agreement) == ("majority", 0.6667)
    assert [(d.model, d.answer) for d in outcome.consensus.dissent] == [("a/best", "7")]
    assert models(outcome.responses) == ["a/best", "b/second", "c/third"]
    assert outcome.cost.usd == sum(r.cost_usd or 0 for r in outcome.responses)


async def test_ties_go_to_the_member_that_is_expected_to_be_best() -> None:
    """Three that disagree: the best one's word."""
    outcome = await gather("7", "8", "9")
    assert (outcome.output, outcome.model) == ("7", "a/best")
    assert outcome.consensus
    assert outcome.consensus.agreement == 0.3333


async def test_faulted_answers_have_no_vote() -> None:
    """A refusal, a cut answer and a failure drop out."""
    outcome = await gather(
        "I'm sorry, but I can't help with that.", "8", Scripted(text="9", finish_reason="length")
    )
    assert outcome.output == "8"
    assert outcome.consensus
    assert outcome.consensus.method == "only-survivor"
    assert (await gather(Overloaded("busy"), "8", "8")).output == "8"


async def test_texts_go_by_the_best_survivor() -> None:
    """Without a judge nobody mixes texts."""
    outcome = await gather(TEXTS["a"], TEXTS["b"], TEXTS["c"])
    assert outcome.output == TEXTS["a"]
    assert outcome.consensus
    assert outcome.consensus.method == "best-prior"
    assert len(outcome.consensus.dissent) == 2


async def test_a_judge_merges_texts_without_names() -> None:
    """The merge sees no model's name, and the liked answer's author is named in the end."""
    judge = '{"best": 1, "merged": "the best of all", "dissent": []}'
    outcome = await gather(TEXTS["a"], TEXTS["b"], TEXTS["c"], judge=judge)
    assert outcome.output == "the best of all"
    assert outcome.consensus
    assert outcome.consensus.method == "merge"
    assert models(outcome.responses)[-1] == "j/judge"


async def test_a_judge_that_fails_leaves_the_survivor() -> None:
    """Its bill is counted, its words are not, and the answer says so."""
    outcome = await gather(TEXTS["a"], TEXTS["b"], TEXTS["c"], judge="no json at all")
    assert outcome.output == TEXTS["a"]
    assert outcome.warnings


async def test_nobody_who_answers_is_a_failure() -> None:
    """All members failed: the error of one of them."""
    outcome = await gather(Overloaded("x"), Overloaded("y"), Overloaded("z"))
    assert (outcome.status, outcome.output) == ("failed", "")
    assert isinstance(outcome.error, Overloaded)


async def test_only_faulted_answers_are_returned_as_below_the_threshold() -> None:
    """Something is better than nothing, and marked."""
    cut = Scripted(text="Half of", finish_reason="length")
    outcome = await gather(cut, cut, cut)
    assert (outcome.status, outcome.output, outcome.below_threshold) == ("succeeded", "Half of", True)


async def test_an_adaptive_collective_stops_when_two_agree() -> None:
    """The third is asked only while the answers disagree."""
    assert models((await gather("7", "7", "8", adaptive=True)).responses) == ["a/best", "b/second"]
    outcome = await gather("7", "8", "8", adaptive=True)
    assert (models(outcome.responses), outcome.output) == (["a/best", "b/second", "c/third"], "8")


def test_members_are_never_much_weaker_than_the_best() -> None:
    """Adding a weak one lowers the whole, so there are rather fewer."""
    rungs = [rung("a", 0.85), rung("b", 0.60), rung("c", 0.80), rung("d", 0.82)]
    assert [r.model_id for r in members_of(rungs, 3)] == ["a", "c", "d"]
    assert [r.model_id for r in members_of(rungs[:2], 3)] == ["a"]


async def test_where_no_member_answers_a_spare_does() -> None:
    """They are asked one after the other; a refused key rules its provider's spares out too."""
    chat = FakeProvider({"a/best": [AuthFailed("no")], "b/second": [Refused("no")]}, default="7")
    members = [rung("a/best", provider="p"), rung("b/second", provider="q")]
    spares = [rung("s/one", provider="p"), rung("s/two", provider="q")]
    outcome = await collective(
        context(chat), Brief(task="How many?"), members, CollectiveOptions(), spares=spares
    )
    assert (outcome.status, outcome.model, outcome.output) == ("succeeded", "s/two", "7")
    assert models(outcome.responses) == ["a/best", "b/second", "s/two"]
