"""A command line in this process, over a small catalogue instead of the packaged one."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from smart_spawn.cli.boundary import carry_out
from tests.unit.builders import catalog, listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)


Cli = Callable[..., Answer]


@pytest.fixture
def small_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ship three models: a cheap one, a good one, and one that sees images and costs more."""
    facts = catalog(
        [
            listing("acme/cheap-1", "0.2"),
            listing("acme/good-1", "3"),
            listing("zeta/eyes-1", "12", can={"input_modalities": ("text", "image")}),
        ],
        {
            "acme/cheap-1": {"lmarena_coding": 0.2, "lmarena_overall": 0.1},
            "acme/good-1": {"lmarena_coding": 1.4, "lmarena_overall": 1.1},
            "zeta/eyes-1": {"lmarena_coding": 1.0, "lmarena_overall": 1.9, "lmarena_vision": 1.5},
        },
    ).facts
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", lambda: facts)


@pytest.fixture
def cli(small_catalog: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return a function that carries out one command line."""

    def call(*arguments: str, stdin: bytes | None = None) -> Answer:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = carry_out(arguments)
        printed = capsys.readouterr()
        return Answer(code=code, out=printed.out, err=printed.err)

    return call
