"""`gain fit`, and what it wrote in choices: from recorded outcomes to a decision that is made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import SettingsError
from smart_spawn.settings import Settings
from tests.unit.cli.conftest import Cli
from tests.unit.feedback.test_gain import HARD, prompts

GOOD, CHEAP = "acme/good-1", "acme/cheap-1"
"""Models of the small catalogue."""


def record(folder: Path, outcomes: Any = None, count: int = 300) -> Path:
    """Write outcomes in our own format: the cheap model fails on hard prompts, unless told otherwise."""
    tasks, planted, _ = prompts(count)
    rows = planted if outcomes is None else outcomes
    folder.mkdir(parents=True)
    asked = [
        json.dumps({"prompt_id": f"q{n}", "prompt": task, "category": "coding"})
        for n, task in enumerate(tasks)
    ]
    said = [
        json.dumps({"prompt_id": f"q{n}", "model": model, "score": float(score)})
        for n, row in enumerate(rows)
        for model, score in zip((GOOD, CHEAP), row, strict=True)
    ]
    (folder / "prompts.jsonl").write_text("\n".join(asked))
    (folder / "outcomes.jsonl").write_text("\n".join(said))
    return folder


def test_what_was_recorded_is_fitted_loaded_and_replayed(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command says whom it helped; the setting puts it to use; a choice shows it and replays to the byte."""
    file = tmp_path / "gain.bin"
    # The settings may name the file before there is one.
    monkeypatch.setenv("SMART_SPAWN_ROUTING__LEARNED_GAIN", str(file))
    answer = cli("gain", "fit", str(record(tmp_path / "own")), "--to", str(file), "--json")
    assert answer.code == 0
    said = answer.json["data"]
    assert {row["model"]: (row["used"], row["inCatalog"]) for row in said["models"]} == {
        GOOD: (True, True),
        CHEAP: (True, True),
    }
    assert said["prompts"] == 300
    assert b"topology" not in file.read_bytes()
    found = cli("route", " ".join(HARD), "--category", "coding", "--json").json
    assert any(signal.startswith(f"gain:{GOOD}+") for signal in found["task"]["signals"])
    again = cli("replay", found["id"], "--json")
    assert again.json["same"] is True
    told = cli("doctor", "--json").json["data"]["checks"]
    assert next(c["message"] for c in told if c["check"] == "learned gain").startswith(
        f"version {said['version']}"
    )


def test_outcomes_that_nothing_foretells_write_nothing(cli: Cli, tmp_path: Path) -> None:
    """Where it does not help, it is off: an error with the way out, and no file."""
    noise = np.random.default_rng(3).integers(0, 2, (300, 2))
    answer = cli("gain", "fit", str(record(tmp_path / "own", noise)), "--to", str(tmp_path / "gain.bin"))
    assert answer.code != 0
    assert "foretell nothing" in answer.err
    assert "hint:" in answer.err
    assert not (tmp_path / "gain.bin").exists()


def test_one_data_set_at_a_time(cli: Cli, tmp_path: Path) -> None:
    """With several there is a choice to make, and the names to choose from."""
    for name in ("first", "second"):
        record(tmp_path / "own" / name, count=60)
    to = ("--to", str(tmp_path / "gain.bin"))
    answer = cli("gain", "fit", str(tmp_path / "own"), *to)
    assert answer.code != 0
    assert "`first`, `second`" in answer.err
    assert "no data set `third`" in cli("gain", "fit", str(tmp_path / "own"), *to, "--dataset", "third").err
    assert cli("gain", "fit", str(tmp_path / "own"), *to, "--dataset", "first").code == 0


@pytest.mark.parametrize("content", [None, b"", b"not ours"])
def test_a_missing_or_broken_file_is_an_error_of_the_settings(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    """Nothing starts on it; the message names the key and the way out. `doctor` looks at the rest all the same."""
    file = tmp_path / "gain.bin"
    if content is not None:
        file.write_bytes(content)
    settings = Settings.model_validate({"home": tmp_path, "routing": {"learned_gain": str(file)}})
    with pytest.raises(SettingsError, match=r"routing\.learned_gain") as raised:
        SmartSpawn(settings)
    assert "smart-spawn gain fit" in raised.value.hint
    monkeypatch.setenv("SMART_SPAWN_ROUTING__LEARNED_GAIN", str(file))
    answer = cli("doctor", "--json")
    states = {check["check"]: check["state"] for check in answer.json["data"]["checks"]}
    assert answer.code == 1
    assert (states["learned gain"], states["catalogue"]) == ("broken", "ok")
