"""How each source is doing: what is remembered after a refresh, and what is due for the next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from smart_spawn.catalog.facts import SourceFacts
from smart_spawn.settings import Settings
from smart_spawn.sources import all_sources
from smart_spawn.sources.base import Source
from smart_spawn.sources.cadence import LastCheck, next_check
from smart_spawn.sources.fetching import SourceFetch
from smart_spawn.sources.quarantine import SourceReading
from smart_spawn.store import SourceStatus, Store


def last_checks(statuses: Mapping[str, SourceStatus], *, if_due: bool) -> dict[str, LastCheck]:
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


def due(settings: Settings, statuses: Mapping[str, SourceStatus], now: datetime) -> Collection[str]:
    """List the sources that are worth asking now."""
    return [
        source.name
        for source in all_sources(settings)
        if (status := statuses.get(source.name)) is None
        or status.next_pull is None
        or now >= status.next_pull
    ]


def save_statuses(
    store: Store,
    sources: Sequence[Source],
    readings: Sequence[SourceReading],
    fetched: Mapping[str, SourceFetch],
    before: Mapping[str, SourceStatus],
    found: Mapping[str, SourceFacts],
    now: datetime,
) -> None:
    """Remember how each source did, for the status and for the next time."""
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
