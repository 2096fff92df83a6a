"""The figures of the papers, on examples small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from smart_spawn.evals.metrics import aiq, apgr, cpt, hull, recovered

GAINS = np.array([1.0, 1.0, 0.0, 0.0])
"""The strong model alone is right on two of four prompts; on the others both are alike."""


def curve_of(scores: list[float], gains: np.ndarray = GAINS) -> tuple[np.ndarray, np.ndarray]:
    curve = recovered(np.array(scores), gains)
    assert curve is not None
    return curve


def test_a_perfect_router_recovers_the_gap_first() -> None:
    """PGR is 1 after half of the calls: the area is half of that triangle and the whole rest, 0.25 + 0.5."""
    curve = curve_of([4, 3, 2, 1])
    assert apgr(curve) == pytest.approx(0.75)
    assert cpt(curve, 0.5) == pytest.approx(0.25)
    assert cpt(curve, 0.8) == pytest.approx(0.4)  # between one call in four and two, at three fifths


def test_the_worst_router_mirrors_the_best() -> None:
    """The same prompts in the opposite order leave what the perfect router won."""
    assert apgr(curve_of([1, 2, 3, 4])) == pytest.approx(0.25)


def test_a_router_that_knows_nothing_is_chance() -> None:
    """Equal scores are shared evenly, so that the order of a file decides nothing."""
    curve = curve_of([1, 1, 1, 1])
    assert apgr(curve) == pytest.approx(0.5)
    assert cpt(curve, 0.5) == pytest.approx(0.5)
    assert cpt(curve, 0.8) == pytest.approx(0.8)


def test_more_than_the_gap_can_be_recovered() -> None:
    """Where the weak model alone is right, leaving it in place wins more than always asking the strong one."""
    curve = curve_of([3, 2, 1], np.array([1.0, 1.0, -1.0]))
    assert curve[1].tolist() == [0.0, 1.0, 2.0, 1.0]
    assert apgr(curve) == pytest.approx((0.5 + 1.5 + 1.5) / 3)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    """A strong model that is not better gives no figure, rather than a division by nothing."""
    assert recovered(np.array([1.0, 2.0]), np.array([1.0, -1.0])) is None


def test_counting_a_prompt_twice_is_having_it_twice() -> None:
    """That is what resampling relies on."""
    counted = recovered(np.array([2.0, 1.0]), np.array([1.0, 0.0]), np.array([2.0, 1.0]))
    written = curve_of([2, 2, 1], np.array([1.0, 1.0, 0.0]))
    assert counted is not None
    assert apgr(counted) == pytest.approx(apgr(written))


def test_the_hull_keeps_what_is_worth_its_cost() -> None:
    """A point under a line between two others is left out, and one that is dearer and worse."""
    xs, ys = hull(np.array([1.0, 2.0, 3.0, 4.0, 1.0]), np.array([0.2, 0.3, 0.8, 0.7, 0.1]))
    assert (xs.tolist(), ys.tolist()) == ([1.0, 3.0], [0.2, 0.8])


def test_aiq_is_the_mean_height_of_the_hull() -> None:
    """From 0.2 to 0.8 over the first half, then flat: (0.5 + 0.8) / 2."""
    costs, quality = np.array([0.0, 5.0]), np.array([0.2, 0.8])
    assert aiq(costs, quality, 0.0, 10.0) == pytest.approx(0.65)
    assert aiq(costs, quality, 5.0, 10.0) == pytest.approx(0.8)


def test_aiq_has_nothing_below_the_first_point() -> None:
    """A router that offers nothing as cheap as the cheapest model has no quality there."""
    assert aiq(np.array([5.0]), np.array([0.8]), 0.0, 10.0) == pytest.approx(0.4)
    assert aiq(np.array([5.0]), np.array([0.8]), 10.0, 10.0) is None
