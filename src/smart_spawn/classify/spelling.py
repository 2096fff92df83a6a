"""Read mistyped words: one letter too many, too few, wrong or swapped with its neighbour.

Only words that nobody knows are looked at, and only telling words are offered instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from smart_spawn.classify.courtesy_words import COURTESY_WORDS
from smart_spawn.classify.weights import LANE, LANE_BITS, OFFSET, PREFIX_LENGTH, Weights, load_weights
from smart_spawn.model import CATEGORIES

SHORTEST = 5
"""Letters of a word that can be recognised: shorter ones have too many neighbours."""
LONGEST = 16
TELLING = 30
"""The largest weight (of 127) that makes a word worth recognising."""


def spelled(words: list[str], weights: Weights) -> list[str]:
    """Replace unknown words by the telling ones that they are a typing error away from."""
    known, prefixes = weights.words, weights.prefixes
    unknown = [
        at
        for at, word in enumerate(words)
        if word not in known
        and SHORTEST <= len(word) + 1 <= LONGEST
        and word not in COURTESY_WORDS  # "could" is no mistyped "cloud"
    ]
    if not unknown:
        return words
    index = _index()
    result = words.copy()
    for at in unknown:
        word = words[at]
        meant = next((index[part] for part in (word, *_shortened(word)) if part in index), word)
        beginning = word[:PREFIX_LENGTH]
        if beginning not in prefixes or meant.startswith(beginning):  # what is known of it is not given up
            result[at] = meant
    return result


@lru_cache(maxsize=1)
def _index() -> dict[str, str]:
    """Map every telling word without one of its letters, and whole, to the word. Built at the first need."""
    weights = load_weights()
    index: dict[str, str] = {}
    for word, packed in weights.words.items():
        if not (word.isascii() and word.isalpha() and SHORTEST <= len(word) <= LONGEST):
            continue
        lanes = (packed >> (LANE_BITS * lane) & LANE for lane in range(len(CATEGORIES)))
        if max(abs(lane - OFFSET) for lane in lanes) >= TELLING:
            for part in (word, *_shortened(word)):
                index.setdefault(
                    part, word
                )  # words come in alphabetical order, so the first is always the same
    return index


def _shortened(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))
