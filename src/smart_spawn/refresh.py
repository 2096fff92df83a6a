"""From the network to the next catalogue: one refresh at a time, whole or not at all.

Order matters. What arrives is stored before it is read; a source that fails keeps its last good payloads; the new
catalogue becomes current in one transaction. A process killed anywhere leaves the last complete catalogue in use.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import anyio.to_thread

from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.facts import Facts, SourceFacts, decode, encode
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NoCatalog, NotFound, StoreError
from smart_spawn.scoring.scale import NormName
from smart_spawn.scoring.weights import Weights, effective_weights
from smart_spawn.settings import Settings, SourceName
from smart_spawn.sources import ADAPTERS, all_sources, own
from smart_spawn.sources.archive import read_archive
from smart_spawn.sources.base import Payload, Source
from smart_spawn.sources.cadence import LastCheck, next_check
from smart_spawn.sources.fetching import SourceFetch, fetch_all
from smart_spawn.sources.quarantine import SourceReading, read
from smart_spawn.store import SourceStatus, Store

APPLY_WAIT_S = 20.0
"""How long a change of the owner's waits for a refresh to end: longer than a source may take."""
DEFAULT_NORM: NormName = "equated"
"""It predicts boards that were left out best: docs/adr/0008-equated-scales.md."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What one refresh got from one source."""

    source: str
    status: str
    """`ok`, `unchanged`, `not_due`, `off`, or `error`: then the last good data stays in use."""
    count: int = 0
    matched: int = 0
    unmatched: int = 0
    requests: int = 0
    took_s: float = 0.0
    error: str | None = None
    hint: str = ""
    in_use_since: datetime | None = None
    """When the data in use was downloaded; None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What one refresh did."""

    version: str
    changed: bool
    """Whether another catalogue is served than before."""
    took_s: float
    sources: tuple[SourceReport, ...] = field(default_factory=tuple)

    @property
    def failed(self) -> tuple[str, ...]:
        """The sources that could not be read."""
        return tuple(report.source for report in self.sources if report.status == "error")


class RefreshBusy(StoreError):
    """Another process is refreshing."""

    code = "REFRESH_RUNNING"


Progress = Callable[[str, str], None]
"""Called with a source (or `catalog`) and what just happened to it, in a word or two."""


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
            checks=_checks(statuses, if_due=if_due),
            progress=lambda fetch: progress(fetch.source, _word(fetch)),
        )
        progress("catalog", "reading")
        report = await anyio.to_thread.run_sync(
            lambda: _build(
                store, settings, sources, held, {f.source: f for f in fetched}, statuses, serving, now()
            )
        )
        progress("catalog", f"version {report.version}")
        return replace(report, took_s=time.monotonic() - began)


def _word(fetch: SourceFetch) -> str:
    if fetch.error is not None:
        return fetch.error.message
    return fetch.status.replace("_", " ")


def _checks(statuses: Mapping[str, SourceStatus], *, if_due: bool) -> dict[str, LastCheck]:
    """Return the last attempts: all of them when the cadence counts, else only where a source asked for rest."""
    return {
        name: LastCheck(
            checked_at=status.last_pull if if_due else datetime.min.replace(tzinfo=UTC),
            ok=status.error is None,
            not_before=status.not_before,
        )
        for name, status in statuses.items()
        if status.last_pull is not None
    }


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
    catalog = _still_good(store, settings, serving, payloads) or from_readings(
        readings, settings, earlier=serving.facts if serving else None, added=store.own.weights()
    )
    store.catalogs.save(catalog.version, encode(catalog.facts), built_at=now, manifest=payloads)
    store.known_ids.saw((listing.id for listing in catalog.listings), now)
    store.prices.record(now.date(), {listing.id: listing.price for listing in catalog.listings})
    found = {facts.source: facts for facts in catalog.facts.sources}
    _save_statuses(store, sources, readings, fetched, statuses, found, now)
    store.prune(settings.catalog.keep_days, now)
    return RefreshReport(
        version=catalog.version,
        changed=store.catalogs.current_version() != before,
        took_s=0.0,
        sources=_reports(readings, fetched, found),
    )


