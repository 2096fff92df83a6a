"""Recorded outcomes: what many models answered to the same prompts, how well, for how much and how fast.

The format, ours and that of anybody who wants to be measured: docs/guides/evaluate.md.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smart_spawn.errors import InvalidRequest

COVERAGE = 0.98
"""A model takes part when it answered at least this share of the prompts."""
FEWEST_PROMPTS = 20
UNREADABLE = "```"
"""Stands for an answer from which nothing could be read: the gate rejects it, and it is paid all the same."""
NOT_RECORDED = "The words of this answer were not recorded, only how good it was."
TASK_NOT_RECORDED = "(not recorded)"
NOMINAL_TOKENS = 500
"""Where only list prices are known, a call costs that of so many tokens in and as many out."""
FILES = ("outcomes.jsonl.gz", "outcomes.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One model's answer to one prompt."""

    score: float
    """0 to 1."""
    cost_usd: float | None
    text: str
    prompt_tokens: int
    completion_tokens: int
    latency_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPrompt:
    """One prompt with every model's answer to it."""

    id: str
    task: str
    category: str
    answers: Mapping[str, Recorded]
    part: str = ""
    """The data set within the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Prompts that the same models answered."""

    name: str
    prompts: tuple[RecordedPrompt, ...]
    models: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What a reader of the numbers must know."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The data sets within the folder, when there are several."""
        found = sorted({prompt.part for prompt in self.prompts})
        return tuple(found) if len(found) > 1 else ()

    @property
    def priced(self) -> bool:
        """Whether every answer has a cost."""
        return all(a.cost_usd is not None for p in self.prompts for a in p.answers.values())

    @property
    def worded(self) -> bool:
        """Whether the words of any answer were recorded, so that answers can be compared."""
        return any(a.text is not NOT_RECORDED for p in self.prompts for a in p.answers.values())

    def halves(self) -> tuple[DataSet, DataSet]:
        """Split by prompt, the same way every time."""
        first = tuple(p for p in self.prompts if _bit(p.id) == 0)
        second = tuple(p for p in self.prompts if _bit(p.id) == 1)
        return replace(self, prompts=first), replace(self, prompts=second)

    def only(self, models: Sequence[str]) -> DataSet:
        """Return the same prompts with these models alone; prompts that one of them lacks are left out."""
        kept = tuple(
            replace(p, answers={model: p.answers[model] for model in models})
            for p in self.prompts
            if all(model in p.answers for model in models)
        )
        return replace(self, prompts=kept, models=tuple(models))


def _bit(prompt_id: str) -> int:
    return hashlib.sha256(prompt_id.encode()).digest()[0] & 1


def folders(root: Path, wanted: str | None = None) -> list[Path]:
    """List the folders that hold outcomes. Raises InvalidRequest when there are none, or not the wanted one.

    A folder that itself holds outcomes is one data set.
    """
    held = sorted({path.parent for name in FILES for path in (*root.glob(name), *root.glob(f"*/{name}"))})
    chosen = [path for path in held if wanted is None or path.resolve().name == wanted]
    if not chosen:
        names = ", ".join(f"`{path.resolve().name}`" for path in held[:40]) or "none"
        raise InvalidRequest(
            f"`{root}` has no recorded outcomes"
            if wanted is None
            else f"`{root}` has no data set `{wanted[:80]}`",
            hint=f"a data set is a folder with `prompts.jsonl.gz` and `outcomes.jsonl.gz`; there are: {names}",
        )
    return chosen


def load(folder: Path) -> list[DataSet] | str:
    """Read a folder: one data set, or one a part where the parts have no models in common; or say why neither.

    Models whose recorded cost is only a lower bound are left out: they would look cheaper than they were.
    Raises InvalidRequest for a file that is not what it should be.
    """
    name = folder.resolve().name
    try:
        prompts, bounded = _read(folder)
        prices = _prices(folder)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidRequest(
            f"`{folder}` cannot be read as recorded outcomes: {type(error).__name__}: {str(error)[:200]}",
            hint="outcomes are JSON lines with `prompt_id`, `model` and `score`: docs/guides/evaluate.md",
        ) from None
    whole = _compared(name, prompts, bounded, prices)
    if isinstance(whole, DataSet):
        return [whole]
    parts = sorted({prompt.part for prompt in prompts})
    found = [
        _compared(f"{name}/{part}", [p for p in prompts if p.part == part], bounded, prices) for part in parts
    ]
    usable = [one for one in found if isinstance(one, DataSet)]
    return usable or whole


