"""Result files → rows: our own CSV and JSON, and what lm-evaluation-harness and inspect-ai write.

Nothing is decided here about models or scales; a row that cannot be read is a problem with its place in the file.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.manage.harness import read_inspect, read_lm_eval
from smart_spawn.manage.rows import Problem, Row, Rows, number

MAX_FILE_BYTES = 16 * 1024 * 1024
"""A larger file is refused before it is read: a hundred thousand rows take a quarter of it."""
MAX_ROWS = 100_000
MAX_NAME_CHARS = 200
COLUMNS = ("model", "value", "benchmark", "unit", "edition", "higher_is_better", "lower", "upper", "date")
FORMATS = (
    "CSV with a head line, our JSON, a results file of lm-evaluation-harness, or a JSON log of inspect-ai"
)


def read_bytes(path: Path) -> bytes:
    """Read a result file of a bounded size. Raises TooLarge before reading, InvalidRequest."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise TooLarge(
                f"`{path}` has {size:,} bytes; the limit is {MAX_FILE_BYTES:,}",
                hint="split it, or leave out the samples: only the results are needed",
                details={"maxBytes": MAX_FILE_BYTES},
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"`{path}` cannot be read: {error.strerror or type(error).__name__}",
            hint=f"name a file: {FORMATS}",
        ) from None


def read_rows(body: bytes, *, model: str | None = None, task: str | None = None) -> Rows:
    """Read a result file of any of the four formats. Raises InvalidRequest, TooLarge.

    `model` stands for what the file calls its model; `task` chooses one of the tasks of a result file.
    """
    if len(body) > MAX_FILE_BYTES:
        raise TooLarge(
            f"the results have {len(body):,} bytes; the limit is {MAX_FILE_BYTES:,}", hint="split them"
        )
    text = _text(body)
    if text.lstrip()[:1] not in ("{", "["):
        found = read_csv(text)
    else:
        content = _json(text)
        if isinstance(content, dict) and isinstance(content.get("eval"), dict):
            found = read_inspect(content)
        elif isinstance(content, dict) and isinstance(content.get("results"), dict):
            found = read_lm_eval(content)
        else:
            found = read_json_rows(content)
    rows = found.rows if task is None else tuple(r for r in found.rows if r.benchmark == task)
    if task is not None and not rows:
        names = sorted({r.benchmark for r in found.rows if r.benchmark})
        raise InvalidRequest(f"the file has no task `{task[:80]}`", hint=f"it has: {', '.join(names[:20])}")
    if len(rows) + len(found.problems) > MAX_ROWS:
        raise TooLarge(f"the file has more than {MAX_ROWS:,} rows", hint="split it")
    return replace(found, rows=tuple(replace(r, model=model) for r in rows) if model else rows)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"the file is not UTF-8 (byte {error.start})", hint=f"it may be {FORMATS}"
        ) from None


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text.replace("NaN", "null") if "NaN" in text else text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(
            f"the file is not valid JSON: {str(error)[:120]}", hint=f"it may be {FORMATS}"
        ) from None


