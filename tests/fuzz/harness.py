"""The whole HTTP API in process, requests made up from its document, and what every answer has to keep to."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core import NotSet
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.settings import Settings

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
"""Requests of each kind to each operation. Without the variable they are the same every time."""
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
"""Only documented statuses, so no 500; documented types and shapes, errors included."""
SOURCES = ("openrouter", "lmarena", "livebench", "open_llm_leaderboard")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An answer that breaks a promise."""

    operation: str
    said: str
    request: str

    def __str__(self) -> str:
        return f"{self.operation}\n{self.said}\n{self.request}"


def service(home: Path) -> FastAPI:
    """Return the service, in memory, with a provider that always answers and without the network."""
    values = {
        "home": home,
        "sources": {name: {"enabled": False} for name in SOURCES},
        "providers": {"lab": {"base_url": "http://127.0.0.1:9/v1"}},  # named, never called
    }
    return create_app(SmartSpawn(Settings.model_validate(values), chat=FakeProvider(), in_memory=True))


def operations(api: FastAPI) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    """Yield every operation of the document."""
    for found in schemathesis.openapi.from_asgi("/openapi.json", api).get_all_operations():
        assert isinstance(found, Ok), found  # the document says nothing that cannot be read
        yield found.ok()


def findings(
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    *,
    path_parameters: Mapping[str, str] | None = None,
    examples: int = EXAMPLES,
) -> list[Finding]:
    """Send made-up requests to an operation and return the first answer of each kind that breaks a promise."""
    found: dict[str, Finding] = {}
    if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
        return []  # any text may stand in a path, so there is nothing that could be wrong
    fixed = dict(path_parameters) if path_parameters else None

    @given(operation.as_strategy(generation_mode=mode, path_parameters=fixed))
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize="FUZZ_EXAMPLES" not in os.environ,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Case[Any]) -> None:
        if isinstance(case.body, dict) and "model" in case.body and case.operation.path.startswith("/v1/"):
            case.body["model"] = "smart-spawn/auto"  # else hardly any body would come as far as a model
        answer = case.call()
        wrong = mode is GenerationMode.NEGATIVE and _is_wrong(case, str(answer.request.url))
        try:
            case.validate_response(
                answer, checks=[*CHECKS, *([checks.negative_data_rejection] if wrong else [])]
            )
        except BaseExceptionGroup as group:  # schemathesis tells all that is wrong at once
            for failure in group.exceptions:
                kind = type(failure).__name__
                found.setdefault(
                    kind,
                    Finding(
                        operation=operation.label, said=f"{kind}: {failure}", request=case.as_curl_command()
                    ),
                )

    send()
    return list(found.values())


def _is_wrong(case: Case[Any], url: str) -> bool:
    """Tell whether a request really breaks the document.

    An empty parameter, or an empty piece of one, does not count, so it cannot be wrong. Of some bodies schemathesis
    believes that they are wrong while they are only odd.
    """
    values = [value for _, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)]
    if not all(piece.strip() for value in values for piece in value.split(",")):
        return False
    if isinstance(case.body, NotSet):
        return True
    document = case.operation.schema.raw_schema
    shape = document["paths"][case.operation.path][case.operation.method]["requestBody"]["content"]
    schema = {**shape["application/json"]["schema"], "components": document["components"]}
    return not jsonschema.Draft202012Validator(schema).is_valid(case.body)
