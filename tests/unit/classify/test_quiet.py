"""What says nothing about a task is left out at its ends, whatever language it is in; a task is never cut into."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_spawn.classify import classify
from smart_spawn.classify.quiet import without_quiet_ends
from smart_spawn.classify.weights import load_weights

TASK = "Refactor the Python function that parses dates."
WEIGHTS = load_weights()


@pytest.mark.parametrize(
    "around",
    [
        "So here it is. {}",
        "You are the best. {} That was all from me!",
        "{} Zdravím vás z Brna!",
        "Štai ko man reikia: {} Ačiū labai.",
        "Jeg må få det før aften. {}",
        "{}\n\nBén köszönöm szépen!",
    ],
)
def test_what_was_only_said_around_a_task_goes(around: str) -> None:
    """The task is read as it would be alone, so that the same model is chosen."""
    assert without_quiet_ends(around.format(TASK), WEIGHTS).strip() == TASK
    assert classify(around.format(TASK)).categories == classify(TASK).categories


@pytest.mark.parametrize(
    "text",
    [
        TASK,
        "The parser fails on Mondays. What should I do?",  # nothing but words of courtesy, and the question itself
        "Die Heizung ist ausgefallen. Was soll ich tun?",
        "Carson is refilling his tyres. How much air do they hold?",  # where a sum begins
        "Look at `do_it(3)` please. Refactor the function.",
        "3.5 kg. Translate into pounds.",
        "将以下文本翻译成英文。今天天气很好。",
        "",
        "...",
    ],
)
def test_what_may_be_the_task_stays(text: str) -> None:
    """Questions, stories, code, figures, and scripts in which only `courtesy` can tell."""
    assert without_quiet_ends(text, WEIGHTS) == text


@given(st.text(max_size=400))
def test_what_is_left_is_one_piece_of_the_text(text: str) -> None:
    """Nothing is rewritten, nothing is left that was not there, and no text fails."""
    left = without_quiet_ends(text, WEIGHTS)
    assert left in text
    assert bool(left.strip()) or not text.strip()


def test_only_the_ends_are_looked_at() -> None:
    """A million characters take no longer than a thousand."""
    text = "so it is. " * 100_000
    began = time.perf_counter()
    without_quiet_ends(text, WEIGHTS)
    assert time.perf_counter() - began < 0.1
