"""Measure what the data says about the constants of evidence: effort, superseded editions, age, unlinked boards.

A reading of lesser kind (another effort, an older edition, an old date) stands in for a fresh one of the same board.
Its quality in our formulas is the share of weight it deserves beside fresh readings: with σ² the variance of a fresh
reading around what other publishers say of the model, and d² the mean square by which the lesser reading misses the
fresh one, quality = σ² / (σ² + d²). d² holds sampling error of both readings, so these qualities are lower bounds.
All in units of the common scale (norm `equated`), one vote a model; intervals resample models.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np

from evals.agreement import Estimate, Ints, bootstrap, pearson
from evals.boards import publisher
from evals.material import arguments, load
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import CATEGORIES, Effort
from smart_spawn.scoring.equate import group_of
from smart_spawn.scoring.reading import (
    EFFORT_RANK,
    EFFORT_STEP_QUALITY,
    FRESH_DAYS,
    HALF_LIFE_DAYS,
    SUPERSEDED_QUALITY,
    VARIANT_QUALITY,
    Reading,
)
from smart_spawn.scoring.scale import UNLINKED_QUALITY, fit_scale

MIN_MODELS = 5
OLD_ARENA = Path("lmarena/catalog_2025-12-11")
OLD_ARENA_DAY = date(2025, 12, 11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One measured quantity."""

    what: str
    models: int
    estimate: Estimate | None
    """None where too few models were measured."""
    note: str = ""

    def __str__(self) -> str:
        return f"| {self.what} | {self.models} | {self.estimate or 'too few models'} | {self.note} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two readings of one model on one board that differ in one respect."""

    model: str
    board: str
    steps: int
    """Steps of effort between them; 0 for two editions."""
    rise: float
    """What the higher effort, or the newer edition, has more."""
    to_none: bool = False
    """Whether the lower one does not think at all."""


def per_model(pairs: Iterable[Pair], value: str = "rise") -> dict[str, float]:
    """Average over each model's pairs, so that no model counts more than once: `rise`, `per step` or `square`."""
    found: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        found[pair.model].append(
            {"rise": pair.rise, "per step": pair.rise / max(pair.steps, 1), "square": pair.rise**2}[value]
        )
    return {model: float(np.mean(values)) for model, values in sorted(found.items())}


def mean(values: Mapping[str, float], what: str, note: str = "") -> Line:
    """Return the mean over models with its interval."""
    numbers = np.array(list(values.values()))
    enough = len(numbers) >= MIN_MODELS
    return Line(
        what=what,
        models=len(numbers),
        estimate=bootstrap(lambda rows: float(numbers[rows].mean()), len(numbers)) if enough else None,
        note=note,
    )


def quality(squares: Mapping[str, float], fresh: float, what: str, note: str) -> Line:
    """Return the quality that a mean square miss leaves, given the variance of fresh readings."""
    numbers = np.array(list(squares.values()))
    enough = len(numbers) >= MIN_MODELS

    def left(rows: Ints) -> float:
        return fresh / (fresh + float(numbers[rows].mean()))

    estimate = bootstrap(left, len(numbers)) if enough else None
    return Line(what=what, models=len(numbers), estimate=estimate, note=note)


def shifted(pairs: Sequence[Pair]) -> list[Pair]:
    """Take from every pair the rise that the other models show for as many steps of effort."""
    steps = per_model(pairs, "per step")
    rest = {model: float(np.mean([v for m, v in steps.items() if m != model] or [0.0])) for model in steps}
    return [replace(pair, rise=pair.rise - rest[pair.model] * pair.steps) for pair in pairs]


def of_quality(catalog: Catalog) -> tuple[Reading, ...]:
    """Return the readings of boards that say how good a model is: those that can be linked."""
    linked = {(s.benchmark, s.edition) for s in catalog.facts.scales if s.shared}
    return tuple(r for r in catalog.facts.readings if (r.benchmark, r.edition) in linked)


def effort_pairs(catalog: Catalog) -> list[Pair]:
    """List every two efforts of one model on one board and edition."""
    found: dict[tuple[str, str, str], dict[Effort, float]] = defaultdict(dict)
    for r in of_quality(catalog):
        effort = r.effort_measured(catalog.listings[catalog.index[r.model_id]].capabilities.default_effort)
        if effort is not None and not r.relayed:
            found[r.model_id, r.benchmark, r.edition].setdefault(effort, r.z)
    return [
        Pair(
            model=model,
            board=board,
            steps=EFFORT_RANK[low] - EFFORT_RANK[high],
            rise=rows[high] - rows[low],
            to_none=low == "none",
        )
        for (model, board, _), rows in sorted(found.items())
        for high, low in combinations(sorted(rows, key=lambda effort: EFFORT_RANK[effort]), 2)
    ]


def edition_pairs(catalog: Catalog) -> list[Pair]:
    """List every model that two editions of a board measured at the same effort."""
    found: dict[tuple[str, str, Effort | None], dict[bool, float]] = defaultdict(dict)
    for r in of_quality(catalog):
        effort = r.effort_measured(catalog.listings[catalog.index[r.model_id]].capabilities.default_effort)
        found[r.model_id, r.benchmark, effort].setdefault(r.superseded, r.z)
    return [
        Pair(model=model, board=board, steps=0, rise=rows[False] - rows[True])
        for (model, board, _), rows in sorted(found.items(), key=lambda item: item[0][:2])
        if len(rows) == 2
    ]


