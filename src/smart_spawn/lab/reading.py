"""Logs as streams: files, folders and packed files of any size → calls, with counts of all that was none.

Memory does not grow with a file: lines longer than `MOST_LINE` are skipped, JSON documents are read piece by piece.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from smart_spawn.errors import InvalidRequest
from smart_spawn.lab.call import LoggedCall
from smart_spawn.lab.formats import Memory, read_row

MOST_LINE = 16 * 1024 * 1024
PEEK = 65_536
TOLD_EVERY = 20_000
ENDINGS = (".jsonl", ".ndjson", ".json", ".csv", ".log", ".gz")

CUT = "cut off"
TOO_LONG = "too long"
NOT_JSON = "not JSON"
ENCODING = "broken encoding, read all the same"

Bytes: TypeAlias = "io.BufferedReader[Any] | gzip.GzipFile"
"""What can be read by lines and looked into."""


@dataclass(slots=True)
class Counts:
    """What was found in the logs."""

    files: int = 0
    lines: int = 0
    """Records: lines of JSON or CSV, or members of a JSON array."""
    formats: Counter[str] = field(default_factory=Counter)
    """Format → calls."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason → records."""


def log_files(paths: Sequence[Path]) -> list[Path]:
    """List the files to read; of a folder all that look like logs, below it too. Raises InvalidRequest."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS and p.is_file())
        elif path.exists():
            found.append(path)
        else:
            raise InvalidRequest(
                f"there is no file `{path}`", hint="name a log, a folder of logs, or the id of a decision"
            )
    if not found:
        raise InvalidRequest(
            f"`{paths[0]}` holds no logs", hint=f"logs end with {', '.join(ENDINGS)}; or name the file itself"
        )
    return found


def calls(
    paths: Sequence[Path], counts: Counts, tell: Callable[[int], None] = lambda _: None
) -> Iterator[LoggedCall]:
    """Yield every call, in the order of the files. Raises InvalidRequest for a file that cannot be opened."""
    memory = Memory()
    for path in paths:
        counts.files += 1
        for row in _records(path, counts):
            counts.lines += 1
            if counts.lines % TOLD_EVERY == 0:
                tell(counts.lines)
            found = read_row(row, memory)
            if isinstance(found, str):
                counts.skipped[found] += 1
            else:
                counts.formats[found.format] += 1
                yield found


def _records(path: Path, counts: Counts) -> Iterator[Any]:
    try:
        with io.BufferedReader(io.FileIO(path), PEEK) as raw:
            if raw.peek(2)[:2] == b"\x1f\x8b":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    yield from _of_stream(unpacked, counts)
            else:
                yield from _of_stream(raw, counts)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        counts.skipped[CUT] += 1
    except OSError as error:
        raise InvalidRequest(
            f"`{path}` cannot be read: {error.strerror or type(error).__name__}",
            hint="name a file that can be",
        ) from None


def _of_stream(stream: Bytes, counts: Counts) -> Iterator[Any]:
    head = stream.peek(PEEK)
    if head.startswith(b"\xef\xbb\xbf"):
        stream.read(3)
        head = head[3:]
    start = head.lstrip()
    if start[:1] == b"[":
        return _of_document(stream, "item", counts)
    if start[:1] == b"{" and _is_document(start):
        return _of_document(stream, "data.item", counts)
    if start[:1] not in (b"{", b""):
        first = start.split(b"\n", 1)[0]
        if first.count(b",") > 1:
            return _of_csv(stream, counts)
    return _of_lines(stream, counts)


def _is_document(start: bytes) -> bool:
    """Tell whether an object holds the records (`{"data": [...]}`) rather than being the first of many lines."""
    squeezed = b"".join(start[:200].split())
    return squeezed.startswith(b'{"data":[')


def _of_document(stream: Bytes, where: str, counts: Counts) -> Iterator[Any]:
    """Read a JSON array record by record; what stands before a break is kept."""
    import ijson  # type: ignore[import-untyped]  # noqa: PLC0415  # few logs are one document

    try:
        yield from ijson.items(stream, where, use_float=True)
    except ijson.IncompleteJSONError:
        counts.skipped[CUT] += 1
    except (ijson.JSONError, UnicodeDecodeError):
        counts.skipped[NOT_JSON] += 1


def _of_csv(stream: Bytes, counts: Counts) -> Iterator[Any]:
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
    # `readline` with a limit: a file without line ends must not be read whole.
    rows = csv.DictReader(iter(lambda: text.readline(MOST_LINE), ""))
    try:
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error:
                counts.skipped[TOO_LONG] += 1
                continue
            if None in row.values():
                counts.skipped[CUT] += 1
                continue
            yield row
    finally:
        text.detach()  # whoever opened the file closes it


def _of_lines(stream: Bytes, counts: Counts) -> Iterator[Any]:
    decode = msgspec.json.Decoder().decode
    while line := stream.readline(MOST_LINE):
        if len(line) >= MOST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(MOST_LINE)) and not rest.endswith(b"\n"):
                pass
            counts.lines += 1
            counts.skipped[TOO_LONG] += 1
            continue
        if not line.strip():
            continue
        try:
            yield decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield from _mended(line, decode, counts)


def _mended(line: bytes, decode: Callable[[str], Any], counts: Counts) -> Iterator[Any]:
    """Try a line again with its broken characters replaced; else count why it is none."""
    try:
        found = decode(line.decode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        counts.lines += 1
        last = not line.endswith(b"\n")
        counts.skipped[CUT if last and line.lstrip()[:1] == b"{" else NOT_JSON] += 1
        return
    counts.skipped[ENCODING] += 1
    yield found
