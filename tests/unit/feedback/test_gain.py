"""What prompts teach about models: kinds first, words where they help, nothing where they do not."""

from __future__ import annotations

import random

import numpy as np
import pytest

from smart_spawn.feedback.gain import learn_gains

HARD = [
    "prove",
    "integral",
    "lemma",
    "topology",
    "manifold",
    "measure",
    "converge",
    "bound",
    "operator",
    "kernel",
]
EASY = ["apple", "bread", "river", "garden", "window", "yellow", "morning", "table", "friend", "letter"]


def prompts(count: int, seed: int = 1) -> tuple[list[str], np.ndarray, list[bool]]:
    """Write prompts of hard or easy words; the weak model fails on the hard ones, the strong one seldom on any."""
    drawn = random.Random(seed)
    tasks, rows, hard = [], [], []
    for _ in range(count):
        difficult = drawn.random() < 0.5
        tasks.append(" ".join(drawn.choices(HARD if difficult else EASY, k=12)))
        rows.append([drawn.random() < 0.95, drawn.random() < (0.3 if difficult else 0.9)])
        hard.append(difficult)
    return tasks, np.array(rows, dtype=np.float64), hard


def test_words_tell_where_the_strong_model_is_worth_it() -> None:
    """Two words that were never seen together still lead to the gain of their likes."""
    tasks, outcomes, _ = prompts(300)
    gains = learn_gains(["strong", "weak"], tasks, ["general"] * 300, outcomes)
    assert gains.on
    assert gains.skill > 0.1
    fresh, _, hard = prompts(60, seed=2)
    found = [gains.gain("strong", "weak", task, "general") for task in fresh]
    difficult = [g for g, h in zip(found, hard, strict=True) if h]
    simple = [g for g, h in zip(found, hard, strict=True) if not h]
    assert min(difficult) > max(simple)
    assert np.mean(difficult) == pytest.approx(0.65, abs=0.2)


def test_noise_switches_it_off_or_leaves_next_to_nothing() -> None:
    """Words that predict nothing on prompts left out move no answer by more than a few points."""
    tasks, _, _ = prompts(300)
    outcomes = np.random.default_rng(3).integers(0, 2, (300, 2)).astype(np.float64)
    gains = learn_gains(["strong", "weak"], tasks, ["general"] * 300, outcomes)
    fresh, _, _ = prompts(50, seed=2)
    found = gains.predict(fresh, ["general"] * 50)
    assert float(np.abs(found - gains.overall).max()) < 0.15
    assert float(np.abs(found[:, 0] - found[:, 1]).max()) < 0.15


def test_few_prompts_teach_only_their_kinds() -> None:
    """With a handful on record a kind's mean is drawn to all, and words are not read."""
    tasks, outcomes, _ = prompts(12)
    gains = learn_gains(["strong", "weak"], tasks, ["a"] * 6 + ["b"] * 6, outcomes)
    assert not gains.on
    assert gains.predict(["anything"], ["never seen"])[0] == pytest.approx(outcomes.mean(axis=0), abs=1e-6)


def test_prompts_without_words_teach_only_their_kinds() -> None:
    """Where the text was not recorded there is nothing to read."""
    _, outcomes, _ = prompts(100)
    gains = learn_gains(["strong", "weak"], ["(not recorded)"] * 100, ["a", "b"] * 50, outcomes)
    assert not gains.on
    assert gains.predict([], []).shape == (0, 2)


def test_odd_texts_are_read_like_any_other() -> None:
    """Empty, huge, half a surrogate pair, other scripts: a number each, never a failure."""
    tasks, outcomes, _ = prompts(200)
    gains = learn_gains(["strong", "weak"], tasks, ["general"] * 200, outcomes)
    odd = ["", "x" * 500_000, "\ud800 broken", "证明这个引理", "\x00"]
    assert np.isfinite(gains.predict(odd, ["general"] * 5)).all()


def test_the_same_prompts_teach_the_same() -> None:
    """Nothing is drawn at random."""
    tasks, outcomes, _ = prompts(150)
    first = learn_gains(["strong", "weak"], tasks, ["general"] * 150, outcomes)
    again = learn_gains(["strong", "weak"], tasks, ["general"] * 150, outcomes)
    assert (first.predict(tasks, ["general"] * 150) == again.predict(tasks, ["general"] * 150)).all()
