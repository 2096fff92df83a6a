"""The reference page, the help and the public names say what there is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

import smart_spawn
from smart_spawn.cli.reference import commands, page
from smart_spawn.surface import failures
from tests.unit.cli.conftest import Cli

NAMES = [name for name, _ in commands()]
HEAVY = ["openai", "fastapi", "sqlalchemy", "alembic", "granian", "rich", "numpy", "httpx", "smart_spawn.app"]


def test_the_page_is_what_the_commands_say(root: Path) -> None:
    """`python -m smart_spawn.cli.reference > docs/reference/cli.md` has nothing to change."""
    assert (root / "docs" / "reference" / "cli.md").read_text(encoding="utf-8") == page()


def test_the_page_names_every_exit_code() -> None:
    """Scripts find each code that a command can end with."""
    codes = {getattr(failures, name) for name in dir(failures) if name.startswith("EXIT_")}
    assert all(f"| {code} |" in page() for code in codes)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_and_the_shared_options(cli: Cli, name: str) -> None:
    """`--help`, `--json`, `--config` and `--debug` are there for each command."""
    answer = cli(*name.split(), "--help")
    assert answer.code == 0
    for option in ("--json", "--config", "--debug"):
        assert option in answer.out


def test_no_command_is_help_and_wrong_use(cli: Cli) -> None:
    """Whoever types nothing sees what there is, on standard error, and a script notices."""
    answer = cli()
    assert answer.code == 2
    assert answer.out == ""
    assert "route" in answer.err


def loaded_after(code: str) -> set[str]:
    """Return which heavy modules a fresh interpreter has loaded after some code."""
    tail = f"\nimport json, sys; sys.stderr.write(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    answer = subprocess.run(
        [sys.executable, "-c", code + tail], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(answer.stderr))


def test_help_loads_nothing_heavy() -> None:
    """The list of commands does not wait for a catalogue, a database or a network library."""
    code = "from smart_spawn.cli.boundary import carry_out\nassert carry_out(['route', '--help']) == 0"
    assert loaded_after(code) == set()


def test_a_public_name_is_loaded_when_it_is_used() -> None:
    """`import smart_spawn` and its cheap names stay cheap."""
    assert (
        loaded_after("import smart_spawn\nsmart_spawn.Budget\nsmart_spawn.NoProvider\ndir(smart_spawn)")
        == set()
    )


def test_every_public_name_is_there() -> None:
    """What `__all__` promises can be imported, and a name that is not there says so."""
    for name in smart_spawn.__all__:
        assert getattr(smart_spawn, name) is not None
    assert set(smart_spawn.__all__) <= set(dir(smart_spawn))
    with pytest.raises(AttributeError, match="no attribute `rout`"):
        smart_spawn.rout  # noqa: B018  # the access is the test


def test_spawn_stays_the_function_when_its_folder_is_imported() -> None:
    """`smart_spawn.spawn(task)` works although the package has a folder of that name."""
    import smart_spawn.spawn.request

    assert callable(smart_spawn.spawn)
    assert get_type_hints(smart_spawn.spawn, vars(smart_spawn))["task"] is str


def test_scripts_choose_with_one_call(small_catalog: None) -> None:
    """`smart_spawn.route` opens everything, decides, and closes."""
    decision = smart_spawn.route("Refactor this Python function", budget="low")
    assert decision.selected.model == "acme/cheap-1"
    with pytest.raises(smart_spawn.InvalidRequest):
        smart_spawn.route("Refactor this", bugdet="low")


def test_scripts_spawn_with_one_call(small_catalog: None) -> None:
    """`smart_spawn.spawn` raises what stopped it: here nobody is configured who could."""
    with pytest.raises(smart_spawn.NoProvider):
        smart_spawn.spawn("Refactor this Python function")
