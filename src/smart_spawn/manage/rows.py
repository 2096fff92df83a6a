"""Rows of somebody's own results, and what is wrong with one: what every reader of a result file returns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

MAX_VALUE = 1e12
"""No board has values beyond this; a column was taken for another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One result as it stands in the file."""

    place: str
    """Where, for a person: `line 3`, `results[2]`, `task mmlu`."""
    model: str
    value: float
    benchmark: str | None = None
    unit: str | None = None
    edition: str | None = None
    higher_is_better: bool | None = None
    lower: float | None = None
    upper: float | None = None
    measured_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A row that cannot be used, and why."""

    place: str
    model: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What was read. `format` is `csv`, `json`, `lm-evaluation-harness` or `inspect-ai`."""

    format: str
    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def number(raw: Any) -> float | str:
    """Read a finite number of a believable size, or say what is wrong with it."""
    if isinstance(raw, bool) or raw is None:
        return "is no number"
    try:
        value = float(raw)
    except (TypeError, ValueError, OverflowError):
        return f"is no number: `{str(raw)[:40]}`"
    if not math.isfinite(value):
        return f"is not finite: `{str(raw)[:40]}`"
    return value if abs(value) <= MAX_VALUE else f"is larger than any board's: {value:g}"


def day_of(raw: Any) -> date | None:
    """Read the day out of seconds since 1970 or an ISO moment; None when it is neither."""
    try:
        if isinstance(raw, (int, float)):
            return datetime.fromtimestamp(raw, UTC).date()
        return date.fromisoformat(str(raw)[:10])
    except (ValueError, OverflowError, OSError):
        return None
