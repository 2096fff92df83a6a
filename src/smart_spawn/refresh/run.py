"""From the network to the next catalogue: one refresh at a time, whole or not at all.

Order matters. What arrives is stored before it is read; a source that fails keeps its last good payloads; the new
catalogue becomes current in one transaction. A process killed anywhere leaves the last complete catalogue in use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import anyio.to_thread

from smart_spawn.catalog.facts import encode
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest
from smart_spawn.refresh.building import from_readings, norm_of, own_reading
from smart_spawn.refresh.report import Progress, RefreshBusy, RefreshReport, reports_of, word_for
from smart_spawn.refresh.statuses import last_checks, save_statuses
from smart_spawn.scoring.weights import effective_weights
from smart_spawn.settings import Settings, SourceName
from smart_spawn.sources import ADAPTERS, all_sources
from smart_spawn.sources.base import Payload, Source
from smart_spawn.sources.fetching import SourceFetch, fetch_all
from smart_spawn.sources.quarantine import SourceReading, read
from smart_spawn.store import SourceStatus, Store

APPLY_WAIT_S = 20.0
"""How long a change of the owner's waits for a refresh to end: longer than a source may take."""


def check_names(names: Sequence[str]) -> tuple[SourceName, ...]:
    """Let source names pass. Raises InvalidRequest with the valid ones."""
    for name in names:
        if name not in ADAPTERS:
            raise InvalidRequest(
                f"`{name}` is not a source",
                hint=f"one of: {', '.join(ADAPTERS)}",
                details={"valid": list(ADAPTERS)},
            )
    return tuple(name for name in ADAPTERS if name in names)


async def refresh(
    store: Store,
    settings: Settings,
    *,
    now: Callable[[], datetime],
    serving: Catalog | None,
    only: Sequence[str] = (),
    if_due: bool = False,
    progress: Progress = lambda _source, _what: None,
) -> RefreshReport:
    """Ask the sources, build the next catalogue and make it current.

    `only` names the sources to ask (all by default); `if_due` asks those whose cadence has passed. `serving` is the
    catalogue in use: what it knows of a source that cannot be read at all is carried over. Raises RefreshBusy when
    another process is at it, NoCatalog when there is nothing to build from, StoreError.
    """
    wanted = check_names(only)
    began = time.monotonic()
    with store.leases.hold("refresh") as lease:
        if lease is None:
            holder = store.leases.holder("refresh")
            raise RefreshBusy(
                "another process is refreshing the catalogue" + (f" ({holder.owner})" if holder else ""),
                hint="wait for it; `smart-spawn status` shows what it brings",
            )
        sources = all_sources(settings)
        held = {
            source.name: await anyio.to_thread.run_sync(store.payloads.held, source.name)
            for source in sources
        }
        statuses = await anyio.to_thread.run_sync(store.statuses.all)
        fetched = await fetch_all(
            [source for source in sources if not wanted or source.name in wanted],
            held,
            now=now(),
            checks=last_checks(statuses, if_due=if_due),
            progress=lambda fetch: progress(fetch.source, word_for(fetch)),
        )
        progress("catalog", "reading")
        report = await anyio.to_thread.run_sync(
            lambda: _build(
                store, settings, sources, held, {f.source: f for f in fetched}, statuses, serving, now()
            )
        )
        progress("catalog", f"version {report.version}")
        return replace(report, took_s=time.monotonic() - began)


