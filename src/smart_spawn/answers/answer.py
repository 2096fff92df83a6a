"""The base of all answers: fields with Python's names over JSON with the API's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel", dict=True):
    """A value that was made of the API's JSON. Fields are the same words, snake_case instead of camelCase.

    What a newer service says beyond them is in `json`, and disturbs nobody.
    """

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """Read JSON. Raises msgspec.ValidationError, naming the field, for what has another shape."""
        answer = msgspec.convert(body, cls)
        _remember(answer, body)
        return answer

    @property
    def json(self) -> dict[str, Any]:
        """The JSON that the API answers, whole."""
        held = self.__dict__.get("_json")
        return dict(msgspec.to_builtins(self) if held is None else held)


def _remember(answer: Answer, body: Mapping[str, Any]) -> None:
    """Put the JSON beside a value, and beside the values in it."""
    answer.__dict__["_json"] = body
    for name, key in zip(answer.__struct_fields__, answer.__struct_encode_fields__, strict=True):
        value, part = getattr(answer, name), body.get(key)
        pairs = zip(value, part, strict=True) if isinstance(part, list) else ((value, part),)
        for one, its in pairs:
            if isinstance(one, Answer) and isinstance(its, dict):
                _remember(one, its)
