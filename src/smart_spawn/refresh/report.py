"""What one refresh did, as a value and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smart_spawn.catalog.facts import SourceFacts
from smart_spawn.errors import StoreError
from smart_spawn.sources import ADAPTERS
from smart_spawn.sources.fetching import SourceFetch
from smart_spawn.sources.quarantine import SourceReading


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


def word_for(fetch: SourceFetch) -> str:
    """Say what became of one source, for those who watch."""
    if fetch.error is not None:
        return fetch.error.message
    return fetch.status.replace("_", " ")


def reports_of(
    readings: Sequence[SourceReading], fetched: Mapping[str, SourceFetch], found: Mapping[str, SourceFacts]
) -> tuple[SourceReport, ...]:
    """Report on every source that there is, in the order of the adapters."""
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
