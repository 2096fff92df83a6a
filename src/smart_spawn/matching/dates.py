"""Dates as published names write them: a day, a month, or a day whose year is left to the reader."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEARS = range(2020, 2040)
"""No model name in these sources is older; the end only keeps sizes and versions from looking like years."""
SHORT_YEARS = range(23, 40)
"""Years of two digits begin after the largest month, so `2507` and `0725` cannot be confused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedDate:
    """What a name says of its date. At least a year and a month, or a month and a day."""

    year: int | None = None
    month: int
    day: int | None = None

    def __str__(self) -> str:
        year = "-" if self.year is None else f"{self.year:04d}"
        return f"{year}-{self.month:02d}" + ("" if self.day is None else f"-{self.day:02d}")

    def agrees_with(self, other: PublishedDate) -> bool:
        """Tell whether both can mean the same day: what both state is equal."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(a is None or b is None or a == b for a, b in pairs)

    def joined_with(self, other: PublishedDate) -> PublishedDate:
        """Return what both say together; they must agree."""
        return PublishedDate(year=self.year or other.year, month=self.month, day=self.day or other.day)

    def days_after(self, released: date) -> int:
        """Return by how many days the nearest reading of this date follows `released`; negative is before."""
        years = (
            (self.year,) if self.year is not None else (released.year - 1, released.year, released.year + 1)
        )
        return min((self._distance(year, released) for year in years), key=abs)

    def _distance(self, year: int, released: date) -> int:
        last = monthrange(year, self.month)[1]
        first_day = date(year, self.month, min(self.day or 1, last))
        last_day = date(year, self.month, min(self.day or last, last))
        if first_day <= released <= last_day:
            return 0
        nearest = first_day if released < first_day else last_day
        return (nearest - released) // timedelta(days=1)


def date_at_end(tokens: Sequence[str]) -> tuple[PublishedDate, int] | None:
    """Read a date from the last one to three tokens; returns it with the number of tokens it took."""
    for count in (3, 2, 1):
        # A date alone is no name: something must stand before it.
        if len(tokens) > count and (found := _read(tokens[-count:])) is not None:
            return found, count
    return None


def read_date(tokens: Sequence[str]) -> PublishedDate | None:
    """Read tokens that are a date and nothing else."""
    return _read(tokens) if 1 <= len(tokens) <= 3 else None


def _read(tokens: Sequence[str]) -> PublishedDate | None:
    text = "-".join(tokens)
    if found := re.fullmatch(r"(20\d\d)-?(\d\d)-?(\d\d)", text):
        return _checked(int(found[1]), int(found[2]), int(found[3]))
    if found := re.fullmatch(r"(\d\d)-(\d\d)-(\d\d)", text):
        year = int(found[1])
        return _checked(2000 + year, int(found[2]), int(found[3])) if year in SHORT_YEARS else None
    if found := re.fullmatch(r"(20\d\d)-?(\d\d)", text):
        return _checked(int(found[1]), int(found[2]), None) or _four_digits(text)
    if found := re.fullmatch(r"(\d\d)-(20\d\d)", text):
        return _checked(int(found[2]), int(found[1]), None)
    if found := re.fullmatch(r"([a-z]{3})[a-z]*-(?:20)?(\d\d)", text):
        month = MONTHS.index(found[1]) + 1 if found[1] in MONTHS else 0
        return _checked(2000 + int(found[2]), month, None)
    if re.fullmatch(r"\d\d-\d\d", text):
        return _checked(None, int(text[:2]), int(text[3:]))
    return _four_digits(text)


def _four_digits(text: str) -> PublishedDate | None:
    """`2507` is July 2025 and `0725` the 25th of July."""
    if not re.fullmatch(r"\d{4}", text):
        return None
    first, second = int(text[:2]), int(text[2:])
    if first in SHORT_YEARS:
        return _checked(2000 + first, second, None)
    return _checked(None, first, second)


def _checked(year: int | None, month: int, day: int | None) -> PublishedDate | None:
    if year is not None and year not in YEARS:
        return None
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= monthrange(year or 2024, month)[1]):
        return None
    return PublishedDate(year=year, month=month, day=day)
