"""What may stand where in the settings: read from the types, so that nothing is listed twice."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from smart_spawn.settings.values import Settings


def type_at(path: Sequence[str]) -> Any:
    """Return the type of the value at a path, without `Annotated` and `None`; None where nothing may stand."""
    at: Any = Settings
    for part in path:
        if is_table(at):
            field = at.model_fields.get(part)
            at = None if field is None else plain(field.annotation)
        elif get_origin(at) is Mapping and part in (_values(get_args(at)[0]) or (part,)):
            at = plain(get_args(at)[1])
        else:
            return None
    return at


def names_at(path: Sequence[str]) -> list[str]:
    """List the keys that may stand in the table at a path; empty where any name may, or none."""
    at = type_at(path)
    if is_table(at):
        return list(at.model_fields)
    return _values(get_args(at)[0]) if get_origin(at) is Mapping else []


def plain(annotation: Any) -> Any:
    """Take `Annotated` and `None` off a type."""
    if get_origin(annotation) is Annotated:
        return plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return plain(next(arg for arg in get_args(annotation) if arg is not types.NoneType))
    return annotation


def is_table(annotation: Any) -> bool:
    """Tell whether values of this type are a table with fixed keys."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def is_text(annotation: Any) -> bool:
    """Tell whether a value of this type is written as one text, whatever it looks like."""
    if get_origin(annotation) is Literal:
        return True
    return isinstance(annotation, type) and issubclass(annotation, (str, SecretStr, Enum, Path))


def is_secret(annotation: Any) -> bool:
    """Tell whether values of this type must never be shown."""
    return isinstance(annotation, type) and issubclass(annotation, SecretStr)


def _values(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    return []
