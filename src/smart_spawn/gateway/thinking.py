"""Signed thinking, packed into the one opaque text that other protocols carry back to us.

A model that goes on after a tool call wants its own thinking returned unchanged. Chat completions carry it as
`reasoning_details`; the other protocols have a text that clients return unread, a signature or an encrypted content.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_MARK = "ss1."
"""What packed thinking begins with, so that the signatures of other services are not taken for ours."""
_GROWING = ("text", "summary", "data")
"""The members of a detail that arrive in pieces."""


def pack(details: Iterable[Mapping[str, Any]]) -> str:
    """Return details as one opaque text; empty where there are none."""
    found = list(details)
    return _MARK + base64.urlsafe_b64encode(msgspec.json.encode(found)).decode() if found else ""


def unpack(text: str | None) -> list[dict[str, Any]]:
    """Return the details that `pack` made a text of; nothing of a text that is not ours."""
    if not text or not text.startswith(_MARK):
        return []
    try:
        return msgspec.json.decode(
            base64.b64decode(text.removeprefix(_MARK), altchars=b"-_", validate=True),
            type=list[dict[str, Any]],
        )
    except (binascii.Error, ValueError, RecursionError):  # cut, changed or made up
        return []


def merged(pieces: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Put the pieces of a stream together: those that follow each other with the same type, id and index."""
    whole: list[dict[str, Any]] = []
    for piece in pieces:
        if whole and _same(whole[-1], piece):
            _grow(whole[-1], piece)
        else:
            whole.append(dict(piece))
    return whole


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (
        one.get("type") == other.get("type")
        and one.get("index") == other.get("index")
        and (one.get("id") == other.get("id") or other.get("id") is None)
    )


def _grow(whole: dict[str, Any], piece: Mapping[str, Any]) -> None:
    for name, value in piece.items():
        before = whole.get(name)
        if name in _GROWING and isinstance(before, str) and isinstance(value, str):
            whole[name] = before + value
        elif value is not None:
            whole[name] = value
