"""Python that documents show runs as it stands there, one block after the other, against a scripted provider."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import smart_spawn
from smart_spawn import SmartSpawn
from smart_spawn.providers.fake_server import FakeServer
from tests.docs.test_links import ROOT
from tests.unit.api.conftest import small_facts
from tests.unit.cli.test_services import in_a_thread

SHOWN = [
    ROOT / "README.md",
    ROOT / "docs" / "reference" / "python.md",
    ROOT / "docs" / "guides" / "python.md",
]


def blocks(path: Path) -> list[CodeType]:
    """Return the Python of a document, with the `await` that its reader's own functions would hold."""
    found = re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [compile(one, path.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT) for one in found]


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """Let `SmartSpawn()` choose among a few models and have somebody who answers."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    monkeypatch.setenv("SMART_SPAWN_MIN_CAPABILITY", "0")
    with in_a_thread(FakeServer(default="done")) as server:
        monkeypatch.setenv("SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL", server.base_url)
        yield server


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: path.name)
async def test_the_python_of_a_document_runs(path: Path, provider: FakeServer) -> None:
    """Whoever copies it gets what the text says: no name, option or attribute in it is wrong."""
    async with SmartSpawn() as ss:
        names: dict[str, Any] = {"__name__": "shown", "ss": ss, "task": "Say what is in this picture"}
        assert blocks(path)
        for block in blocks(path):
            if block.co_flags & inspect.CO_COROUTINE:
                names["ss"] = ss
                await eval(block, names)  # noqa: S307  # our own documents
            else:  # a script, with an event loop of its own
                await asyncio.to_thread(exec, block, names)
        if "test_it" in names:
            await names["test_it"]()


def test_every_method_is_in_the_reference() -> None:
    """The table of methods leaves out none."""
    text = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    for kind, prefix in ((SmartSpawn, ""), (smart_spawn.client.Runs, "runs.")):
        public = [name for name, value in vars(kind).items() if inspect.isfunction(value) and name[0] != "_"]
        assert public
        for name in set(public) - {"aclose"}:
            assert f"`{prefix}{name}(" in text, name