def _read(folder: Path) -> tuple[list[RecordedPrompt], frozenset[str]]:
    texts = {
        (row["prompt_id"], row["model"]): row["response"]
        for row in _rows(folder, "responses", needed=False)
        if row.get("response") is not None
    }
    answers: dict[str, dict[str, Recorded]] = {}
    bounded: set[str] = set()
    for row in _rows(folder, "outcomes"):
        if row.get("cost_is_lower_bound"):
            bounded.add(row["model"])
        if row.get("score") is None:
            continue
        text = texts.get((row["prompt_id"], row["model"]), row.get("response"))
        answers.setdefault(row["prompt_id"], {})[row["model"]] = _recorded(row, text)
    asked = {row["prompt_id"]: row for row in _rows(folder, "prompts")}
    return [
        RecordedPrompt(
            id=prompt_id,
            task=str(asked[prompt_id].get("prompt") or asked[prompt_id].get("question") or TASK_NOT_RECORDED),
            category=str(asked[prompt_id].get("category") or "general"),
            answers=row,
            part=str(asked[prompt_id].get("dataset") or "").rsplit("/", 1)[-1],
        )
        for prompt_id, row in sorted(answers.items())
        if prompt_id in asked
    ], frozenset(bounded)


def _compared(
    name: str, prompts: Sequence[RecordedPrompt], bounded: frozenset[str], prices: Mapping[str, float]
) -> DataSet | str:
    """Keep the models that answered nearly all prompts, and of those the ones with costs when there are two."""
    counts: Counter[str] = Counter()
    costs: Counter[str] = Counter()
    for prompt in prompts:
        counts.update(prompt.answers.keys())
        costs.update(m for m, a in prompt.answers.items() if a.cost_usd is not None)
    enough = COVERAGE * len(prompts)
    scored = sorted(m for m, count in counts.items() if count >= enough and m not in bounded)
    priced = [m for m in scored if costs[m] >= enough]
    notes = [f"{len(bounded)} models left out: their cost is a lower bound"] if bounded else []
    if len(priced) < 2 and not any(costs[m] for m in scored) and sum(m in prices for m in scored) > 1:
        priced = [m for m in scored if m in prices]
        prompts = [_at_list_price(prompt, priced, prices) for prompt in prompts]
        notes.append(f"costs are list prices of {NOMINAL_TOKENS} tokens in and {NOMINAL_TOKENS} out a call")
    kept = priced if len(priced) > 1 else scored
    if len(priced) > 1:
        if len(scored) > len(kept):
            notes.append(f"{len(scored) - len(kept)} models left out: no cost recorded")
        prompts = [p for p in prompts if all(m in p.answers and _costs(p.answers[m]) for m in kept)]
    elif len(kept) > 1:
        some = any(costs[m] for m in kept)
        notes.append("costs are not recorded for all prompts" if some else "costs are not recorded")
    if len(kept) < 2:
        return "fewer than two models have scores for nearly all prompts"
    data = DataSet(name=name, prompts=tuple(prompts), models=tuple(kept), notes=tuple(notes)).only(kept)
    if len(data.prompts) < FEWEST_PROMPTS:
        return f"{len(data.prompts)} prompts were answered by all models; {FEWEST_PROMPTS} are the least"
    return data


def _costs(answer: Recorded) -> bool:
    return answer.cost_usd is not None


def _at_list_price(
    prompt: RecordedPrompt, models: Sequence[str], prices: Mapping[str, float]
) -> RecordedPrompt:
    return replace(
        prompt,
        answers={
            m: replace(prompt.answers[m], cost_usd=prices[m] * NOMINAL_TOKENS / 1e6)
            for m in models
            if m in prompt.answers
        },
    )


def _prices(folder: Path) -> dict[str, float]:
    """Return model → USD of a million tokens in and a million out, from a `prices.json` beside the data."""
    path = folder / "prices.json"
    if not path.exists():
        return {}
    return {
        str(model): float(pair[0]) + float(pair[1])
        for model, pair in json.loads(path.read_text("utf-8")).items()
        if isinstance(pair, list) and len(pair) == 2
    }


def _recorded(row: Mapping[str, Any], text: str | None) -> Recorded:
    if text is None and "answer" in row:
        text = json.dumps({"answer": row["answer"]}) if row["answer"] is not None else UNREADABLE
    score = float(row["score"])
    if not 0 <= score <= 1:
        raise ValueError(f"score {score} is not between 0 and 1")
    cost, latency = row.get("cost_usd"), row.get("latency_s")
    return Recorded(
        score=score,
        cost_usd=_amount(cost),
        text=NOT_RECORDED if text is None else (str(text) or UNREADABLE),
        prompt_tokens=int(row.get("prompt_tokens") or 0),
        completion_tokens=int(row.get("completion_tokens") or 0),
        latency_s=_amount(latency),
    )


def _amount(value: Any) -> float | None:
    """Read a cost or a time; what is below zero or no number is unknown."""
    if value is None:
        return None
    amount = float(value)
    return amount if math.isfinite(amount) and amount >= 0 else None


def _rows(folder: Path, name: str, *, needed: bool = True) -> Iterator[dict[str, Any]]:
    packed, plain = folder / f"{name}.jsonl.gz", folder / f"{name}.jsonl"
    if not packed.exists() and not plain.exists() and not needed:
        return
    with (
        gzip.open(packed, "rt", encoding="utf-8")
        if packed.exists()
        else plain.open(encoding="utf-8") as lines
    ):
        for line in lines:
            if line.strip():
                yield json.loads(line)
