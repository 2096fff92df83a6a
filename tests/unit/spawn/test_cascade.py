"""Cascade: cheap rungs first, votes, gates, judges, and one pass."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.errors import AuthFailed, BadRequest, Overloaded, RateLimited
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.spawn.calls import Brief
from smart_spawn.spawn.cascade import CascadeOptions, cascade, ladder_of
from smart_spawn.spawn.gate import demands_of
from smart_spawn.spawn.outcome import Rung, SpawnOutcome
from tests.unit.spawn.runs import context, models, rung

LADDER = [rung("a/small", 0.72, 0.0002), rung("b/cheap", 0.78, 0.0004), rung("c/best", 0.85, 0.004)]
LONG = "Here is a long text about the matter that nobody could vote on because it is a text.\nIt goes on."


async def climb(
    chat: FakeProvider, ladder: list[Rung] | None = None, *, task: str = "How many?", **options: Any
) -> SpawnOutcome:
    brief = Brief(task=task, demands=demands_of(task))
    return await cascade(context(chat), brief, ladder or LADDER, CascadeOptions(**options))


def script(**answers: Any) -> FakeProvider:
    names = {"small": "a/small", "cheap": "b/cheap", "best": "c/best", "judge": "j/judge"}
    return FakeProvider({names[k]: v if isinstance(v, list) else [v] for k, v in answers.items()})


async def test_two_cheap_models_that_agree_are_enough() -> None:
    """The ceiling is not asked, and what it would have cost is the saving."""
    outcome = await climb(script(small="42", cheap="The answer is 42."))
    assert (outcome.output, models(outcome.responses)) == ("The answer is 42.", ["a/small", "b/cheap"])
    assert outcome.confidence
    assert outcome.confidence > 0.85
    assert [(e.from_model, e.to_model) for e in outcome.escalations or ()] == [("a/small", "b/cheap")]
    assert not outcome.below_threshold


async def test_two_that_disagree_send_the_task_up() -> None:
    """The ceiling's answer stands, and each escalation says how sure we were."""
    outcome = await climb(script(small="41", cheap="42", best="43"))
    assert (outcome.output, outcome.model) == ("43", "c/best")
    assert len(outcome.escalations or ()) == 2
    assert all("wanted" in e.why for e in outcome.escalations or ())


@pytest.mark.parametrize(
    "first",
    [
        "I'm sorry, but I can't help with that.",
        "```python\nx = 1",
        Scripted(text="Half of it", finish_reason="length"),
        RateLimited("slow down"),
    ],
)
async def test_an_unusable_answer_has_no_vote(first: Any) -> None:
    """Refusals, cut answers and failures lead to the next rung and never win."""
    outcome = await climb(script(small=first, cheap="42", best="42"))
    assert outcome.output == "42"
    assert outcome.responses[0].confidence is None
    assert not outcome.responses[0].usable


async def test_a_long_answer_goes_straight_to_a_rung_that_is_good_enough() -> None:
    """Nobody can vote on a text, so a second cheap one would help nothing."""
    outcome = await climb(script(small=LONG, cheap=LONG, best=LONG), task="Tell me about it")
    assert models(outcome.responses) == ["a/small", "c/best"]


async def test_a_long_answer_of_a_rung_that_is_good_enough_stays() -> None:
    """When the cheap model is about as good as the ceiling, its text is the answer."""
    ladder = [rung("a/small", 0.84, 0.0004), rung("c/best", 0.85, 0.004)]
    outcome = await climb(script(small=LONG), ladder, task="Tell me about it")
    assert models(outcome.responses) == ["a/small"]


async def test_rungs_that_could_never_convince_are_skipped() -> None:
    """Among two choices weak models prove little: even if both agreed it would not do, so nobody asks them."""
    ladder = [rung("a/small", 0.55, 0.0002), rung("b/cheap", 0.56, 0.0004), rung("c/best", 0.95, 0.001)]
    outcome = await climb(script(best="A"), ladder, task='Answer "A" or "B" only. Is it so?')
    assert models(outcome.responses) == ["c/best"]


async def test_a_verified_answer_ends_the_climb() -> None:
    """Arithmetic can be checked, so one cheap answer is proof enough, and a wrong one none at all."""
    outcome = await climb(script(small="95"), task="What is 12*7 + 11?")
    assert models(outcome.responses) == ["a/small"]
    wrong = await climb(script(small="96", cheap="95"), task="What is 12*7 + 11?")
    assert (models(wrong.responses), wrong.output) == (["a/small", "b/cheap"], "95")


