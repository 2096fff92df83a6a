"""Requests made up from the API's own document: whatever is sent, the answer is as documented and never our fault.

`make fuzz` sends a hundred times as many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from schemathesis import GenerationMode
from schemathesis.python import asgi

from tests.fuzz.harness import findings, operations, service
from tests.unit.api.conftest import small_facts

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
OWN_MODEL: Any = {"provider": "lab", "contextLength": 8_000, "pricing": {"prompt": 1, "completion": 2}}
OWN_RESULTS: Any = {"benchmark": "house", "unit": "percent", "results": [{"model": "own/model", "value": 7}]}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FastAPI]:
    """Return the service over a small catalogue."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    yield service(tmp_path)
    asgi.shutdown_lifespans()


@pytest.mark.parametrize("mode", MODES)
def test_made_up_requests_get_documented_answers(api: FastAPI, mode: GenerationMode) -> None:
    """Requests that follow the document, and requests that break it, to every operation."""
    broken = [str(found) for operation in operations(api) for found in findings(operation, mode)]
    assert not broken, "\n\n".join(broken)


def known(api: FastAPI) -> Mapping[str, dict[str, str]]:
    """Make one of everything that has an id, and return the parameters that lead to it, by the start of a path."""
    with asgi.get_client(cast("Any", api)) as client:
        url = "http://testserver/api"
        pick = client.get(f"{url}/pick?task=coding&budget=any&minCapability=0").json()["data"]
        run = client.post(f"{url}/spawn", json={"task": "Say hello"}).json()
        model = client.put(f"{url}/private-models/own/model", json=OWN_MODEL)
        results = client.post(f"{url}/benchmarks", json=OWN_RESULTS)
    assert model.ok, model.text
    assert results.ok, results.text
    return {
        "/api/models/": {"id": "beta/cheap:free"},
        "/api/catalog/prices/": {"id": "acme/strong"},
        "/api/decisions/": {"id": pick["decisionId"]},
        "/api/runs/": {"id": run["id"], "step": run["responses"][0]["step"]},
        "/api/private-models/": {"id": "own/model"},
        "/api/benchmarks/": {"name": "house"},
    }


@pytest.mark.parametrize("mode", MODES)
def test_what_exists_is_answered_as_documented(api: FastAPI, mode: GenerationMode) -> None:
    """The same with ids of things that are there, so that more than "no such thing" is answered."""
    parameters, broken = known(api), []
    for operation in operations(api):
        for start, ids in parameters.items():
            if operation.path.startswith(start) and not operation.path.endswith("/events"):
                wanted = {name: value for name, value in ids.items() if f"{{{name}}}" in operation.path}
                broken += [str(found) for found in findings(operation, mode, path_parameters=wanted)]
    assert not broken, "\n\n".join(broken)
