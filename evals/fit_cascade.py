"""Choose the three numbers of the cascade on recorded outcomes: `python -m evals.fit_cascade DIR [NAME...]`.

Each setting is measured on all data sets at once, each half with what the other half taught. The table shows how far
the choice may move before it matters; one setting is taken for everything, never one a data set.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

import numpy as np

from smart_spawn.evals.measure import Folds, folds_of, run_policy
from smart_spawn.evals.outcomes import folders, load
from smart_spawn.evals.replay import POLICIES
from smart_spawn.spawn import cascade, votes

SHARES = (0.3, 0.4, 0.5)
OPEN = (4, 8, 12)
WORTHS_USD = (0.06, 0.08, 0.1, 0.15)
SLACKS = (0.06, 0.09)
DEFAULT_SETS = ("zeroeval", "routerbench_part")
LEAST_ACCURACY = 0.98


async def sweep(root: Path, names: tuple[str, ...]) -> None:
    """Print a row a setting: accuracy and cost beside the strongest, per data set; `*` where all keep 98 %."""
    taught = {name: learned(root, name) for name in names}
    base = {name: await run_policy(POLICIES["strongest"], folds) for name, folds in taught.items()}
    print("shared  open  worth  slack  " + "  ".join(f"{name:>24}" for name in names), flush=True)
    for share, among, worth, slack in itertools.product(SHARES, OPEN, WORTHS_USD, SLACKS):
        votes.SHARED_MISTAKES, votes.OPEN_ANSWERS = share, among
        cascade.ANSWER_WORTH_USD, cascade.MOST_SLACK = worth, slack
        cells, kept = [], True
        for name, folds in taught.items():
            column = await run_policy(POLICIES["cascade"], folds)
            right = float(column.score.mean() / base[name].score.mean())
            spread = float(np.std(column.score - base[name].score) / len(column.score) ** 0.5)
            cells.append(
                f"{right:7.3f} ±{spread:.3f} {float(column.cost.mean() / base[name].cost.mean()):8.3f}"
            )
            kept = kept and right >= LEAST_ACCURACY
        line = f"{share:6.1f}  {among:4d}  {worth:5.2f}  {slack:5.2f}"
        print(f"{line}  {'  '.join(cells)} {'*' if kept else ''}", flush=True)


def learned(root: Path, name: str) -> Folds:
    """Return a data set in halves, each with what the other taught."""
    data = load(folders(root, name)[0])
    if isinstance(data, str):
        raise SystemExit(f"{name}: {data}")
    folds = folds_of(data[0], None)
    if isinstance(folds, str):
        raise SystemExit(f"{name}: {folds}")
    return folds


if __name__ == "__main__":
    asyncio.run(sweep(Path(sys.argv[1]), tuple(sys.argv[2:]) or DEFAULT_SETS))
