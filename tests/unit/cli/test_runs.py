"""`runs`: listed, shown, watched and cancelled from the shell, with the store alone."""

from __future__ import annotations

import json

import pytest

from smart_spawn.providers.fake_server import FakeServer
from tests.unit.cli.conftest import Cli
from tests.unit.cli.test_services import TASK, provider  # noqa: F401  # a fixture


@pytest.fixture
def run_id(cli: Cli, provider: FakeServer) -> str:  # noqa: F811  # the fixture
    """Return a run that has ended."""
    found: str = cli("spawn", TASK, "--mode", "plan", "--budget", "low", "--json").json["id"]
    return found


def test_a_run_can_be_looked_at_after_it_has_ended(cli: Cli, run_id: str) -> None:
    """The list, the run and its events tell the same; what is over cannot be cancelled."""
    assert [row["id"] for row in cli("runs", "list", "--json").json["data"]] == [run_id]
    assert run_id in cli("runs", "list").out
    shown = cli("runs", "show", run_id, "--json").json
    assert (shown["status"], shown["progress"]["percent"]) == ("succeeded", 100)
    table = cli("runs", "show", run_id)
    assert "succeeded" in table.err
    assert shown["nodes"][0]["id"] in table.out
    events = [json.loads(line) for line in cli("runs", "watch", run_id, "--json").out.splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert events[-1]["name"] == "run.ended"
    late = cli("runs", "cancel", run_id)
    assert late.code == 1
    assert "has ended as `succeeded`" in late.err


def test_what_is_not_there_is_said(cli: Cli) -> None:
    """No runs, an unknown run and an unknown status each have their words."""
    assert "there are no such runs" in cli("runs", "list").err
    assert cli("runs", "show", "run_none").code == 1
    wrong = cli("runs", "list", "--status", "done")
    assert wrong.code == 2
    assert "`done` is not a status" in wrong.err
