"""Choose the pieces of a long text in which the request itself is likely to stand."""

from __future__ import annotations

MAX_READ = 1300
"""Characters read closely. Longer texts are material with a request before or behind it."""
_HEAD = 800
_TAIL = 450


def window(text: str) -> str:
    """Return a short text whole, else its beginning and end."""
    text = text.strip()
    if len(text) <= MAX_READ:
        return text
    return f"{text[:_HEAD]}\n{text[-_TAIL:]}"
