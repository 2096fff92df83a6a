"""Recorded outcomes: what many models answered to the same prompts, how well, and for how much."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_spawn.errors import InvalidRequest

COVERAGE = 0.98
"""A model takes part when it answered at least this share of the prompts."""
UNREADABLE = "```"
"""Stands for an answer from which nothing could be read: the gate rejects it, and it is paid all the same."""
NOT_RECORDED = "The words of this answer were not recorded, only how good it was."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One model's answer to one prompt."""

    score: float
    """0 to 1."""
    cost_usd: float
    text: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPrompt:
    """One prompt with every model's answer to it."""

    id: str
    task: str
    category: str
    answers: Mapping[str, Recorded]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """Prompts that the same models answered."""

    name: str
    prompts: tuple[RecordedPrompt, ...]
    models: tuple[str, ...]

    def halves(self) -> tuple[DataSet, DataSet]:
        """Split by prompt, the same way every time."""
        first = tuple(p for p in self.prompts if _bit(p.id) == 0)
        second = tuple(p for p in self.prompts if _bit(p.id) == 1)
        return (
            DataSet(name=self.name, prompts=first, models=self.models),
            DataSet(name=self.name, prompts=second, models=self.models),
        )

    def only(self, models: Sequence[str]) -> DataSet:
        """Return the same prompts with these models alone."""
        kept = tuple(p for p in self.prompts if all(model in p.answers for model in models))
        return DataSet(name=self.name, prompts=kept, models=tuple(models))


def _bit(prompt_id: str) -> int:
    return hashlib.sha256(prompt_id.encode()).digest()[0] & 1


def folders(root: Path, wanted: str | None = None) -> list[Path]:
    """List the folders that hold outcomes. Raises InvalidRequest when there are none, or not the wanted one."""
    found = sorted(path.parent for path in root.glob("*/outcomes.jsonl.gz"))
    chosen = [path for path in found if wanted in (None, path.name)]
    if not chosen:
        names = ", ".join(f"`{path.name}`" for path in found) or "none"
        raise InvalidRequest(
            f"`{root}` has no recorded outcomes"
            if wanted is None
            else f"`{root}` has no data set `{wanted}`",
            hint=f"a data set is a folder with `prompts.jsonl.gz` and `outcomes.jsonl.gz`; there are: {names}",
        )
    return chosen


def load(folder: Path) -> DataSet | str:
    """Read one data set, or say why it cannot be used for policies: it has no costs, or no common models.

    Models whose recorded cost is only a lower bound are left out: they would look cheaper than they were.
    Raises InvalidRequest for a file that is not what it should be.
    """
    try:
        texts = {
            (row["prompt_id"], row["model"]): row["response"] for row in _rows(folder / "responses.jsonl.gz")
        }
        answers: dict[str, dict[str, Recorded]] = {}
        bounded: set[str] = set()
        for row in _rows(folder / "outcomes.jsonl.gz"):
            if row.get("cost_is_lower_bound"):
                bounded.add(row["model"])
            if row.get("score") is None or row.get("cost_usd") is None:
                continue
            text = texts.get((row["prompt_id"], row["model"]), row.get("response"))
            answers.setdefault(row["prompt_id"], {})[row["model"]] = _recorded(row, text)
        prompts = {row["prompt_id"]: row for row in _rows(folder / "prompts.jsonl.gz")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidRequest(
            f"`{folder}` cannot be read as recorded outcomes: {type(error).__name__}: {error}",
            hint="each line is a JSON object with `prompt_id`, `model`, `score` and `cost_usd`",
        ) from None
    counts = Counter(model for row in answers.values() for model in row if model not in bounded)
    models = [model for model, count in counts.items() if count >= COVERAGE * len(answers)]
    if len(models) < 2:
        return "fewer than two models have scores and costs for nearly all prompts"
    found = tuple(
        RecordedPrompt(
            id=prompt_id,
            task=prompts[prompt_id].get("prompt") or prompts[prompt_id].get("question") or "(not recorded)",
            category=str(prompts[prompt_id].get("category") or "general"),
            answers=row,
        )
        for prompt_id, row in sorted(answers.items())
        if prompt_id in prompts
    )
    return DataSet(name=folder.name, prompts=found, models=tuple(sorted(models))).only(sorted(models))


def _recorded(row: Mapping[str, Any], text: str | None) -> Recorded:
    if text is None and "answer" in row:
        text = json.dumps({"answer": row["answer"]}) if row["answer"] is not None else UNREADABLE
    return Recorded(
        score=float(row["score"]),
        cost_usd=float(row["cost_usd"]),
        text=NOT_RECORDED if text is None else (text or UNREADABLE),
        prompt_tokens=int(row.get("prompt_tokens") or 0),
        completion_tokens=int(row.get("completion_tokens") or 0),
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists() and path.name == "responses.jsonl.gz":
        return
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
