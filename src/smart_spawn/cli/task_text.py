"""The task as it was typed or piped in: bounded, and text."""

from __future__ import annotations

import sys

from smart_spawn.errors import InvalidRequest, TooLarge

LONGEST_CHARACTER = 4
"""Bytes of the longest character in UTF-8: so many are read for each character that is allowed."""


def read_task(task: str | None, limit: int) -> str:
    """Return the task, read from standard input for `-`, at most `limit` characters long.

    Raises InvalidRequest for what is not text, TooLarge without having read it all.
    """
    text = _from_standard_input(limit) if task == "-" else task or ""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidRequest(
            "the task holds bytes that are not text", hint="send the text of the file, or say what it is"
        )
    return text


def _from_standard_input(limit: int) -> str:
    if sys.stdin is None or sys.stdin.closed:
        raise InvalidRequest("standard input is closed", hint="pipe the task in, or name it as the argument")
    if sys.stdin.isatty():
        print("type the task, then Ctrl-D on a line of its own", file=sys.stderr)  # noqa: T201  # for people
    allowed = LONGEST_CHARACTER * limit
    body = sys.stdin.buffer.read(allowed + 1)
    if len(body) > allowed:
        raise TooLarge(
            f"the task on standard input is longer than {limit:,} characters",
            hint="send the part that says what to do, or a summary of the material",
        )
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"the task on standard input is not UTF-8 text (byte {body[error.start]:#04x} at {error.start:,})",
            hint="convert it, or send text that says what the file is",
        ) from None
