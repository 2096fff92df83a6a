"""Learned gain for live choices, from an owner's recorded outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smart_spawn.classify import classify
from smart_spawn.errors import InvalidRequest
from smart_spawn.evals.outcomes import DataSet, RecordedPrompt, folders, load
from smart_spawn.feedback.gain import FEWEST, learn_gains
from smart_spawn.feedback.live_gain import LiveGain
from smart_spawn.model import CATEGORIES

OURS = frozenset(map(str, CATEGORIES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a set of outcomes taught, with what it did not."""

    data: DataSet
    gain: LiveGain
    helped: dict[str, float]
    """Every model of the outcomes: the share of what sets it apart that was foretold on prompts left out. Those at 0
    (not beyond chance) or below are not in `gain`."""


def learn_from(outcomes: Path, dataset: str | None = None) -> Learnt:
    """Learn from one data set.

    Raises InvalidRequest when it cannot be read, when there are several to choose from, and when prompts foretold
    nothing of any model where they were left out.
    """
    data = _one(outcomes, dataset)
    gains = learn_gains(
        data.models,
        [p.task for p in data.prompts],
        [kind_of(p) for p in data.prompts],
        np.array([[p.answers[m].score for m in data.models] for p in data.prompts]),
    )
    found = LiveGain.of(gains)
    if found is None:
        raise InvalidRequest(
            f"the {len(data.prompts):,} prompts of `{data.name}` foretell nothing of any of its {len(data.models)} "
            "models on prompts that were left out: nothing was written",
            hint=f"record more outcomes, with their texts ({FEWEST} different ones are the least), or choose without",
        )
    return Learnt(data=data, gain=found, helped=dict(gains.helped))


def kind_of(prompt: RecordedPrompt) -> str:
    """Return the category as a live choice knows it: the recorded one where it is ours, else what is recognised.

    What tells finer kinds apart is then left for the words to say, as it is in a live choice.
    """
    return prompt.category if prompt.category in OURS else str(classify(prompt.task).category)


def _one(outcomes: Path, dataset: str | None) -> DataSet:
    held: list[DataSet] = []
    for folder in folders(outcomes):
        loaded = load(folder)
        if isinstance(loaded, str):
            if dataset in (None, folder.resolve().name):
                raise InvalidRequest(
                    f"`{folder}` cannot be learned from: {loaded}", hint="record more outcomes"
                )
            continue
        held.extend(loaded)
    found = [data for data in held if dataset in (None, data.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"`{data.name}`" for data in held[:40])
    raise InvalidRequest(
        f"`{outcomes}` has no data set `{(dataset or '')[:80]}`"
        if dataset
        else f"`{outcomes}` has {len(found)} data sets",
        hint=f"name one with `--dataset`: {names}",
    )
