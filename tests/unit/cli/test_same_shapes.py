"""`--json` prints what the HTTP API answers: a script that reads the one reads the other."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from tests.unit.cli.conftest import Cli


def shape_of(value: Any) -> Any:
    """Return names without values: of a list, the shape of its first entry."""
    if isinstance(value, dict):
        return {key: shape_of(each) for key, each in value.items()}
    return [shape_of(value[0])] if isinstance(value, list) and value else None


async def answer_of(path: str) -> Any:
    """Return what the API answers, over the same home."""
    async with SmartSpawn() as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return (await http.get(f"/api{path}")).json()


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (["models"], "/models"),
        (["models", "acme/good-1"], "/models/acme/good-1"),
        (["models", "openrouter/acme/good-1"], "/models/acme/good-1"),
        (["compare", "acme/good-1", "acme/cheap-1"], "/compare?models=acme/good-1,acme/cheap-1"),
        (["status"], "/status"),
        (["runs", "list"], "/runs"),
        (["catalog", "versions"], "/catalog/versions"),
        (["catalog", "unmatched"], "/catalog/unmatched"),
        (["catalog", "prices", "acme/good-1"], "/catalog/prices/acme/good-1"),
        (["private-models", "list"], "/private-models"),
        (["benchmarks", "list"], "/benchmarks"),
        (["models", "no/such"], "/models/no/such"),
        (["explain", "dec_none"], "/decisions/dec_none"),
        (["runs", "show", "run_none"], "/runs/run_none"),
        (["compare", "acme/good-1"], "/compare?models=acme/good-1"),
    ],
)
def test_a_command_prints_what_the_route_answers(cli: Cli, command: list[str], path: str) -> None:
    """The same names in the same places, of answers and of errors."""
    assert shape_of(cli(*command, "--json").json) == shape_of(asyncio.run(answer_of(path)))
