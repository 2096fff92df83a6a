"""Marks that say where a cached prompt ends: passed to the servers that know them, taken out for others.

They are no part of what is said: a conversation is the same wherever its client puts them from turn to turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MARK = "cache_control"


def without_marks(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message without marks, and itself where there are none.

    A text that was a part only to carry a mark becomes plain again: it is the form that every server takes.
    """
    content = message.get("content")
    if not isinstance(content, list) or not any(isinstance(part, dict) and MARK in part for part in content):
        return message
    parts = [_without(part) if isinstance(part, dict) else part for part in content]
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    plain = len(texts) == len(parts) and all(isinstance(text, str) for text in texts)
    if plain and (len(parts) == 1 or message.get("role") == "system"):
        return {**message, "content": "\n\n".join(map(str, texts))}
    return {**message, "content": parts}


def _without(part: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name != MARK}
