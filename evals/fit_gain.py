"""Weigh the witnesses of learned gain on recorded outcomes: `python -m evals.fit_gain DIR [NAME...]`.

Every prompt is judged by what the other three quarters taught. APGR is of routing between the strongest and the
cheapest model, by data set; `believed` is what is used. With `--no-kinds` the recorded kind of a prompt is not told.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np

from smart_spawn.evals.metrics import apgr, recovered
from smart_spawn.evals.outcomes import DataSet, folders, load
from smart_spawn.evals.replay import known_prices
from smart_spawn.feedback import gain

DEFAULT_SETS = ("routellm", "routerbench_part", "zeroeval")


def weigh(data: DataSet, *, told: bool) -> None:
    """Print a row for each witness, alone and together: APGR of the whole and of each part."""
    prompts, models = data.prompts, data.models
    right = np.array([[p.answers[m].score for m in models] for p in prompts], np.float32)
    strong = int(right.mean(axis=0).argmax())
    prices = known_prices(data)
    weak = int(right.mean(axis=0).argmin())
    if prices is not None:
        weak = models.index(min(prices, key=lambda m: prices[m]))
    kinds = [p.category if told else "any" for p in prompts]
    tasks = [p.task for p in prompts]
    hashed = gain.hashed(tasks)
    rarity = np.log((1 + len(hashed)) / (1 + hashed.sum(axis=0))).astype(np.float32)
    words, sizes = gain.weighted(hashed, rarity), gain.measured(tasks)
    many = [kind for kind, count in sorted(Counter(kinds).items()) if count >= gain.MANY]
    left, said = gain._left_out(words @ words.T, sizes, kinds, right, many)
    prior, belief = right - left, gain._belief(left, said)
    names = ("neighbours", "ridge", "size")
    rows = {"kinds alone": prior}
    rows |= {f"+ {name}": prior + one for name, one in zip(names, said, strict=True)}
    rows |= {"+ all three": prior + sum(said), "believed": prior + belief.of(said)}
    parts = np.array([p.part for p in prompts])
    gains = (right[:, strong] - right[:, weak]).astype(np.float64)
    heads = ["all", *data.parts]
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, belief.apart, strict=True))
    print(f"\n{data.name}, {models[strong]} over {models[weak]}; believed: {weights}\n")
    print(f"| witness | {' | '.join(heads)} |\n|---|{'---|' * len(heads)}")
    for name, found in rows.items():
        expected = (found[:, strong] - found[:, weak]).astype(np.float64)
        cells = []
        for part in heads:
            own = parts == part if part != "all" else np.ones(len(parts), dtype=bool)
            curve = recovered(expected[own], gains[own])
            cells.append("–" if curve is None else f"{apgr(curve):.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main(arguments: list[str]) -> None:
    """Weigh them on every data set that is named."""
    told = "--no-kinds" not in arguments
    root, *names = [one for one in arguments if one != "--no-kinds"]
    for name in names or DEFAULT_SETS:
        data = load(folders(Path(root), name)[0])
        if isinstance(data, str):
            raise SystemExit(f"{name}: {data}")
        weigh(data[0], told=told)


if __name__ == "__main__":
    main(sys.argv[1:])
