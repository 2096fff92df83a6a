"""The same task in other words gets the same model: a small version of `python -m evals robustness`."""

from __future__ import annotations

import random

import pytest

from evals.robustness import PERTURBATIONS, TARGET, Changed, Robustness, measure, own_tasks, untuned
from evals.wordings import read_parts
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import CATEGORIES, Budget, Category


@pytest.fixture(scope="module")
def found() -> Robustness:
    """Return the choices at one budget, over the packaged catalogue."""
    facts = packaged_facts()
    assert facts is not None
    return measure(own_tasks(), Catalog.of(facts), budgets=(Budget.MEDIUM,))


@pytest.mark.parametrize("perturbation", list(PERTURBATIONS))
def test_another_wording_keeps_the_model(found: Robustness, perturbation: str) -> None:
    """Typing errors, capitals, spaces, courtesy, frames and punctuation do not change what a task needs."""
    assert found.kept(perturbation) >= TARGET


def test_wordings_that_nobody_tuned_on_keep_it_too() -> None:
    """All ways together; no list holds the words of these."""
    facts = packaged_facts()
    assert facts is not None
    tasks, ways = untuned()
    assert len(tasks) >= 60
    found = measure(tasks, Catalog.of(facts), ways=ways, budgets=(Budget.MEDIUM,))
    assert found.kept() >= TARGET


def test_the_measurement_asks_enough() -> None:
    """At least 420 prompts of at least 60 tasks, and every perturbation changes most of its texts."""
    tasks = own_tasks()
    assert len(tasks) >= 60
    assert len(tasks) * len(PERTURBATIONS) >= 420
    assert len(set(tasks)) == len(tasks)
    for name, perturb in PERTURBATIONS.items():
        changed = sum(perturb(task, random.Random(f"{name} {n}")) != task for n, task in enumerate(tasks))
        assert changed > len(tasks) / 2, name


def test_a_lost_choice_is_counted_where_it_was_lost() -> None:
    """Shares are of the choices compared, by perturbation, by budget and of all."""
    lost = Changed(
        perturbation="case",
        budget=Budget.LOW,
        task="a",
        prompt="A",
        category=Category.CODING,
        now_category=Category.GENERAL,
        model="a/one",
        now_model="b/two",
    )
    compared = {(name, budget): 2 for name in ("case", "typos") for budget in (Budget.LOW, Budget.ANY)}
    found = Robustness(compared=compared, changed=(lost,))
    assert found.kept() == 1 - 1 / 8
    assert found.kept("case") == 1 - 1 / 4
    assert found.kept("case", Budget.LOW) == 1 / 2
    assert found.kept("typos") == 1


def test_the_untuned_tasks_are_of_every_kind() -> None:
    """Each category has about as many of them, and every wording has one place for the task."""
    parts = read_parts()
    assert set(parts) == {*CATEGORIES, "polite", "frames"}
    assert all(len(parts[category]) >= 12 for category in CATEGORIES)
    assert all(line.count("{}") == 1 for line in (*parts["polite"], *parts["frames"]))
