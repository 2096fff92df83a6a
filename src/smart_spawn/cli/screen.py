"""What reaches the terminal: data on standard output, everything else on standard error.

Tables and colours for people; plain lines when the output is piped; one JSON document with `--json`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from smart_spawn.errors import SmartSpawnError
from smart_spawn.surface.failures import error_json

if TYPE_CHECKING:
    from rich.console import Console

Align = Literal["left", "right"]
Style = Literal["bold", "dim", "green", "yellow", "red"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Replace control characters: names and answers come from outside and must not steer a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def show_json(value: object) -> None:
    """Print one JSON document. Non-ASCII stays readable where the output can carry it."""
    readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    _write(json.dumps(value, ensure_ascii=not readable, indent=2, allow_nan=False, default=str))


def show_text(text: str, style: Style | None = None) -> None:
    """Print a line or more of data, in colour where somebody looks at it."""
    if not sys.stdout.isatty():
        return _write(text)
    from rich.text import Text  # noqa: PLC0415  # 20 ms, for terminals only

    _console().print(Text(printable(text), style=style or ""), soft_wrap=True)


def show_raw(text: str) -> None:
    """Print text exactly as it is into a pipe, and made harmless on a terminal."""
    _write(printable(text) if sys.stdout.isatty() else text)


def show_table(columns: Mapping[str, Align], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their headings; `None` is shown as a dash, since unknown is not zero."""
    cells = [[printable("–" if cell is None else str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        return _write(_plain_table(columns, cells))
    from rich import box  # noqa: PLC0415  # 100 ms, for terminals only
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading, align in columns.items():
        table.add_column(heading, justify=align, overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    return _console().print(table)


def _plain_table(columns: Mapping[str, Align], rows: Sequence[Sequence[str]]) -> str:
    """Align columns by spaces and cut nothing: what a pipe reads must be whole."""
    lines = [[*columns], *([cell.replace("\n", " ") for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    pads = [str.rjust if align == "right" else str.ljust for align in columns.values()]
    return "\n".join(
        "  ".join(pad(cell, width) for pad, cell, width in zip(pads, line, widths, strict=True)).rstrip()
        for line in lines
    )


def note(text: str) -> None:
    """Tell people something that is not data."""
    print(printable(text), file=sys.stderr, flush=True)  # noqa: T201  # this is where notes go


def show_error(error: SmartSpawnError, *, as_json: bool) -> None:
    """Print what failed and the way out: two lines for people, or the JSON that every surface shows."""
    if as_json:
        return show_json(error_json(error))
    note(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
    return None


def price(value: float | None) -> str | None:
    """Show a price in USD per million tokens, as short as it is exact."""
    return None if value is None else f"{value:.6g}"


def ago(moment: str | None, now: float) -> str:
    """Say how long ago an ISO moment or day was, `now` in seconds since 1970."""
    if not moment:
        return "never"
    from datetime import UTC, datetime  # noqa: PLC0415

    at = datetime.fromisoformat(moment)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = max(now - at.timestamp(), 0.0)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def _console() -> Console:
    from rich.console import Console  # noqa: PLC0415

    return Console(file=sys.stdout, highlight=False, markup=False)


def _write(text: str) -> None:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()
