"""The words in a published name that say how a model was set, and the rules that take them off.

Each rule looks at the right end of the words and takes what it understands. The tables hold habits of publishers and
makers, never single models; single names belong in `aliases.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Parts:
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


def read_bracket(tokens: list[str], parts: Parts) -> list[str]:
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
    inner = Parts(["", *tokens], date=parts.date)
    peel(inner)
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


def peel(parts: Parts) -> None:
    """Take understood words from the right until one is not understood. The first token always stays."""
    _untune(parts)
    while len(parts.tokens) > 1 and any(rule(parts) for rule in _RULES):
        _untune(parts)


def _untune(parts: Parts) -> None:
    """Take `instruct` out wherever it stands: publishers disagree about its place. `it` is Gemma's spelling."""
    kept = [t for i, t in enumerate(parts.tokens) if i == 0 or t not in TUNED]
    parts.tuned |= len(kept) < len(parts.tokens)
    parts.tokens[:] = kept


def _date(parts: Parts) -> bool:
    """Take a date; a second one that says the same (`R1 0528 (May '25)`) only adds what the first left open."""
    if (found := date_at_end(parts.tokens)) is None:
        return False
    if parts.date is not None and not parts.date.agrees_with(found[0]):
        return False
    parts.date = found[0] if parts.date is None else parts.date.joined_with(found[0])
    return parts.drop(found[1])


def _effort(parts: Parts) -> bool:
    if parts.says("effort") and parts.tokens[-2] in EFFORTS:
        parts.drop()
    word = parts.tokens[-1]
    if parts.effort is not None or word not in EFFORTS or _is_product(word, parts.tokens[:-1]):
        return False
    parts.effort = next(effort for effort in EFFORTS if effort == word)
    return parts.drop()


def _is_product(word: str, before: Sequence[str]) -> bool:
    return any(word in words and any(t.startswith(line) for t in before) for line, words in PRODUCT_WORDS)


def _effort_thinking(parts: Parts) -> bool:
    """`highthinking`, one word."""
    found = re.fullmatch(r"(max|xhigh|high|medium|low|minimal)thinking", parts.tokens[-1])
    if found is None:
        return False
    parts.effort = parts.effort or next(effort for effort in EFFORTS if effort == found[1])
    parts.thinking = True
    return parts.drop()


def _thinking(parts: Parts) -> bool:
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


def _budget(parts: Parts) -> bool:
    """Take a thinking budget (`64k`) beside a thinking or effort word; `gpt-4-32k` is a context length."""
    word, before = parts.tokens[-1], parts.tokens[-2]
    effort = before in EFFORTS and not _is_product(before, parts.tokens[:-2])
    beside = before in THINKING or effort or parts.thinking is True
    if parts.thinking is False or not re.fullmatch(r"\d{1,3}k", word) or not beside:
        return False
    parts.thinking = True
    return parts.drop()


def _fast_answer(parts: Parts) -> bool:
    """`instant` and `base` are Kimi's and Claude's thinking switched off; elsewhere they are other models."""
    switch = ("kimi", "instant") if parts.says("instant") else ("claude", "base")
    if parts.thinking is not None or not parts.says(switch[1]) or not parts.tokens[0].startswith(switch[0]):
        return False
    parts.thinking = False
    return parts.drop()


def _default(parts: Parts) -> bool:
    """Take `default`: the maker's own setting, which is what no word means too."""
    return parts.says("default") and parts.drop()


def _stage(parts: Parts) -> bool:
    if parts.says("latest"):
        parts.moving = True
        return parts.drop()
    if parts.stage or parts.tokens[-1] not in STAGES:
        return False
    parts.stage = STAGES[parts.tokens[-1]]
    return parts.drop()


def _quantisation(parts: Parts) -> bool:
    if parts.quantisation or parts.tokens[-1] not in QUANTISATIONS:
        return False
    parts.quantisation = parts.tokens[-1]
    return parts.drop()


def _search(parts: Parts) -> bool:
    if parts.search or parts.tokens[-1] not in SEARCH:
        return False
    parts.search = True
    return parts.drop()


_RULES = (
    _date,
    _effort,
    _effort_thinking,
    _thinking,
    _budget,
    _fast_answer,
    _default,
    _stage,
    _quantisation,
    _search,
)
