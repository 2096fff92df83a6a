"""`doctor --openclaw`: it reads what OpenClaw holds, says what keeps the plugin from working, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn import __version__
from smart_spawn.cli.doctor.finding import Finding
from smart_spawn.cli.doctor.openclaw import check_openclaw, id_of, references
from tests.unit.cli.conftest import Cli

CONFIG: dict[str, Any] = {
    "models": {"providers": {"fake": {"models": [{"id": "glm-5.2"}, {"id": "own"}]}, "smart-spawn": {}}},
    "agents": {"defaults": {"model": {"primary": "fake/own", "fallbacks": ["zai/glm-5.2"]}}},
    "plugins": {
        "entries": {"smart-spawn": {"config": {"apiUrl": "http://service/api", "apiKey": "secret-1"}}}
    },
}


def openclaw(home: Path, config: object, version: str = __version__) -> Path:
    """Make the files of an OpenClaw with our plugin."""
    package = (
        home / ".openclaw/npm/projects/openclaw-smart-spawn/node_modules/openclaw-smart-spawn/package.json"
    )
    package.parent.mkdir(parents=True)
    package.write_text(json.dumps({"name": "openclaw-smart-spawn", "version": version}))
    file = home / ".openclaw/openclaw.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    return file


def service(request: httpx.Request) -> httpx.Response:
    """Answer as the service does to whoever has the key."""
    if request.headers.get("authorization") != "Bearer secret-1":
        return httpx.Response(401, json={"error": {}})
    if request.url.path == "/api/status":
        return httpx.Response(200, json={"data": {"version": __version__}})
    return httpx.Response(200, json={"data": [{"id": "z-ai/glm-5.2"}]})


def looked(home: Path, answer: Any = service) -> dict[str, Finding]:
    """Return what was found, by check."""
    http = httpx.Client(transport=httpx.MockTransport(answer))
    return {each.check: each for each in check_openclaw({"HOME": str(home)}, http=http)}


def test_a_working_plugin_is_described_without_its_key(tmp_path: Path) -> None:
    """Version, settings, service and models are told; the key is not, and the files stay as they are."""
    file = openclaw(tmp_path, CONFIG)
    before = file.read_bytes(), file.stat().st_mtime_ns
    found = looked(tmp_path)
    assert {each.state for each in found.values()} == {"ok"}
    assert "2 of 3 can be chosen: zai/glm-5.2, fake/glm-5.2" in found["plugin models"].message
    assert "unknown to the catalogue: fake/own" in found["plugin models"].message
    assert "secret-1" not in str(found)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("plugins", "check", "said"),
    [
        ({"entries": {"smart-spawn": {"enabled": False}}}, "plugin switch", "is switched off"),
        ({"allow": ["other"]}, "plugin switch", "leaves it out"),
        ({"entries": {"smart-spawn": {"config": {"apiurl": "x"}}}}, "plugin settings", "unknown: apiurl"),
        ({}, "plugin service", "refuses the key"),
    ],
)
def test_what_keeps_it_from_working_is_named(tmp_path: Path, plugins: object, check: str, said: str) -> None:
    """Each cause has its own check, and a way out."""
    openclaw(tmp_path, {**CONFIG, "plugins": plugins})
    found = looked(tmp_path)[check]
    assert found.state == "broken"
    assert said in found.message
    assert found.hint


def test_a_service_that_is_away_or_another_is_told(tmp_path: Path) -> None:
    """Neither a refused connection nor a stranger's answer is taken for the service."""
    openclaw(tmp_path, CONFIG)

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    for answer in (away, lambda _: httpx.Response(200, text="<html>")):
        found = looked(tmp_path, answer)["plugin service"]
        assert found.state == "broken"
        assert "spawns keep OpenClaw's default model" in found.message


def test_other_versions_missing_and_unreadable_files_are_told(tmp_path: Path) -> None:
    """Nothing that OpenClaw holds makes the doctor fail."""
    assert looked(tmp_path)["openclaw"].state == "broken"
    openclaw(tmp_path / "old", CONFIG, version="9.0.0")
    assert "9.0.0" in looked(tmp_path / "old")["plugin"].message
    openclaw(tmp_path / "notes", "{ // mine\n}")
    assert "openclaw smart-spawn status" in looked(tmp_path / "notes")["openclaw"].hint
    (tmp_path / "bare/.openclaw").mkdir(parents=True)
    (tmp_path / "bare/.openclaw/openclaw.json").write_text('{"agents": [], "models": {"providers": 3}}')
    assert looked(tmp_path / "bare")["plugin"].state == "broken"


def test_names_mean_here_what_they_mean_in_the_plugin(root: Path) -> None:
    """Both languages read the same examples."""
    shared = json.loads((root / "integrations/openclaw/test/names.json").read_text(encoding="utf-8"))
    ids = frozenset(shared["ids"])
    assert {name: id_of(name, ids) for name in shared["meaning"]} == shared["meaning"]
    assert references(CONFIG) == ["fake/own", "zai/glm-5.2", "fake/glm-5.2"]


def test_the_command_looks_there_when_asked(cli: Cli) -> None:
    """Without OpenClaw the rest of the report is still there, and the exit code says that something is missing."""
    answer = cli("doctor", "--openclaw", "--json")
    checks = {each["check"]: each["state"] for each in answer.json["data"]["checks"]}
    assert checks["settings"] == "ok"
    assert checks["openclaw"] == "broken"
    assert answer.code == 1
