"""Errors as the protocols of others write them, by path: clients of those protocols read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_spawn import errors
from smart_spawn.api.answers import OWN_SHAPE, ErrorShape, status_of
from smart_spawn.errors import SmartSpawnError
from smart_spawn.gateway.messages import message_error

STATUSES: Mapping[type[SmartSpawnError], int] = {
    errors.ModelNotServed: 502,
    errors.BadRequest: 400,
    errors.Refused: 400,
    errors.RateLimited: 429,
}
"""What a provider refused because of what the caller sent is the caller's matter, where bodies are handed on."""
CODES: Mapping[type[SmartSpawnError], str] = {
    errors.Unauthorized: "invalid_api_key",
    errors.UnknownModel: "model_not_found",
    errors.ContextTooLong: "context_length_exceeded",
    errors.Refused: "content_filter",
    errors.RateLimited: "rate_limit_exceeded",
    errors.TooManyRequests: "rate_limit_exceeded",
    errors.BudgetExceeded: "insufficient_quota",
}
"""Codes that clients of OpenAI know; the others are ours."""
KINDS: Mapping[int, str] = {
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    429: "rate_limit_error",
}


def relayed_status(error: SmartSpawnError) -> int:
    """Return the HTTP status of an error where bodies are handed on to a provider."""
    return next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), None) or status_of(
        error
    )


def openai_error(error: SmartSpawnError, status: int) -> dict[str, Any]:
    """Return an error as OpenAI writes it. The hint is part of the message: there is no other place."""
    code = next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), None)
    return {
        "error": {
            "message": f"{error.message} ({error.hint})" if error.hint else error.message,
            "type": KINDS.get(status, "invalid_request_error" if status < 500 else "server_error"),
            "param": error.details.get("field"),
            "code": code or error.code,
        }
    }


OPENAI_SHAPE = ErrorShape(body=openai_error, status=relayed_status)
ANTHROPIC_SHAPE = ErrorShape(body=message_error, status=relayed_status)
SHAPES: tuple[tuple[str, ErrorShape], ...] = (("/v1/messages", ANTHROPIC_SHAPE), ("/v1", OPENAI_SHAPE))
"""Paths and the shape of errors below them; the first that fits counts."""


def error_shape(path: str) -> ErrorShape:
    """Return how errors are written at a path."""
    path = path.removeprefix("/api")
    for prefix, shape in SHAPES:
        if path == prefix or path.startswith(f"{prefix}/"):
            return shape
    return OWN_SHAPE
