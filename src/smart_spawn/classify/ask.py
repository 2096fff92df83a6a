"""Find what a person asks for last: without reminders, frames and quotations around it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

WRAPPER_TAGS = (
    "system-reminder",
    "system_reminder",
    "system-context",
    "system",
    "environment_details",
    "environment_context",
    "environment",
    "user_instructions",
    "instructions-context",
    "command-message",
    "command-name",
    "local-command-stdout",
    "memory",
    "context-summary",
    "thinking",
)
"""Blocks that tools put around a message. What stands in them was not asked by the person."""

_OPENING = re.compile(f"<({'|'.join(map(re.escape, WRAPPER_TAGS))})(?:\\s[^<>]{{0,200}})?>", re.IGNORECASE)
_ANY_TAG = re.compile(
    r"</?(?:user_query|user_message|user-message|task|query|prompt|request)>", re.IGNORECASE
)
_BRACKETS = (
    r"\[\s*(?:sub-?agent|agent|cron|system|session|heartbeat|worker|assistant|user)\b[^\[\]\n]{0,60}\]:?"
)
_HEADING = (
    r"[ \t]*#{0,4}[ \t]*\*{0,2}"
    r"(?:sub-?agent task|task|user|human|instruction|query|request)\*{0,2}[ \t]*:\*{0,2}"
)
_FIRST_FRAME = re.compile(f"{_BRACKETS}|{_HEADING}", re.IGNORECASE)
_FRAME = re.compile(f"{_BRACKETS}|\n{_HEADING}", re.IGNORECASE)
"""Each way begins with a character of its own: `re` looks for those ten times faster than for a line's beginning."""
_FRAME_WORDS = ("agent", "task", "user", "human", "instruction", "query", "request", "[")
"""Without one of these no frame is there: looking for them costs a tenth of looking for frames."""
_FRAME_REACH = 2000
"""Characters within which a frame stands."""
_QUOTED_LINE = re.compile(
    r"^[ \t]*>(?!>>).*$", re.MULTILINE
)  # `>>>` opens a Python console line, not a quotation


def newest_ask(source: str | Sequence[Mapping[str, Any]]) -> str:
    """Return the newest thing a person asked for.

    `source` is a task text, or chat messages with `role` and `content` (a text, or parts of which those
    with a `text` count), oldest first. Of messages only the newest `user` message with something to read
    in it counts. Reminders, frames and quotations are taken out; when nothing else is left, the text
    counts as it is. Linear in the length.
    """
    if isinstance(source, str):
        return _unwrapped(source)
    for message in reversed(source):
        if message.get("role") != "user":
            continue
        ask = _unwrapped(_text_of(message.get("content")))
        if ask.strip():
            return ask
    return ""


def _text_of(content: object) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, Sequence):
        parts = [part.get("text") for part in content if isinstance(part, Mapping)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return ""


def _unwrapped(text: str) -> str:
    stripped = _without_blocks(text) if "<" in text else text
    if "[" in stripped or ":" in stripped:
        stripped = _after_frame(stripped)
    if "\n>" in stripped or stripped.startswith(">"):
        unquoted = _QUOTED_LINE.sub("", stripped)
        stripped = unquoted if unquoted.strip() else stripped
    return stripped if stripped.strip() else text


def _without_blocks(text: str) -> str:
    """Cut every wrapper block out; one that never closes is cut to the end only if something stands before it."""
    kept: list[str] = []
    position = 0
    lowered = ""
    while found := _OPENING.search(text, position):
        lowered = lowered or text.lower()
        closing = f"</{found.group(1).lower()}>"
        end = lowered.find(closing, found.end()) if len(lowered) == len(text) else -1
        kept.append(text[position : found.start()])
        if end < 0:
            break  # every later search would scan to the end again
        position = end + len(closing)
    else:
        kept.append(text[position:])
    return _ANY_TAG.sub(" ", "".join(kept))


def _after_frame(text: str) -> str:
    """Begin behind a frame such as `[Subagent Task]:` that stands within the first lines."""
    head = text[:_FRAME_REACH].lower()
    if head.isascii() and not any(map(head.__contains__, _FRAME_WORDS)):
        return text
    found = _FIRST_FRAME.match(text, 0, _FRAME_REACH)
    for found in _FRAME.finditer(text, found.end() if found else 0, _FRAME_REACH):  # noqa: B007, B020  # the last one
        pass
    if found is None:
        return text
    rest = text[found.end() :]
    return rest if len(rest.strip()) > 3 else text
