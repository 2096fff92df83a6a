"""Take a published name apart: which model it names, and how that model was set.

The grammar knows habits of publishers and makers, never single models; single names belong in `aliases.toml`.
It works on tokens from the right: what is not understood stays in the key, so that an unknown name meets no model
rather than a wrong one. Source: docs/concepts/matching.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from smart_spawn.matching.dates import PublishedDate, date_at_end, read_date
from smart_spawn.model import EFFORTS, Effort


def word_set(text: str) -> frozenset[str]:
    """Read a set of words that are easier to see in one line of text."""
    return frozenset(text.split())


MAKER_WORDS = word_set(
    "ai21 alibaba allenai amazon anthropic arcee baidu bytedance c4ai cohere dola doubao google ibm inception liquid "
    "liquidai meta microsoft minimaxai moonshot moonshotai nousresearch nvidia openai perplexity ppl pplx spacexai "
    "stepfun tencent upstage xai xiaomi zai"
)
"""Makers that publishers put before a name and catalogues do not. A maker that names a product is not here."""

PRODUCT_WORDS: tuple[tuple[str, frozenset[str]], ...] = (
    ("qwen", frozenset({"max"})),  # qwen3.7-max is the large model of its series
    ("mistral", frozenset({"medium"})),
    ("magistral", frozenset({"medium"})),
    ("devstral", frozenset({"medium"})),
    ("codex", frozenset({"max"})),  # gpt-5.1-codex-max
    ("phi", frozenset({"medium"})),
)
"""Words of a product line that would otherwise be read as an effort, by a token that comes before them."""

THINKING = frozenset({"thinking", "think", "reasoning", "reasoner", "thinker"})
NOT_THINKING = frozenset({"nothinking", "nonthinking", "nothink", "nonreasoning", "noreasoning"})
NEGATIONS = frozenset({"no", "non", "not", "without"})
STAGES = {"preview": "preview", "exp": "exp", "experimental": "exp", "beta": "beta"}
QUANTISATIONS = frozenset({"bf16", "fp16", "fp8", "fp4", "nvfp4", "mxfp4", "int4", "int8", "awq"})
SEARCH = frozenset({"search", "grounding"})
TUNED = frozenset({"instruct", "it"})
FIRST_VERSION = frozenset({"v1", "v1.0", "1.0"})
HARNESS_WORDS = frozenset({"diff", "udiff", "whole", "architect"})
"""Edit formats of the aider boards: how the answer was asked for, not who gave it."""
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


@dataclass(slots=True)
class _Parts:
    """What was found so far; `tokens` shrinks from the right."""

    tokens: list[str]
    effort: Effort | None = None
    thinking: bool | None = None
    date: PublishedDate | None = None
    stage: str = ""
    moving: bool = False
    tuned: bool = False
    search: bool = False
    harness: list[str] = field(default_factory=list)
    quantisation: str = ""

    def says(self, word: str) -> bool:
        """Tell whether the last token is this word."""
        return bool(self.tokens) and self.tokens[-1] == word

    def drop(self, count: int = 1) -> bool:
        """Take tokens from the right. Returns True, so that a rule can end with it."""
        del self.tokens[-count:]
        return True


@lru_cache(maxsize=8192)
def take_apart(published: str) -> PublishedName:
    """Read the model's key and its settings from a published name. Never fails: the unknown stays in the key."""
    text = published.strip()[:MAX_NAME_CHARS]
    lowered = re.sub(r"\b(?:x|extra)[ -]high\b", "xhigh", text.lower())
    several = " + " in lowered
    path, _, plain = lowered.rpartition("/") if "(" not in lowered.partition("/")[0] else ("", "", lowered)
    plain = re.sub(r":(free|batch|extended|nitro|floor|exacto|online)$", "", plain)
    outside = re.sub(r"[(\[][^)\]]*[)\]]", " ", plain)
    parts = _Parts(_without_makers(_tokens(outside)))
    literal = "-".join(_without_makers(_tokens(plain))).replace(".", "-")
    unknown: list[str] = []
    for phrase in (p for group in re.findall(r"[(\[]([^)\]]*)[)\]]", plain) for p in group.split(",")):
        unknown += _from_brackets(_tokens(phrase), parts)
    parts.tokens += unknown
    _peel(parts)
    return PublishedName(
        text=published, key=_key(parts.tokens), literal=literal, vendor=path.rpartition("/")[2], several=several,
        effort=parts.effort, thinking=parts.thinking, date=parts.date, stage=parts.stage, moving=parts.moving,
        tuned=parts.tuned, search=parts.search, harness=" ".join(parts.harness), quantisation=parts.quantisation,
    )  # fmt: skip  # one argument a line would hide that this only copies


def _tokens(text: str) -> list[str]:
    """Split at everything but the dot inside a version; `R+` is `r plus`."""
    text = re.sub(r"(?<=\w)\+", " plus", text.replace("'", ""))
    return [token for token in (t.strip(".") for t in re.split(r"[^\w.]+|_", text)) if token]


def _without_makers(tokens: list[str]) -> list[str]:
    first = 0
    while first < len(tokens) - 1 and tokens[first] in MAKER_WORDS:
        first += 1
    return tokens[first:]


