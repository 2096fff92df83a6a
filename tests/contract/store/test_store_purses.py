"""The money of keys outside of runs, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from smart_spawn.store import Store

KEY = "key_1"


def test_a_reservation_fits_or_says_what_is_left(store: Store) -> None:
    """What is set aside counts at once, the bill takes its place, and the newest cap holds."""
    purses = store.purses
    assert purses.reserve(KEY, 600, cap=1_000) is None
    assert purses.reserve(KEY, 600, cap=1_000) == 400
    purses.settle(KEY, reserved=600, cost=150)
    assert store.keys.spent_usd(KEY) == Decimal("0.00015")
    assert purses.reserve(KEY, 850, cap=1_000) is None
    assert purses.reserve(KEY, 1, cap=1_000) == 0
    assert purses.reserve(KEY, 1, cap=2_000) is None
    assert purses.reserve("key_2", 1_001, cap=1_000) == 1_000


def test_without_a_cap_everything_is_counted_and_nothing_refused(store: Store) -> None:
    """A key without a cap still has a bill, of any size."""
    assert store.purses.reserve(KEY, 10**12, cap=None) is None
    store.purses.settle(KEY, reserved=10**12, cost=10**12)
    assert store.purses.reserve(KEY, 5, cap=None) is None
    assert store.keys.spent_usd(KEY) == Decimal("1000000.000005")


def test_many_at_once_never_take_more_than_there_is(store: Store) -> None:
    """Two callers cannot both have the last of it."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.purses.reserve(KEY, 100, cap=1_050), range(40)))
    assert found.count(None) == 10
    assert store.keys.spent_usd(KEY) == Decimal("0.001")


def test_a_credit_gives_back_what_was_not_billed(store: Store) -> None:
    """A call that broke off counts with its worst case until somebody has seen the bill; no more is given back."""
    assert store.purses.reserve(KEY, 900, cap=1_000) is None  # broke off: nobody settles it
    assert store.purses.reserve(KEY, 200, cap=1_000) == 100
    assert store.keys.credit(KEY, Decimal("0.0008"))
    assert store.keys.spent_usd(KEY) == Decimal("0.0001")
    assert store.purses.reserve(KEY, 901, cap=1_000) == 900
    assert store.purses.reserve(KEY, 900, cap=1_000) is None
    store.purses.settle(KEY, reserved=900, cost=300)  # a call under way is not touched by it
    assert store.keys.spent_usd(KEY) == Decimal("0.0004")
    assert not store.keys.credit(KEY, Decimal("0.000401"))
    assert not store.keys.credit("key_2", Decimal("0.000001"))
    assert store.keys.spent_usd(KEY) == Decimal("0.0004")
