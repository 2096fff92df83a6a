"""Scales: what one board's readings mean beside every other's."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smart_spawn.scoring.scale import Scale, fit_scale, shown, to_points

values = st.lists(
    st.floats(min_value=1, max_value=100, allow_nan=False), min_size=6, max_size=40, unique=True
).filter(lambda vs: max(vs) - min(vs) > 1)


def fitted(readings: list[float], **options: object) -> Scale:
    scale = fit_scale(readings, benchmark="b", **options)  # type: ignore[arg-type]  # options are spelled by the tests
    assert scale is not None
    return scale


def test_a_scale_is_the_cohorts_mean_and_population_spread() -> None:
    """Five readings of known mean and spread give exactly that scale."""
    scale = fitted([10, 20, 30, 40, 50])
    assert scale.mean == 30
    assert scale.stddev == pytest.approx(math.sqrt(200))
    assert scale.z(30) == 0
    assert to_points(scale.z(30)) == 50


@pytest.mark.parametrize(("z", "points"), [(-2.5, 0), (0, 50), (1, 70), (2, 90)])
def test_points_follow_z(z: float, points: float) -> None:
    """Two standard deviations above the mean show as 90."""
    assert to_points(z) == points


def test_points_are_shown_clamped_but_kept_unclamped() -> None:
    """The top of a skewed board does not tie: only what people read is cut at 100."""
    assert to_points(3.2) > to_points(3.1) > 100
    assert shown(to_points(3.2)) == shown(to_points(3.1)) == 100


@pytest.mark.parametrize("readings", [[], [1, 2, 3, 4], [7.0] * 12])
def test_a_board_that_says_nothing_has_no_scale(readings: list[float]) -> None:
    """Fewer than five readings, or readings that are all equal, give no scale instead of a raw unit."""
    assert fit_scale(readings, benchmark="b") is None


@given(values, st.floats(min_value=0.01, max_value=100), st.floats(min_value=-50, max_value=50))
def test_a_change_of_unit_changes_no_z(readings: list[float], factor: float, shift: float) -> None:
    """Percent or fraction, Elo with another anchor: z is the same."""
    before = fit_scale(readings, benchmark="b")
    assume(before is not None)  # what is left after unit errors may be too few
    assert before is not None
    after = fitted([v * factor + shift for v in readings])
    for value in readings:
        assert after.z(value * factor + shift) == pytest.approx(before.z(value), abs=1e-6)


@given(values)
def test_lower_is_better_mirrors_the_scale(readings: list[float]) -> None:
    """A board on which less is better gives the opposite z."""
    up = fit_scale(readings, benchmark="b")
    assume(up is not None)
    assert up is not None
    down = fitted(readings, higher_is_better=False)
    for value in readings:
        assert down.z(value) == pytest.approx(-up.z(value))


def test_a_unit_error_is_suspected_and_does_not_bend_the_scale() -> None:
    """One reading in percent among fractions is set aside; the others keep their scale."""
    fractions = [0.30, 0.35, 0.41, 0.44, 0.52, 0.58, 0.61]
    scale = fitted([*fractions, 47.0])
    assert scale.suspect(47.0)
    assert not any(scale.suspect(v) for v in fractions)
    assert scale.mean == pytest.approx(fitted(fractions).mean)


def test_prices_and_speeds_are_scaled_by_ratio() -> None:
    """From 1 to 10 USD is as far as from 10 to 100; zero has no logarithm and is suspect."""
    scale = fitted([1, 3, 10, 30, 100], unit="usd", higher_is_better=False)
    assert scale.z(1) - scale.z(10) == pytest.approx(scale.z(10) - scale.z(100))
    assert scale.z(1) > 0 > scale.z(100)
    assert scale.suspect(0)


@pytest.mark.parametrize("norm", ["zscore", "robust", "rank"])
def test_every_norm_keeps_the_order(norm: str) -> None:
    """A better reading never has a lower z, whatever the norm."""
    readings = [12.0, 15.0, 15.5, 21.0, 22.0, 40.0, 41.0, 43.0]
    scale = fitted(readings, norm=norm)
    z = [scale.z(v) for v in readings]
    assert z == sorted(z)
    assert z[0] < 0 < z[-1]


def test_reliability_is_the_share_of_signal() -> None:
    """A reading whose error is as wide as the board's spread is half noise."""
    scale = fitted([10, 20, 30, 40, 50])
    assert scale.reliability(None) == 1
    assert scale.reliability(scale.stddev) == pytest.approx(0.5)
    assert scale.reliability(1.0) > scale.reliability(5.0)
