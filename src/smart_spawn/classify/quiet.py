"""Leave out what was only said around a task: clauses of courtesy words alone, and clauses in another language.

`courtesy` takes off greetings, thanks and announcements, which it knows by their words. What is left of such talk
goes here, in whatever language it is, if none of its words tells the classifier anything: the task is then read as it
would be alone. A clause in the task's own language with a word of content stays: a story or a sum may begin with it.
"""

from __future__ import annotations

import re

from smart_spawn.classify.courtesy_words import ASKING, ASKING_FIRST, COURTESY_WORDS
from smart_spawn.classify.language import language_of
from smart_spawn.classify.weights import PREFIX_LENGTH, Weights

REACH = 160
"""Characters of one clause; a longer one is material."""
MAX_CLAUSES = 3
"""Clauses left out at each end."""
_REST = 300
"""Characters beside a clause that show the language of the task."""
_LAST = 12
"""Characters at the end of a text: with a sign of material in them it needs no closer look."""
_END = re.compile(r"[.!?:;…。！？：；\n–—]")
_WIDE = frozenset("。！？：；")
"""Behind these no space is needed to end a clause."""
_MATERIAL = frozenset('`<{[=\\|/$#_"“”«»「『0123456789')
"""Signs that a clause is code, a quotation or a figure: it is part of the task, whatever its words."""
_WORD = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\u0e00-\u0e7f]")
"""Scripts without spaces: what is courtesy in them only `courtesy` can tell."""


def without_quiet_ends(text: str, weights: Weights) -> str:
    """Return the text without such clauses at its two ends. The task itself is never cut into."""
    start = _first(text, weights)
    return text[start : _last(text, weights, start)]


def _first(text: str, weights: Weights) -> int:
    """Return where the task begins."""
    start = 0
    for _ in range(MAX_CLAUSES):
        end = _end_of_clause(text, start, start + REACH)
        if not end or not _is_quiet(text[start:end], text[end : end + _REST], weights):
            break
        start = end
    return start


def _last(text: str, weights: Weights, start: int) -> int:
    """Return where the task that begins at `start` ends."""
    end = len(text)
    if not _MATERIAL.isdisjoint(text[-_LAST:]):
        return end
    for _ in range(MAX_CLAUSES):
        begin = _begin_of_last_clause(text, max(start, end - REACH), end)
        if not begin or not _is_quiet(text[begin:end], text[max(start, begin - _REST) : begin], weights):
            break
        end = begin
    return end


def _end_of_clause(text: str, start: int, limit: int) -> int:
    """Return where the clause at `start` is over, its punctuation included; 0 when that is beyond the limit."""
    for found in _END.finditer(text, start, limit):
        if found.start() > start and _ends(text, found.start()):
            return found.end()
    return 0


def _begin_of_last_clause(text: str, low: int, end: int) -> int:
    for found in reversed(list(_END.finditer(text, low, end))):
        if _ends(text, found.start()) and _WORD.search(text, found.end(), end):
            return found.end()
    return 0


def _ends(text: str, at: int) -> bool:
    """Say whether a sign ends a clause: `3.5`, `a:b` and a line that goes on have such signs inside."""
    sign, after = text[at], text[at + 1 : at + 2]
    if sign == "\n":
        return after == "\n"
    return after.isspace() or sign in _WIDE or after in ")\"'”’"


def _is_quiet(clause: str, rest: str, weights: Weights) -> bool:
    """Say whether a clause beside the rest of a text was only said around it."""
    if not _MATERIAL.isdisjoint(clause) or _UNSPACED.search(clause):
        return False
    words: list[str] = []
    for found in _WORD.finditer(clause.lower()):
        word = found[0]
        if word in ASKING or (word == ASKING_FIRST and not words) or _tells(word, weights):
            return False
        words.append(word)
    return _tells_something(rest, weights) and (
        COURTESY_WORDS.issuperset(words) or _is_foreign(clause, words, rest)
    )


def _tells(word: str, weights: Weights) -> bool:
    """Say whether a word is one that the classifier weighs by itself."""
    return word not in COURTESY_WORDS and (
        word in weights.words or (len(word) > PREFIX_LENGTH and word[:PREFIX_LENGTH] in weights.prefixes)
    )


def _tells_something(rest: str, weights: Weights) -> bool:
    if _UNSPACED.search(rest):
        return True
    return any(_tells(found[0], weights) for found in _WORD.finditer(rest.lower()))


def _is_foreign(clause: str, words: list[str], rest: str) -> bool:
    """Say whether a clause is in another language than the whole, as far as the commonest words and letters show."""
    spoken = language_of([*words, *_WORD.findall(rest.lower())])
    return language_of(words) != spoken or (spoken == "en" and not clause.isascii())
