"""A YAML file that somebody else wrote, read within bounds: size, depth, no aliases, no key twice."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from smart_spawn.errors import InvalidRequest, TooLarge

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20

_Base: Any = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # the C reader is ten times faster, where it is built


class _Loader(_Base):  # type: ignore[misc]  # chosen at run time
    """The safe loader, with repeated keys refused instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key `{key.value}` stands twice", key.start_mark
                    )
                seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found


def read_document(path: Path, max_bytes: int = MAX_BYTES) -> Any:
    """Read a YAML file. Raises InvalidRequest, naming the file and, where there is one, the line."""
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise InvalidRequest(
            f"`{path}` cannot be read: {error.strerror or type(error).__name__}",
            hint="name a YAML file that exists and that you may read",
        ) from None
    if len(body) > max_bytes:
        raise TooLarge(f"`{path}` is larger than {max_bytes:,} bytes", hint="split it into several files")
    return parse_document(body, str(path))


def parse_document(body: bytes, name: str) -> Any:
    """Read YAML from memory; `name` is what messages call it. Raises InvalidRequest."""
    try:
        text = body.decode("utf-8-sig")
        _check_shape(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a subclass of the safe loader
    except yaml.YAMLError as error:
        raise InvalidRequest(f"`{name}` is not YAML that is read here: {_said(error)}", hint=_HINT) from None
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"`{name}` is not UTF-8 text (byte {body[error.start]:#04x} at {error.start:,})", hint=_HINT
        ) from None
    except (ValueError, OverflowError, RecursionError) as error:
        # Dates that do not exist, numbers of thousands of digits: the loader lets them through to Python.
        raise InvalidRequest(
            f"`{name}` holds a value that cannot be read: {str(error)[:120] or type(error).__name__}",
            hint="put it in quotes if it is text",
        ) from None


_HINT = "docs/guides/route-checks.md shows the format"


def _check_shape(text: str) -> None:
    """Refuse what a small file can use to become a large value."""
    depth = 0
    for event in yaml.parse(text, Loader=_Base):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem="aliases (`*name`) are not followed",
                problem_mark=event.start_mark,  # type: ignore[arg-type]  # either kind of mark
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise yaml.MarkedYAMLError(
                    problem=f"it is nested more than {MAX_DEPTH} deep",
                    problem_mark=event.start_mark,  # type: ignore[arg-type]  # either kind of mark
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _said(error: yaml.YAMLError) -> str:
    """Say in one line what is wrong and where, without repeating the file."""
    mark = getattr(error, "problem_mark", None)
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    problem = ", ".join(part for part in parts if part) or str(error)
    where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
    return f"{' '.join(str(problem).split())[:200]}{where}"
