"""The container files keep what they promise, as far as reading can tell."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def test_the_service_does_not_run_as_root() -> None:
    """The last user named is a number other than 0, so that a cluster can check it too."""
    users = re.findall(r"^USER (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert users
    assert int(users[-1].split(":")[0]) > 0


def test_every_stage_starts_from_the_same_python() -> None:
    """The environment built in one stage points to the interpreter of the other, one that the project supports."""
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)
    assert len(stages) == 2
    assert len(set(stages)) == 1
    version = re.fullmatch(r"python:3\.(\d+)-slim-\w+", stages[0])
    assert version is not None
    assert int(version[1]) >= 11


def test_the_same_uv_builds_the_image_and_the_checkout() -> None:
    """The version of uv is changed in both places or in neither."""
    script = (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8")
    pinned = re.search(r'^UV_VERSION = "(.+)"', script, flags=re.MULTILINE)
    assert pinned is not None
    assert f"uv=={pinned[1]}\n" in DOCKERFILE


def test_health_is_asked_by_our_own_command() -> None:
    """The image needs no other program to tell whether it answers."""
    assert re.search(r'^HEALTHCHECK .*CMD \["smart-spawn", "health"\]$', DOCKERFILE, flags=re.MULTILINE)


def test_no_file_opens_the_service_to_the_network() -> None:
    """Without a key the service stays on loopback, so no port is published and no wider host is set."""
    assert "network_mode: host" in COMPOSE
    for text in (DOCKERFILE, COMPOSE):
        assert not re.search(r"SMART_SPAWN_HOST|^\s*ports:|^EXPOSE", text, flags=re.MULTILINE)


def test_what_is_copied_reaches_the_build() -> None:
    """Everything that the Dockerfile copies is let through by `.dockerignore`, and secrets are not."""
    allowed = set(
        re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for name in line.split()
    }
    assert copied == allowed