def fresh_variance(catalog: Catalog) -> dict[str, float]:
    """Return per model half the mean square between two publishers' readings in one category."""
    found: dict[str, list[float]] = defaultdict(list)
    linked = {s.benchmark for s in catalog.facts.scales if s.shared}
    for row in catalog.candidates:
        if not row.plain or row.listing.variant is not None:
            continue
        for category in CATEGORIES:
            counted = sorted(catalog.facts.weights[category].keys() & row.readings.keys() & linked)
            found[row.listing.id] += [
                (row.readings[a].z - row.readings[b].z) ** 2 / 2
                for a, b in combinations(counted, 2)
                if publisher(a) != publisher(b) and row.quality[a] > 0.8 < row.quality[b]
            ]
    return {model: float(np.mean(values)) for model, values in sorted(found.items()) if values}


def offsets_spread(catalog: Catalog) -> Line:
    """Return the standard deviation of the offsets of the linked publishers."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for s in catalog.facts.scales:
        if s.shared:
            found[group_of((s.benchmark, s.edition))].append(s.offset)
    offsets = np.array([np.mean(values) for _, values in sorted(found.items())])
    enough = len(offsets) >= MIN_MODELS
    return Line(
        what="standard deviation of the offsets of linked crowds (publisher and edition)",
        models=len(offsets),
        estimate=bootstrap(lambda rows: float(offsets[rows].std()), len(offsets)) if enough else None,
        note=f"crowds, not models; UNLINKED_QUALITY is {UNLINKED_QUALITY}",
    )


def ages(root: Path, catalog: Catalog) -> list[Line]:
    """Compare an old publication of the arena's text board with today's, over the names that both have."""
    path = next((p for p in sorted((root / OLD_ARENA).glob("*text*style*")) if p.is_file()), None)
    if path is None:
        return []
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    old = {name: float(row["rating"]) for name, row in json.loads(body).get("full", {}).items()}
    new = {r.published_name: r for r in catalog.facts.readings if r.benchmark == "lmarena_overall"}
    shared = sorted(old.keys() & new.keys())
    if len(shared) < MIN_MODELS:
        return []
    before = fit_scale([old[n] for n in shared], benchmark="before")
    after = fit_scale([new[n].value for n in shared], benchmark="after")
    if before is None or after is None:
        return []
    width = float(np.std([new[n].z for n in shared]))
    squares = {n: (width * (before.z(old[n]) - after.z(new[n].value))) ** 2 for n in shared}
    days = (catalog.facts.as_of - OLD_ARENA_DAY).days
    correlation = pearson(np.array([old[n] for n in shared]), np.array([new[n].value for n in shared]))
    said = math.pow(0.5, max(0, days - FRESH_DAYS) / HALF_LIFE_DAYS)
    fresh = float(np.mean(list(fresh_variance(catalog).values())))
    note = f"correlation {correlation:.3f}; a half-life of {HALF_LIFE_DAYS:.0f} days says {said:.2f}"
    return [quality(squares, fresh, f"quality of arena ratings {days} days old", note)]


def measure(catalog: Catalog, root: Path | None = None) -> list[Line]:
    """Measure every constant that this catalogue can say something about."""
    fresh_by_model = fresh_variance(catalog)
    fresh = float(np.mean(list(fresh_by_model.values()))) if fresh_by_model else math.nan
    efforts = effort_pairs(catalog)
    thinking = [p for p in efforts if not p.to_none]
    lines = [
        mean(fresh_by_model, "variance of a fresh reading around another publisher's", "σ² in what follows")
    ]
    for name in sorted({publisher(p.board) for p in efforts}):
        mine = [p for p in thinking if publisher(p.board) == name]
        lines.append(
            mean(per_model(mine, "per step"), f"rise per step of effort, {name}", "z; thinking both times")
        )
        none = [p for p in efforts if p.to_none and publisher(p.board) == name]
        lines.append(mean(per_model(none), f"rise from `none` to thinking, {name}", "z; any effort"))
    lines.append(
        mean(per_model(thinking, "per step"), "rise per step of effort, all", "z; thinking both times")
    )
    for steps in (1, 2, 3):
        squares = per_model([p for p in thinking if p.steps == steps], "square")
        note = f"EFFORT_STEP_QUALITY says {EFFORT_STEP_QUALITY**steps:.2f}"
        what = f"quality of a reading {steps} step{'s' if steps > 1 else ''} of effort away"
        lines.append(quality(squares, fresh, what, note))
        squares = per_model([p for p in shifted(thinking) if p.steps == steps], "square")
        lines.append(
            quality(squares, fresh, f"{what}, moved by the mean rise", "the rise is that of other models")
        )
    editions = edition_pairs(catalog)
    lines.append(
        mean(per_model(editions), "newest less superseded edition", "z; same model, board and effort")
    )
    note = f"SUPERSEDED_QUALITY is {SUPERSEDED_QUALITY}"
    lines.append(quality(per_model(editions, "square"), fresh, "quality of a superseded edition", note))
    lines += ages(root, catalog) if root else []
    lines.append(offsets_spread(catalog))
    apart = {r.model_id for r in catalog.facts.readings if ":" in r.model_id}
    lines.append(
        Line(
            what="variants that a board measured apart from their plain model",
            models=len(apart),
            estimate=None,
            note=f"VARIANT_QUALITY {VARIANT_QUALITY} is a judgement, not a measurement",
        )
    )
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line a constant."""
    options = arguments("constants", __doc__).parse_args(argv)
    lines = measure(load(options.root).catalog("equated"), options.root)
    if options.json:
        print(json.dumps([asdict(line) for line in lines], indent=1))
        return 0
    print("| what | models | estimate [95 %] | note |\n|---|---|---|---|")
    print("\n".join(str(line) for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
