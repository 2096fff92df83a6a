"""The trained weights: one data file, unpacked once into three dictionaries of packed integers.

A feature has seven weights, one a category. They are packed, each raised by `OFFSET`, into the lanes of one
integer, so that adding features up is adding integers: 40 ns a feature without any array library.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from smart_spawn.model import CATEGORIES

PREFIX_LENGTH = 5
"""Longer words also count by their first letters: `translate`, `translating`, and typing errors further on."""
LANE_BITS = 24
"""Room for 65,793 features of the largest weight in one sum: more than any window holds."""
LANE = (1 << LANE_BITS) - 1
OFFSET = 128
COUNT_SHIFT = LANE_BITS * len(CATEGORIES)
"""The lane above the categories counts the features of a sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What training found, packed for adding."""

    version: str
    words: dict[str, int]
    """Also the marks, which begin with `@`."""
    prefixes: dict[str, int]
    pairs: dict[tuple[str, str], int]
    bias: tuple[float, ...]
    scale: float
    """From integer weights to logits; the calibrated temperature is in it."""
    floor: float
    """The part of the probability that is spread evenly: words alone are never certain."""


@lru_cache(maxsize=1)
def load_weights() -> Weights:
    """Read the weights that ship with the package. The first call takes some ten milliseconds."""
    text = resources.files(__package__).joinpath("weights.json").read_text(encoding="utf-8")
    return unpack(text)


def unpack(text: str) -> Weights:
    """Read the weights' file: feature names by kind, and their weights as bytes in the same order."""
    data = json.loads(text)
    if data["categories"] != list(CATEGORIES):
        raise ValueError(f"`weights.json` is for the categories {data['categories']}")
    raw = base64.b85decode(data["weights"])
    lanes = len(CATEGORIES)
    words, prefixes, pairs = (data[kind].split("\n") for kind in ("words", "prefixes", "pairs"))
    packed = [_pack(raw[at : at + lanes]) for at in range(0, len(raw), lanes)]
    if len(packed) != len(words) + len(prefixes) + len(pairs):
        raise ValueError("`weights.json` is damaged: names and weights differ in number")
    after_words = len(words)
    after_prefixes = after_words + len(prefixes)
    return Weights(
        version=data["version"],
        words=dict(zip(words, packed[:after_words], strict=True)),
        prefixes=dict(zip(prefixes, packed[after_words:after_prefixes], strict=True)),
        pairs=dict(zip((_pair(name) for name in pairs), packed[after_prefixes:], strict=True)),
        bias=tuple(data["bias"]),
        scale=data["scale"],
        floor=data["floor"],
    )


def _pair(name: str) -> tuple[str, str]:
    first, _, second = name.partition(" ")
    return first, second


def _pack(row: bytes) -> int:
    """Put seven bytes (weight + `OFFSET`) and a count of one into the lanes of an integer."""
    packed = 1 << COUNT_SHIFT
    for lane, value in enumerate(row):
        packed |= value << (LANE_BITS * lane)
    return packed
