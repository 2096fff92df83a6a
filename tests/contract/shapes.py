"""Shapes of JSON written down as JSON looks, to hold answers to what published clients read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Or:
    """One of several shapes; `None` is null."""

    shapes: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Each:
    """An object whose keys are data, and whose values all have one shape."""

    shape: Any


def maybe(shape: Any) -> Or:
    """Return a shape that may also be null."""
    return Or((shape, None))


NUMBER: Final = Or((int, float))


def misfits(value: Any, shape: Any, at: str = "answer") -> list[str]:
    """Say what in a value is not of its shape. Keys that end with `?` may be missing; no others may be there."""
    if isinstance(shape, Or):
        found = [misfits(value, each, at) for each in shape.shapes]
        return [] if [] in found else min(found, key=len)
    if isinstance(shape, Each):
        if not isinstance(value, dict):
            return [f"{at} is {value!r:.40}, not an object"]
        return [one for key, each in value.items() for one in misfits(each, shape.shape, f"{at}.{key}")]
    if isinstance(shape, Mapping):
        return _object(value, shape, at)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at} is {value!r:.40}, not a list"]
        return [one for n, each in enumerate(value) for one in misfits(each, shape[0], f"{at}[{n}]")]
    if isinstance(shape, type):
        right = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
        return [] if right else [f"{at} is {value!r:.40}, not {shape.__name__}"]
    return [] if value == shape and type(value) is type(shape) else [f"{at} is {value!r:.40}, not {shape!r}"]


def _object(value: Any, shape: Mapping[str, Any], at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at} is {value!r:.40}, not an object"]
    wanted = {key.removesuffix("?"): each for key, each in shape.items()}
    missing = [key for key in shape if not key.endswith("?") and key not in value]
    return [
        *(f"{at}.{key} is missing" for key in missing),
        *(f"{at}.{key} is not of the shape" for key in value if key not in wanted),
        *(
            one
            for key, each in wanted.items()
            if key in value
            for one in misfits(value[key], each, f"{at}.{key}")
        ),
    ]
