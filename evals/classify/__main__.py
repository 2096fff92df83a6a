"""Measure the classifier on sources it has not seen: `python -m evals.classify [--data DIR] [--json]`.

Every learnable source is left out in turn, together with those of the same origin; sources without an open
licence are never learned from at all. Our own prompts are measured by templates left out. Takes a minute or two
on one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from evals.classify.corpus import (
    LEARNABLE,
    SHARED_PROMPTS,
    Prompt,
    own_prompts,
    shared_prompts,
    to_learn,
)
from evals.classify.fit import Features, Floats, Model, featurise, fit, packed
from evals.classify.measure import Quality, by, quality
from evals.wordings import labelled_tasks
from smart_spawn.classify import classify
from smart_spawn.classify.features import read
from smart_spawn.classify.score import UNKNOWN, weigh
from smart_spawn.classify.weights import Weights, load_weights, unpack
from smart_spawn.model import CATEGORIES

FOLDS = 5
SPEED_ROUNDS = 100
SPEED_CALLS = 5
PASSAGE = "The council met on Tuesday to discuss the new park by the river and its cost. "
SPEED_TEXTS = {
    "empty": "",
    "one line": "Refactor this Python function to use asyncio",
    "2,000 characters": "Summarize the following report.\n" + PASSAGE * 25,
    "100,000 characters": "Summarize the following report.\n" + PASSAGE * 1265,
    "1,000,000 characters": "Summarize the following report.\n" + PASSAGE * 12650,
}


def held_out(
    learned: Sequence[Prompt], rows: Sequence[Features], shared: Sequence[Prompt]
) -> Iterator[tuple[str, list[Prompt], Floats]]:
    """Yield (what was left out, its prompts, their predictions), each by a fit that has not seen them."""
    families = sorted({prompt.family for prompt in shared if prompt.source in LEARNABLE})
    never = [at for at, prompt in enumerate(shared) if prompt.source not in LEARNABLE]
    for family in ("", *families):
        seen = [at for at, prompt in enumerate(learned) if prompt.family != family]
        model = fit([learned[at] for at in seen], _rows(rows, seen))
        out = [at for at, prompt in enumerate(shared) if prompt.family == family] if family else never
        prompts = [shared[at] for at in out]
        yield family or "never learned from", prompts, predicted(_shipped(model), prompts)


def templates_held_out(
    learned: Sequence[Prompt], rows: Sequence[Features], own: Sequence[Prompt]
) -> tuple[list[Prompt], Floats]:
    """Predict our own prompts by fits that have not seen their templates, a fifth of them at a time."""
    groups = {group: at % FOLDS for at, group in enumerate(sorted({prompt.group for prompt in own}))}
    prompts: list[Prompt] = []
    parts: list[Floats] = []
    for fold in range(FOLDS):
        kept = [at for at, prompt in enumerate(learned) if groups.get(prompt.group) != fold]
        out = [at for at, prompt in enumerate(own) if groups[prompt.group] == fold]
        model = fit([learned[at] for at in kept], _rows(rows, kept))
        prompts += [own[at] for at in out]
        parts.append(predicted(_shipped(model), [own[at] for at in out]))
    return prompts, np.vstack(parts)


def predicted(weights: Weights, prompts: Sequence[Prompt]) -> Floats:
    """Read the prompts as the service would with these weights, all that it leaves out included."""
    verdicts = [weigh(read(prompt.text, weights), weights) or UNKNOWN for prompt in prompts]
    return np.array([[verdict.probabilities[category] for category in CATEGORIES] for verdict in verdicts])


def _shipped(model: Model) -> Weights:
    """Return what a fit found as it would ship: one byte a weight."""
    return unpack(packed(model, version=""))


def untuned() -> Quality:
    """Measure the weights that ship on the tasks of wordings.txt: one line each, most in English."""
    prompts = [
        Prompt(text=task, label=category, also=frozenset(), source="wordings", language="en", group=str(at))
        for at, (category, task) in enumerate(labelled_tasks())
    ]
    return quality(prompts, predicted(load_weights(), prompts))


def speeds() -> dict[str, tuple[float, float]]:
    """Measure the CPU time of `classify` in microseconds, by kind of text: (fastest tenth, median).

    The fastest tenth says what the code costs, the median what a shared machine makes of it.
    """
    measured = {}
    for name, text in SPEED_TEXTS.items():
        times = []
        for _ in range(SPEED_ROUNDS):
            start = time.thread_time_ns()
            for _ in range(SPEED_CALLS):
                classify(text)
            times.append((time.thread_time_ns() - start) / SPEED_CALLS / 1000)
        measured[name] = (statistics.quantiles(times, n=10)[0], statistics.median(times))
    return measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; exit code 1 when the prompts are not there."""
    parser = argparse.ArgumentParser(prog="python -m evals.classify", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=SHARED_PROMPTS, help="folder of prompts.jsonl.gz")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(arguments)
    speed = speeds()
    shared = shared_prompts(options.data)
    if not shared:
        print(f"no prompts.jsonl.gz in {options.data}; hint: name its folder with --data", file=sys.stderr)
        _print({}, speed, as_json=options.json)
        return 1
    prompts: list[Prompt] = []
    parts: list[Floats] = []
    own = own_prompts()
    learned = to_learn(own, shared)
    rows = featurise(learned)
    for name, some, probabilities in held_out(learned, rows, shared):
        print(f"measured: {name}", file=sys.stderr)
        prompts += some
        parts.append(probabilities)
    everything = np.vstack(parts)
    never = [at for at, prompt in enumerate(prompts) if prompt.source not in LEARNABLE]
    tables = {
        "all, each source left out": {"all": quality(prompts, everything)},
        "never learned from": {"all": quality([prompts[at] for at in never], everything[never])},
        "by source": by(prompts, everything, lambda prompt: prompt.source),
        "by language": by(prompts, everything, lambda prompt: prompt.language),
        "by category": by(prompts, everything, lambda prompt: prompt.label.value),
    }
    ours, predictions = templates_held_out(learned, rows, own)
    tables["our own prompts, templates left out"] = by(ours, predictions, lambda prompt: prompt.language)
    tables["tasks that nobody tuned on"] = {"all": untuned()}
    _print(tables, speed, as_json=options.json)
    return 0


def _rows(rows: Sequence[Features], chosen: Sequence[int]) -> list[Features]:
    return [rows[at] for at in chosen]


def _print(
    tables: dict[str, dict[str, Quality]], speed: dict[str, tuple[float, float]], *, as_json: bool
) -> None:
    if as_json:
        plain = {name: {key: asdict(value) for key, value in table.items()} for name, table in tables.items()}
        print(json.dumps({"quality": plain, "speedUs": speed}, indent=1))
        return
    for name, table in tables.items():
        print(f"\n| {name} | prompts | accuracy | macro-F1 | two best | calibration error |")
        print("|---|---|---|---|---|---|")
        for key, row in table.items():
            print(
                f"| {key} | {row.prompts:,} | {row.accuracy:.3f} | {row.macro_f1:.3f} "
                f"| {row.top_two:.3f} | {row.calibration_error:.3f} |"
            )
    print("\n| text | fastest tenth, us | median, us |\n|---|---|---|")
    for name, (fastest, median) in speed.items():
        print(f"| {name} | {fastest:,.0f} | {median:,.0f} |")


if __name__ == "__main__":
    sys.exit(main())
