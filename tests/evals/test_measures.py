"""The arithmetic of the evaluations: orders, reliability, and what chance could do."""

import numpy as np
import pytest

from evals.agreement import bootstrap, kendall, ranks, spearman
from evals.reliability import MIN_CASES, calibration_error, reliability, table


def test_equal_values_share_their_rank() -> None:
    """Ties take the mean of the ranks that they cover."""
    assert ranks(np.array([3.0, 1.0, 3.0, 9.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


@pytest.mark.parametrize("agreement", [spearman, kendall])
def test_agreement_runs_from_opposite_to_same(agreement: object) -> None:
    """The same order is 1, the opposite -1, a constant 0; distances do not matter."""
    assert callable(agreement)
    one = np.array([1.0, 2.0, 3.0, 4.0])
    assert agreement(one, one**5) == pytest.approx(1)
    assert agreement(one, -one) == pytest.approx(-1)
    assert agreement(one, np.ones(4)) == 0


def test_kendall_counts_pairs() -> None:
    """One swapped pair of three leaves (2 - 1) / 3."""
    assert kendall(np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 3.0])) == pytest.approx(1 / 3)


def test_an_interval_holds_the_estimate_and_repeats() -> None:
    """The same items give the same interval around the statistic of all of them."""
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    first, second = (bootstrap(lambda rows: float(values[rows].mean()), len(values)) for _ in range(2))
    assert first == second
    assert first.low < first.value == 2.5 < first.high


def test_reliability_compares_what_was_said_with_what_was_so() -> None:
    """A hundred cases at 0.85 of which eighty were right are overconfident by 0.05; thin bins are left out."""
    said = np.array([0.85] * 100 + [0.55] * (MIN_CASES - 1))
    right = np.array([1.0] * 80 + [0.0] * 20 + [1.0] * (MIN_CASES - 1))
    [only] = reliability(said, right)
    assert (only.low, only.cases) == (0.8, 100)
    assert only.gap == pytest.approx(0.05)
    assert calibration_error([only]) == pytest.approx(0.05)
    assert "+0.050" in table("title", [only])


def test_certainty_belongs_to_the_last_bin() -> None:
    """A statement of 1.0 is counted with those above 0.9, not lost."""
    [only] = reliability(np.ones(MIN_CASES), np.ones(MIN_CASES))
    assert only.low == 0.9


def test_too_few_cases_are_said_to_be_too_few() -> None:
    """An empty table says that nothing was measured instead of showing nothing."""
    assert "too few cases" in table("title", [])
