"""The OpenAPI document: complete, and true of what is really answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI

from tests.unit.api.conftest import body_of

TASK = "Refactor this Python function to use asyncio"
MESSAGES = [{"role": "user", "content": TASK}]
EXAMPLES = Path(__file__).resolve().parents[2] / "data" / "api"
CALLS: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("get", "/api/pick", f"/api/pick?task={TASK}&context=python", None),
    ("post", "/api/pick", "/api/pick", {"task": TASK, "budget": "low"}),
    ("get", "/api/recommend", "/api/recommend?category=coding&count=3&budget=any", None),
    ("post", "/api/recommend", "/api/recommend", {"task": "Fix the parser", "count": 2, "budget": "any"}),
    ("post", "/api/route", "/api/route", {"task": TASK}),
    ("post", "/api/route", "/api/route", {"task": "x", "verbose": True, "budget": "any", "minCapability": 0}),
    ("post", "/api/route", "/api/route", {"category": "vision", "attachments": [{"type": "image"}]}),
    ("post", "/api/spawn", "/api/spawn", {"task": TASK}),
    ("get", "/api/models", "/api/models", None),
    ("get", "/api/models/{id}", "/api/models/acme/strong", None),
    ("get", "/api/models/{id}", "/api/models/beta/cheap:free", None),
    ("get", "/api/compare", "/api/compare?models=acme/strong,beta/cheap,no/body", None),
    ("get", "/api/catalog/unmatched", "/api/catalog/unmatched", None),
    ("get", "/api/status", "/api/status", None),
    ("get", "/api/health", "/api/health", None),
    ("get", "/api/pick", "/api/pick?task=", None),
    ("get", "/api/pick", "/api/pick?task=coding&budget=low&minCapability=60", None),
    ("get", "/api/pick", "/api/pick?task=coding&minContext=99000000", None),
    ("get", "/api/models/{id}", "/api/models/no/body", None),
    ("get", "/api/decisions/{id}", "/api/decisions/dec_0", None),
    ("get", "/v1/models", "/v1/models", None),
    ("get", "/v1/models/{id}", "/v1/models/cascade:low", None),
    ("get", "/v1/models/{id}", "/v1/models/no/body", None),
    ("post", "/v1/chat/completions", "/v1/chat/completions", {"model": "auto", "messages": MESSAGES}),
    ("post", "/v1/chat/completions", "/v1/chat/completions", {"model": "no/body", "messages": MESSAGES}),
    ("post", "/v1/chat/completions", "/v1/chat/completions", {"model": "auto"}),
    ("post", "/v1/messages", "/v1/messages", {"model": "auto", "max_tokens": 9, "messages": MESSAGES}),
    ("post", "/v1/messages", "/v1/messages", {"model": "claude-none", "max_tokens": 9, "messages": MESSAGES}),
    ("post", "/v1/messages", "/v1/messages", {"model": "auto", "messages": MESSAGES}),
    (
        "post",
        "/v1/messages/count_tokens",
        "/v1/messages/count_tokens",
        {"model": "auto", "messages": MESSAGES},
    ),
    ("post", "/v1/responses", "/v1/responses", {"model": "auto", "input": TASK}),
    ("post", "/v1/responses", "/v1/responses", {"model": "no/body", "input": TASK}),
    ("post", "/v1/responses", "/v1/responses", {"model": "auto", "input": []}),
]


@pytest.fixture
def document(api: FastAPI) -> dict[str, Any]:
    """Return the document of the service."""
    return api.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield every method, path and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Hold a value to a schema of the document."""
    jsonschema.Draft202012Validator({**schema, "components": document["components"]}).validate(value)


def schema_of(document: dict[str, Any], method: str, path: str, status: int) -> dict[str, Any]:
    """Return the schema that the document states for an answer."""
    found: dict[str, Any] = document["paths"][path][method]["responses"][str(status)]["content"][
        "application/json"
    ]
    return found["schema"]  # type: ignore[no-any-return]  # any JSON


@pytest.mark.parametrize(
    ("method", "path", "url", "body"), CALLS, ids=[f"{n}-{c[1]}" for n, c in enumerate(CALLS)]
)
async def test_answers_are_as_documented(
    http: httpx.AsyncClient,
    document: dict[str, Any],
    method: str,
    path: str,
    url: str,
    body: dict[str, Any] | None,
) -> None:
    """What a route answers, good or bad, has the shape that the document states, and no field more."""
    answer = await http.request(method.upper(), url, json=body)
    check(document, schema_of(document, method, path, answer.status_code), body_of(answer))


async def test_decisions_are_as_documented(http: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """A kept decision and its replay have the documented shapes too."""
    made = body_of(await http.post("/api/route", json={"task": TASK}))
    kept = await http.get(f"/api/decisions/{made['id']}?verbose=true")
    replay = await http.post(f"/api/decisions/{made['id']}/replay")
    check(document, schema_of(document, "get", "/api/decisions/{id}", 200), body_of(kept))
    check(document, schema_of(document, "post", "/api/decisions/{id}/replay", 200), body_of(replay))


def test_every_operation_is_complete(document: dict[str, Any]) -> None:
    """Each has a name of its own, words that explain it, an example and documented errors."""
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) >= 13
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert path.startswith(("/api/", "/v1/")), where
        assert operation["summary"], where
        assert operation["description"], where
        content = next(r for s, r in operation["responses"].items() if s.startswith("2"))["content"]
        assert all("example" in shape for shape in content.values()), where
        assert method == "get" or "example" in str(operation.get("requestBody", "example")), where
        named = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", path)), where


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    """No shape is named that the document does not hold, and none is held that nobody names."""
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named == document["components"]["schemas"].keys()


def test_examples_in_the_document_are_true(document: dict[str, Any]) -> None:
    """Every example of a body or answer satisfies the schema beside it."""
    seen = 0
    for _, _, operation in operations(document):
        for content in [*operation["responses"].values(), operation.get("requestBody", {})]:
            for shape in content.get("content", {}).values():
                if "example" in shape:
                    check(document, shape["schema"], shape["example"])
                    seen += 1
    assert seen > 20


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_published_examples_are_as_documented(document: dict[str, Any], file: Path) -> None:
    """The examples that other programs are tested with name their schema and satisfy it."""
    example = json.loads(file.read_text(encoding="utf-8"))
    check(document, {"$ref": f"#/components/schemas/{example['schema']}"}, example["value"])


def test_the_document_names_itself(document: dict[str, Any]) -> None:
    """Title, version and licence are there."""
    info = document["info"]
    assert info["title"] == "Smart Spawn"
    assert info["version"]
    assert info["license"]["name"] == "MIT"
