"""What others published on the same data, to stand beside our figures. Never read by any policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PAPER = "arXiv 2406.18665v4"
_NOTE = "whole test sets without contaminated prompts; routers trained on Chatbot Arena and the data named"


def _routers(*rows: tuple[str, float, float, float]) -> list[Mapping[str, Any]]:
    return [
        {"name": name, "apgr": apgr, "cpt50": cpt50, "cpt80": cpt80, "source": _PAPER, "note": _NOTE}
        for name, cpt50, cpt80, apgr in rows
    ]


_PUBLISHED: Mapping[str, list[Mapping[str, Any]]] = {
    # Tables 1 to 3: the random router, and each method with the better of its training sets.
    "routellm/mmlu": _routers(
        ("random", 0.5007, 0.7993, 0.500),
        ("BERT, gold labels", 0.4130, 0.7220, 0.572),
        ("causal LLM, gold labels", 0.3549, 0.7031, 0.600),
        ("matrix factorization, gold labels", 0.3546, 0.7140, 0.597),
        ("similarity-weighted ranking, gold labels", 0.3540, 0.7155, 0.603),
    ),
    "routellm/gsm8k": _routers(
        ("random", 0.5000, 0.8008, 0.497),
        ("BERT, judge labels", 0.4476, 0.7909, 0.531),
        ("causal LLM, judge labels", 0.3364, 0.6326, 0.622),
        ("matrix factorization, judge labels", 0.3882, 0.7262, 0.565),
        ("similarity-weighted ranking, judge labels", 0.4121, 0.7220, 0.568),
    ),
    "routellm/mt_bench": _routers(
        ("random", 0.4903, 0.7808, 0.500),
        ("BERT, judge labels", 0.1958, 0.3402, 0.751),
        ("causal LLM, judge labels", 0.3150, 0.4875, 0.679),
        ("matrix factorization, judge labels", 0.1340, 0.3131, 0.802),
        ("similarity-weighted ranking, judge labels", 0.2321, 0.3604, 0.759),
    ),
}


def published(dataset: str) -> list[Mapping[str, Any]]:
    """Return what is known of a data set; nothing for most."""
    return _PUBLISHED.get(dataset, [])
