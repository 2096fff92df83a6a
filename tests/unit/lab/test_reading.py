"""Files as they lie about: packed, cut, mixed, broken, empty, with lines that never end."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.lab import reading
from smart_spawn.lab.call import LoggedCall
from smart_spawn.lab.reading import Counts, calls, log_files


def answer(model: str = "gpt-9", prompt: int = 5) -> dict[str, Any]:
    return {"model": model, "usage": {"prompt_tokens": prompt, "completion_tokens": 2}}


def lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def read(path: Path, body: bytes) -> tuple[list[LoggedCall], Counts]:
    path.write_bytes(body)
    counts = Counts()
    return list(calls([path], counts)), counts


def test_lines_are_read_one_by_one(tmp_path: Path) -> None:
    """Also packed, after a byte-order mark, with empty lines between."""
    body = lines(answer("a"), answer("b"))
    for name, written in (
        ("plain.jsonl", body),
        ("packed.jsonl.gz", gzip.compress(body)),
        ("marked.jsonl", b"\xef\xbb\xbf" + body.replace(b"\n", b"\n\n")),
    ):
        found, counts = read(tmp_path / name, written)
        assert [call.model for call in found] == ["a", "b"]
        assert counts.lines == 2


def test_a_document_is_read_record_by_record(tmp_path: Path) -> None:
    """An array, or the `data` of an answer; of a document cut in the middle what stands before the cut."""
    rows = [answer("a"), answer("b"), answer("c")]
    found, _ = read(tmp_path / "array.json", json.dumps(rows, indent=1).encode())
    assert [call.model for call in found] == ["a", "b", "c"]
    found, _ = read(tmp_path / "answer.json", json.dumps({"data": rows}).encode())
    assert len(found) == 3
    found, counts = read(tmp_path / "cut.json", json.dumps(rows).encode()[:-40])
    assert [call.model for call in found] == ["a", "b"]
    assert counts.skipped == {"cut off": 1}


def test_a_table_is_read_by_its_headings(tmp_path: Path) -> None:
    """OpenRouter's export; a row that was cut off is counted."""
    body = b"generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug\n"
    body += b"g1,2026-11-20 10:00:00,0.01,10,2,vendor/a\n" + b'g2,"2026-11-20",0.01\n'
    found, counts = read(tmp_path / "activity.csv", body)
    assert [(call.model, call.prompt_tokens) for call in found] == [("vendor/a", 10)]
    assert counts.skipped == {"cut off": 1}


def test_mixed_formats_are_told_apart_line_by_line(tmp_path: Path) -> None:
    """A folder of everything is one log."""
    spend = {
        "spend": 1,
        "call_type": "completion",
        "startTime": "2026-11-20",
        "model": "m",
        "prompt_tokens": 1,
    }
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.jsonl").write_bytes(lines(answer(), spend, {"what": 1}))
    (tmp_path / "readme.txt").write_text("not a log")
    counts = Counts()
    found = list(calls(log_files([tmp_path]), counts))
    assert len(found) == 2
    assert counts.formats == {"openai": 1, "litellm": 1}
    assert counts.skipped == {"unknown format": 1}


def test_broken_lines_are_counted_and_passed(tmp_path: Path) -> None:
    """What is not JSON, what was cut, and what holds broken characters, each by its name."""
    body = lines(answer("a")) + b"not json\n" + b'{"model": "b\xff", "usage": {}}\n' + b'{"model": "c", "us'
    found, counts = read(tmp_path / "log.jsonl", body)
    assert [call.model for call in found] == ["a", "b\N{REPLACEMENT CHARACTER}"]
    assert counts.skipped == {"not JSON": 1, "broken encoding, read all the same": 1, "cut off": 1}


def test_a_packed_file_that_was_cut_gives_what_it_has(tmp_path: Path) -> None:
    """Half a download is half a log."""
    body = gzip.compress(b"".join(lines(answer(f"m{n}", n)) for n in range(5_000)))
    found, counts = read(tmp_path / "log.gz", body[: len(body) // 2])
    assert 0 < len(found) < 5_000
    assert counts.skipped["cut off"] >= 1


def test_a_line_without_an_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer lines than the limit are skipped, and the next ones are read."""
    monkeypatch.setattr(reading, "MOST_LINE", 1_000)
    body = lines({"model": "x" * 5_000, "usage": {}}, answer("after")) + b"y" * 2_500
    found, counts = read(tmp_path / "log.jsonl", body)
    assert [call.model for call in found] == ["after"]
    assert counts.skipped == {"too long": 2}


def test_deep_nesting_is_not_followed(tmp_path: Path) -> None:
    """A line of brackets is no JSON that anybody reads."""
    found, counts = read(tmp_path / "log.jsonl", b'{"a":' * 100_000 + b"\n" + lines(answer()))
    assert len(found) == 1
    assert counts.skipped == {"not JSON": 1}


def test_empty_files_hold_nothing(tmp_path: Path) -> None:
    """No call, no complaint here: the command says so once."""
    assert read(tmp_path / "log.jsonl", b"")[0] == []
    assert read(tmp_path / "blank.jsonl", b" \n\n")[0] == []


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    """A missing file, and a folder without logs."""
    with pytest.raises(InvalidRequest, match="there is no file"):
        log_files([tmp_path / "nowhere.jsonl"])
    with pytest.raises(InvalidRequest, match="holds no logs"):
        log_files([tmp_path])
