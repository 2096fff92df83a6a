"""Write `docs/reference/settings.md` from the settings themselves: `python scripts/settings_reference.py`."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from smart_spawn.settings import Settings
from smart_spawn.settings.shape import is_table, plain

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference" / "settings.md"

HEAD = """# Settings

<!-- Written by scripts/settings_reference.py. A test compares; change the settings, then run it. -->

Later wins: the defaults, `smart-spawn.toml`, environment variables, options of a command. The file is the one named
by `--config` or `SMART_SPAWN_CONFIG`, else `smart-spawn.toml` in the working folder, else in `~/.smart-spawn`.
`sources.lmarena.enabled` is `enabled` in the table `[sources.lmarena]` of the file, and the variable
`SMART_SPAWN_SOURCES__LMARENA__ENABLED`. In variables, lists may be written `a,b`, and an empty one counts as not set.
A key that is not in this list is refused with the nearest one that is. `smart-spawn doctor` shows what is in effect
and where each value was set; keys and passwords are masked.

| key | type | default | |
|---|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    return HEAD + "\n".join(_rows(Settings, "")) + "\n"


def _rows(table: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in table.model_fields.items():
        kind = plain(field.annotation)
        key = f"{prefix}{name}"
        if is_table(kind):
            yield from _rows(kind, f"{key}.")
        elif get_origin(kind) is Mapping and is_table(plain(get_args(kind)[1])):
            yield _row(f"{key}.<name>", _names(get_args(kind)[0]), "none", field)
            yield from _rows(plain(get_args(kind)[1]), f"{key}.<name>.")
        elif get_origin(kind) is Mapping:
            yield from _mapping(key, kind, field)
        else:
            yield _row(key, _words(field.annotation) + _bounds(field), _default(field), field)


def _mapping(key: str, kind: Any, field: FieldInfo) -> Iterator[str]:
    named, inner = get_args(kind)
    inner_kind = plain(inner)
    if get_origin(inner_kind) is Mapping:
        yield _row(f"{key}.<{named.__name__.lower()}>.<name>", _words(get_args(inner_kind)[1]), "none", field)
    else:
        yield _row(
            f"{key}.<{'name' if named is str else named.__name__.lower()}>", _words(inner), "none", field
        )


def _names(annotation: Any) -> str:
    return "tables of any name" if annotation is str else f"tables: {_words(annotation)}"


def _row(key: str, kind: str, default: str, field: FieldInfo) -> str:
    if not field.description:
        raise SystemExit(f"`{key}` has no line that says what it is")
    said = " ".join(field.description.split())
    return f"| `{key}` | {kind} | {default} | {said} |"


def _words(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _words(get_args(annotation)[0]) + _limits(get_args(annotation)[1:])
    if origin in (Union, types.UnionType):
        return _words(next(arg for arg in get_args(annotation) if arg is not types.NoneType))
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin is tuple:
        return "list of texts"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    names = {
        bool: "`true`, `false`",
        int: "whole number",
        str: "text",
        SecretStr: "text, secret",
        Path: "path",
    }
    return names.get(annotation, "number")


def _bounds(field: FieldInfo) -> str:
    return _limits(field.metadata)


def _limits(metadata: Any) -> str:
    found = [item for each in metadata for item in (getattr(each, "metadata", None) or [each])]
    signs = (("gt", ">"), ("ge", ">="), ("lt", "<"), ("le", "<="))
    bounds = [(sign, getattr(each, name, None)) for each in found for name, sign in signs]
    said = [f"{sign} {bound:,}" for sign, bound in bounds if bound is not None]
    return f", {' and '.join(said)}" if said else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page(), encoding="utf-8")
