"""Ask how surely the cascade's numbers hold: `python -m evals.hold_cascade DIR [NAME...]`.

Development data are split in two at random, several times; each half is measured with what the other taught. The
table says in how many of those the cascade kept 98 % of the strongest model's accuracy at 53 % of its cost.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from smart_spawn.evals.measure import Folds, run_policy
from smart_spawn.evals.outcomes import DataSet, folders, load
from smart_spawn.evals.replay import POLICIES, fit
from smart_spawn.spawn import cascade

WORTHS_USD = (0.1, 0.12, 0.15)
SLACKS = (0.06, 0.09, 0.12)
SPLITS = 3
DEFAULT_SETS = ("zeroeval", "routerbench_part")
LEAST_ACCURACY, MOST_COST = 0.98, 0.53
SEED = 20261129


def halves(data: DataSet, split: int) -> tuple[DataSet, DataSet]:
    """Split by chance, with a seed."""
    first = np.random.default_rng(SEED + split).permutation(len(data.prompts)) < len(data.prompts) // 2
    return tuple(  # type: ignore[return-value]
        replace(data, prompts=tuple(p for p, own in zip(data.prompts, first, strict=True) if own == side))
        for side in (True, False)
    )


def cases(data: DataSet) -> list[Folds]:
    """Return every half with what the other taught."""
    found: list[Folds] = []
    for split in range(SPLITS):
        one, other = halves(data, split)
        found += [[(one, fit(other, one))], [(other, fit(one, other))]]
    return found


async def main(root: Path, names: tuple[str, ...]) -> None:
    """Print a row a setting: worst and mean of both figures per data set, and the share of halves where both hold."""
    taught = {}
    for name in names:
        data = load(folders(root, name)[0])
        if isinstance(data, str):
            raise SystemExit(f"{name}: {data}")
        taught[name] = cases(data[0])
    print("worth  slack  " + "  ".join(f"{name + ': right, cost, held':>40}" for name in names), flush=True)
    for worth, slack in itertools.product(WORTHS_USD, SLACKS):
        cascade.ANSWER_WORTH_USD, cascade.MOST_SLACK = worth, slack
        cells = []
        for found in taught.values():
            figures = np.array([await beside_strongest(folds) for folds in found])
            held = (figures[:, 0] >= LEAST_ACCURACY) & (figures[:, 1] <= MOST_COST)
            right, cost = figures[:, 0], figures[:, 1]
            cells.append(
                f"{right.mean():.3f} ({right.min():.3f})  {cost.mean():.3f} ({cost.max():.3f})  {held.mean():.2f}"
            )
        print(f"{worth:5.2f}  {slack:5.2f}  {'  '.join(f'{cell:>40}' for cell in cells)}", flush=True)


async def beside_strongest(folds: Folds) -> tuple[float, float]:
    """Return accuracy and cost of the cascade beside always the strongest."""
    base = await run_policy(POLICIES["strongest"], folds)
    column = await run_policy(POLICIES["cascade"], folds)
    return float(column.score.mean() / base.score.mean()), float(column.cost.mean() / base.cost.mean())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), tuple(sys.argv[2:]) or DEFAULT_SETS))
