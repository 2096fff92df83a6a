"""How each source is doing, kept over restarts: a limit of 100 calls a day holds across processes too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Row, delete, select

from smart_spawn.store import tables as t
from smart_spawn.store.database import Database

State = Literal["ok", "stale", "error", "off"]
MAX_ERROR_CHARS = 2_000
MAX_NOTICES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """One source as of its last pull."""

    source: str
    status: State = "off"
    last_pull: datetime | None = None
    """When it was last asked, whatever came back."""
    last_ok: datetime | None = None
    """When it last gave a usable answer, an unchanged one included."""
    count: int = 0
    matched: int = 0
    unmatched: int = 0
    published_on: date | None = None
    error: str | None = None
    """What went wrong last, in words; None after a success."""
    quarantined: bool = False
    """The last answer was set aside and the one before it is in use."""
    notices: Mapping[str, str] = field(default_factory=dict)
    """`Deprecation`, `Sunset` and `Link` headers, lower-case names."""
    next_pull: datetime | None = None
    not_before: datetime | None = None
    """The source asked to be left alone until then."""
    requests_day: date | None = None
    requests_today: int = 0
    """Requests sent on `requests_day` (UTC)."""


class StatusStore:
    """Statuses by source."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, *statuses: SourceStatus) -> None:
        """Replace the rows of these sources, all or none."""
        if not statuses:
            return
        columns = tuple(column.name for column in t.source_statuses.columns if column.name != "source")
        upsert = self._database.upsert(t.source_statuses, replace=columns)
        with self._database.write() as connection:
            connection.execute(upsert, [_columns(status) for status in statuses])

    def all(self) -> dict[str, SourceStatus]:
        """Return every row by source, in order of name."""
        with self._database.read() as connection:
            rows = connection.execute(select(t.source_statuses).order_by(t.source_statuses.c.source))
            return {row.source: _status(row) for row in rows}

    def get(self, source: str) -> SourceStatus | None:
        """Return one row, or None when the source was never asked."""
        with self._database.read() as connection:
            row = connection.execute(
                select(t.source_statuses).where(t.source_statuses.c.source == source)
            ).first()
        return None if row is None else _status(row)

    def forget(self, source: str) -> None:
        """Delete the row of a source that is no longer configured."""
        with self._database.write() as connection:
            connection.execute(delete(t.source_statuses).where(t.source_statuses.c.source == source))


def _columns(status: SourceStatus) -> dict[str, Any]:
    values: dict[str, Any] = {each.name: getattr(status, each.name) for each in fields(status)}
    notices = {key[:100]: value[:500] for key, value in list(status.notices.items())[:MAX_NOTICES]}
    return values | {
        "published_on": status.published_on and status.published_on.isoformat(),
        "requests_day": status.requests_day.isoformat() if status.requests_day else "",
        # PostgreSQL refuses NUL in text, and an error may quote what a source sent.
        "error": status.error and status.error.replace("\0", "")[:MAX_ERROR_CHARS],
        "notices": msgspec.json.encode(notices, order="sorted").decode(),
    }


def _status(row: Row[Any]) -> SourceStatus:
    values = dict(row._mapping)
    return SourceStatus(
        **values
        | {
            "published_on": date.fromisoformat(row.published_on) if row.published_on else None,
            "requests_day": date.fromisoformat(row.requests_day) if row.requests_day else None,
            "notices": msgspec.json.decode(row.notices, type=dict[str, str]),
        }
    )
