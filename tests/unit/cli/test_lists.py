"""`models`, `compare`, `status`, `catalog`, `version`: what there is."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path

import pytest

import smart_spawn
from smart_spawn.catalog.facts import decode
from smart_spawn.cli import screen
from tests.unit.cli.conftest import Cli


def test_models_are_listed_best_first(cli: Cli) -> None:
    """The list and its JSON agree; filters and order are those of the API."""
    answer = cli("models")
    assert [line.split()[0] for line in answer.out.splitlines()[1:4]] == [
        "zeta/eyes-1",
        "acme/good-1",
        "acme/cheap-1",
    ]
    rows = cli("models", "--sort", "cost", "--limit", "2", "--json").json
    assert [row["id"] for row in rows["data"]] == ["acme/cheap-1", "acme/good-1"]
    assert rows["meta"]["filtered"] == 3
    assert [row["id"] for row in cli("models", "--tier", "premium", "--json").json["data"]] == ["zeta/eyes-1"]
    assert [row["id"] for row in cli("models", "-q", "EYES", "--json").json["data"]] == ["zeta/eyes-1"]


def test_one_model_is_shown_with_every_reading(cli: Cli) -> None:
    """Each number can be traced: benchmark, published name, date."""
    assert "lmarena_coding" in cli("models", "acme/good-1").out
    assert {r["benchmark"] for r in cli("models", "acme/good-1", "--json").json["data"]["readings"]} == {
        "lmarena_coding",
        "lmarena_overall",
    }


def test_models_stand_side_by_side(cli: Cli) -> None:
    """A column a model, also when the ids come with commas; what is missing is named."""
    answer = cli("compare", "acme/good-1,acme/cheap-1", "no/such")
    assert answer.code == 0
    assert answer.out.splitlines()[0].split() == ["acme/good-1", "acme/cheap-1"]
    assert "not in the catalogue: no/such" in answer.out
    assert cli("compare", "acme/good-1", "no/such", "--json").json["data"]["missing"] == ["no/such"]


def test_status_tells_the_age_of_every_source(cli: Cli) -> None:
    """Every source has its line, also those that are off."""
    answer = cli("status")
    body = cli("status", "--json").json["data"]
    assert body["modelCount"] == 3
    assert all(name in answer.out for name in body["sources"])
    assert "last refresh never" in answer.out


def test_the_version_is_told_even_when_nothing_else_works(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of a fault needs the version most when the settings are broken."""
    served = cli("version", "--json").json
    assert served["version"] == smart_spawn.__version__
    assert served["catalogVersion"]
    monkeypatch.setenv("SMART_SPAWN_PORT", "none")
    assert cli("version", "--json").json == {"version": smart_spawn.__version__, "catalogVersion": None}


def test_the_catalogue_is_exported_whole_and_the_same_twice(cli: Cli, tmp_path: Path) -> None:
    """The file holds the facts; equal facts give equal bytes; nothing half written is left."""
    first, again = tmp_path / "first.gz", tmp_path / "again.gz"
    assert cli("catalog", "export", str(first)).code == 0
    assert cli("catalog", "export", str(again), "--json").json["bytes"] == again.stat().st_size
    assert first.read_bytes() == again.read_bytes()
    assert len(decode(gzip.decompress(first.read_bytes())).listings) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.gz", "first.gz"]


def test_the_catalogue_and_its_unmatched_names_are_shown(cli: Cli) -> None:
    """`catalog show` names version and day; `catalog unmatched` answers a list, here an empty one."""
    body = cli("catalog", "show", "--json").json["data"]
    assert body["models"] == 3
    assert body["version"] in cli("catalog", "show").out
    assert cli("catalog", "unmatched", "--json").json == {"data": []}
    assert cli("catalog", "unmatched").out.split() == ["source", "published", "as", "reason", "nearest"]


def test_a_terminal_is_never_steered_by_what_is_shown() -> None:
    """Control characters of names and answers are replaced; line ends and tabs stay."""
    assert (
        screen.printable("a\x1b[31mb\x07\r\nc\td\x9b")
        == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}\nc\td\N{REPLACEMENT CHARACTER}"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (5, "just now"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86_400 * 3, "3 days ago"),
        (-50, "just now"),
    ],
)
def test_ages_are_said_in_words(seconds: float, said: str) -> None:
    """A day without a time counts from its midnight in UTC; a clock that lags behind is no error."""
    midnight = 1_786_147_200.0
    assert screen.ago("2026-08-08", midnight + seconds) == said
    assert screen.ago("2026-08-08T00:00:00+00:00", midnight + seconds) == said
    assert screen.ago(None, midnight) == "never"


def test_a_pipe_gets_whole_cells(capsys: pytest.CaptureFixture[str]) -> None:
    """No width of a terminal cuts what a program reads; a row stays on its line."""
    screen.show_table({"name": "left", "n": "right"}, [("x" * 500, None), ("two\nlines", 12)])
    head, first, second = capsys.readouterr().out.splitlines()
    assert head == f"{'name':<500}   n"
    assert first == f"{'x' * 500}   –"
    assert second == f"{'two lines':<500}  12"


class Terminal(io.StringIO):
    """A standard output that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours go to terminals, and not to those who say NO_COLOR."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = []
    for _ in range(2):
        monkeypatch.setattr(sys, "stdout", terminal := Terminal())
        screen.show_text("broken", "red")
        shown.append(terminal.getvalue())
        monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" in shown[0]
    assert shown[1] == "broken\n"


def test_output_survives_a_locale_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only ASCII goes out, text is escaped, and JSON is still JSON with the same content."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    screen.show_json({"name": "Übersetzer 你好"})
    document = written.getvalue()
    screen.show_table({"name": "left"}, [("Übersetzer",)])
    assert json.loads(document) == {"name": "Übersetzer 你好"}
    assert b"\\xdcbersetzer" in written.getvalue()
