"""From JSON to values, and from arguments to queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from smart_spawn.answers import Answer
from smart_spawn.errors import ServiceError

A = TypeVar("A", bound=Answer)


def read(kind: type[A], body: Mapping[str, Any]) -> A:
    """Read an answer. Raises ServiceError for one of another shape."""
    try:
        return kind.of(body)
    except msgspec.ValidationError as error:
        raise ServiceError(
            f"the answer is not what Smart Spawn answers: {error}",
            hint="is the service of this version or newer?",
        ) from None


def given(**arguments: Any) -> dict[str, Any]:
    """Return the arguments that were given."""
    return {name: value for name, value in arguments.items() if value is not None}
