"""How fresh the catalogue is, source by source: `/status`, `smart-spawn status`, `/catalog/unmatched`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from smart_spawn import __version__
from smart_spawn.catalog.facts import SourceFacts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NoCatalog, StoreError
from smart_spawn.sources import ADAPTERS, RETIRED, is_enabled

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.store import SourceStatus

STALE_AFTER_ROUNDS = 2.0
"""A source is stale when it gave nothing usable for this many of its own refresh intervals."""


def status_json(app: SmartSpawn) -> dict[str, Any]:
    """Return the state of the catalogue and of every source."""
    try:
        catalog: Catalog | None = app.catalog
    except NoCatalog:
        catalog = None
    try:
        statuses: Mapping[str, SourceStatus] = app.store.statuses.all()
    except StoreError:
        statuses = {}
    facts = {f.source: f for f in catalog.facts.sources} if catalog else {}
    now = app.now()
    sources: dict[str, dict[str, Any]] = {
        name: _source_json(app, name, statuses.get(name), facts.get(name), now) for name in ADAPTERS
    }
    pulls = [row["lastPull"] for row in sources.values() if row["lastPull"]]
    measured = {r.model_id for r in catalog.facts.readings} if catalog else set()
    scored = (
        {c.listing.id for c, row in zip(catalog.candidates, catalog.rows.measured, strict=True) if row.any()}
        if catalog
        else set()
    )
    return {
        "data": {
            "status": _overall(catalog, sources),
            "lastRefresh": max(pulls, default=None),
            "modelCount": len(catalog) if catalog else 0,
            "modelsWithScores": len(scored),
            "modelsWithBenchmarks": len(measured),
            "sources": sources,
            "catalogVersion": catalog.version if catalog else None,
            "catalogAsOf": catalog.facts.as_of.isoformat() if catalog else None,
            "norm": catalog.facts.norm if catalog else None,
            "attribution": dict(catalog.facts.attribution) if catalog else {},
            "version": __version__,
        }
    }


def _source_json(
    app: SmartSpawn, name: str, status: SourceStatus | None, facts: SourceFacts | None, now: datetime
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "status": _state(app, name, status, facts, now),
        "lastPull": _text(status.last_pull if status else None),
        "lastGood": _text(status.last_ok if status else None),
        "dataFrom": _text(facts.fetched_at if facts else None),
        "count": facts.count if facts else 0,
        "matched": facts.matched if facts else 0,
        "unmatched": facts.unmatched if facts else 0,
        "publishedAt": facts.published_on.isoformat() if facts and facts.published_on else None,
        "nextPull": _text(status.next_pull if status else None),
    }
    if status and status.error:
        body |= {"error": status.error, "quarantined": status.quarantined}
    if status and status.notices:
        body["notices"] = [f"{key}: {value}" for key, value in sorted(status.notices.items())]
    if facts and facts.notes:
        body["notes"] = list(facts.notes)
    return body


def _state(
    app: SmartSpawn, name: str, status: SourceStatus | None, facts: SourceFacts | None, now: datetime
) -> str:
    if not is_enabled(app.settings, name):  # type: ignore[arg-type]  # ADAPTERS holds the names of sources
        return "off"
    if status is not None and status.error:
        return "error"
    good = status.last_ok if status else None
    if good is None:
        good = facts.fetched_at if facts else None
    if good is not None and name in RETIRED:
        return "ok"
    rounds = timedelta(hours=_interval_hours(app, name)) * STALE_AFTER_ROUNDS
    return "ok" if good is not None and now - good <= rounds else "stale"


def _interval_hours(app: SmartSpawn, name: str) -> float:
    source = ADAPTERS[name](app.settings.source(name))  # type: ignore[index,arg-type]  # as above
    return max(source.refresh_hours, app.settings.refresh_hours)


def _overall(catalog: Catalog | None, sources: Mapping[str, Mapping[str, Any]]) -> str:
    if catalog is None or not len(catalog):
        return "empty"
    states = {row["status"] for row in sources.values()}
    if "error" in states:
        return "degraded"
    return "stale" if "stale" in states else "ok"


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def age_line(catalog: Catalog, today: date) -> str:
    """Say in one line how old each source's data is."""
    parts = []
    for facts in catalog.facts.sources:
        day = facts.fetched_at.date() if facts.fetched_at else facts.published_on
        days = (today - day).days if day else None
        age = (
            "unknown"
            if days is None
            else "today"
            if days <= 0
            else f"{days} day{'s' if days > 1 else ''} old"
        )
        parts.append(f"{facts.source} {age}")
    return ", ".join(parts)


def unmatched_json(catalog: Catalog, source: str | None = None) -> dict[str, Any]:
    """List the published names without a model here, with the reason and the ids that look most like each."""
    if source is not None and source not in ADAPTERS:
        raise InvalidRequest(
            f"`{source}` is not a source",
            hint=f"one of: {', '.join(ADAPTERS)}",
            details={"valid": list(ADAPTERS)},
        )
    return {
        "data": [
            {
                "source": name.source,
                "publishedName": name.published_name,
                "reason": name.reason,
                "nearest": list(name.nearest),
            }
            for name in catalog.facts.unmatched
            if source is None or name.source == source
        ]
    }
