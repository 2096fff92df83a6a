"""Plans: what is refused, and how the rest is layered."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.spawn.plan import MAX_PLAN_STEPS, MAX_STEP_CHARS, Plan, Step
from tests.properties import examples


def step(step_id: str, *before: str, task: str = "do it") -> Step:
    return Step(id=step_id, task=task, depends_on=before)


def test_steps_are_layered_by_their_longest_chain() -> None:
    """A step is one wave after the last of those that it waits for, in the order given."""
    plan = Plan.of([step("d", "c", "a"), step("a"), step("b"), step("c", "a", "b")])
    assert plan.waves == (("a", "b"), ("c",), ("d",))
    assert plan.wave_of == {"a": 0, "b": 0, "c": 1, "d": 2}
    assert plan.leaves == ("d",)
    assert plan.edges == (("c", "d"), ("a", "d"), ("a", "c"), ("b", "c"))


def test_the_critical_path_is_the_chain_that_takes_longest() -> None:
    """Weights decide, not the number of steps."""
    plan = Plan.of([step("a"), step("slow"), step("b", "a"), step("c", "b"), step("end", "slow", "c")])
    assert plan.critical_path() == (("a", "b", "c", "end"), 4.0)
    assert plan.critical_path(lambda s: 10.0 if s.id == "slow" else 1.0) == (("slow", "end"), 11.0)


def test_a_dependency_named_twice_counts_once() -> None:
    """Otherwise the step would wait for two ends of one step."""
    assert Plan.of([step("a"), step("b", "a", "a")]).waves == (("a",), ("b",))


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([], "no steps"),
        ([step("a"), step("a")], "two steps have the id `a`"),
        ([step("a", "ghost")], "`ghost`"),
        ([step("a", "a")], "`a` → `a`"),
        (
            [step("x"), step("a", "b"), step("b", "c"), step("c", "a"), step("y", "a")],
            "`a` → `b` → `c` → `a`",
        ),
        ([step("a", task=" \n")], "step `a` has no task"),
        ([step("")], "cannot be the id"),
        ([step("a\nb")], "cannot be the id"),
        ([step("a" * 81)], "cannot be the id"),
        ([step(str(n)) for n in range(MAX_PLAN_STEPS + 1)], "1,001 steps"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(steps: list[Step], named: str) -> None:
    """The message says which step is wrong, and there is a way out."""
    with pytest.raises(InvalidRequest) as refused:
        Plan.of(steps)
    assert named in refused.value.message
    assert refused.value.hint


def test_a_step_of_the_longest_text_passes_and_one_character_more_does_not() -> None:
    """The limit is the one that tasks have."""
    Plan.of([step("a", task="x" * MAX_STEP_CHARS)])
    with pytest.raises(TooLarge, match="200,001"):
        Plan.of([step("a", task="x" * (MAX_STEP_CHARS + 1))])


def test_a_chain_of_the_most_steps_is_layered() -> None:
    """A thousand steps in a row are a thousand waves."""
    plan = Plan.of([step(str(n), *([str(n - 1)] if n else [])) for n in range(MAX_PLAN_STEPS)])
    assert len(plan.waves) == MAX_PLAN_STEPS
    assert plan.critical_path()[1] == MAX_PLAN_STEPS


GRAPHS_AT_ONCE = 20
BYTES_OF_A_GRAPH = 19


def graph(drawn: bytes) -> list[Step]:
    """Return up to twelve steps with any edges among them, circles included; half have edges backwards only."""
    count, forward, bits = 1 + drawn[0] % 12, drawn[0] < 128, int.from_bytes(drawn[1:], "big")
    return [
        step(str(n), *(str(m) for m in range(n if forward else count) if bits >> (n * count + m) & 1))
        for n in range(count)
    ]


def has_circle(steps: list[Step]) -> bool:
    """Tell by another road whether a graph has a circle: take away steps that wait for nobody until none is left."""
    left = {s.id: set(s.depends_on) for s in steps}
    while free := [one for one, before in left.items() if not before]:
        left = {one: before - set(free) for one, before in left.items() if one not in free}
    return bool(left)


@settings(max_examples=examples(500), suppress_health_check=list(HealthCheck), database=None)
@given(st.binary(min_size=GRAPHS_AT_ONCE * BYTES_OF_A_GRAPH, max_size=GRAPHS_AT_ONCE * BYTES_OF_A_GRAPH))
def test_every_graph_is_refused_or_layered(drawn: bytes) -> None:
    """Of ten thousand graphs those with circles are refused, and in the others each step is in its one wave."""
    for at in range(0, len(drawn), BYTES_OF_A_GRAPH):
        check(graph(drawn[at : at + BYTES_OF_A_GRAPH]))


def check(steps: list[Step]) -> None:
    try:
        plan = Plan.of(steps)
    except InvalidRequest:
        assert has_circle(steps)
        return
    assert not has_circle(steps)
    assert sorted(one for wave in plan.waves for one in wave) == sorted(s.id for s in steps)
    wave = plan.wave_of
    for s in steps:
        assert wave[s.id] == max((wave[before] + 1 for before in s.depends_on), default=0)
    path, length = plan.critical_path()
    assert length == len(path) == len(plan.waves)
    assert all(before in plan.step(one).depends_on for before, one in pairwise(path))
