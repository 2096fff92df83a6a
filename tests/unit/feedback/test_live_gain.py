"""Learned gain beside live choices: small, bounded, silent about what it does not know, and free of texts."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from smart_spawn.feedback.gain import learn_gains
from smart_spawn.feedback.live_gain import MOST_MODELS, MOST_POINTS, LiveGain
from tests.unit.feedback.test_gain import EASY, HARD, prompts

STRONG, WEAK = "acme/strong", "bolt/weak"
NOISE = (3, 4, 5)
"""Seeds of labels that nothing foretells."""


@pytest.fixture(scope="module")
def gain() -> LiveGain:
    """Return what 300 prompts taught, of which the weak model fails on the hard ones."""
    tasks, outcomes, _ = prompts(300)
    found = LiveGain.of(learn_gains([STRONG, WEAK], tasks, ["general"] * 300, outcomes))
    assert found is not None
    return found


def test_points_follow_a_pattern_on_prompts_that_were_never_seen(gain: LiveGain) -> None:
    """Hard words speak for the strong model and against the weak one, easy words the other way round.

    The few that are less like the record than nineteen in twenty of its own prompts get nothing.
    """
    fresh, _, hard = prompts(40, seed=2)
    found = [(gain.points(task, "general"), difficult) for task, difficult in zip(fresh, hard, strict=True)]
    told = [(points, difficult) for points, difficult in found if points]
    assert len(told) >= 30
    for points, difficult in told:
        assert (points[STRONG] > 0) == difficult
        assert points[WEAK] == -points[STRONG]


def test_nothing_moves_a_score_by_more_than_its_bound(gain: LiveGain) -> None:
    """However plain the pattern, ten points are the most; they have one digit, as they are shown."""
    fresh, _, _ = prompts(40, seed=2)
    found = [points for task in fresh for points in gain.points(task, "general").values()]
    assert max(map(abs, found)) == MOST_POINTS
    assert all(points == round(points, 1) for points in found)


@pytest.mark.parametrize(
    "task", ["", "Write a poem about two ships", "证明这个引理", "\ud800", "x" * 100_000]
)
def test_what_is_like_nothing_on_record_gets_nothing(gain: LiveGain, task: str) -> None:
    """A task of other words, or of none, is left to benchmarks and votes."""
    assert gain.points(task, "general") == {}


@pytest.mark.parametrize("seed", NOISE)
def test_labels_that_nothing_foretells_teach_nothing(seed: int) -> None:
    """Where it does not help on prompts left out, there is nothing to load."""
    tasks, _, _ = prompts(300, seed)
    outcomes = np.random.default_rng(seed).integers(0, 2, (300, 3)).astype(np.float64)
    assert LiveGain.of(learn_gains(["a", "b", "c"], tasks, ["general"] * 300, outcomes)) is None


def test_only_models_that_it_helped_are_in_it() -> None:
    """A model that answers at random stays out, beside two that follow the pattern."""
    tasks, outcomes, _ = prompts(300)
    random = np.random.default_rng(3).integers(0, 2, (300, 1))
    gains = learn_gains([STRONG, WEAK, "dice/any"], tasks, ["general"] * 300, np.hstack([outcomes, random]))
    found = LiveGain.of(gains)
    assert found is not None
    assert WEAK in found.helped
    assert "dice/any" not in found.helped
    assert gains.helped["dice/any"] <= 0
    assert all("dice/any" not in found.points(task, "general") for task in tasks[:20])


def test_a_file_holds_so_many_models_and_no_more() -> None:
    """A decision keeps the points of each, so those that it helped most are kept."""
    tasks, outcomes, _ = prompts(120)
    many = np.repeat(outcomes, MOST_MODELS, axis=1)
    names = [f"m{n}" for n in range(many.shape[1])]
    found = LiveGain.of(learn_gains(names, tasks, ["general"] * 120, many))
    assert found is not None
    assert len(found.helped) == MOST_MODELS


def test_a_file_gives_back_what_was_written(gain: LiveGain) -> None:
    """Equal points, equal bytes, one version; another record has another version."""
    again = LiveGain.read(gain.content())
    assert again.version == gain.version
    assert again.content() == gain.content()
    fresh, _, _ = prompts(20, seed=2)
    assert [again.points(t, "general") for t in fresh] == [gain.points(t, "general") for t in fresh]
    tasks, outcomes, _ = prompts(300, seed=7)
    other = LiveGain.of(learn_gains([STRONG, WEAK], tasks, ["general"] * 300, outcomes))
    assert other is not None
    assert other.version != gain.version


def test_a_file_holds_no_word_of_any_prompt(gain: LiveGain) -> None:
    """Hashed features are numbers, and many words share one."""
    content = gain.content().lower()
    assert len(content) < 100_000
    assert not [word for word in (*HARD, *EASY) if len(word) > 4 and word.encode() in content]


def test_a_damaged_file_is_refused_with_a_reason(gain: LiveGain) -> None:
    """Cut, of another kind, of another format, with parts that do not fit: never read as something else."""
    content = gain.content()
    held = msgspec.msgpack.decode(content)
    changed: list[dict[str, Any]] = [
        {"format": 99},
        {"is_a": "something else"},
        {"counts": b""},
        {"hashed": held["hashed"][:-2]},
        {"hashed": b"\xff" * len(held["hashed"])},
        {"near": held["near"][:-4]},
        {"line": b"\x00\x00\xc0\x7f" + held["line"][4:]},
        {"slopes": {}},
        {"helped": {}},
        {"helped": {f"m{n}": 0.1 for n in range(MOST_MODELS + 1)}},
    ]
    broken = [
        b"",
        b"no file of ours",
        content[:-10],
        *(msgspec.msgpack.encode({**held, **c}) for c in changed),
    ]
    for one in broken:
        with pytest.raises(ValueError, match=r"\w"):
            LiveGain.read(one)
