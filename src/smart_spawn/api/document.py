"""The OpenAPI document: what each route takes and gives, with an example."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import PlainTextResponse

from smart_spawn import __version__
from smart_spawn.api import (
    catalog_schemas,
    chat_schemas,
    learning_schemas,
    message_schemas,
    planning_schemas,
    response_schemas,
    run_schemas,
    schemas,
)
from smart_spawn.routing.request import RouteRequest
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.surface import beliefs, community, feedback

REF = "#/components/schemas/{model}"
SHAPES: tuple[type[BaseModel], ...] = (
    RouteRequest,
    SpawnRequest,
    schemas.RefreshBody,
    schemas.PickAnswer,
    schemas.RecommendAnswer,
    schemas.RoutingDecision,
    schemas.ReplayAnswer,
    schemas.ModelsAnswer,
    schemas.ModelAnswer,
    schemas.CompareAnswer,
    schemas.UnmatchedAnswer,
    schemas.SpawnAnswer,
    schemas.StatusAnswer,
    schemas.HealthAnswer,
    schemas.RefreshAnswer,
    *catalog_schemas.SHAPES,
    feedback.FeedbackBody,
    feedback.OutcomeBody,
    feedback.SpawnLogBody,
    community.ReportBody,
    beliefs.ReverseBody,
    beliefs.UndoBody,
    beliefs.VotesBody,
    *learning_schemas.SHAPES,
    *planning_schemas.SHAPES,
    *run_schemas.SHAPES,
    *chat_schemas.SHAPES,
    *message_schemas.SHAPES,
    *response_schemas.SHAPES,
    schemas.ErrorAnswer,
)
"""What requests and answers refer to."""
ERROR_CODES: Mapping[int, str] = {
    400: "`MISSING_PARAM`, `INVALID_PARAM`, `INVALID_BODY`",
    403: "`FORBIDDEN`",
    402: "`NO_MODEL_IN_BUDGET`, `BUDGET_EXCEEDED`",
    404: "`NOT_FOUND`, `UNKNOWN_MODEL`",
    409: "`IDEMPOTENCY_CONFLICT`, `RUN_NOT_CANCELLABLE`",
    413: "`TOO_LARGE`",
    422: "`NO_ELIGIBLE_MODEL`",
    429: "`RATE_LIMITED`",
    502: "`PROVIDER_ERROR`",
    503: "`NO_PROVIDER`, `NO_CATALOG`, `OVERLOADED`",
    504: "`TIMEOUT`",
}
DESCRIPTION = """Reads a task, weighs real benchmark evidence, chooses the best model within a budget, and says why.

