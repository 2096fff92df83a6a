"""Commands that documents promise exist, and continuous integration runs the ones that the README names."""

import re
from pathlib import Path

import pytest

from tests.docs.test_links import DOCUMENTS, ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z0-9-]+):", MAKEFILE, flags=re.MULTILINE))
MAKE = re.compile(r"(?:^|`|&& |\$ )\s*make ([a-z0-9-]+)", flags=re.MULTILINE)


def promised(path: Path) -> set[str]:
    """Return the make targets that a document names as commands."""
    return set(MAKE.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_make_command_in_a_document_exists(path: Path) -> None:
    """Whoever copies a command from a document finds it in the Makefile."""
    assert promised(path) - TARGETS == set()


def test_the_readme_shows_how_to_run_and_test() -> None:
    """The two commands that a newcomer needs are in the README."""
    assert {"run", "test", "check"} <= promised(ROOT / "README.md")


def test_every_target_is_listed_by_help() -> None:
    """`make help` leaves out no target: each carries its own line."""
    assert set(re.findall(r"^([a-z0-9-]+):.*## \S", MAKEFILE, flags=re.MULTILINE)) == TARGETS
    declared = re.search(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE)
    assert declared is not None
    assert set(declared[1].split()) == TARGETS


def test_continuous_integration_runs_all_of_check() -> None:
    """`.ci/run` calls the README's test command and then every other part of `make check`."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    parts = re.search(r"^check: ([a-z ]+?) ##", MAKEFILE, flags=re.MULTILINE)
    called = [target for line in re.findall(r"make ([a-z ]+?) <", script) for target in line.split()]
    assert parts is not None
    assert called == parts[1].split()
    assert called[0] == "test"
