"""Reports of others: trimmed, shrunk, and without a say where benchmarks or one's own votes have one."""

import numpy as np

from smart_spawn.feedback.community import MOST_POINTS, Report, community, nudge


def report(contributor: str, model: str = "vendor/a", rating: float = 5, ratings: int = 5) -> Report:
    """Make what one contributor said."""
    return Report(
        contributor=contributor, model=model, category="coding", ratings=ratings, total=rating * ratings
    )


def said(table_of: list[Report]) -> float:
    """Return what reports say of the one model in them, in points."""
    table = community(table_of)
    at = table.cells.index(("vendor/a", "coding"))
    return float(table.totals[at] / table.counts[at])


def test_whoever_rates_one_thing_alone_says_little() -> None:
    """A campaign of keys that only ever rate one model down is seen from their own mean: next to nothing is left."""
    flood = [report(f"bad-{n}", rating=1, ratings=100) for n in range(100)]
    assert 30 < said(flood) < 50
    fair = [
        row
        for n in range(100)
        for row in (report(f"fair-{n}", rating=1), report(f"fair-{n}", model="vendor/b", rating=5))
    ]
    assert said(fair) < said(flood)


def test_few_voices_are_hardly_believed_and_extremes_are_cut() -> None:
    """Two voices say a tenth of what they would like to; a fifth at either end says nothing at all."""
    assert abs(said([report("a"), report("b")]) - 50) < 6
    even = [report(f"even-{n}", rating=3.6) for n in range(8)]
    assert said([*even, report("high", rating=5), report("low", rating=1)]) == 50


def test_order_does_not_matter() -> None:
    """The same reports give the same table."""
    rows = [report(f"c-{n}", model=f"vendor/{n % 3}", rating=1 + n % 5) for n in range(50)]
    first, second = community(rows), community(rows[::-1])
    assert first.digest == second.digest
    assert np.allclose(first.totals, second.totals)


def test_others_count_only_beside_own_votes_and_where_there_is_doubt() -> None:
    """No own vote, or a well measured model: no say. Else a few points at most."""
    beliefs, shout = np.full(4, 60.0), np.full(4, -50.0)
    moved = nudge(beliefs, np.array([0.0, 5.0, 5.0, 500.0]), shout, np.array([400.0, 90.0, 400.0, 400.0]))
    assert moved[:2].tolist() == [0, 0]
    assert -MOST_POINTS <= moved[2] < 0
    assert -1 < moved[3] < 0
