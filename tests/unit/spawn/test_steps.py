"""Steps as callers give them."""

from __future__ import annotations

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.spawn.steps import PlanningRequest, StepBody, plan_of_steps


def body(**fields: object) -> StepBody:
    return StepBody.model_validate(fields)


def test_names_are_steps_one_after_the_other_or_all_at_once() -> None:
    """In a sequence each waits for the one before; in a swarm nothing waits that does not say so."""
    names = ["research", "draft", "review"]
    assert plan_of_steps(names, in_order=True, prefix="step").waves == (("step-1",), ("step-2",), ("step-3",))
    assert plan_of_steps(names, in_order=False, prefix="swarm").waves == (("swarm-1", "swarm-2", "swarm-3"),)
    assert plan_of_steps(names, in_order=True, prefix="step").steps[1].task == "draft"


def test_dependencies_are_named_by_id_name_or_number() -> None:
    """All three lead to the same step, and saying `dependsOn` beats the order."""
    plan = plan_of_steps(
        [
            body(id="a", task="find data"),
            body(name="model", task="train it", dependsOn=["a"]),
            body(task="write it up", dependsOn="model"),
            body(task="check it", dependsOn=[1, 3]),
            body(task="apart", dependsOn=[]),
        ],
        in_order=True,
        prefix="step",
    )
    assert [s.id for s in plan.steps] == ["a", "model", "step-3", "step-4", "step-5"]
    assert [s.depends_on for s in plan.steps] == [(), ("a",), ("model",), ("a", "step-3"), ()]


def test_answers_of_swarm_can_be_sent_back_as_steps() -> None:
    """`id`, `description`, `category`, `budget`, `persona` and `dependsOn` are understood as they were given."""
    plan = plan_of_steps(
        [body(id="swarm-1", description="look", category="research", budget="low", persona="analyst")],
        in_order=False,
        prefix="swarm",
    )
    step = plan.steps[0]
    assert (step.task, step.category, step.budget, step.persona) == ("look", "research", "low", "analyst")


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ([{"task": "a", "dependsOn": ["ghost"]}], "`ghost`"),
        ([{"id": "a", "task": "a", "dependsOn": ["a"]}], "circle"),
        ([{"id": "a"}], "has no task"),
    ],
)
def test_wrong_steps_are_refused_by_name(steps: list[dict[str, object]], named: str) -> None:
    """The plan's own checks hold for given steps too."""
    with pytest.raises(InvalidRequest, match=named):
        plan_of_steps([body(**step) for step in steps], in_order=False, prefix="swarm")


@pytest.mark.parametrize(
    ("given", "tags"),
    [("python, asyncio,,", ("python", "asyncio")), (["a", "b"], ("a", "b")), (None, ()), ("", ())],
)
def test_context_may_be_a_text_with_commas(given: object, tags: tuple[str, ...]) -> None:
    """Published clients send one text, others a list."""
    assert PlanningRequest.of({"task": "do it", "context": given}).context == tags


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"task": " "}, "`task` is empty"),
        ({"task": "x", "maxParallel": 0}, "maxParallel"),
        ({"task": "x", "steps": [{"tsk": "y"}]}, "tsk"),
        ({"task": "x", "steps": 3}, "steps"),
    ],
)
def test_wrong_requests_are_refused_by_field(values: dict[str, object], named: str) -> None:
    """The message names the field."""
    with pytest.raises(InvalidRequest, match=named):
        PlanningRequest.of(values)
