"""Name the language of a text by its script and its commonest words. A signal, not a promise."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_COMMONEST: dict[str, str] = {
    "en": (
        "the a at do they when does was were we have not there how of and to in is "
        "for that with this are you on from how what write please an by my be it your which as"
    ),
    "de": (
        "der die das und ist nicht ein eine einen für mit den "
        "dem auf wie bitte ich sie zu von im diese schreibe warum über"
    ),
    "es": "el los las una para por con del que es cómo como esta este escribe qué al se más un sobre tu lo",
    "fr": "le les des une est pour dans sur avec du et un ce cette comment écris vous que qui pourquoi je au en à",
    "pt": "o os uma para com não em do da dos das um que por como mais isto esta este escreva você no na são",
    "it": "il lo gli una per con che non di della del un questo questa come è sono scrivi perché nel alla",
    "nl": "de het een en van is niet voor met dat op te hoe schrijf wat zijn deze aan waarom",
    "pl": "i w na nie się jest to z do jak dla napisz co czy że",
    "tr": "ve bir bu için ile nasıl yaz ne mi da de bana",
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _language, _words in _COMMONEST.items():
    for _word in _words.split():
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _language)

_SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile("[\u3041-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    ("el", re.compile("[\u0370-\u03ff]")),
)
_LATIN = re.compile("[a-z]{2,}")
_LATIN_PER_LETTER = 4
"""A Latin word weighs about as much as this many letters of another script."""


def language_of(words: Sequence[str]) -> str:
    """Return a two-letter code, or `und` when nothing tells. Looks at the given lower-case words only."""
    text = " ".join(words)
    if not text.isascii():
        for language, script in _SCRIPTS:
            letters = len(script.findall(text))
            if letters >= 2 and letters * _LATIN_PER_LETTER >= len(_LATIN.findall(text)):
                return language
    votes: dict[str, int] = {}
    for languages in filter(None, map(_LANGUAGES_OF.get, words)):
        for language in languages:
            votes[language] = votes.get(language, 0) + 1
    if votes:
        best = max(votes.values())
        # the order of `_COMMONEST` breaks ties
        return next(language for language in _COMMONEST if votes.get(language) == best)
    return "en" if _looks_latin(words) else "und"


def _looks_latin(words: Iterable[str]) -> bool:
    return sum(1 for word in words if word.isascii() and len(word) > 2) >= 1