def _still_good(
    store: Store, settings: Settings, serving: Catalog | None, payloads: Sequence[Payload]
) -> Catalog | None:
    """Return the catalogue in use when building again could only give the same: same documents, weights and norm."""
    if serving is None or serving.facts.norm != norm_of(settings) or serving.facts.carried:
        return None
    if serving.facts.weights != effective_weights(settings.scoring.weights, store.own.weights()):
        return None
    built_from = {(e.source, e.part, e.sha256) for e in store.payloads.manifest(serving.version)}
    in_use = {(p.source, p.part, p.sha256) for p in payloads}
    return serving if built_from and built_from == in_use else None


def _own(store: Store) -> list[SourceReading]:
    """Read what the owner added, and keep the document as every other one is kept."""
    payload = store.own.document()
    if payload is None:
        return []
    store.payloads.save(payload)
    return [own_reading((payload,))]


def own_reading(payloads: tuple[Payload, ...]) -> SourceReading:
    """Read the owner's document. Raises SourceChanged."""
    return SourceReading(source=own.SOURCE, state="held", batch=own.parse(payloads), payloads=payloads)


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


def from_readings(
    readings: Sequence[SourceReading],
    settings: Settings,
    *,
    earlier: Facts | None,
    added: Weights | None = None,
) -> Catalog:
    """Build the catalogue of what was read. Raises NoCatalog when nobody lists any model.

    `added` are the weights that imports of own results named.
    """
    batches = [reading.batch for reading in readings if reading.batch is not None]
    if not any(batch.listings for batch in batches) and earlier is None:
        raise NoCatalog(
            "no source lists any model",
            hint="`openrouter` is the list of models: check `sources.openrouter` and the network",
        )
    return build_catalog(
        batches,
        weights=effective_weights(settings.scoring.weights, added),
        as_of=_newest_day(readings, earlier),
        fetched_at={r.source: max(p.fetched_at for p in r.payloads) for r in readings if r.payloads},
        norm=norm_of(settings),
        earlier=earlier,
        missing={reading.source for reading in readings if reading.state == "missing"},
    )


def from_archive(listing: Path, root: Path, settings: Settings) -> Catalog:
    """Build a catalogue to pass on from a folder of documents; see `sources/archive.py`.

    Relayed readings are left out from the start: no scale may rest on what is not ours to pass on. Raises
    InvalidRequest, NoCatalog.
    """
    documents = read_archive(listing, root)
    own = settings.source("openrouter").model_copy(update={"relayed_benchmarks": False})
    settings = settings.model_copy(update={"sources": {**settings.sources, "openrouter": own}})
    sources = [source for source in all_sources(settings) if source.name in documents]
    readings = [read(source, None, documents[source.name]) for source in sources]
    for reading in readings:
        if reading.error is not None:
            raise InvalidRequest(
                f"the documents of `{reading.source}` cannot be used: {reading.error.message}",
                hint=reading.error.hint,
            )
    return from_readings(readings, settings, earlier=None)


def norm_of(settings: Settings) -> NormName:
    """Return the norm that readings are scaled by."""
    chosen = settings.scoring.norm
    return chosen or DEFAULT_NORM


def _newest_day(readings: Sequence[SourceReading], earlier: Facts | None) -> date:
    """Return the day whose ages count: the newest on which any payload in use was downloaded.

    What is carried over from an earlier catalogue counts with the day of that.
    """
    days = [payload.fetched_at.date() for reading in readings for payload in reading.payloads]
    if earlier is not None and any(reading.state == "missing" for reading in readings):
        days.append(earlier.as_of)
    return max(days, default=date.min)


def rebuild(store: Store, settings: Settings, version: str) -> Catalog:
    """Build a past catalogue again from its stored payloads, under the weights and norm that it had.

    Raises NotFound when the version or its payloads are not stored any more.
    """
    body = store.catalogs.get(version)
    payloads = store.payloads.payloads_of(version)
    if body is None or not payloads:
        raise NotFound(
            f"catalogue version `{version}` cannot be rebuilt: its payloads are not stored",
            hint="`smart-spawn catalog versions` lists those that can",
        )
    facts = decode(body)
    readings = [
        read(source, None, [p for p in payloads if p.source == source.name])
        for source in _sources_as_then(facts, settings, {p.source for p in payloads})
    ]
    owners = tuple(p for p in payloads if p.source == own.SOURCE)
    readings += [own_reading(owners)] if owners else []
    for reading in readings:
        if reading.error is not None:
            raise reading.error
    return build_catalog(
        [reading.batch for reading in readings if reading.batch is not None],
        weights=facts.weights,
        as_of=facts.as_of,
        fetched_at={r.source: max(p.fetched_at for p in r.payloads) for r in readings if r.payloads},
        norm=facts.norm,  # type: ignore[arg-type]  # it was one of them when it was built
        earlier=facts,
        missing=facts.carried,
    )


