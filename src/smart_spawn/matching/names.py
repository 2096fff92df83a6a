"""Take a published name apart: which model it names, and how that model was set.

The grammar knows habits of publishers and makers, never single models; single names belong in `aliases.toml`.
It works on tokens from the right: what is not understood stays in the key, so that an unknown name meets no model
rather than a wrong one. Source: docs/concepts/matching.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from smart_spawn.matching.dates import PublishedDate
from smart_spawn.matching.grammar import FIRST_VERSION, MAKER_WORDS, Parts, peel, read_bracket
from smart_spawn.model import Effort

MAX_NAME_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedName:
    """A published name, taken apart."""

    text: str
    key: str
    """The words that name the model, joined by hyphens, without any of the parts below."""
    literal: str
    """All words as they stand, joined by hyphens: for products whose id looks like a setting (`o3-mini-high`)."""
    vendor: str = ""
    """What stood before a slash."""
    effort: Effort | None = None
    thinking: bool | None = None
    date: PublishedDate | None = None
    stage: str = ""
    """`preview`, `exp` or `beta`."""
    moving: bool = False
    """It says `latest`: its date is a day of measuring, not a snapshot of its own."""
    tuned: bool = False
    """It says `instruct`."""
    search: bool = False
    """The model with a search tool."""
    harness: str = ""
    """The program around the model, or the edit format."""
    quantisation: str = ""
    several: bool = False
    """It names two models that worked together."""

    @property
    def cohort_key(self) -> str:
        """The key that one cohort member has, whatever its effort: snapshots and previews stay apart."""
        return "-".join(part for part in (self.key, self.stage, str(self.date or "").lstrip("-")) if part)


@lru_cache(maxsize=8192)
def take_apart(published: str) -> PublishedName:
    """Read the model's key and its settings from a published name. Never fails: the unknown stays in the key."""
    text = published.strip()[:MAX_NAME_CHARS]
    lowered = re.sub(r"\b(?:x|extra)[ -]high\b", "xhigh", text.lower())
    several = " + " in lowered
    path, _, plain = lowered.rpartition("/") if "(" not in lowered.partition("/")[0] else ("", "", lowered)
    plain = re.sub(r":(free|batch|extended|nitro|floor|exacto|online|0)$", "", plain)
    outside = re.sub(r"[(\[][^)\]]*[)\]]", " ", plain)
    parts = Parts(_without_makers(_tokens(outside)))
    literal = "-".join(_without_makers(_tokens(plain))).replace(".", "-")
    unknown: list[str] = []
    for phrase in (p for group in re.findall(r"[(\[]([^)\]]*)[)\]]", plain) for p in group.split(",")):
        unknown += read_bracket(_tokens(phrase), parts)
    parts.tokens += unknown
    peel(parts)
    return PublishedName(
        text=published, key=_key(parts.tokens), literal=literal, vendor=path.rpartition("/")[2], several=several,
        effort=parts.effort, thinking=parts.thinking, date=parts.date, stage=parts.stage, moving=parts.moving,
        tuned=parts.tuned, search=parts.search, harness=" ".join(parts.harness), quantisation=parts.quantisation,
    )  # fmt: skip  # one argument a line would hide that this only copies


def _tokens(text: str) -> list[str]:
    """Split at everything but the dot inside a version; `R+` is `r plus`."""
    text = re.sub(r"(?<=\w)\+", " plus", re.sub(r"(?<=[a-z])\.(?=[a-z])", " ", text.replace("'", "")))
    return [token for token in (t.strip(".") for t in re.split(r"[^\w.]+|_", text)) if token]


def _without_makers(tokens: list[str]) -> list[str]:
    first = 0
    while first < len(tokens) - 1 and tokens[first] in MAKER_WORDS:
        first += 1
    return tokens[first:]


def _key(tokens: list[str]) -> str:
    """Join the words: a first version is not told, Claude's family comes before its version."""
    if len(tokens) > 1 and tokens[-1] in FIRST_VERSION:
        tokens = tokens[:-1]
    words = "-".join(tokens).replace(".", "-").split("-")
    if words[0] == "claude":
        version = 1
        while version < len(words) and words[version].isdigit():
            version += 1
        if 1 < version < len(words) and words[version].isalpha():
            words = [words[0], words[version], *words[1:version], *words[version + 1 :]]
    return "-".join(words)


def squash(key: str) -> str:
    """Drop hyphens between a letter and a digit: `qwen-2-5-72b` and `qwen2.5-72b` are spellings of one name."""
    return re.sub(r"(?<=[a-z])-(?=\d)", "", key)


def in_any_order(key: str) -> str:
    """Sort the words, versions kept whole: `llama-3-1-instruct-405b`, `jamba-1-7-large`."""
    return "|".join(sorted(re.findall(r"\d+(?:-\d+)*(?=-|$)|[^-]+", key)))