async def test_a_judge_decides_about_long_answers() -> None:
    """It sees task and answer between marks, and its yes keeps the cheap one."""
    chat = script(small=LONG, judge='{"acceptable": true, "confidence": 0.9}')
    outcome = await climb(chat, task="Tell me about it", judge=rung("j/judge"))
    assert (outcome.model, outcome.confidence) == ("a/small", 0.9)
    judging = chat.calls[-1].messages
    assert LONG not in judging[0].content
    assert LONG in judging[1].content
    nonce = judging[1].content.split(">")[0].split()[-1]
    assert nonce in judging[0].content
    refused = script(small=LONG, cheap=LONG, best=LONG, judge=['{"acceptable": false, "confidence": 0.9}'])
    assert (await climb(refused, task="Tell me about it", judge=rung("j/judge"))).model == "c/best"


async def test_a_judge_that_talks_nonsense_counts_for_nothing() -> None:
    """Neither an order to accept nor a broken reply moves the confidence."""
    chat = script(small=LONG, best=LONG, judge=["Yes! Accept it, confidence 1.0", "{"])
    outcome = await climb(chat, task="Tell me about it", judge=rung("j/judge"))
    assert outcome.model == "c/best"


async def test_a_threshold_that_nobody_meets_ends_after_one_pass() -> None:
    """The best answer comes back and says that it is below what was asked."""
    outcome = await climb(script(small="1", cheap="2", best="3"), min_confidence=0.999)
    assert models(outcome.responses) == ["a/small", "b/cheap", "c/best"]
    assert outcome.below_threshold
    assert outcome.output == "3"


async def test_escalation_stops_where_the_caller_says() -> None:
    """With no step up there is one answer, however unsure."""
    outcome = await climb(script(small="1"), max_escalation=0, min_confidence=0.9)
    assert models(outcome.responses) == ["a/small"]
    assert outcome.below_threshold


async def test_a_refused_key_closes_its_provider() -> None:
    """Rungs of that provider are not asked again, others are."""
    ladder = [rung("a/small"), rung("b/cheap"), rung("c/best", 0.9, 0.01, provider="other")]
    outcome = await climb(script(small=AuthFailed("no", provider="fake"), best="7"), ladder)
    assert models(outcome.responses) == ["a/small", "c/best"]


async def test_nobody_who_answers_is_a_failure_with_its_reason() -> None:
    """A request that no provider accepts ends at once."""
    outcome = await climb(script(small=BadRequest("wrong", provider="fake")))
    assert (outcome.status, models(outcome.responses)) == ("failed", ["a/small"])
    assert outcome.error
    assert "wrong" in outcome.error.message


def test_the_ladder_is_cheap_rungs_and_the_ceiling() -> None:
    """The best that cost a tenth of the ceiling, cheapest first; those far worse or dearer are left out."""
    candidates = [
        rung("x/best", 0.85, 0.004),
        rung("x/dear", 0.84, 0.02),
        rung("a/good", 0.78, 0.0004),
        rung("b/fair", 0.74, 0.0001),
        rung("c/third", 0.70, 0.0001),
        rung("d/bad", 0.30, 0.00001),
        rung("e/middle", 0.80, 0.002),
        rung("f/unpriced", 0.80, None),
    ]
    assert [r.model_id for r in ladder_of(candidates)] == ["b/fair", "a/good", "x/best"]


def test_without_cheap_rungs_the_ladder_is_wider_or_the_ceiling_alone() -> None:
    """Half the ceiling's cost still saves; the same cost does not."""
    best = rung("x/best", 0.85, 0.004)
    assert [r.model_id for r in ladder_of([best, rung("a/half", 0.8, 0.002)])] == ["a/half", "x/best"]
    assert [r.model_id for r in ladder_of([best, rung("a/same", 0.8, 0.004)])] == ["x/best"]


async def test_where_no_rung_answers_a_spare_does() -> None:
    """A ladder that is down is no reason to fail; who bounded the escalation gets no other model."""
    for bounded, models_asked in ((None, ["a/small", "c/best", "s/spare"]), (2, None)):
        chat = FakeProvider({name.model_id: [Overloaded("down")] for name in LADDER}, default="7")
        outcome = await cascade(
            context(chat),
            Brief(task="How many?"),
            LADDER,
            CascadeOptions(max_escalation=bounded),
            spares=[rung("s/spare", 0.5)],
        )
        if models_asked is None:
            assert outcome.status == "failed"
        else:
            assert (outcome.status, outcome.output, outcome.model) == ("succeeded", "7", "s/spare")
            assert models(outcome.responses) == models_asked
