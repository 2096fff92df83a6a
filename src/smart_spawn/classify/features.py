"""Turn a task into what the model weighs. Training and run time read the same `Reading`, so they cannot differ."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass

from smart_spawn.classify.ask import newest_ask
from smart_spawn.classify.courtesy import LETTERS, without_courtesy
from smart_spawn.classify.marks import marks_of
from smart_spawn.classify.quiet import without_quiet_ends
from smart_spawn.classify.weights import PREFIX_LENGTH, Weights
from smart_spawn.classify.window import window

BEGIN = "^"
"""Stands before the first word, so that the pair (`^`, first word) is a feature of its own."""
GAP = "|"
ASK_WORDS = 20
ASK_TAIL_WORDS = 12
"""Words at both ends that count more: what is wanted stands at the beginning or at the end."""
ASK_STRENGTH = 3
MARK_STRENGTH = 2

_IDEOGRAPHIC = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\u0e00-\u0e7f"
"""Scripts read character by character, for they put no (or few) spaces between words."""
_HAS_IDEOGRAPHIC = re.compile(f"[{_IDEOGRAPHIC}]")
_MIXED_WORD = re.compile(f"[{_IDEOGRAPHIC}]|[^\\W\\d_{_IDEOGRAPHIC}]+")
_WORD = re.compile(r"[^\W\d_]+")
_MAX_IDEOGRAPHIC = 900
"""Characters of such a script that are read: one says about as much as three letters."""
_MAX_BODY = 120
"""Words between the two ends that are weighed."""
_POLITE = frozenset(
    ["please", "pls", "kindly", "bitte", "thanks", "thank", "veuillez", "favor", "请", "請", "пожалуйста"]
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A task, taken apart: the words that count more, the others, and the marks."""

    ask: list[str]
    body: list[str]
    marks: list[str]


def read(task: str, weights: Weights | None = None) -> Reading:
    """Take a task apart. Linear in its length, and bounded in what is looked at closely.

    With `weights` what says nothing at its ends is left out; training has none yet.
    """
    text = window(without_courtesy(newest_ask(task)))
    if weights is not None:
        text = without_quiet_ends(text, weights)
    if not text:
        return Reading([BEGIN], [], [])
    marks = marks_of(text)
    words = _words(text)
    if len(words) <= 6:
        marks.append("@short")
    elif len(words) > 150:
        marks.append("@long")
    if len(words) <= ASK_WORDS + ASK_TAIL_WORDS:
        return Reading([BEGIN, *_plain(words)], [], marks)
    ask = [BEGIN, *_plain(words[:ASK_WORDS]), GAP, *_plain(words[-ASK_TAIL_WORDS:])]
    return Reading(ask, words[ASK_WORDS:-ASK_TAIL_WORDS][:_MAX_BODY], marks)


def _plain(words: list[str]) -> list[str]:
    return [word for word in words if word not in _POLITE]


def _words(text: str) -> list[str]:
    """Split into lower-case words of letters, or single characters where words are not spaced."""
    text = text.lower()
    if "c++" in text or "c#" in text:
        text = text.replace("c++", " cpp ").replace("c#", " csharp ")
    if text.isascii():
        return text.translate(LETTERS).split()
    text = unicodedata.normalize("NFKC", text)
    if _HAS_IDEOGRAPHIC.search(text) is None:
        return _WORD.findall(text)
    if len(text) > _MAX_IDEOGRAPHIC:
        text = f"{text[: _MAX_IDEOGRAPHIC // 2]} {text[-_MAX_IDEOGRAPHIC // 2 :]}"
    return _MIXED_WORD.findall(text)


def features(reading: Reading) -> dict[str, int]:
    """Name every feature with its strength, for training: `word`, `prefi*`, `two words`, `@mark`."""
    strengths = dict.fromkeys(_names(reading.body), 1)
    for name in dict.fromkeys(_names(reading.ask)):
        strengths[name] = strengths.get(name, 0) + ASK_STRENGTH
    for mark in reading.marks:
        strengths[mark] = MARK_STRENGTH
    strengths.pop(BEGIN, None)
    strengths.pop(GAP, None)
    return strengths


def _names(words: list[str]) -> list[str]:
    prefixes = [word[:PREFIX_LENGTH] + "*" for word in words if len(word) > PREFIX_LENGTH]
    return [*words, *prefixes, *map(" ".join, itertools.pairwise(words))]
