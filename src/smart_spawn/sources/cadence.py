"""When a source is worth asking again. Pure: what was done before comes in, a moment goes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

RETRY_AFTER_FAILURE = timedelta(minutes=15)
"""A source that failed is asked again after this, or after its own cadence where that is shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """How the last attempt to fetch a source went."""

    checked_at: datetime
    ok: bool
    not_before: datetime | None = None
    """The moment until which the source asked to be left alone (Retry-After, or a used-up allowance)."""


def next_check(refresh_hours: float, last: LastCheck | None) -> datetime | None:
    """Return when to ask next; `None` means at once, because it was never asked."""
    if last is None:
        return None
    cadence = timedelta(hours=refresh_hours)
    due = last.checked_at + (cadence if last.ok else min(cadence, RETRY_AFTER_FAILURE))
    return max(due, last.not_before) if last.not_before is not None else due


def is_due(refresh_hours: float, last: LastCheck | None, *, now: datetime, forced: bool = False) -> bool:
    """Tell whether to ask now. Force skips the cadence, but never what the source itself asked for."""
    if forced:
        return last is None or last.not_before is None or now >= last.not_before
    due = next_check(refresh_hours, last)
    return due is None or now >= due
