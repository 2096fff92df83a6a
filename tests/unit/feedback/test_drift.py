"""The drift alarm: it notices a real fall, and is quiet where there is none."""

import random

import pytest

from smart_spawn.feedback.drift import Window, drift


def window(rng: random.Random, share: float, count: int) -> Window:
    """Draw outcomes of a model that does well so often."""
    return Window(outcomes=count, good=sum(rng.random() < share for _ in range(count)))


def alarms(was: float, now: float, *, times: int = 2_000, since: int = 40) -> float:
    """Return how often models that were like that and are like this set the alarm off."""
    rng = random.Random(1)
    return (
        sum(drift(window(rng, was, 200), window(rng, now, since)) is not None for _ in range(times)) / times
    )


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_a_model_that_did_not_change_is_left_alone(share: float) -> None:
    """A false alarm comes for less than one model in a hundred."""
    assert alarms(share, share) < 0.01


def test_a_model_that_fell_is_noticed() -> None:
    """From nine good answers in ten to one in two: forty outcomes show it nearly always."""
    assert alarms(0.9, 0.5) > 0.9
    assert alarms(0.9, 0.85) < 0.01


def test_few_outcomes_say_nothing() -> None:
    """Seven failures in a row are no evidence, nor is a fall from something that nobody knew."""
    assert drift(Window(outcomes=200, good=180), Window(outcomes=7, good=0)) is None
    assert drift(Window(outcomes=19, good=19), Window(outcomes=50, good=0)) is None
    fallen = drift(Window(outcomes=200, good=180), Window(outcomes=8, good=0))
    assert fallen is not None
    assert fallen.chance > 0.99
