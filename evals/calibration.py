"""Simulate catalogues whose truth is known, choose with the real code, and compare what was said with what was so.

Caveat: this shows that the formulas do what they claim when their assumptions hold: independent normal errors of the
stated size. Whether real errors are of that size is what `python -m evals confidence` asks.

`stated`: truths are drawn around the scores of the catalogue, with the variances that it states. `drawn`: truths
come first, from a normal distribution (mean 50, standard deviation 20 points); evidence of the catalogue's own
coverages is drawn around them, and the real scoring turns it into scores and variances. `unstretched` is `drawn` with
the variances divided by 1.15²: a score stretches the deviation from 50 by 1.15, and once its variance did not say so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

import numpy as np

from evals.agreement import Floats
from evals.reliability import Bin, reliability, table
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import CATEGORIES, Budget
from smart_spawn.routing.rank import Ranking, chance_to_be_best, choose, confidence, rank_rows
from smart_spawn.scoring.category import PRIOR_VARIANCE, SHRINK, STRETCH, ScoreTable, score_categories

Experiment = Literal["stated", "drawn", "unstretched"]
EXPERIMENTS: tuple[Experiment, ...] = get_args(Experiment)
WIDEST_REQUEST = 40
"""Requests leave between 2 and this many models in the race."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """What was said in every simulated request, and whether it was so."""

    confidence: Floats
    right: Floats
    p_best: Floats
    was_best: Floats


def simulate(catalog: Catalog, experiment: Experiment, requests: int, *, seed: int = 0) -> Cases:
    """Answer simulated requests with the real ranking; each has its own truth, category and models in the race."""
    random = np.random.default_rng(seed)
    rows: list[tuple[float, float, float, float]] = []
    while len(rows) < requests:
        category = int(random.integers(len(CATEGORIES)))
        mix = np.eye(len(CATEGORIES))[category]
        servable = np.flatnonzero(catalog.models.servable)
        race = random.choice(servable, size=int(random.integers(2, WIDEST_REQUEST)), replace=False)
        keep = np.zeros(len(catalog), dtype=bool)
        keep[race] = True
        simulated, truth = (
            stated_world(catalog, category, random)
            if experiment == "stated"
            else drawn_world(catalog, category, random, stretched=experiment == "drawn")
        )
        ranking = rank_rows(
            keep, simulated, mix, min_capability=-np.inf, cost_usd=np.full(len(catalog.candidates), np.nan)
        )
        ranking = measured_only(ranking)
        if len(ranking.order) > 1:
            rows.append(judge(ranking, truth))
    said_and_so = np.array(rows).T
    return Cases(
        confidence=said_and_so[0], right=said_and_so[1], p_best=said_and_so[2], was_best=said_and_so[3]
    )


def measured_only(ranking: Ranking) -> Ranking:
    """Leave out of the race what no board has measured: its score is no statement."""
    return replace(ranking, order=ranking.order[ranking.measured[ranking.order]])


def judge(ranking: Ranking, truth: Floats) -> tuple[float, float, float, float]:
    """Choose; return confidence, whether the choice was at least as good, chance to be best, whether it was best."""
    first = int(ranking.order[choose(ranking, Budget.ANY)])
    second = int(next(row for row in ranking.order if row != first))
    return (
        confidence(ranking, first, second),
        float(truth[first] >= truth[second]),
        chance_to_be_best(ranking, first),
        float(truth[first] >= truth[ranking.order].max()),
    )


def stated_world(catalog: Catalog, category: int, random: np.random.Generator) -> tuple[Catalog, Floats]:
    """Return the catalogue as it is, and truths drawn around its scores with its variances."""
    scores = catalog.rows.table.scores[:, category]
    return catalog, random.normal(scores, catalog.rows.spread[:, category])


def drawn_world(
    catalog: Catalog, category: int, random: np.random.Generator, *, stretched: bool = True
) -> tuple[Catalog, Floats]:
    """Return a catalogue that was scored from evidence around drawn truths, with the real coverages."""
    coverage = catalog.rows.table.coverage[:, category]
    truth = random.normal(50.0, np.sqrt(PRIOR_VARIANCE), len(coverage))
    noise = np.sqrt(PRIOR_VARIANCE * SHRINK / np.maximum(coverage, 1e-9))  # what makes g the share of signal
    points = np.where(coverage > 0, random.normal(truth, noise), 50.0)
    # One board that every category weighs alike; its quality is the coverage.
    scored = score_categories(points[:, None], coverage[:, None], np.ones((len(CATEGORIES), 1)))
    variances = scored.variances if stretched else scored.variances / STRETCH**2
    drawn = ScoreTable(scores=scored.scores, variances=variances, coverage=scored.coverage)
    rows = replace(catalog.rows, table=drawn, spread=np.sqrt(variances))
    return replace(catalog, rows=rows), truth


def main(argv: Sequence[str] | None = None, *, load: Callable[[], Catalog | None] | None = None) -> int:
    """Print reliability of confidence and of the chance to be best, for both experiments."""
    parser = argparse.ArgumentParser(
        prog="python -m evals calibration", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--requests", type=int, default=20_000, help="simulated requests per experiment")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args(argv)
    catalog = (load or packaged)()
    if catalog is None:
        print("there is no packaged catalogue to simulate from\nhint: build one first", file=sys.stderr)
        return 1
    report: dict[str, dict[str, list[Bin]]] = {}
    for experiment in EXPERIMENTS:
        cases = simulate(catalog, experiment, options.requests, seed=options.seed)
        report[experiment] = {
            "confidence": reliability(cases.confidence, cases.right),
            "pBest": reliability(cases.p_best, cases.was_best),
        }
    if options.json:
        print(
            json.dumps(
                {e: {k: [asdict(b) for b in v] for k, v in r.items()} for e, r in report.items()}, indent=1
            )
        )
        return 0
    for name, parts in report.items():
        for what, bins in parts.items():
            print(f"\n{table(f'{name}: {what}', bins)}")
    return 0


def packaged() -> Catalog | None:
    """Open the catalogue that ships with the package."""
    facts = packaged_facts()
    return None if facts is None else Catalog.of(facts)


if __name__ == "__main__":
    sys.exit(main())
