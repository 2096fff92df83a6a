"""Take courtesy off both ends of a task: greetings, polite openings, announcements, thanks and sign-offs.

A clause goes when it holds no word but those of courtesy (`courtesy_words`), whatever their order, so wordings that
nobody listed go too, and a clause with a single word of content stays.
"""

from __future__ import annotations

import re

from smart_spawn.classify.courtesy_words import (
    ANNOUNCING,
    CLOSING,
    COURTEOUS,
    COURTESY_WORDS,
    FRAGMENTS,
    GREETINGS,
    NOT_BEFORE_CLOSING,
    TELLING_FRAGMENTS,
)

MAX_CLAUSES = 6
"""Clauses of courtesy taken off each end."""
REACH = 200
"""Characters looked at for one clause: a longer one is no courtesy."""
CLOSING_REACH = 120
MAX_NAMES = 3
"""Words of a name after a greeting or under a letter."""

_LEADING = frozenset(
    [
        *("if", "when", "whenever", "wenn", "si", "cuando", "quand", "se", "quando", "если"),
        *(
            "any",
            "est",
            "can",
            "could",
            "would",
            "will",
            "may",
            "might",
            "kannst",
            "könntest",
            "könnt",
            "könnten",
        ),
        *("puedes", "podrías", "podría", "me", "peux", "pourrais", "pourriez", "mi", "puoi", "potresti"),
        *("podes", "poderia", "você", "можешь", "можете"),
    ]
)
"""First words of "when you have a minute," and "could you do the following?", which announce without a colon."""

LETTERS = "".join(chr(code) if chr(code).isalpha() else " " for code in range(128))
"""For `str.translate`: everything but ASCII letters becomes a space, five times faster than a pattern."""
_IDEOGRAPHIC = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{_IDEOGRAPHIC}]+|[^\\W\\d_{_IDEOGRAPHIC}]+")
_FIRST_WORD = re.compile(r"[^\w`(\[{<$\\]{0,20}([^\W\d_]+)")
_FRAGMENT = re.compile("|".join(sorted(map(re.escape, FRAGMENTS), key=len, reverse=True)))
_ENDINGS = ".,;:!?\n。，、；：！？…—"
_CLAUSE = re.compile(f"([^{_ENDINGS}]*)[{_ENDINGS}][{_ENDINGS}\\s)~]*")
_MATERIAL = frozenset('"“”«»「『`<{[=\\')
"""Signs that a clause quotes or holds code: then it is not spoken to the reader."""
_BEFORE_CLOSING = frozenset(".,;!?¡\n。，、；！？…—–)~")
"""What may stand before a closing."""
_QUOTING = frozenset(':："“”«»「『`<{[=\\')
"""What follows one of these is material, however polite."""