def _sources_as_then(facts: Facts, settings: Settings, names: Collection[str]) -> list[Source]:
    """Return the readers of these sources as they were set when the facts were read, also of those now off."""
    rows = (facts.readings, facts.set_aside, facts.unmatched)
    relayed = any(row.source == "openrouter" for part in rows for row in part)
    return [
        adapter(settings.source(name).model_copy(update={"relayed_benchmarks": relayed}))
        for name, adapter in ADAPTERS.items()
        if name in names
    ]


def reweighted(facts: Facts, weights: Weights) -> Facts:
    """Return the same facts under other weights."""
    return facts if facts.weights == weights else replace(facts, weights=weights)


def _reports(
    readings: Sequence[SourceReading], fetched: Mapping[str, SourceFetch], found: Mapping[str, SourceFacts]
) -> tuple[SourceReport, ...]:
    by_source = {reading.source: reading for reading in readings}
    reports = []
    for name in ADAPTERS:
        reading, fetch = by_source.get(name), fetched.get(name)
        facts = found.get(name, SourceFacts(source=name))
        if reading is None:
            reports.append(SourceReport(source=name, status="off"))
            continue
        error = reading.error or (fetch.error if fetch else None)
        reports.append(
            SourceReport(
                source=name,
                status="error" if error else fetch.status if fetch else "not_due",
                count=facts.count,
                matched=facts.matched,
                unmatched=facts.unmatched,
                requests=fetch.requests if fetch else 0,
                took_s=round(fetch.took_s, 3) if fetch else 0.0,
                error=error.message if error else None,
                hint=error.hint if error else "",
                in_use_since=facts.fetched_at,
            )
        )
    return tuple(reports)


def _save_statuses(
    store: Store,
    sources: Sequence[Source],
    readings: Sequence[SourceReading],
    fetched: Mapping[str, SourceFetch],
    before: Mapping[str, SourceStatus],
    found: Mapping[str, SourceFacts],
    now: datetime,
) -> None:
    by_source = {reading.source: reading for reading in readings}
    rows = []
    for source in sources:
        fetch = fetched.get(source.name)
        status = before.get(source.name) or SourceStatus(source=source.name)
        facts = found.get(source.name, SourceFacts(source=source.name))
        status = replace(
            status,
            count=facts.count,
            matched=facts.matched,
            unmatched=facts.unmatched,
            published_on=facts.published_on,
        )
        if fetch is not None and fetch.status != "not_due":
            error = by_source[source.name].error
            today = now.date()
            status = replace(
                status,
                status="error" if error else "ok",
                last_pull=now,
                last_ok=status.last_ok if error else now,
                error=error.message if error else None,
                quarantined=by_source[source.name].state == "quarantined",
                notices=fetch.notices or status.notices,
                not_before=fetch.not_before,
                next_pull=next_check(
                    source.refresh_hours,
                    LastCheck(checked_at=now, ok=error is None, not_before=fetch.not_before),
                ),
                requests_day=today,
                requests_today=fetch.requests
                + (status.requests_today if status.requests_day == today else 0),
            )
        rows.append(status)
    store.statuses.save(*rows)


def report_json(report: RefreshReport) -> dict[str, Any]:
    """Return a report as every surface shows it."""
    return {
        "version": report.version,
        "changed": report.changed,
        "tookS": round(report.took_s, 3),
        "failed": list(report.failed),
        "sources": {
            r.source: {
                "status": r.status,
                "count": r.count,
                "matched": r.matched,
                "unmatched": r.unmatched,
                "requests": r.requests,
                "tookS": r.took_s,
                "inUseSince": r.in_use_since.isoformat() if r.in_use_since else None,
                **({"error": r.error, "hint": r.hint} if r.error else {}),
            }
            for r in report.sources
        },
    }


def due(settings: Settings, statuses: Mapping[str, SourceStatus], now: datetime) -> Collection[str]:
    """List the sources that are worth asking now."""
    return [
        source.name
        for source in all_sources(settings)
        if (status := statuses.get(source.name)) is None
        or status.next_pull is None
        or now >= status.next_pull
    ]
