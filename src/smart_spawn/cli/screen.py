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

PLAIN_WIDTH = 1000
"""Columns of a pipe: wide enough that no cell is ever cut."""
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


def show_table(columns: Mapping[str, Align], rows: Sequence[Sequence[object]], *, title: str = "") -> None:
    """Print rows under their headings; `None` is shown as a dash, since unknown is not zero."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    terminal = sys.stdout.isatty()
    table = Table(
        title=title or None,
        title_justify="left",
        box=box.SIMPLE_HEAD if terminal else None,
        pad_edge=False,
        header_style="bold",
    )
    for heading, align in columns.items():
        table.add_column(heading, justify=align, overflow="fold", no_wrap=not terminal)
    for row in rows:
        table.add_row(*(Text(printable("–" if cell is None else str(cell))) for cell in row))
    console = _console()
    if terminal:
        return console.print(table)
    with console.capture() as captured:
        console.print(table)
    _write("\n".join(line.rstrip() for line in captured.get().splitlines()))


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

    return Console(
        file=sys.stdout, highlight=False, markup=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH
    )


def _write(text: str) -> None:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()
