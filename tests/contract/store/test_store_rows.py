"""Decisions, ids, prices, leases and statuses, over every database."""

import threading
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from smart_spawn.model import Price, PriceOverride, Rates
from smart_spawn.store import DecisionRow, SourceStatus, Store

from .conftest import NOW


def decision(name: str, *, at: datetime = NOW, body: bytes = b"{}") -> DecisionRow:
    return DecisionRow(
        id=name, created_at=at, catalog_version="c1", beliefs_version="b1", model="vendor/model", body=body
    )


def test_a_decision_can_be_read_right_after_it_was_answered(store: Store) -> None:
    """The answer carries an id; asking for it at once finds it, although it is written later."""
    saved = decision("d1", body=b'{"a":1}' * 500)
    assert store.decisions.save(saved)
    assert store.decisions.get("d1") == saved
    assert store.decisions.get("never") is None


def test_recent_decisions_are_newest_first_and_bounded(store: Store) -> None:
    """The newest come first, as many as were asked for."""
    for n in range(10):
        store.decisions.save(decision(f"d{n}", at=NOW + timedelta(seconds=n)))
    assert [row.id for row in store.decisions.recent(3)] == ["d9", "d8", "d7"]


def test_a_decision_that_is_saved_twice_stays_as_it_was(store: Store) -> None:
    """A decision never changes after it was answered."""
    store.decisions.save(decision("d1", body=b"first"))
    store.decisions.save(decision("d1", body=b"second"))
    store.writer.flush()
    found = store.decisions.get("d1")
    assert found is not None
    assert found.body == b"first"


def test_old_decisions_are_pruned(store: Store) -> None:
    """Decisions older than the retention go, the others stay."""
    store.decisions.save(decision("old", at=NOW - timedelta(days=100)))
    store.decisions.save(decision("new"))
    store.writer.flush()
    assert store.prune(90, NOW).decisions == 1
    assert [row.id for row in store.decisions.recent()] == ["new"]


def test_rows_of_many_threads_are_all_written(store: Store) -> None:
    """Eight threads put 500 rows each; every one is there after a flush."""

    def work(thread: int) -> None:
        for n in range(500):
            store.decisions.save(decision(f"{thread}-{n}"))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.writer.flush(10)
    assert len(store.decisions.recent(10_000)) == 4_000
    state = store.writer.state
    assert (state.written, state.dropped, state.waiting, state.last_error) == (4_000, 0, 0, None)


def test_every_id_ever_held_is_remembered(store: Store) -> None:
    """Ids that left the catalogue stay known, with the moments they were first and last seen."""
    later = NOW + timedelta(days=30)
    store.known_ids.saw(["a/one", "a/two"], NOW)
    store.known_ids.saw(["a/two", "b/three"], later)
    assert store.known_ids.ever_held() == {"a/one", "a/two", "b/three"}
    assert store.known_ids.seen("a/one") == (NOW, NOW)
    assert store.known_ids.seen("a/two") == (NOW, later)
    assert store.known_ids.seen("a/tow") is None


def test_ten_thousand_ids_are_remembered_at_once(store: Store) -> None:
    """A large catalogue fits whatever the database's limit on parameters is."""
    store.known_ids.saw((f"vendor/model-{n}" for n in range(10_001)), NOW)
    assert len(store.known_ids.ever_held()) == 10_001


def test_only_changed_prices_are_written(store: Store) -> None:
    """A price is kept from the day it was first seen; the same price on a later day adds nothing."""
    cheap = Price(base=Rates(prompt_usd_per_mtok=Decimal("0.27"), completion_usd_per_mtok=Decimal("1.10")))
    night = PriceOverride(
        rates=Rates(prompt_usd_per_mtok=Decimal("0.1")), utc_start_hhmm=1630, utc_days=(5, 6)
    )
    dear = Price(base=cheap.base, overrides=(night,), request_usd=Decimal("0.005"))
    first, third = date(2026, 7, 1), date(2026, 7, 3)
    assert store.prices.record(first, {"a/x": cheap, "a/y": dear}) == 2
    assert store.prices.record(date(2026, 7, 2), {"a/x": cheap, "a/y": dear}) == 0
    assert store.prices.record(third, {"a/x": dear, "a/y": dear}) == 1
    assert [(p.day, p.price) for p in store.prices.of("a/x")] == [(first, cheap), (third, dear)]
    assert len(store.prices.of("a/y")) == 1
    assert store.prices.of("a/unknown") == ()