def _build(
    store: Store,
    settings: Settings,
    sources: Sequence[Source],
    held: Mapping[str, Sequence[Payload]],
    fetched: Mapping[str, SourceFetch],
    statuses: Mapping[str, SourceStatus],
    serving: Catalog | None,
    now: datetime,
) -> RefreshReport:
    """Store what arrived, read it, build, and make the result current."""
    for fetch in fetched.values():
        if fetch.status in ("ok", "unchanged"):
            store.payloads.save(*fetch.payloads)
    counts = {facts.source: facts.count for facts in serving.facts.sources} if serving else {}
    readings = [
        read(source, fetched.get(source.name), held[source.name], expected=counts.get(source.name))
        for source in sources
    ]
    for reading in readings:
        got = fetched.get(reading.source)
        if reading.state == "new" or (
            got is not None and got.status == "unchanged" and reading.error is None
        ):
            store.payloads.mark_good(reading.source, reading.payloads)
        elif reading.error is not None and got is not None and got.payloads:
            store.payloads.quarantine(reading.source, got.payloads, reason=reading.error.message, at=now)
    readings += _own(store)
    payloads = [payload for reading in readings for payload in reading.payloads]
    before = store.catalogs.current_version()
    catalog = _still_good(store, settings, serving, readings) or from_readings(
        readings, settings, earlier=serving.facts if serving else None, added=store.own.weights()
    )
    manifest = payloads or store.payloads.manifest(catalog.version)
    store.catalogs.save(catalog.version, encode(catalog.facts), built_at=now, manifest=manifest)
    store.known_ids.saw((listing.id for listing in catalog.listings), now)
    store.prices.record(now.date(), {listing.id: listing.price for listing in catalog.listings})
    found = {facts.source: facts for facts in catalog.facts.sources}
    save_statuses(store, sources, readings, fetched, statuses, found, now)
    store.prune(settings.catalog.keep_days, now)
    return RefreshReport(
        version=catalog.version,
        changed=store.catalogs.current_version() != before,
        took_s=0.0,
        sources=reports_of(readings, fetched, found),
    )


def _still_good(
    store: Store, settings: Settings, serving: Catalog | None, readings: Sequence[SourceReading]
) -> Catalog | None:
    """Return the catalogue in use when building again could only give the same.

    So it is when norm and weights are the same, and either the documents are, or nothing could be read of the very
    sources that it knows.
    """
    if serving is None or serving.facts.norm != norm_of(settings):
        return None
    if serving.facts.weights != effective_weights(settings.scoring.weights, store.own.weights()):
        return None
    if not any(reading.batch for reading in readings):
        known = {facts.source for facts in serving.facts.sources}
        return serving if known <= {reading.source for reading in readings} else None
    if serving.facts.carried:
        return None
    built_from = {(e.source, e.part, e.sha256) for e in store.payloads.manifest(serving.version)}
    in_use = {(p.source, p.part, p.sha256) for reading in readings for p in reading.payloads}
    return serving if built_from and built_from == in_use else None


def _own(store: Store) -> list[SourceReading]:
    """Read what the owner added, and keep the document as every other one is kept."""
    payload = store.own.document()
    if payload is None:
        return []
    store.payloads.save(payload)
    return [own_reading((payload,))]


def apply_own(store: Store, settings: Settings, *, now: datetime, serving: Catalog | None) -> Catalog | None:
    """Build the next catalogue at once from what is held, without a network, after the owner changed something.

    A source that holds no documents, or older ones than the catalogue in use was built from, is carried over from
    that. Waits for a refresh that another process is at; None when it takes too long: it may have read the change,
    and whatever is built next does. Raises NoCatalog, StoreError.
    """
    ends = time.monotonic() + APPLY_WAIT_S
    while True:
        with store.leases.hold("refresh") as lease:
            if lease is not None:
                return _applied(store, settings, now, serving)
        if time.monotonic() >= ends:
            return None
        time.sleep(0.1)


def _applied(store: Store, settings: Settings, now: datetime, serving: Catalog | None) -> Catalog:
    used = {f.source: f.fetched_at for f in serving.facts.sources} if serving else {}
    readings = []
    for source in all_sources(settings):
        held = store.payloads.held(source.name)
        known = used.get(source.name)
        if known is not None and held and max(p.fetched_at for p in held) < known:
            held = ()
        readings.append(read(source, None, held))
    readings += _own(store)
    catalog = from_readings(
        readings, settings, earlier=serving.facts if serving else None, added=store.own.weights()
    )
    payloads = [payload for reading in readings for payload in reading.payloads]
    store.catalogs.save(catalog.version, encode(catalog.facts), built_at=now, manifest=payloads)
    store.known_ids.saw((listing.id for listing in catalog.listings), now)
    store.prices.record(now.date(), {listing.id: listing.price for listing in catalog.listings})
    return catalog
