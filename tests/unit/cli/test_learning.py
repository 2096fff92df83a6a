"""Rating, beliefs and statistics on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

TASK = "Refactor this Python function to use asyncio"


@pytest.fixture
def decision(cli: Cli) -> str:
    """Return the id of a fresh decision."""
    found: str = cli("route", TASK, "--json").json["id"]
    return found


def test_a_rating_is_learned_and_shown(cli: Cli, decision: str) -> None:
    """`rate` counts once, `beliefs show` says what followed."""
    for rating in ("success", "2"):
        answer = cli("rate", decision, rating, "--comment", "slow", "--json")
        assert answer.code == 0
    voted = answer.json["data"]
    assert (voted["rating"], voted["replaced"]) == (2, True)  # stars in place of a word
    assert cli("rate", decision, "1", "--json").json["data"]["replaced"] is True
    shown = cli("beliefs", "show", voted["model"])
    assert "averaging" in shown.out
    assert "prior" in shown.out
    assert voted["model"] in cli("beliefs", "show").out


def test_votes_travel_and_are_taken_back(cli: Cli, decision: str, tmp_path: Path) -> None:
    """Export, reverse, undo, import: nothing is lost, and nothing counts twice."""
    cli("rate", decision, "5")
    file = tmp_path / "votes.jsonl"
    assert cli("beliefs", "export", str(file), "--json").json["data"]["votes"] == 1
    act = cli("beliefs", "reverse", "--voter", "local", "--json").json["data"]
    assert act["votes"] == 1
    assert cli("beliefs", "show", "--json").json["data"] == []
    assert cli("beliefs", "undo", str(act["act"])).code == 0
    assert cli("beliefs", "import", str(file), "--json").json["data"]["added"] == 0
    assert "undo" in cli("beliefs", "acts").out
    file.write_text("not json\n")
    assert cli("beliefs", "import", str(file)).code == 2


@pytest.mark.parametrize("rating", ["0", "6", "nan", "good"])
def test_a_wrong_rating_is_refused(cli: Cli, decision: str, rating: str) -> None:
    """The way out is in the message."""
    answer = cli("rate", decision, rating)
    assert answer.code == 2
    assert "rating" in answer.err
    assert "hint:" in answer.err


def test_statistics_of_nothing_are_shown(cli: Cli) -> None:
    """An empty log is no error."""
    assert "0 spawns" in cli("stats").out
    assert cli("stats", "--days", "7", "--json").json["data"]["totalSpawns"] == 0
