"""Open downloaded documents: JSON, CSV and parquet, each promise that is broken named in words."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

import msgspec

from smart_spawn.errors import SourceChanged
from smart_spawn.sources.base import Payload

MAX_UNREADABLE_SHARE = 0.05
"""Up to this share of odd rows is set aside with a note; beyond it the source has changed its shape."""
MAX_PARQUET_ROWS = 2_000_000
_PARQUET_MAGIC = b"PAR1"

Row = TypeVar("Row")


def changed(source: str, what: str, *, hint: str = "") -> SourceChanged:
    """Make the error for a broken promise. The hint says that nothing was lost."""
    return SourceChanged(
        f"`{source}` has changed: {what}",
        source=source,
        hint=hint
        or "the data held before stays in use; look for a newer release of smart-spawn if it persists",
    )


def only(payloads: Sequence[Payload], source: str, part: str) -> Payload:
    """Return the payload of one part. Raises SourceChanged when it was not downloaded."""
    for payload in payloads:
        if payload.part == part:
            return payload
    raise changed(source, f"the document `{part}` is missing")


def read_json(payload: Payload, shape: type[Row]) -> Row:
    """Decode a JSON document into a msgspec type. Raises SourceChanged, naming the field."""
    try:
        return msgspec.json.decode(payload.body, type=shape)
    except msgspec.ValidationError as error:
        raise changed(payload.source, f"`{payload.part}`: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise changed(payload.source, f"`{payload.part}` is not valid JSON ({error})") from None


@dataclass(slots=True)
class Rows:
    """Decode rows one by one, so that one odd row does not cost the other four hundred."""

    payload: Payload
    total: int = 0
    unreadable: list[str] = field(default_factory=list)

    def of(self, raw: Sequence[object], shape: type[Row]) -> Iterator[Row]:
        """Yield what can be read. Raises SourceChanged, with the first reason, when too many cannot."""
        self.total += len(raw)
        for item in raw:
            try:
                yield msgspec.convert(item, type=shape)
            except msgspec.ValidationError as error:
                self.unreadable.append(str(error))
        if (
            len(self.unreadable) > max(1, self.total * MAX_UNREADABLE_SHARE)
            or len(self.unreadable) == self.total > 0
        ):
            odd = f"{len(self.unreadable)} of {self.total} rows of `{self.payload.part}` cannot be read"
            raise changed(self.payload.source, f"{odd}: {self.unreadable[0]}")

    def notes(self) -> list[str]:
        """Say what was set aside."""
        if not self.unreadable:
            return []
        return [f"{len(self.unreadable)} rows could not be read, first: {self.unreadable[0]}"]


def read_csv(payload: Payload, needed: Iterable[str]) -> list[dict[str, str]]:
    """Read a table with a header line. Raises SourceChanged, naming the missing column."""
    try:
        text = payload.body.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = reader.fieldnames or ()
        _need(payload, columns, needed)
        return [{key: value or "" for key, value in row.items() if key} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise changed(payload.source, f"`{payload.part}` is not a CSV table ({error})") from None


def read_parquet(payload: Payload, columns: Sequence[str]) -> dict[str, list[Any]]:
    """Read some columns of a parquet file as lists. Raises SourceChanged, naming the missing column.

    The reader is imported on first use: it costs nothing to those who only route.
    """
    body = payload.body
    # The reader panics, loudly, on what is not parquet at all; these marks catch web pages and half files.
    whole = len(body) > 12 and body.startswith(_PARQUET_MAGIC) and body.endswith(_PARQUET_MAGIC)
    if not whole or not 0 < int.from_bytes(body[-8:-4], "little") <= len(body) - 12:
        raise changed(payload.source, f"`{payload.part}` is not a whole parquet file ({len(body)} bytes)")
    from arro3.io import read_parquet as read  # noqa: PLC0415 - imported lazily, see above

    try:
        table = read(io.BytesIO(body)).read_all()
        _need(payload, table.column_names, columns)
        if table.num_rows > MAX_PARQUET_ROWS:
            raise changed(payload.source, f"`{payload.part}` has {table.num_rows:,} rows")
        return {name: list(table.column(name).to_pylist()) for name in columns}
    except SourceChanged:
        raise
    except BaseException as error:
        # A damaged file makes the reader raise either Exception or its own PanicException, a BaseException.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise changed(payload.source, f"`{payload.part}` cannot be read as parquet") from None


def _need(payload: Payload, present: Iterable[str], needed: Iterable[str]) -> None:
    held = set(present)
    missing = [name for name in needed if name not in held]
    if missing:
        raise changed(payload.source, f"`{payload.part}` has no column `{'`, `'.join(missing)}`")


def number(value: object) -> float | None:
    """Read a finite number, or `None` for what is none: empty text, `null`, NaN, infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except ValueError:
        return None
    return read if math.isfinite(read) else None


def day(value: object) -> date | None:
    """Read the date that an ISO text begins with, or `None`."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def counted(what: Mapping[str, int]) -> str:
    """Put counts into words: `3 x, 2 y`."""
    return ", ".join(f"{count} {name}" for name, count in sorted(what.items()))
