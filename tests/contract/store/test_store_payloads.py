"""Documents and catalogues, over every database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from smart_spawn.errors import NotFound, StoreCorrupt, StoreError
from smart_spawn.sources.base import Payload
from smart_spawn.store import Store, tables
from smart_spawn.store.payloads import MAX_QUARANTINES_PER_SOURCE

from .conftest import NOW

Make = Callable[..., Payload]
LONG = b"model,score\n" * 10_000


def bodies(store: Store) -> int:
    with store.database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.payload_bodies)).scalar_one()


def test_the_last_good_set_comes_back_as_it_was_and_in_order(store: Store, document: Make) -> None:
    """What was marked good is returned whole: bytes, moments, headers, order."""
    good = (document(LONG, part="b"), document(b"\x00\xff not text", part="a"), document(b"", part="c"))
    store.payloads.save(*good)
    assert store.payloads.held("livebench") == ()
    store.payloads.mark_good("livebench", good)
    assert store.payloads.held("livebench") == good
    assert store.payloads.held_sources() == ("livebench",)


def test_equal_bytes_are_stored_once(store: Store, document: Make) -> None:
    """A document that is fetched again unchanged costs a row, not its size."""
    for days in range(5):
        store.payloads.save(document(LONG, days_ago=days), document(LONG, source="lmarena", days_ago=days))
    assert bodies(store) == 1


def test_documents_are_compressed(store: Store, document: Make) -> None:
    """Repetitive tables take a fraction of their size on the disk."""
    store.payloads.save(document(LONG))
    with store.database.read() as connection:
        stored = connection.execute(select(func.length(tables.payload_bodies.c.body))).scalar_one()
    assert stored < len(LONG) / 20


def test_a_304_brings_the_headers_up_to_date(store: Store, document: Make) -> None:
    """The same bytes of the same moment with a new ETag replace the headers only."""
    store.payloads.mark_good("livebench", [document(b"x")])
    newer = Payload(
        source="livebench",
        part="table",
        url="https://example.org/table",
        body=b"x",
        fetched_at=NOW,
        etag='"new"',
    )
    store.payloads.mark_good("livebench", [newer])
    assert store.payloads.held("livebench") == (newer,)


def test_a_quarantined_answer_leaves_the_good_set_in_use(store: Store, document: Make) -> None:
    """Rubbish is kept with its reason, beside the last good set and not in its place."""
    good, rubbish = document(b"good", days_ago=1), document(b"<html>")
    store.payloads.mark_good("livebench", [good])
    store.payloads.save(rubbish)
    store.payloads.quarantine("livebench", [rubbish], reason="answered a web page", at=NOW)
    assert store.payloads.held("livebench") == (good,)
    [record] = store.payloads.quarantined("livebench")
    assert (record.reason, record.at, record.manifest[0].sha256) == (
        "answered a web page",
        NOW,
        rubbish.sha256,
    )
    assert store.payloads.quarantined("lmarena") == ()


def test_quarantine_does_not_grow_for_ever(store: Store, document: Make) -> None:
    """Only the newest records of a source stay; other sources keep theirs."""
    store.payloads.quarantine("lmarena", [], reason="gone", at=NOW)
    for n in range(MAX_QUARANTINES_PER_SOURCE + 5):
        store.payloads.quarantine(
            "livebench", [document(b"%d" % n)], reason=f"no. {n}", at=NOW + timedelta(hours=n)
        )
    reasons = [record.reason for record in store.payloads.quarantined("livebench")]
    assert len(reasons) == MAX_QUARANTINES_PER_SOURCE
    assert reasons[0] == f"no. {MAX_QUARANTINES_PER_SOURCE + 4}"
    assert len(store.payloads.quarantined("lmarena")) == 1


def test_documents_of_one_source_never_stand_for_another(store: Store, document: Make) -> None:
    """A mixed-up set is refused, and nothing of it is held."""
    with pytest.raises(StoreError, match="`lmarena` cannot stand for `livebench`"):
        store.payloads.mark_good("livebench", [document(b"x"), document(b"y", source="lmarena")])
    assert store.payloads.held("livebench") == ()


def test_a_damaged_document_is_an_error_and_not_an_answer(store: Store, document: Make) -> None:
    """Bytes that do not match their hash are never handed out."""
    store.payloads.mark_good("livebench", [document(b"abc")])
    with store.database.write() as connection:
        connection.execute(update(tables.payload_bodies).values(body=b"abd", codec="raw"))
    with pytest.raises(StoreCorrupt, match="document `table` of `livebench`"):
        store.payloads.held("livebench")


def test_pruning_spares_the_last_good_set_and_what_kept_catalogues_need(store: Store, document: Make) -> None:
    """Age alone decides, but never against a held set or a kept version."""
    old_good = document(b"held for a year", source="open_llm_leaderboard", days_ago=365)
    needed, unused = document(b"needed", days_ago=200), document(b"unused", days_ago=200)
    fresh = document(b"fresh", days_ago=1)
    store.payloads.mark_good("open_llm_leaderboard", [old_good])
    store.payloads.save(needed, unused, fresh)
    store.payloads.quarantine(
        "livebench", [document(b"bad", days_ago=150)], reason="bad", at=NOW - timedelta(days=150)
    )
    store.catalogs.save("v1", b"{}", built_at=NOW - timedelta(days=10), manifest=[old_good, needed])

    assert store.payloads.prune(90, NOW) == 2  # the unused one and the quarantined one

    assert store.payloads.held("open_llm_leaderboard") == (old_good,)
    assert store.payloads.payloads_of("v1") == (old_good, needed)
    assert bodies(store) == 3


def test_a_body_shared_with_a_pruned_document_stays(store: Store, document: Make) -> None:
    """Deleting one document never takes the bytes of another."""
    store.payloads.save(document(LONG, days_ago=200))
    store.payloads.mark_good("livebench", [document(LONG)])
    assert store.payloads.prune(90, NOW) == 1
    assert store.payloads.held("livebench")[0].body == LONG


def test_the_newest_catalogue_is_served_until_one_is_pinned(store: Store) -> None:
    """Pinning goes back, unpinning goes forward, and building meanwhile changes nothing for a pinned one."""
    assert store.catalogs.current() is None
    store.catalogs.save("v1", b"one", built_at=NOW)
    store.catalogs.save("v2", b"two", built_at=NOW + timedelta(hours=1))
    assert store.catalogs.current() == ("v2", b"two")
    store.catalogs.pin("v1")
    store.catalogs.save("v3", b"three", built_at=NOW + timedelta(hours=2))
    assert store.catalogs.current() == ("v1", b"one")
    assert store.catalogs.pinned() == "v1"
    store.catalogs.unpin()
    assert store.catalogs.current() == ("v3", b"three")
    assert store.catalogs.current_version() == "v3"


def test_versions_are_listed_newest_first(store: Store) -> None:
    """The list says which one is served and which one is pinned, without loading a body."""
    store.catalogs.save("v1", b"one", built_at=NOW)
    store.catalogs.save("v2", LONG, built_at=NOW + timedelta(hours=1))
    store.catalogs.pin("v1")
    rows = [(row.version, row.size_bytes, row.current, row.pinned) for row in store.catalogs.versions()]
    assert rows == [("v2", len(LONG), False, False), ("v1", 3, True, True)]
    assert [row.version for row in store.catalogs.versions(limit=1)] == ["v2"]


def test_an_old_catalogue_can_be_read_beside_the_current_one(store: Store) -> None:
    """A version that is not made current is stored and found by its name only."""
    store.catalogs.save("v1", b"one", built_at=NOW)
    store.catalogs.save("side", b"two", built_at=NOW, current=False)
    assert store.catalogs.current() == ("v1", b"one")
    assert store.catalogs.get("side") == b"two"
    assert store.catalogs.get("never") is None


def test_pinning_an_unknown_version_is_refused(store: Store) -> None:
    """A typo does not take the catalogue away."""
    store.catalogs.save("v1", b"one", built_at=NOW)
    with pytest.raises(NotFound, match="`v9`"):
        store.catalogs.pin("v9")
    assert store.catalogs.current() == ("v1", b"one")


def test_a_catalogue_knows_what_it_was_built_from(store: Store, document: Make) -> None:
    """The manifest is in order, may repeat a document over versions, and leads to the bytes."""
    a, b = document(b"a", part="a"), document(b"b", part="b", source="lmarena")
    store.payloads.save(a, b)
    store.catalogs.save("v1", b"one", built_at=NOW, manifest=[b, a])
    store.catalogs.save("v2", b"two", built_at=NOW, manifest=store.payloads.manifest("v1")[:1])
    assert [(e.source, e.part, e.sha256, e.fetched_at) for e in store.payloads.manifest("v1")] == [
        ("lmarena", "b", b.sha256, NOW),
        ("livebench", "a", a.sha256, NOW),
    ]
    assert store.payloads.payloads_of("v1") == (b, a)
    assert store.payloads.payloads_of("v2") == (b,)
    assert store.payloads.manifest("packaged") == ()


def test_a_catalogue_without_its_documents_is_not_stored(store: Store, document: Make) -> None:
    """A version that nobody could rebuild is refused whole, and the one before stays current."""
    store.catalogs.save("v1", b"one", built_at=NOW)
    with pytest.raises(StoreError, match="is not stored"):
        store.catalogs.save("v2", b"two", built_at=NOW, manifest=[document(b"never saved")])
    assert store.catalogs.current() == ("v1", b"one")
    assert store.catalogs.get("v2") is None


def test_saving_a_version_again_changes_nothing_but_its_date(store: Store, document: Make) -> None:
    """The same content on another day is the same version, kept as if it were new."""
    a = document(b"a")
    store.payloads.save(a)
    store.catalogs.save("v1", b"one", built_at=NOW - timedelta(days=200))
    store.catalogs.save("v1", b"one", built_at=NOW, manifest=[a])
    [row] = store.catalogs.versions()
    assert (row.built_at, store.payloads.payloads_of("v1")) == (NOW, (a,))


def test_pruning_keeps_the_pinned_and_the_newest_version(store: Store, document: Make) -> None:
    """However old, what is served or would be served after unpinning is never deleted."""
    old = document(b"old", days_ago=400)
    store.payloads.save(old)
    for n, version in enumerate(("pinned", "gone", "newest")):
        store.catalogs.save(version, b"x", built_at=NOW - timedelta(days=300 - n), manifest=[old])
    store.catalogs.pin("pinned")
    pruned = store.prune(90, NOW)
    assert (pruned.catalogs, pruned.payloads) == (1, 0)
    assert [row.version for row in store.catalogs.versions()] == ["newest", "pinned"]
    assert store.payloads.payloads_of("pinned") == (old,)
