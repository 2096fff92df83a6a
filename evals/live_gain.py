"""What learned gain adds to live choices on prompts that did not teach it: `python -m evals.live_gain DIR [NAME...]`.

One half of the prompts teaches, the other one is asked. For the model that it helped most: how what it says goes with
what happened, in points of being right more often than the others, beside the mean of the prompt's category. A slope
of 1 says that a point promised is a point kept; below, that too much is promised. Times are of one task here.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from smart_spawn.evals.learning import kind_of
from smart_spawn.evals.outcomes import DataSet, folders, load
from smart_spawn.feedback.gain import learn_gains
from smart_spawn.feedback.live_gain import MOST_POINTS, LiveGain

DEFAULT_SETS = ("routellm", "routerbench_part", "zeroeval", "mot_samples")
HEADS = (
    "data",
    "taught",
    "models",
    "helped",
    "slope",
    "correlation",
    "silent",
    "at the bound",
    "ms p50",
    "bytes",
)


def row(data: DataSet) -> list[str]:
    """Return one line of the table."""
    taught, asked = data.halves()
    scores = [
        np.array([[p.answers[m].score for m in data.models] for p in h.prompts]) for h in (taught, asked)
    ]
    kinds = [kind_of(p) for p in taught.prompts]
    gain = LiveGain.of(learn_gains(data.models, [p.task for p in taught.prompts], kinds, scores[0]))
    head = [data.name, f"{len(taught.prompts):,}", str(len(data.models))]
    if gain is None:
        return [*head, "0 (off)", *["–"] * (len(HEADS) - len(head) - 1)]
    gain.points("the first one lays things out", "general")
    said, times = [], []
    for prompt in asked.prompts:
        start = time.perf_counter()
        said.append(gain.points(prompt.task, kind_of(prompt)))
        times.append(1_000 * (time.perf_counter() - start))
    best = next(iter(gain.helped))
    promised = np.array([points.get(best, 0.0) for points in said])
    kept = 100 * (scores[1][:, data.models.index(best)] - scores[1].mean(axis=1))
    own = np.array([kind_of(p) for p in asked.prompts])
    for kind in set(own.tolist()):
        kept[own == kind] -= kept[own == kind].mean()
    return [
        *head,
        str(len(gain.helped)),
        f"{np.polyfit(promised, kept, 1)[0]:.2f}",
        f"{np.corrcoef(promised, kept)[0, 1]:.2f}",
        f"{np.mean([not points for points in said]):.0%}",
        f"{np.mean(np.abs(promised) >= MOST_POINTS):.0%}",
        f"{np.median(times):.1f}",
        f"{len(gain.content()):,}",
    ]


def main(arguments: list[str]) -> None:
    """Print the table."""
    root, *names = arguments
    print(f"| {' | '.join(HEADS)} |\n|{'---|' * len(HEADS)}")
    for name in names or DEFAULT_SETS:
        for folder in folders(Path(root), name):
            loaded = load(folder)
            for data in loaded if isinstance(loaded, list) else []:
                print(f"| {' | '.join(row(data))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
