"""Versions of the catalogue: which are stored, what changed between two, serving an older one, taking one in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from smart_spawn.catalog.diff import CatalogDiff, diff
from smart_spawn.catalog.facts import decode, encode
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NotFound, StoreCorrupt
from smart_spawn.manage.archive import Archive
from smart_spawn.routing.picks import PickDiff, diff_picks
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.sources.base import Payload
from smart_spawn.store import Store, StoredVersion

SHORTEST_PREFIX = 4
"""A version may be named by its first letters, from this many on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDiff:
    """Everything that changed between two versions."""

    catalog: CatalogDiff
    picks: PickDiff | None
    """`None` where nobody asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A catalogue that came from a file."""

    version: str
    as_of: str
    models: int
    documents: int
    """Payloads that came with it; 0 for a file of facts, which cannot be rebuilt."""
    served: bool
    """Whether it is what is served now. False while another version is pinned."""


def resolve(store: Store, name: str) -> str:
    """Return the stored version that a name, or its first letters, means. Raises NotFound, InvalidRequest."""
    known = [row.version for row in store.catalogs.versions(limit=10_000)]
    if name in known:
        return name
    found = [v for v in known if len(name) >= SHORTEST_PREFIX and v.startswith(name.lower())]
    if len(found) > 1:
        raise InvalidRequest(
            f"`{name[:40]}` may be {' or '.join(f'`{v}`' for v in found[:5])}",
            hint="write more letters of it",
        )
    if not found:
        raise NotFound(
            f"catalogue version `{name[:40]}` is not stored",
            hint="`smart-spawn catalog versions` lists those that are",
            details={"version": name[:40]},
        )
    return found[0]


def catalog_of(store: Store, version: str) -> Catalog:
    """Open a stored version, with the weights that it was built under. Raises NotFound."""
    body = store.catalogs.get(version)
    if body is None:
        raise NotFound(f"catalogue version `{version}` is not stored", details={"version": version})
    return Catalog.of(decode(body))


def ends_of(store: Store, served: str, first: str | None, second: str | None) -> tuple[str, str]:
    """Name the two versions to compare: by default the served one, and the one that was built before it.

    Raises NotFound when there is nothing to compare with.
    """
    rows = store.catalogs.versions(limit=10_000)
    after = resolve(store, second or served)
    if first:
        return resolve(store, first), after
    earlier = _built_before(rows, next(row for row in rows if row.version == after))
    if earlier is None:
        raise NotFound(
            f"no catalogue older than `{after}` is stored, so there is nothing to compare it with",
            hint="name one: `smart-spawn catalog versions` lists them",
        )
    return earlier, after


def _built_before(rows: Iterable[StoredVersion], row: StoredVersion) -> str | None:
    older = [r for r in rows if r.built_at < row.built_at]
    return max(older, key=lambda r: (r.built_at, r.version)).version if older else None


def compare(before: Catalog, after: Catalog, policy: RoutingPolicy, *, picks: bool = True) -> VersionDiff:
    """Say what changed, and, since that is what callers notice, which choices changed (about a second)."""
    return VersionDiff(
        catalog=diff(before, after), picks=diff_picks(before, after, policy) if picks else None
    )


def rollback(store: Store, version: str) -> str:
    """Serve a stored version until `follow` is called, whatever is built meanwhile. Raises NotFound."""
    found = resolve(store, version)
    store.catalogs.pin(found)
    return found


def follow(store: Store) -> str | None:
    """Serve the newest version again; return it."""
    store.catalogs.unpin()
    return store.catalogs.current_version()


def take_in(store: Store, archive: Archive, now: datetime) -> Imported:
    """Store a catalogue that came from a file and make it the newest. Raises StoreError.

    Its documents become the data in use of each source that has no newer, so that the next catalogue can be built
    from them without a network.
    """
    catalog = Catalog.of(archive.facts)
    if archive.version is not None and catalog.version != archive.version:
        raise StoreCorrupt(
            f"the file says that it holds `{archive.version}`, and its content is `{catalog.version}`",
            hint="export it again with this release; another release may score otherwise",
        )
    store.payloads.save(*archive.payloads)
    for source in sorted({payload.source for payload in archive.payloads}):
        documents = [p for p in archive.payloads if p.source == source]
        if _newest(documents) > _newest(store.payloads.held(source)):
            store.payloads.mark_good(source, documents)
    body = encode(catalog.facts)
    store.catalogs.save(catalog.version, body, built_at=now, manifest=archive.payloads)
    store.known_ids.saw(catalog.index, now)
    store.prices.record(catalog.facts.as_of, {m.id: m.price for m in catalog.listings})
    return Imported(
        version=catalog.version,
        as_of=catalog.facts.as_of.isoformat(),
        models=len(catalog),
        documents=len(archive.payloads),
        served=store.catalogs.current_version() == catalog.version,
    )


def _newest(payloads: Iterable[Payload]) -> float:
    return max((p.fetched_at.timestamp() for p in payloads), default=float("-inf"))
