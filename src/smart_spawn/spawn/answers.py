"""Short answers in one spelling, so that two models can be seen to agree.

An answer that is a sentence, a text or a program has no such spelling, and agreement says nothing about it.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_SHORT_CHARS = 80
"""A text of one line up to this length is an answer by itself."""
MAX_WORDS = 6
MAX_LITERAL_CHARS = 500
READ_CHARS = 20_000
"""How much of a long answer is looked at: its end, where conclusions stand."""

_FENCED = re.compile(r"^```\w*\s*\n(.*)\n```$", re.DOTALL)
_NAMED = re.compile(
    r"(?:answer|result|antwort|ergebnis|respuesta|réponse|答案|答え)"
    r"(?:\s{1,3}(?:is|ist|es|est)\s{0,3}[:：]?|\s{0,3}[:：=是は])\s{0,3}(.{1,80})$",
    re.IGNORECASE,
)
_MARKED = re.compile(r"####\s{0,3}(.{1,80})$")
_NUMBER = re.compile(r"^[-+−]?[$€£¥]?\s?\d[\d,]*(?:\.\d+)?\s?%?$|^[-+−]?\.\d+$")
_CHOICE = re.compile(r"^[(\[]?([A-J])[)\].:]?(?:\s|$)")
_OPTION = re.compile(r"(?:^|[\s(\"'])([A-J])(?=[).:\"']\s|[).:\"']$)", re.MULTILINE)
_LAST_MEMBER = re.compile(
    r"\"(?:answer|final_answer|finalAnswer|result)\"\s{0,3}:\s{0,3}"
    r"(?:\"((?:[^\"\\]|\\.){0,500})\"|([^\"{}\n]{1,200}?))\s{0,20}\}\s{0,5}(?:```)?\s{0,5}$",
)
"""The member that closes a JSON object which closes the text."""
_KEYS = ("answer", "final_answer", "finalAnswer", "result", "output", "choice", "label")


def options_of(task: str) -> int | None:
    """Return how many choices a task offers (`A) … B) …`, or `"A" or "B"`); None when it offers none."""
    letters = set(_OPTION.findall(task[-READ_CHARS:]))
    count = 0
    while chr(ord("A") + count) in letters:
        count += 1
    return count if count > 1 else None


def canonical(text: str, *, options: int | None = None) -> str | None:
    r"""Return the one spelling of a short answer, or None when the text holds no such thing.

    Read in order: a JSON object with an `answer`, `\boxed{…}`, `#### …`, a last line that names the answer, and a
    text that is nothing but an answer.
    """
    found = _found(text.strip())
    if found is None:
        return None
    return _spelled(found, options)


def _found(text: str) -> Any | None:
    """Return the raw answer in a text."""
    tail = text[-READ_CHARS:]
    value = _of_json(tail)
    if value is not None:
        return value
    boxed = _boxed(tail)
    if boxed is not None:
        return boxed
    for line in reversed([line.strip() for line in tail.splitlines() if line.strip()][-3:]):
        named = _MARKED.search(line) or _NAMED.search(line.replace("*", ""))
        if named:
            return named[1]
    return text if len(text) <= MAX_SHORT_CHARS and "\n" not in text else None


def _of_json(text: str) -> Any | None:
    """Return the answer in a JSON object that is the text, or that ends it after some words."""
    match = _FENCED.match(text)
    body = (match[1] if match else text).strip()
    if body.startswith("{") and body.endswith("}"):
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            pass  # formulas often have backslashes that JSON does not allow: read the last member all the same
        else:
            return next((value[key] for key in _KEYS if value.get(key) is not None), None)
    last = _LAST_MEMBER.search(text[-2 * MAX_LITERAL_CHARS :])
    if last is None:
        return None
    quoted, bare = last[1], last[2]
    if quoted is None:
        return bare.strip()
    try:
        return json.loads(f'"{quoted}"')
    except ValueError:
        return quoted


def _boxed(text: str) -> str | None:
    r"""Return what stands in the last `\boxed{…}`, nested braces included."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 1, start + len("\\boxed{")
    for at in range(begin, min(len(text), begin + MAX_LITERAL_CHARS)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[begin:at]
    return None


def _spelled(value: Any, options: int | None) -> str | None:
    if isinstance(value, bool | int | float | list | dict):
        value = repr(value)
    text = str(value).strip().strip("*").strip()
    if options:
        choice = _CHOICE.match(text)
        if choice:
            return choice[1]
    text = text.removeprefix("\\(").removesuffix("\\)").strip("$ \t").removesuffix(".").strip()
    text = re.sub(r"\\(?:text|mathrm)\{([^{}]{0,80})\}", r"\1", text).replace("\\!", "").replace("\\,", "")
    if not text or len(text) > MAX_LITERAL_CHARS:
        return None
    if _NUMBER.match(text):
        return _number(text)
    literal = _literal(text)
    if literal is not None:
        return literal
    if len(text) > MAX_SHORT_CHARS or len(text.split()) > MAX_WORDS:
        return None
    spaced = " ".join(text.split())
    return spaced.casefold() if spaced.isalpha() else spaced


def _number(text: str) -> str | None:
    plain = re.sub(r"[$€£¥,%\s+]", "", text.replace("−", "-"))
    try:
        number = Decimal(plain)
    except InvalidOperation:
        return None
    return format(number.normalize(), "f") if number else "0"


def _literal(text: str) -> str | None:
    """Spell a Python literal its one way: `[ 1,2 ]` is `[1, 2]`, and a quoted text is the text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of odd escapes in what models write
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            return None
    if isinstance(value, str):
        return value
    return (
        _number(repr(value))
        if isinstance(value, int | float) and not isinstance(value, bool)
        else repr(value)
    )
