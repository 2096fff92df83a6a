"""Our errors → the shape that clients of the Messages API read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_spawn.errors import SmartSpawnError

ERROR_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""HTTP status → what Anthropic calls it."""


def message_error(error: SmartSpawnError, status: int) -> dict[str, Any]:
    """Return the body of an error, and the data of an `error` event. Our code is in its details, where SDKs look."""
    usual = "invalid_request_error" if status < 500 else "api_error"
    return {
        "type": "error",
        "error": {
            "type": ERROR_TYPES.get(status, usual),
            "message": f"{error.message} (hint: {error.hint})" if error.hint else error.message,
            "details": {"error_code": error.code, **error.details},
        },
    }
