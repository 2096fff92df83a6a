"""Result files: four formats, and what is wrong with a row in words."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.manage import result_files
from smart_spawn.manage.result_files import read_bytes, read_rows

LM_EVAL: dict[str, Any] = {
    "results": {
        "gsm8k": {
            "alias": "gsm8k",
            "exact_match,strict-match": 0.61,
            "exact_match_stderr,strict-match": 0.01,
        },
        "mmlu": {"acc,none": 0.7, "acc_stderr,none": "N/A", "alias": "mmlu"},
        "mmlu_law": {"acc,none": 0.5, "alias": " - law"},
        "wikitext": {"word_perplexity,none": 11.5, "alias": "wikitext"},
    },
    "group_subtasks": {"mmlu": ["mmlu_law"], "gsm8k": []},
    "higher_is_better": {"wikitext": {"word_perplexity": False}},
    "config": {"model": "hf", "model_args": "pretrained=East/Lotus-Coder,dtype=auto"},
    "date": 1788000000.0,
}
INSPECT: dict[str, Any] = {
    "version": 2,
    "status": "success",
    "eval": {
        "task": "inspect_evals/arc_easy",
        "model": "openai/gpt-4o",
        "created": "2026-08-30T10:00:00+00:00",
    },
    "results": {
        "scores": [
            {"name": "choice", "metrics": {"accuracy": {"value": 0.84}, "stderr": {"value": 0.02}}},
        ]
    },
}


def test_csv_has_a_head_line_that_names_its_columns() -> None:
    """Columns come in any order; blank lines are nothing."""
    found = read_rows(b"\xef\xbb\xbfvalue,model,date\n71.5,own/a,2026-08-30\n\n 60 , own/b ,\n")
    assert [(r.model, r.value, r.measured_on) for r in found.rows] == [
        ("own/a", 71.5, date(2026, 8, 30)),
        ("own/b", 60.0, None),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("own/a,nan", "is not finite"),
        ("own/a,1e300", "larger than any board's"),
        ("own/a,fast", "is no number"),
        ("own/a,", "has no value"),
        (",5", "names no model"),
        ("own/a,5,6", "it has 3 cells"),
        ("x" * 300 + ",5", "no name of a model"),
    ],
)
def test_a_row_that_cannot_be_used_says_where_and_why(line: str, words: str) -> None:
    """The other rows are read all the same, and the place is that of the file."""
    found = read_rows(f"model,value\nown/good,5\n{line}\n".encode())
    assert [r.model for r in found.rows] == ["own/good"]
    [problem] = found.problems
    assert problem.place == "line 3"
    assert words in problem.what


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no column `model`|column without a name"),
        (b"name,score\na,1\n", "`name` is no column"),
        (b"model,model,value\n", "twice"),
        (b"model,value\n\x00,1\n", "no CSV|names no model|no name"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not valid JSON"),
        (b'{"a": 1}', "no list of results"),
        (b'{"results": [], "speed": 1}', "`speed` is no field"),
    ],
)
def test_what_is_no_result_file_is_refused_in_words(body: bytes, words: str) -> None:
    """Each kind of wrong file names what is wrong with it."""
    with pytest.raises(InvalidRequest, match=words):
        found = read_rows(body)
        raise InvalidRequest(found.problems[0].what)


def test_json_gives_once_what_holds_for_all_rows() -> None:
    """Board, unit and edition may stand outside the list; a row's own value goes before."""
    body = {"benchmark": "my_eval", "unit": "points", "results": [{"model": "own/a", "value": 3}]}
    [row] = read_rows(json.dumps(body).encode()).rows
    assert (row.benchmark, row.unit, row.value) == ("my_eval", "points", 3.0)


def test_lm_evaluation_harness_results_are_read() -> None:
    """Shares become percent with their interval; groups count and not their parts; the model is named by its file."""
    found = read_rows(json.dumps(LM_EVAL).encode())
    rows = {r.benchmark: r for r in found.rows}
    assert found.format == "lm-evaluation-harness"
    assert rows.keys() == {"gsm8k", "mmlu", "wikitext"}
    assert rows["gsm8k"].model == "East/Lotus-Coder"
    assert rows["gsm8k"].value == pytest.approx(61)
    assert rows["gsm8k"].upper == pytest.approx(61 + 1.96)
    assert rows["mmlu"].upper is None
    assert (rows["wikitext"].value, rows["wikitext"].higher_is_better) == (11.5, False)
    assert [r.benchmark for r in read_rows(json.dumps(LM_EVAL).encode(), task="mmlu").rows] == ["mmlu"]
    with pytest.raises(InvalidRequest, match="no task"):
        read_rows(json.dumps(LM_EVAL).encode(), task="hellaswag")


def test_inspect_logs_are_read() -> None:
    """The first scorer's accuracy counts, with its day; an evaluation that did not finish is refused."""
    [row] = read_rows(json.dumps(INSPECT).encode(), model="own/a").rows
    assert (row.model, row.benchmark, row.value) == ("own/a", "arc_easy", 84.0)
    assert row.measured_on == date(2026, 8, 30)
    with pytest.raises(InvalidRequest, match="did not finish"):
        read_rows(json.dumps({**INSPECT, "status": "error"}).encode())


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A hundred megabytes cost no memory and get one clear sentence."""
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    with pytest.raises(TooLarge, match="104,857,600 bytes"):
        read_bytes(tmp_path / "big.csv")


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of rows is bounded, too."""
    monkeypatch.setattr(result_files, "MAX_ROWS", 3)
    with pytest.raises(TooLarge, match="more than 3 rows"):
        read_rows(b"model,value\n" + b"own/a,1\n" * 4)
