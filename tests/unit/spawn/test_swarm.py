"""Plan and swarm: steps as soon as what they need is there, results handed on, failures settled at once."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_spawn.errors import AuthFailed, BudgetExceeded, InvalidRequest, Overloaded, Refused, StepFailed
from smart_spawn.model import Mode
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.journal import JournalAway
from smart_spawn.runs.ports import ModelAnswer, ModelCall
from smart_spawn.spawn.carry import Job, carry, from_request, to_request
from smart_spawn.spawn.outcome import SpawnOutcome
from smart_spawn.spawn.plan import Plan, Step
from smart_spawn.spawn.swarm import StepWork, carry_out
from tests.properties import examples
from tests.unit.spawn.runs import context, rung


def work(step_id: str, *before: str, **options: Any) -> StepWork:
    step = Step(id=step_id, task=f"do {step_id}", depends_on=before)
    return StepWork(step=step, ladder=(rung(f"m/{step_id}"),), **options)


def answers(*names: str, **special: Any) -> FakeProvider:
    return FakeProvider({f"m/{n}": [special.get(n, f"result {n}")] for n in (*names, *special)})


async def go(chat: FakeProvider, *works: StepWork, task: str = "whole", **options: Any) -> SpawnOutcome:
    return await carry_out(context(chat, **options), Mode.SWARM, task, works)


async def test_results_are_handed_to_those_who_wait_for_them() -> None:
    """Each step sees the whole for orientation and what it builds on, between marks, and nothing else."""
    chat = answers("a", "b", "c")
    outcome = await go(chat, work("a"), work("b"), work("c", "a", "b"), task="the big task")
    assert (outcome.status, outcome.output) == ("succeeded", "result c")
    told = chat.calls[-1].messages[-1].content
    assert "result a" in told
    assert "result b" in told
    assert "the big task" in told
    assert told.endswith("do c")
    assert "result b" not in next(c for c in chat.calls if c.model_id == "m/a").messages[-1].content
    assert [a.step for a in outcome.artifacts] == ["a", "b", "c"]
    assert [(s.step, s.wave, s.status) for s in outcome.steps] == [
        ("a", 0, "succeeded"),
        ("b", 0, "succeeded"),
        ("c", 1, "succeeded"),
    ]


async def test_several_ends_are_returned_together() -> None:
    """With a heading each, in the order of the plan."""
    outcome = await go(answers("a", "b"), work("a"), work("b"))
    assert outcome.output == "## do a\n\nresult a\n\n## do b\n\nresult b"


async def test_a_failed_step_settles_what_is_behind_it_and_nothing_else() -> None:
    """The other branch ends, and what it made is kept."""
    chat = answers("b", "d", a=Overloaded("busy"))
    outcome = await go(chat, work("a"), work("b"), work("c", "a"), work("d", "b"), work("e", "c", "d"))
    assert outcome.status == "failed"
    assert {s.step: s.status for s in outcome.steps} == {
        "a": "failed",
        "b": "succeeded",
        "c": "skipped",
        "d": "succeeded",
        "e": "skipped",
    }
    assert [a.step for a in outcome.artifacts] == ["b", "d"]
    assert isinstance(outcome.error, StepFailed)
    assert outcome.error.details["skipped"] == ["c", "e"]


async def test_dependants_of_a_failure_do_not_wait_for_slow_branches() -> None:
    """The step behind the failure is settled while the slow one still works."""
    chat = FakeProvider({"m/a": [Overloaded("x")], "m/slow": [Scripted(text="late", delay_s=0.2)]})
    ctx = context(chat)
    running = asyncio.create_task(
        carry_out(ctx, Mode.SWARM, "whole", [work("slow"), work("a"), work("b", "a", "slow")])
    )
    outcome = await asyncio.wait_for(running, 2)
    assert {s.step: s.status for s in outcome.steps}["b"] == "skipped"
    assert {s.step: s.status for s in outcome.steps}["slow"] == "succeeded"


async def test_a_cut_answer_is_a_failed_step() -> None:
    """Half a result would mislead those who build on it; the next candidate is asked first."""
    cut = Scripted(text="Half of", finish_reason="length")
    outcome = await go(answers(a=cut), work("a"))
    assert outcome.error
    assert "cut off" in outcome.error.message
    spare = StepWork(step=Step(id="a", task="do a"), ladder=(rung("m/a"), rung("m/b")))
    assert (await go(answers("b", a=cut), spare)).output == "result b"


async def test_a_step_that_nobody_may_do_fails_by_name() -> None:
    """The reason that routing gave is in the message."""
    outcome = await go(answers("b"), StepWork(step=Step(id="a", task="x"), why_nobody="no vision"), work("b"))
    assert outcome.error
    assert "no model may do step `a`: no vision" in outcome.error.message


async def test_a_cap_that_is_used_up_ends_the_plan() -> None:
    """Never a micro-dollar above it, and the status says why."""
    works = [work(f"s{n}") for n in range(20)]
    ctx = context(answers(*(w.step.id for w in works)), cap_usd="0.005")
    outcome = await carry_out(ctx, Mode.SWARM, "whole", works)
    assert outcome.status == "budget_exceeded"
    assert isinstance(outcome.error, BudgetExceeded)
    assert outcome.cost.usd is not None
    assert outcome.cost.usd <= Decimal("0.005")


async def test_a_long_result_is_shortened_by_a_model() -> None:
    """Whoever waits gets the shorter text, and its cost is on the bill; the artifact keeps all."""
    long = " ".join(str(n) for n in range(40_000))
    chat = FakeProvider({"m/a": [long], "m/b": ["numbers to 40,000", "done"]})
    outcome = await go(chat, work("a"), work("b", "a"))
    assert outcome.output == "done"
    assert "numbers to 40,000" in chat.calls[-1].messages[-1].content
    assert len(chat.calls[-1].messages[-1].content) < 2_000
    assert [one.step for one in outcome.responses] == ["a/0", "b/summary-of-a/0", "b/0"]
    assert outcome.artifacts[0].content == long


async def test_a_long_result_that_nobody_shortens_is_cut_in_the_middle() -> None:
    """Head and tail go on, with a note of what is missing; the artifact keeps all."""
    long = "BEGIN " + " ".join(str(n) for n in range(40_000)) + " END"
    chat = FakeProvider({"m/a": [long], "m/b": [Refused("no"), "done"]})
    outcome = await go(chat, work("a"), work("b", "a"))
    told = chat.calls[-1].messages[-1].content
    assert "BEGIN" in told
    assert "END" in told
    assert "characters left out" in told
    assert outcome.artifacts[0].content == long


@settings(max_examples=examples(200), suppress_health_check=list(HealthCheck), database=None)
@given(st.integers(1, 9), st.integers(0, 2**45), st.sets(st.integers(0, 8)))
def test_every_step_of_every_graph_ends(count: int, bits: int, broken: set[int]) -> None:
    """Whatever fails, each step succeeded, failed by itself, or was skipped because of one that failed.

    A graph with a circle, which every fourth may have, is refused; nobody is asked before those that it waits for.
    """
    any_way = bits % 4 == 0
    works = [
        work(
            str(n),
            *(
                str(m)
                for m in range(count if any_way else n)
                if m != n and bits >> (n * (n - 1) // 2 + m) & 1
            ),
        )
        for n in range(count)
    ]
    if any_way:
        try:
            Plan.of([one.step for one in works])
        except InvalidRequest:
            with pytest.raises(InvalidRequest, match="in a circle"):
                asyncio.run(carry_out(context(FakeProvider()), Mode.SWARM, "whole", works))
            return
    chat = FakeProvider({f"m/{n}": [Overloaded("x") if n in broken else f"r{n}"] for n in range(count)})
    outcome = asyncio.run(asyncio.wait_for(carry_out(context(chat), Mode.SWARM, "whole", works), 5))
    states = {report.step: report.status for report in outcome.steps}
    for one in works:
        blocked = any(states[before] != "succeeded" for before in one.step.depends_on)
        expected = "skipped" if blocked else "failed" if int(one.step.id) in broken else "succeeded"
        assert states[one.step.id] == expected
    wave = {report.step: report.wave for report in outcome.steps}
    asked = [call.model_id for call in chat.calls]
    for one in works:
        assert wave[one.step.id] == max((wave[before] + 1 for before in one.step.depends_on), default=0)
        if f"m/{one.step.id}" in asked:
            at = asked.index(f"m/{one.step.id}")
            assert all(asked.index(f"m/{before}") < at for before in one.step.depends_on)
    assert len(asked) == len(set(asked)) == sum(state != "skipped" for state in states.values())


async def no_assign(job: Job, steps: Any) -> list[StepWork]:
    """Give every planned step to one model."""
    return [StepWork(step=step, ladder=(rung("m/worker"),)) for step in steps]


@pytest.mark.parametrize(
    ("reply", "steps"),
    [
        (
            '{"steps": [{"id": "look", "task": "look at it"},'
            ' {"id": "tell", "task": "tell us", "dependsOn": ["look"]}]}',
            ["look", "tell"],
        ),
        (
            '{"steps": [{"id": "planner", "task": "plan it"}, {"id": "nonce", "task": "hide it"}]}',
            ["planner", "nonce"],
        ),
        ('{"steps": [{"id": "a", "task": "do a", "dependsOn": ["a"]}]}', ["step-1"]),
        ('{"steps": []}', ["step-1"]),
        ("Sure! First you look, then you tell.", ["step-1"]),
    ],
)
async def test_a_planner_is_checked_and_otherwise_ignored(reply: str, steps: list[str]) -> None:
    """A plan that fails a check leaves the task in one piece; what planning cost is counted."""
    chat = FakeProvider({"p/planner": [reply]}, default="done")
    job = Job(
        mode=Mode.SWARM,
        task="Look into it",
        planner=(rung("p/planner"),),
        works=(StepWork(step=Step(id="step-1", task="Look into it"), ladder=(rung("m/one"),)),),
    )
    outcome = await carry(context(chat), job, no_assign)
    assert [(report.step, report.status) for report in outcome.steps] == [(one, "succeeded") for one in steps]
    assert outcome.responses[0].model == "p/planner"
    assert outcome.cost.usd == sum(r.cost_usd or 0 for r in outcome.responses)


async def test_a_job_survives_being_written_down() -> None:
    """What an engine reads back after a crash is what was submitted."""
    job = Job(mode=Mode.CASCADE, task="x", rungs=(rung("a"), rung("b", effort="high")), works=(work("a"),))
    assert from_request(to_request(job)) == job


async def test_a_provider_that_refused_our_key_is_not_asked_by_every_step() -> None:
    """One refusal is enough for the whole plan; the next candidate does the rest."""
    works = [
        StepWork(
            step=Step(id=str(n), task=f"do {n}", depends_on=(str(n - 1),) if n else ()),
            ladder=(rung("bad/model", provider="refusing"), rung("good/model", provider="other")),
        )
        for n in range(5)
    ]
    chat = FakeProvider({"bad/model": [AuthFailed("no such key", provider="refusing")] * 5}, default="done")
    outcome = await go(chat, *works)
    assert outcome.status == "succeeded"
    assert [call.model_id for call in chat.calls].count("bad/model") == 1


async def test_what_ends_the_whole_run_settles_no_step() -> None:
    """An interrupted step has not failed: nobody behind it is said to be skipped, since the run is taken up again."""

    class Away:
        async def complete(self, call: ModelCall) -> ModelAnswer:
            raise JournalAway("the database is away")

    ctx = context(Away())  # type: ignore[arg-type]  # all that is asked of it
    works = [work("a"), work("b", "a"), work("c", "b")]
    with pytest.raises(JournalAway):
        await carry_out(ctx, Mode.SWARM, "whole", works)
    assert [name for name, _ in ctx.events] == ["plan"]