def test_a_price_that_changes_twice_a_day_keeps_the_last(store: Store) -> None:
    """One day has one price in the history."""
    day = date(2026, 7, 1)
    for cents in (1, 2):
        store.prices.record(day, {"a/x": Price(base=Rates(prompt_usd_per_mtok=Decimal(cents) / 100))})
    [point] = store.prices.of("a/x")
    assert point.price.base.prompt_usd_per_mtok == Decimal("0.02")


def test_one_holder_at_a_time(store: Store) -> None:
    """A held lease is refused to everybody else until it is released; other names are free."""
    first = store.leases.acquire("refresh")
    assert first is not None
    assert store.leases.acquire("refresh") is None
    assert store.leases.acquire("another") is not None
    holder = store.leases.holder("refresh")
    assert holder is not None
    assert holder.owner == first.owner
    assert 10 < holder.remaining_s <= 15
    first.release()
    assert store.leases.holder("refresh") is None
    assert store.leases.acquire("refresh") is not None


def test_a_lease_that_is_not_renewed_expires(store: Store) -> None:
    """The lease of a killed process is free again after its time, and the late owner learns that it lost it."""
    dead = store.leases.acquire("refresh", ttl_s=0.05)
    assert dead is not None
    time.sleep(0.06)
    heir = store.leases.acquire("refresh")
    assert heir is not None
    assert not dead.renew()
    assert dead.lost
    dead.release()
    assert store.leases.acquire("refresh") is None  # the heir's lease survived the late release
    assert heir.renew()


def test_a_held_lease_is_renewed_in_the_background(store: Store) -> None:
    """Work that takes longer than the lease keeps it, and gives it back at its end."""
    with store.leases.hold("refresh", ttl_s=0.6) as lease:
        assert lease is not None
        time.sleep(0.8)
        assert store.leases.acquire("refresh") is None
        assert not lease.lost
        with store.leases.hold("refresh") as second:
            assert second is None
    assert store.leases.holder("refresh") is None


def test_statuses_come_back_as_they_were(store: Store) -> None:
    """Every field survives, and a second save replaces the first."""
    full = SourceStatus(
        source="livebench",
        status="error",
        last_pull=NOW,
        last_ok=NOW - timedelta(days=1),
        count=76,
        matched=70,
        unmatched=6,
        published_on=date(2026, 6, 25),
        error="answered a web page\x00",
        quarantined=True,
        notices={"sunset": "soon"},
        next_pull=NOW + timedelta(hours=1),
        not_before=NOW + timedelta(minutes=5),
        requests_day=date(2026, 7, 4),
        requests_today=17,
    )
    store.statuses.save(SourceStatus(source="livebench", status="ok"), SourceStatus(source="lmarena"))
    store.statuses.save(full)
    found = store.statuses.get("livebench")
    assert found is not None
    assert found.error == "answered a web page"
    assert {n: getattr(found, n) for n in full.__slots__ if n != "error"} == {
        n: getattr(full, n) for n in full.__slots__ if n != "error"
    }
    assert list(store.statuses.all()) == ["livebench", "lmarena"]
    store.statuses.forget("livebench")
    assert store.statuses.get("livebench") is None


def test_moments_keep_their_instant_and_come_back_in_utc(store: Store) -> None:
    """An offset is converted, to the microsecond; a moment without one is refused."""
    local = datetime(2026, 3, 29, 2, 30, 0, 1, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    store.known_ids.saw(["a/x"], local)
    seen = store.known_ids.seen("a/x")
    assert seen is not None
    assert seen[0] == local
    assert seen[0].tzinfo is UTC
    with pytest.raises(Exception, match="has no time zone"):
        store.known_ids.saw(["a/y"], local.replace(tzinfo=None))
    assert store.known_ids.seen("a/y") is None
