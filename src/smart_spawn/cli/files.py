"""Files that a command writes because somebody named them."""

from __future__ import annotations

from pathlib import Path

from smart_spawn.errors import InvalidRequest


def write_text(path: Path, text: str) -> None:
    """Write a document. Raises InvalidRequest, with the reason, when that is not possible."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises InvalidRequest, with the reason, when that is not possible."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InvalidRequest(
            f"`{path}` cannot be written: {error.strerror}", hint="name a file in a folder that exists"
        ) from None