def _from_brackets(tokens: list[str], parts: _Parts) -> list[str]:
    """Read one phrase of a bracket; returns its words when it is not understood as a whole."""
    if not tokens or tokens == ["default"]:
        return []
    if tokens[-1] in ("harness", "fallback") or (len(tokens) == 1 and tokens[0] in HARNESS_WORDS):
        parts.harness.append("-".join(tokens))
        return []
    if tokens == ["chat"]:  # DeepSeek's pair of one model's modes: (Chat) and (Reasoner)
        parts.thinking = False if parts.thinking is None else parts.thinking
        return []
    if (found := read_date(tokens)) is not None and parts.date is None:
        parts.date = found
        return []
    inner = _Parts(["", *tokens], date=parts.date)
    _peel(inner)
    if inner.tokens != [""]:
        return tokens
    parts.effort = parts.effort or inner.effort
    parts.thinking = inner.thinking if parts.thinking is None else parts.thinking
    parts.date = parts.date or inner.date
    parts.stage = parts.stage or inner.stage
    parts.quantisation = parts.quantisation or inner.quantisation
    parts.moving |= inner.moving
    parts.tuned |= inner.tuned
    parts.search |= inner.search
    return []


def _peel(parts: _Parts) -> None:
    """Take understood words from the right until one is not understood. The first token always stays."""
    _untune(parts)
    while len(parts.tokens) > 1 and any(rule(parts) for rule in _RULES):
        _untune(parts)


def _untune(parts: _Parts) -> None:
    """Take `instruct` out wherever it stands: publishers disagree about its place. `it` is Gemma's spelling."""
    kept = [t for i, t in enumerate(parts.tokens) if i == 0 or t not in TUNED]
    parts.tuned |= len(kept) < len(parts.tokens)
    parts.tokens[:] = kept


def _date(parts: _Parts) -> bool:
    """Take a date; a second one that says the same (`R1 0528 (May '25)`) only adds what the first left open."""
    if (found := date_at_end(parts.tokens)) is None:
        return False
    if parts.date is not None and not parts.date.agrees_with(found[0]):
        return False
    parts.date = found[0] if parts.date is None else parts.date.joined_with(found[0])
    return parts.drop(found[1])


def _effort(parts: _Parts) -> bool:
    if parts.says("effort") and parts.tokens[-2] in EFFORTS:
        parts.drop()
    word = parts.tokens[-1]
    if parts.effort is not None or word not in EFFORTS or _is_product(word, parts.tokens[:-1]):
        return False
    parts.effort = next(effort for effort in EFFORTS if effort == word)
    return parts.drop()


def _is_product(word: str, before: Sequence[str]) -> bool:
    return any(word in words and any(t.startswith(line) for t in before) for line, words in PRODUCT_WORDS)


def _effort_thinking(parts: _Parts) -> bool:
    """`highthinking`, one word."""
    found = re.fullmatch(r"(max|xhigh|high|medium|low|minimal)thinking", parts.tokens[-1])
    if found is None:
        return False
    parts.effort = parts.effort or next(effort for effort in EFFORTS if effort == found[1])
    parts.thinking = True
    return parts.drop()


def _thinking(parts: _Parts) -> bool:
    word, before = parts.tokens[-1], parts.tokens[-2]
    if word in ("auto", "default", "tokens", "budget") and before in THINKING:
        return parts.drop()
    if parts.thinking is False:
        return False
    if word in NOT_THINKING or (word in THINKING and before in NEGATIONS):
        parts.thinking = False
        return parts.drop(1 if word in NOT_THINKING else 2)
    if word in THINKING or word == "adaptive":
        parts.thinking = True
        return parts.drop(2 if before in ("default", "adaptive") else 1)
    return False


def _budget(parts: _Parts) -> bool:
    """Take a thinking budget (`64k`) beside a thinking or effort word; `gpt-4-32k` is a context length."""
    word, before = parts.tokens[-1], parts.tokens[-2]
    effort = before in EFFORTS and not _is_product(before, parts.tokens[:-2])
    beside = before in THINKING or effort or parts.thinking is True
    if parts.thinking is False or not re.fullmatch(r"\d{1,3}k", word) or not beside:
        return False
    parts.thinking = True
    return parts.drop()


def _fast_answer(parts: _Parts) -> bool:
    """`instant` and `base` are Kimi's and Claude's thinking switched off; elsewhere they are other models."""
    switch = ("kimi", "instant") if parts.says("instant") else ("claude", "base")
    if parts.thinking is not None or not parts.says(switch[1]) or not parts.tokens[0].startswith(switch[0]):
        return False
    parts.thinking = False
    return parts.drop()


def _stage(parts: _Parts) -> bool:
    if parts.says("latest"):
        parts.moving = True
        return parts.drop()
    if parts.stage or parts.tokens[-1] not in STAGES:
        return False
    parts.stage = STAGES[parts.tokens[-1]]
    return parts.drop()


def _quantisation(parts: _Parts) -> bool:
    if parts.quantisation or parts.tokens[-1] not in QUANTISATIONS:
        return False
    parts.quantisation = parts.tokens[-1]
    return parts.drop()


def _search(parts: _Parts) -> bool:
    if parts.search or parts.tokens[-1] not in SEARCH:
        return False
    parts.search = True
    return parts.drop()


_RULES = (_date, _effort, _effort_thinking, _thinking, _budget, _fast_answer, _stage, _quantisation, _search)


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
