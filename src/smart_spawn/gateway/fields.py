"""Bodies of requests → typed values, with the field in every error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from smart_spawn.errors import InvalidRequest

Shape = TypeVar("Shape", bound=msgspec.Struct)


def read_shape(values: Mapping[str, Any], kind: type[Shape], *, guide: str) -> Shape:
    """Read a JSON object as one of our shapes. `guide` names what may be sent, for the hint.

    Raises InvalidRequest, naming the field.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), guide) from None


def refused(field: str, why: str, *, hint: str) -> InvalidRequest:
    """Return the error of a field that makes sense in its protocol and cannot be served here."""
    return InvalidRequest(f"`{field}` {why}", hint=hint, details={"field": field})


def refuse_what_is_set(
    values: Mapping[str, Any], reasons: Mapping[str, str], harmless: Mapping[str, tuple[Any, ...]]
) -> None:
    """Raise InvalidRequest for the first field of `reasons` that asks for something.

    Nulls, `false` and empty values ask for nothing, nor do the `harmless` values of a field.
    """
    for field, why in reasons.items():
        value = values.get(field)
        if value and value not in harmless.get(field, ()):
            raise refused(field, f"cannot be served: {why}", hint=f"leave `{field}` out")


def passed_on(values: Mapping[str, Any], kind: type[msgspec.Struct], held_back: set[str]) -> dict[str, Any]:
    """Return the fields that neither the shape nor its protocol knows: they are meant for whoever answers."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)} | held_back
    return {name: value for name, value in values.items() if name not in known}


def _invalid(text: str, guide: str) -> InvalidRequest:
    """Turn `Expected `str`, got `int` - at `$.messages[0].role`` into an error of ours."""
    said, _, place = text.partition(" - at `$")
    place = place.rstrip("`").removeprefix(".")
    if said.startswith("Object missing required field"):
        missing = said.split("`")[1]
        field = f"{place}.{missing}" if place else missing
        return InvalidRequest(
            f"`{field}` is missing", hint=f"send {guide}", details={"field": field}, code="MISSING_PARAM"
        )
    return InvalidRequest(
        f"`{place or 'body'}`: {said[:1].lower()}{said[1:]}", hint=f"send {guide}", details={"field": place}
    )