def read_csv(text: str) -> Rows:
    """Read CSV whose head line names the columns: `model` and `value`, and any other of `COLUMNS`."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = [name.strip().lower() for name in next(lines, [])]
        _check_columns(head)
        return _of(_csv_rows(lines, head), "csv")
    except csv.Error as error:
        raise InvalidRequest(
            f"line {lines.line_num}: this is no CSV ({error})", hint=f"it may be {FORMATS}"
        ) from None


def _check_columns(head: Sequence[str]) -> None:
    for name in head:
        if name not in COLUMNS:
            raise InvalidRequest(
                f"`{name[:80]}` is no column of ours"
                if name
                else "the head line has a column without a name",
                hint=f"columns are: {', '.join(COLUMNS)}; `model` and `value` are needed",
            )
    missing = [name for name in ("model", "value") if name not in head]
    if missing or len(set(head)) != len(head):
        raise InvalidRequest(
            f"the head line has no column `{missing[0]}`"
            if missing
            else "the head line names a column twice",
            hint=f"columns are: {', '.join(COLUMNS)}; `model` and `value` are needed",
        )


def _csv_rows(lines: Any, head: Sequence[str]) -> Iterator[Row | Problem]:
    for cells in lines:
        place = f"line {lines.line_num}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            yield Problem(
                place=place,
                model=cells[0][:80],
                what=f"it has {len(cells)} cells; the head line has {len(head)}",
            )
            continue
        given = {name: cell.strip() for name, cell in zip(head, cells, strict=True) if cell.strip()}
        yield row_of(place, given)


def read_json_rows(content: Any) -> Rows:
    """Read our JSON: a list of rows, or an object with `results` and, once for all rows, what they leave out."""
    whole = content if isinstance(content, dict) else {"results": content}
    rows = whole.get("results")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidRequest("the JSON has no list of results", hint=f"it may be {FORMATS}")
    names = {"higherIsBetter": "higher_is_better"}
    common = {names.get(k, k): v for k, v in whole.items() if k not in ("results", "categories")}
    unknown = [k for k in common if k not in COLUMNS]
    if unknown:
        raise InvalidRequest(
            f"`{str(unknown[0])[:80]}` is no field of ours", hint=f"fields are: {', '.join(COLUMNS)}"
        )
    given = ({**common, **{names.get(k, k): v for k, v in row.items() if v is not None}} for row in rows)
    return _of((row_of(f"results[{at}]", row) for at, row in enumerate(given)), "json")


def _of(found: Iterator[Row | Problem], kind: str) -> Rows:
    rows: list[Row] = []
    problems: list[Problem] = []
    for item in found:
        if isinstance(item, Row):
            rows.append(item)
        else:
            problems.append(item)
        if len(rows) + len(problems) > MAX_ROWS:
            raise TooLarge(f"the file has more than {MAX_ROWS:,} rows", hint="split it")
    return Rows(format=kind, rows=tuple(rows), problems=tuple(problems))


def row_of(place: str, given: Mapping[str, Any]) -> Row | Problem:
    """Read one row of named values, texts or numbers."""
    model = str(given.get("model", "")).strip()

    def wrong(what: str) -> Problem:
        return Problem(place=place, model=model[:80], what=what)

    unknown = [name for name in given if name not in COLUMNS]
    if unknown:
        return wrong(f"`{str(unknown[0])[:80]}` is no field of ours; fields are: {', '.join(COLUMNS)}")
    if not model or len(model) > MAX_NAME_CHARS or not model.isprintable():
        return wrong("it names no model" if not model else "this is no name of a model")
    if "value" not in given:
        return wrong("it has no value")
    numbers: dict[str, float | None] = {}
    for name in ("value", "lower", "upper"):
        value = number(given[name]) if name in given else None
        if isinstance(value, str):
            return wrong(f"`{name}` {value}")
        numbers[name] = value
    day = _day(given.get("date"))
    if isinstance(day, str):
        return wrong(day)
    better = _truth(given.get("higher_is_better"))
    if isinstance(better, str):
        return wrong(better)
    assert numbers["value"] is not None  # noqa: S101  # checked above
    return Row(
        place=place,
        model=model,
        value=numbers["value"],
        lower=numbers["lower"],
        upper=numbers["upper"],
        measured_on=day,
        higher_is_better=better,
        **{
            name: str(given[name]).strip()[:MAX_NAME_CHARS]
            for name in ("benchmark", "unit", "edition")
            if name in given
        },
    )


def _day(raw: Any) -> date | str | None:
    if raw is None:
        return None
    try:
        return raw if isinstance(raw, date) else date.fromisoformat(str(raw)[:10])
    except ValueError:
        return f"`date` is no day like 2026-08-31: `{str(raw)[:40]}`"


def _truth(raw: Any) -> bool | str | None:
    if raw is None or isinstance(raw, bool):
        return raw
    word = str(raw).strip().lower()
    if word in ("true", "yes", "1"):
        return True
    return (
        False
        if word in ("false", "no", "0")
        else f"`higher_is_better` is neither true nor false: `{word[:40]}`"
    )
