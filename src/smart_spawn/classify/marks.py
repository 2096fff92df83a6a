"""Signals that need no language: code, mathematics, logs, images, options, numbers.

Each mark is a word that begins with `@`, so that it stands beside ordinary words in the weights and in the
explanation. Plain substring searches, for they run ten times faster than one pattern of alternatives; the few
patterns see only the first words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping

SPEAKING_MARKS = frozenset(["@code", "@log", "@file", "@image", "@math", "@json"])
"""Marks that tell something even when no word is known; a question mark alone does not."""

_CODE_WORDS = ("SELECT ", "elif ", "func ")
_CODE_LINES: dict[str, tuple[str, ...]] = {
    "\n": ("\ndef ", "\nimport ", "\nfrom ", "\n    ", "\n\t"),
    "#": ("#include",),
    "/": ("://localhost",),
}
_CODE: dict[str, tuple[str, ...]] = {
    "=": ("=>", "==", "!=", " = [", " = {", "= new ", "+= "),
    "(": ("();", "()", "(self", "print(", "function(", "for (", "if (", "while ("),
    "{": ("{\n", "{0}", "import {"),
    "<": ("</", "<?php", "<div"),
    ";": (";\n", "};"),
    "`": ("```",),
}
"""Signs of code by a character that they contain: most texts hold few of these characters, so little is searched."""
_CODE_BESIDE = (
    "def ",
    "/>",
    "self.",
    "const ",
    "console.",
    "printf",
    "public ",
    "let ",
    "[i]",
    "var ",
    "return ",
)
"""Signs of code only beside one of those characters: people write these words too."""
_LOG = (
    "    at ",
    "egmentation fault",
    "exit code",
    "errno",
    "stack trace",
    "stacktrace",
    "undefined reference",
)
_LOG_LINES: dict[str, tuple[str, ...]] = {
    "E": ("Error:", "Exception", "ERROR", "ERR!", "error[E"),
    ":": ("panic:", "fatal:"),
    "T": ("Traceback", "FATAL"),
    "W": ("WARN",),
    "\t": ("\tat ",),
}
"""Signs of code and of logs by a character that they contain: most texts lack it, so little is searched."""
_LATEX = (
    "\\frac",
    "\\sqrt",
    "\\sum",
    "\\int",
    "\\begin",
    "\\cdot",
    "\\times",
    "\\angle",
    "\\le",
    "\\ge",
    "\\math",
    "\\pi",
    "\\text",
)
_MATH_SIGNS = frozenset("∑∫√≤≥≠π∞∈∀∃±×÷²³")
_OPERATORS = "=+^*/×÷<>%!"
_FORMULA = re.compile(
    r"""[=+^*/×÷<>%!](?:
        (?:(?<=\d[+*/^×÷=])|(?<=\d\s[+*/^×÷=]))\s?\d
      | (?:(?<=\b[xyzn][\^=<>+])|(?<=\b[xyzn]\s[\^=<>+]))\s?[\dxyz(-]
      | (?<=\d%)|(?<=\d\s%)|(?<=\d!)
    )""",
    re.VERBOSE,
)
"""`2 + 2`, `x = y`, `5 %`, `3!`: begins at the operator, since digits are many and operators few."""
_IMAGE: dict[str, tuple[str, ...]] = {
    "image": ("<image", "image_url", "data:image/", "[image", "image:"),
    "![": ("![",),
    "<img": ("<img",),
    ".": (".png", ".jpg", ".jpeg", ".gif", ".webp"),
}
"""Signs of a picture, by a part of theirs that few texts hold."""
_EXTENSIONS = frozenset(
    [
        *("py", "js", "ts", "tsx", "jsx", "rs", "go", "java", "kt", "swift", "c", "cc", "cpp", "h", "cs"),
        *("rb", "php", "sql", "sh", "yml", "yaml", "toml", "json", "html", "css", "scss", "vue", "svelte"),
        *("ipynb", "tf", "proto", "lua", "ex", "scala", "md", "dockerfile", "lock", "xml", "ini", "cfg"),
    ]
)
_PATHS = ("src/", "tests/", "Makefile", "Dockerfile")
_CAMEL = re.compile(r"[a-z]{2}[A-Z][a-z]")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NUMBERS = 3
"""So many numbers are a mark of their own."""
_OPTIONS = {
    "B": {"B)": "A)", "B.": "A.", "B:": "A:", "B、": "A、", "B．": "A．"},
    ")": {"b)": "a)", "(ii)": "(i)"},
}
"""The second of a list of choices, and the first that must be there too, by a character of the second."""
_BULLET = re.compile(r"\n(?:[-*•] |[123]\.|[12]\))")
_QUOTES = ("“", "「", "《", "«", ":\n", "：\n", "\n\n")
_NEAR = 400
"""Characters at the beginning that patterns see."""
_HEAD = 450
_TAIL = 200
"""Characters at both ends that are searched."""
_NEAR_WORDS = 60
_FIRST = 20
"""Characters in which the first word stands."""
_EMPHASIS = " \t\r\n?!？！"
_INTERROGATIVES = frozenset(
    [
        *(
            "what",
            "whats",
            "what's",
            "how",
            "why",
            "who",
            "when",
            "where",
            "which",
            "whose",
            "is",
            "are",
            "am",
        ),
        *("do", "does", "did", "was", "were", "has", "have", "should"),
        *("was", "wie", "warum", "wieso", "wer", "wann", "wo", "welche", "welcher", "welches", "ist", "sind"),
        *("qué", "cómo", "cuál", "cuáles", "quién", "cuándo", "dónde", "cuánto", "cuántos"),
        *("comment", "pourquoi", "quel", "quelle", "quels", "quelles", "qui", "quand", "où", "combien"),
        *(
            "como",
            "qual",
            "quais",
            "quem",
            "quando",
            "onde",
            "come",
            "cosa",
            "perché",
            "quale",
            "chi",
            "dove",
        ),
        *("как", "что", "почему", "кто", "когда", "где"),
    ]
)
_AROUND = ".,;:!?()[]{}\"'`<>*"


def marks_of(text: str) -> list[str]:
    """List the marks of a text of bounded length (the window, not the whole task)."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n{text[-_TAIL:]}"
    near = text[:_NEAR]
    found = [*_code_marks(text), *_name_marks(near, text), *_math_marks(near, text)]
    lowered = near.lower()
    if _holds_any(lowered, _IMAGE):
        found.append("@image")
    if _has_options(text):
        found.append("@options")
    if '{"' in text or '": ' in text or '":' in text:
        found.append("@json")
    commas = text.count(",")
    if text.count("|") >= 4 or text.count("\t") >= 4 or (commas > 4 and commas - text.count(", ") > 4):
        found.append("@table")
    if "http" in text or "www." in text:
        found.append("@url")
    if len(_BULLET.findall(text)) >= 2:
        found.append("@list")
    if text.count('"') >= 2 or any(map(text.__contains__, _QUOTES)):
        found.append("@quote")
    asks = _asks(text)
    if asks:
        found.append(asks)
    return found


def _asks(text: str) -> str | None:
    """Tell a question, which begins like one or ends on one question mark, from a text with one in it.

    "Fix it ???" and "fix it !?" are not questions, and "what is the capital;" is one.
    """
    words = text[:_FIRST].split(None, 1)
    if words and words[0].lower().strip(_AROUND + "¿") in _INTERROGATIVES:
        return "@question"
    sober = text.rstrip(_EMPHASIS)
    if text[len(sober) :].rstrip() in ("?", "？"):
        return "@question"
    return "@asks" if "?" in sober or "？" in sober else None


def _has_options(text: str) -> bool:
    return any(
        second in text and first in text
        for character, options in _OPTIONS.items()
        if character in text
        for second, first in options.items()
    )


def _holds_any(text: str, signs_by_part: Mapping[str, tuple[str, ...]]) -> bool:
    """Say whether a text holds one of the signs; those whose part it lacks are not searched."""
    return any(part in text and any(map(text.__contains__, signs)) for part, signs in signs_by_part.items())


def _code_marks(text: str) -> list[str]:
    found = []
    holds = text.__contains__
    code = sum(map(holds, _CODE_WORDS))
    for character, signs in _CODE_LINES.items():
        if character in text:
            code += sum(map(holds, signs))
    beside = False
    for character, signs in _CODE.items():
        if character in text:
            beside = True
            code += sum(map(holds, signs))
    if beside:
        code += sum(map(holds, _CODE_BESIDE))
    if code:
        found.append("@code")
        if code >= 4:
            found.append("@codeblock")
    if any(map(text.__contains__, _LOG)) or _holds_any(text, _LOG_LINES):
        found.append("@log")
    return found


def _name_marks(near: str, text: str) -> list[str]:
    """Find file names and identifiers among the first words."""
    words = [word.strip(_AROUND) for word in near.split()[:_NEAR_WORDS] if not word.isalpha()]
    found: list[str] = []
    if any(map(near.__contains__, _PATHS)) or any(
        "." in word and word.rpartition(".")[2].lower() in _EXTENSIONS for word in words
    ):
        found.append("@file")
    if "`" in text or "()" in near or any("_" in word for word in words) or _has_camel(near[:200]):
        found.append("@identifier")
    return found


def _has_camel(text: str) -> bool:
    """Look for `camelCase`; a text without capitals but the first, as many are, needs no search."""
    return not text[1:].islower() and _CAMEL.search(text) is not None


def _math_marks(near: str, text: str) -> list[str]:
    found = []
    latex = "\\" in text and any(command in text for command in _LATEX)
    formula = any(map(near.__contains__, _OPERATORS)) and ("f(x)" in near or _FORMULA.search(near))
    if latex or formula or not (near.isascii() or _MATH_SIGNS.isdisjoint(near)):
        found.append("@math")
    if latex or text.count("$") >= 4:
        found.append("@latex")
    digits = not near.isascii() or any(map(near.__contains__, "0123456789"))
    if digits:
        numbers = sum(1 for _ in itertools.islice(_NUMBER.finditer(near), _NUMBERS))
        if numbers:
            found.append("@number")
        if numbers == _NUMBERS:
            found.append("@numbers")
    return found