Every route answers under `/api` and without it. Every error has the shape of `ErrorAnswer`; below `/v1` it is that of
OpenAI, `ChatErrorAnswer`, and below `/v1/messages` that of Anthropic, `MessageErrorAnswer`. Besides those listed, any
route may answer 401 `UNAUTHORIZED` (keys are on and none of them was sent), 403 `FORBIDDEN` (the key lacks the scope,
or the host name or web page is not allowed), 405 `METHOD_NOT_ALLOWED`, 429 `RATE_LIMITED` (the key sent too much;
with `Retry-After`), 500 `INTERNAL`, 503 `OVERLOADED` or `STOPPING` (with `Retry-After`) and 504 `TIMEOUT`."""


def describe(
    operation: str,
    answer: type[BaseModel] | None,
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    path: Sequence[str] = (),
    errors: Sequence[int] = (),
    status: int = 200,
    media_type: str = "application/json",
    headers: Sequence[str] = (),
    others: Mapping[int, Sequence[type[BaseModel]]] | None = None,
    error: type[BaseModel] = schemas.ErrorAnswer,
    events: str = "",
) -> dict[str, Any]:
    """Return what FastAPI is told of a route. `answer` None is plain text.

    `events` is one of the events as which the same answer may come, for whoever asks for a stream.

    `others` are further good answers by status: of the usual status, shapes that the answer may also have.

    Handlers read requests and write answers themselves, so nothing here is checked at run time.
    """
    extra: dict[str, Any] = {
        "operationId": operation,
        "responses": _responses(answer, errors, status, media_type, others or {}, error),
    }
    if events:
        stream = {"schema": {"description": "server-sent events"}, "example": events}
        extra["responses"][str(status)]["content"]["text/event-stream"] = stream
    if path or query or headers:
        extra["parameters"] = [
            *map(_path_parameter, path),
            *_query_parameters(operation, query),
            *({"name": n, "in": "header", "required": False, "schema": {"type": "string"}} for n in headers),
        ]
    if body:
        extra["requestBody"] = {
            "required": bool(body.model_fields) and body is not schemas.RefreshBody,
            "content": {"application/json": _content(body)},
        }
    plain = {"response_class": PlainTextResponse} if answer is None else {}
    return {"response_model": None, "status_code": status, "openapi_extra": extra, **plain}


def _responses(
    answer: type[BaseModel] | None,
    errors: Sequence[int],
    status: int,
    media_type: str,
    others: Mapping[int, Sequence[type[BaseModel]]],
    error: type[BaseModel],
) -> dict[str, Any]:
    content = (
        {"text/plain": {"schema": {"type": "string"}}}
        if answer is None
        else {media_type: _content(answer, *others.get(status, ()))}
    )
    good = {"description": (answer.__doc__ if answer else "Plain text.") or "", "content": content}
    further = {
        str(code): {"description": shapes[0].__doc__ or "", "content": {media_type: _content(*shapes)}}
        for code, shapes in others.items()
        if code != status
    }
    failures = {
        str(code): {
            "description": f"{HTTPStatus(code).phrase}: {ERROR_CODES[code]}",
            "content": {"application/json": _content(error)},
        }
        for code in errors
    }
    return {str(status): good, **further, **failures}


def _content(*shapes: type[BaseModel]) -> dict[str, Any]:
    found = [{"$ref": REF.format(model=shape.__name__)} for shape in shapes]
    return {"schema": found[0] if len(found) == 1 else {"anyOf": found}}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(operation: str, query: type[BaseModel] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = query.model_json_schema(ref_template=REF)
    given = _example(operation, "query") or {}
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "schema": {key: value for key, value in field.items() if key not in ("title", "description")},
            **({"description": field["description"]} if "description" in field else {}),
            **({"explode": False, "style": "form"} if field.get("type") == "array" else {}),
            **({"example": given[name]} if name in given else {}),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _example(operation: str, part: str) -> Any:
    return _examples().get(operation, {}).get(part)


@cache
def _examples() -> dict[str, Any]:
    """Read the recorded examples: operation → query, request and answer."""
    text = files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    examples: dict[str, Any] = json.loads(text)
    return examples


def document(api: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the service."""
    shapes_of_queries: tuple[type[BaseModel], ...] = (schemas.PickQuery, schemas.ModelsQuery)
    _, definitions = models_json_schema(
        [(shape, "validation") for shape in (*SHAPES, *shapes_of_queries)], ref_template=REF, by_alias=True
    )
    found = get_openapi(
        title="Smart Spawn",
        version=__version__,
        description=DESCRIPTION,
        routes=api.routes,
        license_info={"name": "MIT", "identifier": "MIT"},
        tags=api.openapi_tags,
        servers=[{"url": "/", "description": "this service"}],
    )
    for methods in found["paths"].values():
        for operation in methods.values():
            _add_examples(operation)
    shapes = {n: s for n, s in definitions["$defs"].items() if not n.endswith("Query")}
    found["components"] = {"schemas": dict(sorted(shapes.items()))}
    return found


def _add_examples(operation: dict[str, Any]) -> None:
    """Put the recorded examples in their places; not before, because FastAPI drops every null."""
    name = operation["operationId"]
    for shape in operation.get("requestBody", {}).get("content", {}).values():
        shape["example"] = _example(name, "request")
    for status, response in operation["responses"].items():
        good = _example(name, "accepted" if status == "202" and "200" in operation["responses"] else "answer")
        for shape in response["content"].values():
            ours = shape["schema"] == _content(schemas.ErrorAnswer)["schema"]
            example = good if status.startswith("2") else _examples().get(f"error-{status}") if ours else None
            if example is not None and "example" not in shape:
                shape["example"] = example