_OPENING = re.compile(
    r"""[\s"'“”«»,.:;!*#-]*(?:(?:but|and|so)\ )?(?:
      (?:hi|hello|hey|hallo|hola|bonjour|salut)(?:\ (?:there|all|again|zusammen))?\s*[,.!]
    | how\ (?:are|is)\ (?:you|it\ going|everything|things)(?:\ (?:doing|today))*\s*[?.!,]
    | (?:please|pls|plz|kindly|bitte|por\ favor|s'il\ (?:te|vous)\ pla[iî]t|per\ favore|пожалуйста)\b
    | (?:could|can|would|will)\ (?:you|u)(?:\ (?:please|kindly|help\ me(?:\ to)?|be\ so\ kind\ as\ to|possibly))*\b
    | (?:would|do)\ you\ mind\b
    | i(?:\ would|'d|\ just|\ really)?\ (?:want|need|like|appreciate\ it\ if)\ (?:you|u)(?:\ to|\ could|\ can)?\b
    | (?:i\ was\ wondering\ if|i\ wonder\ if)\ you\ (?:could|can)\b
    | (?:help\ me(?:\ to)?|let's|your\ (?:task|job|goal|mission)\ is\ to|you\ are\ asked\ to
        |the\ task\ is\ to|we\ need\ to)\b
    | (?:k[öo]nnten\ sie|kannst\ du|k[öo]nntest\ du
        |puedes|podr[ií]as|pourriez-vous|peux-tu|pouvez-vous|voc[êe]\ pode|potresti|puoi)\b
    | (?:请你?|請|麻烦你?|帮我|能否|能不能|可以请你|你能)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
"""Polite openings of the clause that asks: no punctuation stands behind them."""


def without_courtesy(ask: str) -> str:
    """Drop courtesy: "Hi there, could you please fix it? Many thanks, Sam" becomes "fix it? ".

    A text of nothing else stays as it is. Only the two ends are looked at.
    """
    start = _after_opening(ask)
    return ask[start : _before_closing(ask, start)]


def _after_opening(text: str) -> int:
    """Return where the task begins behind greetings, announcements and polite openings."""
    start = 0
    for _ in range(MAX_CLAUSES):
        first = _FIRST_WORD.match(text, start)
        if first is None or (first[1].isascii() and first[1].lower() not in COURTESY_WORDS):
            break  # most tasks begin with what they want, and end here
        end = _after_clause(text, first.start(1)) or _after_polite_words(text, start)
        if not end or _WORD.search(text, end) is None:
            break
        start = end
    return start


def _after_clause(text: str, start: int) -> int:
    """Return the end of the clause at `start` when it is courtesy, else 0."""
    found = _CLAUSE.match(text, start, start + REACH)
    if found is None or not _MATERIAL.isdisjoint(found[1]):
        return 0
    words, telling = _words_of(found[1])
    unknown = sum(word not in COURTESY_WORDS for word in words)
    if unknown:
        return found.end() if _greets_somebody(words, unknown) else 0
    announces = ":" in found[0] or "：" in found[0] or (bool(words) and words[0] in _LEADING)
    if telling or not COURTEOUS.isdisjoint(words) or (announces and not ANNOUNCING.isdisjoint(words)):
        return found.end()
    return 0


def _greets_somebody(words: list[str], unknown: int) -> bool:
    return words[0] in GREETINGS and unknown <= MAX_NAMES and len(words) <= MAX_NAMES + 1


def _after_polite_words(text: str, start: int) -> int:
    found = _OPENING.match(text, start, start + REACH)
    return found.end() if found else 0


def _before_closing(text: str, start: int) -> int:
    """Return where thanks and a sign-off begin at the end of the text, or the length of the text."""
    end = len(text)
    for _ in range(MAX_CLAUSES):
        low = max(start, end - CLOSING_REACH)
        tail = text[low:end]
        if tail.isascii() and COURTEOUS.isdisjoint(tail.lower().translate(LETTERS).split()):
            break
        keep = _without_last_clause(tail)
        if keep is None or _WORD.search(text, start, low + keep) is None:
            break
        end = low + keep
    return end


def _without_last_clause(tail: str) -> int | None:
    """Return how much of a text stays without its last clause of courtesy; `None` when there is none.

    Words are read from the last one backwards, for as long as they are words of courtesy or of a name under them.
    """
    found = list(_WORD.finditer(tail))
    telling, names, gap = False, 0, ""
    for at in range(len(found) - 1, 0, -1):
        raw = found[at][0]
        word = raw.lower()
        before = tail[found[at - 1].end() : found[at].start()]
        if not _QUOTING.isdisjoint(before):
            return None
        if word in COURTESY_WORDS or _is_of_fragments(word):
            if names and _BEFORE_CLOSING.isdisjoint(gap):
                return None  # a name under a letter stands apart: "fix it for Anna" is no sign-off
            telling = (
                telling or word in COURTEOUS or not TELLING_FRAGMENTS.isdisjoint(_FRAGMENT.findall(word))
            )
        elif not telling and names < MAX_NAMES and raw[0].isupper() and at + names == len(found) - 1:
            names, gap = names + 1, before
            continue
        else:
            return None
        signed = names > 0 and word in CLOSING and not _BEFORE_CLOSING.isdisjoint(before)
        if signed or (telling and _may_begin_closing(word, before, found[at - 1][0].lower())):
            return found[at - 1].end() + len(before.rstrip(" \t\r\n,¡¿(-–—*_"))
    return None


def _may_begin_closing(word: str, before: str, last_word: str) -> bool:
    """Say whether a closing can begin here: behind punctuation, or with a word that closings begin with."""
    if not _BEFORE_CLOSING.isdisjoint(before) or (not word.isascii() and _is_of_fragments(word)):
        return True
    return word in CLOSING and last_word not in CLOSING and last_word not in NOT_BEFORE_CLOSING


def _words_of(clause: str) -> tuple[list[str], bool]:
    """Split into lower-case words, fragments of courtesy taken out; and say whether one of those was telling."""
    clause = clause.lower()
    if clause.isascii():
        return _WORD.findall(clause), False
    fragments = _FRAGMENT.findall(clause)
    rest = _FRAGMENT.sub(" ", clause) if fragments else clause
    return _WORD.findall(rest), not TELLING_FRAGMENTS.isdisjoint(fragments)


def _is_of_fragments(word: str) -> bool:
    return not word.isascii() and not _FRAGMENT.sub("", word)
