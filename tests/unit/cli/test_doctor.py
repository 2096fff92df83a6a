"""`doctor`: it works when nothing else does, and says the way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Answer, Cli


def states(answer: Answer) -> dict[str, str]:
    """Return what each check found."""
    return {check["check"]: check["state"] for check in answer.json["data"]["checks"]}


def message(answer: Answer, check: str) -> str:
    """Return what one check said, with its way out."""
    found = next(c for c in answer.json["data"]["checks"] if c["check"] == check)
    return f"{found['message']}\n{found['hint']}"


def database() -> Path:
    """Return where the database of this test's home is."""
    return Path(os.environ["HOME"], ".smart-spawn", "smart-spawn.db")


def test_a_new_installation_is_sound_and_left_as_it_was(cli: Cli) -> None:
    """Looking creates nothing."""
    answer = cli("doctor")
    assert answer.code == 0
    assert "BROKEN" not in answer.out
    assert list(Path(os.environ["HOME"]).iterdir()) == []


def test_a_used_database_is_read_whole(cli: Cli) -> None:
    """After the first decision there is a database to look at."""
    cli("route", "Refactor this")
    answer = cli("doctor", "--json")
    assert states(answer)["database"] == "ok"
    assert "sound" in message(answer, "database")


def test_a_damaged_database_is_broken_and_kept(cli: Cli) -> None:
    """The file is named, not deleted; everything else is still looked at, with the packaged catalogue."""
    cli("route", "Refactor this")
    for beside in database().parent.glob("*-wal"):
        beside.unlink()
    database().write_bytes(b"this is no database at all, but a text of some length" * 100)
    before = database().read_bytes()
    answer = cli("doctor", "--json")
    assert answer.code == 1
    assert states(answer)["database"] == "broken"
    assert states(answer)["catalogue"] == "ok"
    assert "move the file aside" in message(answer, "database")
    assert database().read_bytes() == before
    route = cli("route", "Refactor this")
    assert route.code == 1
    assert str(database()) in route.err
    assert "move the file aside" in route.err


def test_a_home_that_cannot_be_is_broken(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home below a file can never be written, whoever asks; the way out names the setting."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SMART_SPAWN_HOME", str(tmp_path / "file" / "home"))
    answer = cli("doctor", "--json")
    assert answer.code == 1
    assert states(answer)["home"] == "broken"
    assert "SMART_SPAWN_HOME" in message(answer, "home")
    route = cli("route", "Refactor this")
    assert route.code == 1
    assert "SMART_SPAWN_HOME" in route.err
    monkeypatch.setenv("SMART_SPAWN_HOME", str(tmp_path / "file"))
    assert states(cli("doctor", "--json"))["home"] == "broken"


def test_broken_settings_are_named_and_the_rest_is_skipped(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What depends on the settings is not judged by wrong ones."""
    monkeypatch.setenv("SMART_SPAWN_PORT", "eighty")
    answer = cli("doctor", "--json")
    assert answer.code == 1
    assert states(answer) == {
        "settings": "broken",
        "home": "skipped",
        "database": "skipped",
        "catalogue": "skipped",
        "providers": "skipped",
    }
    assert "SMART_SPAWN_PORT" in message(answer, "settings")


def test_each_setting_is_shown_with_its_origin_and_no_secret(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People see what holds and why; keys and passwords are masked everywhere."""
    file = tmp_path / "own.toml"
    file.write_text(
        "port = 3005\n[providers.local]\nbase_url = 'http://127.0.0.1:9/v1'\napi_key = 'sk-canary'\n"
        "[sources.artificial_analysis]\napi_key = 'aa-canary'\n"
    )
    monkeypatch.setenv("SMART_SPAWN_DEFAULT_BUDGET", "low")
    answer = cli("doctor", "--json", "--config", str(file))
    settings = {row["key"]: row for row in answer.json["data"]["settings"]}
    assert settings["port"]["value"] == 3005
    assert str(file) in settings["port"]["origin"]
    assert "SMART_SPAWN_DEFAULT_BUDGET" in settings["default_budget"]["origin"]
    assert settings["host"]["origin"] == "default"
    people = cli("doctor", "--config", str(file))
    assert "canary" not in answer.out + people.out + people.err
    assert states(answer)["provider local"] == "ok"


def test_a_provider_without_its_key_is_a_warning(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that is empty is named; routing works, so it is no failure."""
    monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__API_KEY_ENV", "LOCAL_KEY")
    answer = cli("doctor", "--json")
    assert answer.code == 0
    assert states(answer)["provider local"] == "warning"
    assert "LOCAL_KEY" in message(answer, "provider local")


def test_online_asks_who_can_be_reached(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network each source and provider is named with the way out, and nothing is broken by that."""
    monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL", "http://127.0.0.1:9/v1")
    answer = cli("doctor", "--online", "--json")
    reached = {check: state for check, state in states(answer).items() if check.startswith("reach ")}
    assert {"reach source openrouter", "reach provider local"} <= reached.keys()
    assert set(reached.values()) == {"warning"}
    assert "127.0.0.1" in message(answer, "reach provider local")
    assert not any(check.startswith("reach ") for check in states(cli("doctor", "--json")))
