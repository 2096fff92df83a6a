"""Choose the three numbers of the cascade on recorded outcomes: `python -m evals.fit_cascade DIR [NAME...]`.

Each setting is measured on all data sets at once, each half with what the other half taught. The table shows how far
the choice may move before it matters; one setting is taken for everything, never one a data set.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path

from smart_spawn.evals.measure import evaluate
from smart_spawn.spawn import cascade, votes

SHARES = (0.3, 0.4, 0.5, 0.6)
OPEN = (4, 8)
WORTHS_USD = (0.1, 0.15, 0.2)
DEFAULT_SETS = ("zeroeval", "routerbench_part")
LEAST_ACCURACY = 0.98


async def sweep(root: Path, names: tuple[str, ...]) -> None:
    """Print a row a setting: accuracy and cost beside the strongest, per data set; `*` where all keep 98 %."""
    print("shared  open  worth  " + "  ".join(f"{name:>16}" for name in names))
    for share, among, worth in itertools.product(SHARES, OPEN, WORTHS_USD):
        votes.SHARED_MISTAKES, votes.OPEN_ANSWERS, cascade.ANSWER_WORTH_USD = share, among, worth
        cells, kept = [], True
        for name in names:
            found = (await evaluate(["cascade"], root, dataset=name, metrics=False))["datasets"][name]
            row = found["policies"]["cascade"]
            cells.append(f"{row['accuracyVsStrongest']:7.3f} {row['costVsStrongest']:8.3f}")
            kept = kept and row["accuracyVsStrongest"] >= LEAST_ACCURACY
        print(f"{share:6.1f}  {among:4d}  {worth:5.2f}  {'  '.join(cells)} {'*' if kept else ''}", flush=True)


if __name__ == "__main__":
    asyncio.run(sweep(Path(sys.argv[1]), tuple(sys.argv[2:]) or DEFAULT_SETS))
