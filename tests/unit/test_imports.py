"""The drawing of ARCHITECTURE.md, held to: which part of the code may import which."""

import ast
import json
import subprocess
import sys
from collections.abc import Collection
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "smart_spawn"

LAYERS = [
    {"model", "errors"},
    {"answers"},  # what every surface answers, as values: read by clients, which know nothing else of ours
    {"settings"},
    {"sources", "classify", "feedback"},
    {"matching"},
    {"scoring"},
    {"catalog"},
    {"routing"},
    {"runs.ports"},  # what a run needs of the world: asked for below, implemented above
    {"spawn"},
    {"runs"},
    {"providers", "store"},
    {"refresh"},  # sources → a new catalogue, kept in the store: what app does in the background
    {"manage"},  # what an owner does beside refreshing: versions, own models, own results
    {"engines"},  # runs, tied to the store and the providers that a process has
    {"app"},
    {"surface", "gateway"},  # the shapes and the error table that every surface shares
    {"client"},  # Python's surface: the methods of `app`, here or over HTTP
    {"worker"},  # a process of its own; `serve` starts one
    {"mcp"},  # tools; `api` serves them at `/mcp`
    {"api", "evals", "checks", "lab"},
    {"cli"},  # starts each of the others: `serve`, `mcp`, `eval`
    {"__main__"},
]
"""Lowest first. A group imports groups above it in this list; groups on one line ignore each other."""

LAYER_OF = {group: number for number, groups in enumerate(LAYERS) for group in groups}
SLOW = [
    "openai",
    "fastapi",
    "sqlalchemy",
    "alembic",
    "granian",
    "rich",
    "typer",
    "aiohttp",
    "numpy",
    "pydantic",
    "mcp",
]


def group_of(module: str) -> str:
    """Return the group that a module below `smart_spawn` belongs to, the longest name that is drawn."""
    parts = module.split(".")
    pair = ".".join(parts[:2])
    return pair if pair in LAYER_OF else parts[0]


def imports_of(path: Path) -> set[str]:
    """Return the modules below `smart_spawn` that a file imports, anywhere in it."""
    here = ["smart_spawn", *path.relative_to(SOURCE).with_suffix("").parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*here[: len(here) - node.level], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            names = [f"{base}.{alias.name}" for alias in node.names]
        found |= {
            name.removeprefix("smart_spawn").strip(".")
            for name in names
            if name.split(".")[0] == "smart_spawn"
        }
    return found


def forbidden(path: Path) -> list[str]:
    """Say which imports of one file run against the drawing."""
    own = group_of(".".join(path.relative_to(SOURCE).with_suffix("").parts))
    wrong = []
    for module in imports_of(path):
        other = group_of(module)
        if other in LAYER_OF and other != own and LAYER_OF[other] >= LAYER_OF.get(own, 0):
            wrong.append(f"{path.relative_to(SOURCE)} imports {module}")
        elif other not in LAYER_OF and other != "__version__":
            wrong.append(f"{path.relative_to(SOURCE)} imports {module}, which is in no group")
    return wrong


def files() -> list[Path]:
    """Return every module but the package's own, which gathers the public names."""
    return [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


def test_imports_run_in_one_direction() -> None:
    """Each group imports only groups before it, and neighbours ignore each other."""
    assert [line for path in files() for line in forbidden(path)] == []


def test_no_files_import_each_other_in_a_circle() -> None:
    """Inside a group too, and for types alone as well: whoever reads one file need not have read the other first."""
    modules = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in files()}
    graph = {
        name: {
            module
            for imported in imports_of(path)
            for module in [_module_of(imported, modules)]
            if module is not None and module != name
        }
        for name, path in modules.items()
    }
    list(TopologicalSorter(graph).static_order())  # raises CycleError, with the circle


def _module_of(imported: str, modules: Collection[str]) -> str | None:
    """Return the file that an imported name stands in: a module, or the package that hands it on."""
    parts = imported.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        for candidate in (name, f"{name}.__init__"):
            if candidate in modules:
                return candidate
    return None


def test_every_module_has_a_place_in_the_drawing() -> None:
    """A new folder or module is drawn before it is used."""
    assert {group_of(".".join(path.relative_to(SOURCE).with_suffix("").parts)) for path in files()} <= set(
        LAYER_OF
    )


def test_an_import_against_the_direction_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself works: absolute, relative and nested imports are read, also inside a function."""
    for name in ("scoring", "runs", "api"):
        (tmp_path / name).mkdir()
    (tmp_path / "scoring" / "scale.py").write_text("def f():\n    from smart_spawn.catalog import Catalog\n")
    (tmp_path / "scoring" / "category.py").write_text("from ..routing import route\nfrom .scale import f\n")
    (tmp_path / "runs" / "ports.py").write_text(
        "import smart_spawn.runs.budget\nimport smart_spawn.routing\n"
    )
    (tmp_path / "api" / "app.py").write_text("from smart_spawn import cli, app, errors\n")
    monkeypatch.setattr(sys.modules[__name__], "SOURCE", tmp_path)
    assert [line for path in files() for line in forbidden(path)] == [
        "api/app.py imports cli",
        "runs/ports.py imports runs.budget",
        "scoring/category.py imports routing.route",
        "scoring/scale.py imports catalog.Catalog",
    ]


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import smart_spawn` costs little: what is big is loaded when it is used."""
    code = f"import json, sys, smart_spawn; print(json.dumps([m for m in {SLOW!r} if m in sys.modules]))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(answer.stdout) == []
