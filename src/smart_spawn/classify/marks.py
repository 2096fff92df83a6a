"""Signals that need no language: code, mathematics, logs, images, options, numbers.

Each mark is a word that begins with `@`, so that it stands beside ordinary words in the weights and in the
explanation. Every pattern is linear: bounded repetition, no nesting.
"""

from __future__ import annotations

import re

_CODE_LINE = re.compile(
    r"```|^[ \t]*(?:def |class \w+[(:{]|import \w|from \w+ import|#include|public |private |function\b.*\(|const |let |var |"
    r"return\b|if ?\(|for ?\(|while ?\(|fn |func |package |using |select .* from |<\?php|<html|<div)|"
    r"[;{}]\s*$|=>|\(\)|\bself\.|&&|\|\||==|!=|</\w+>|\w\.\w+\(|^[ \t]*(?://|/\*)",
    re.MULTILINE | re.IGNORECASE,
)
_FILE = re.compile(
    r"\b[\w/-]{1,60}\.(?:py|js|ts|tsx|jsx|rs|go|java|kt|swift|c|cc|cpp|h|cs|rb|php|sql|sh|ya?ml|toml|json|html|css|scss|vue|"
    r"svelte|ipynb|dockerfile|tf|proto|lua|ex|scala)\b|\b(?:Makefile|Dockerfile|package\.json)\b|\bsrc/|\btests?/"
)
_IDENTIFIER = re.compile(
    r"\b[a-z]{1,30}_[a-z_]{1,40}\b|\b[a-z]{2,20}[A-Z][a-z]{1,20}(?:[A-Z][a-z]{1,20})*\b|\b\w{1,30}\(\)|`[^`\n]{1,80}`"
)
_LOG = re.compile(
    r"Traceback \(most recent|^\s*at [\w.$<>]+\(|\b(?:ERROR|WARN|FATAL|DEBUG)\b[\s:\]]|\b\w{2,40}(?:Error|Exception)\b|"
    r"\d{2}:\d{2}:\d{2}[.,]\d{3}|\bexit (?:code|status) \d|\bpanic:|error\[E\d+\]|\berrno\b|segmentation fault|stack ?trace",
    re.MULTILINE,
)
_MATH = re.compile(
    r"\$[^$\n]{1,200}\$|\\(?:frac|sqrt|sum|int|begin|cdot|times|angle|le|ge|mathbb|pi|theta)\b|[∑∫√≤≥≠π∞∈∀∃±×÷]|"
    r"\b\d+\s?[+*/^×÷=]\s?\d|\b[xyzn]\s?[\^=<>+]\s?[\dxyz(-]|\bf\(x\)|\bmod \d|\d+!|\d\s?%",
)
_IMAGE = re.compile(
    r"!\[[^\]\n]{0,80}\]\(|<img\b|<image>|\[image\b|\bimage_url\b|data:image/|\b[\w/-]{1,80}\.(?:png|jpe?g|gif|webp|bmp|tiff|heic)\b",
    re.IGNORECASE,
)
_OPTIONS = re.compile(
    r"(?:^|[\s(])(?:[A-Da-d][).:]|\([A-Da-d]\))\s?\S[^\n]{0,200}?[\s(][B-Eb-e][).:]", re.MULTILINE
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_JSON = re.compile(r'[{\[]\s*"[^"\n]{1,60}"\s*[:,]')
_TABLE = re.compile(
    r"^[^\n|]{0,200}\|[^\n|]{0,200}\|[^\n]*$|^[^\n\t,]{1,40}(?:,[^\n,]{1,40}){3,}$", re.MULTILINE
)
_URL = re.compile(r"https?://|www\.")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,2}[.)])\s+\S", re.MULTILINE)
_QUOTE = re.compile(r"[\"“«「'‘][^\"”»」\n]{12,}[\"”»」'’]|:\s*\n")


def marks_of(text: str) -> list[str]:
    """List the marks of a text of bounded length (the window, not the whole task)."""
    found: list[str] = []
    add = found.append
    code = len(_CODE_LINE.findall(text))
    if code:
        add("@code")
        if code >= 4:
            add("@codeblock")
    if _FILE.search(text):
        add("@file")
    if _IDENTIFIER.search(text):
        add("@identifier")
    if _LOG.search(text):
        add("@log")
    if _MATH.search(text):
        add("@math")
    if "$" in text and "\\" in text:
        add("@latex")
    if _IMAGE.search(text):
        add("@image")
    if _OPTIONS.search(text):
        add("@options")
    numbers = len(_NUMBER.findall(text))
    if numbers:
        add("@number")
        if numbers >= 3:
            add("@numbers")
    if ('"' in text) and _JSON.search(text):
        add("@json")
    if _TABLE.search(text):
        add("@table")
    if _URL.search(text):
        add("@url")
    if len(_BULLET.findall(text)) >= 2:
        add("@list")
    if _QUOTE.search(text):
        add("@quote")
    stripped = text.rstrip()
    if stripped.endswith(("?", "？")):
        add("@question")
    elif "?" in stripped or "？" in stripped:
        add("@asks")
    return found
