"""Leave one board out, and measure how well the others predict its order and its top five, per norm.

Two ways of leaving out. `board` removes the board alone: its publisher's other boards, which test the same models
on the same day, remain, so every norm does well. `publisher` removes all boards of its publisher: the prediction
has to come from other crowds, which is where norms differ. The order that is predicted is that of the published
values, so no norm is favoured by the measure. The scales of every norm are fitted without what was left out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np

from evals.agreement import Estimate, Floats, bootstrap, kendall, spearman
from evals.material import Material, arguments, load
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import CATEGORIES, Category
from smart_spawn.scoring.reading import Reading, best_per_board
from smart_spawn.scoring.scale import NormName
from smart_spawn.scoring.weights import shipped_weights

MIN_MODELS = 10
"""A board needs this many models that other boards know, or its order says nothing."""
TOP = 5
LeftOut = Literal["board", "publisher"]
NORMS: tuple[NormName, ...] = get_args(NormName)

BoardKey = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """How well one left-out board was predicted under one norm."""

    board: str
    edition: str
    category: Category
    norm: NormName
    models: int
    spearman: Estimate
    kendall: float
    top_overlap: float
    """Share of the board's own top five among the predicted five."""
    regret_z: float
    """Standard deviations of the board that the predicted best model stands below its true best."""
    top_regret_z: float
    """The same for the means of the two top fives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """All boards together, under one norm."""

    norm: NormName
    boards: int
    spearman: float
    """Median over the boards; the next two are the quartiles."""
    spearman_low: float
    spearman_high: float
    kendall: float
    top_overlap: float
    """Mean over the boards, like both regrets."""
    regret_z: float
    top_regret_z: float
    gain: Estimate | None
    """Mean change of Spearman against `zscore` on the same boards, resampled over boards."""


def publisher(board: str) -> str:
    """Return who publishes a board: the first word of its name."""
    return board.partition("_")[0]


def main_category(board: str) -> Category | None:
    """Return the category in which the board has its largest share of the weight; None where it has none."""
    weights = shipped_weights()
    shares = {c: weights[c].get(board, 0.0) / sum(weights[c].values()) for c in CATEGORIES}
    best = max(CATEGORIES, key=lambda c: shares[c])
    return best if shares[best] > 0 else None


def published_values(material: Material, key: BoardKey, catalog: Catalog) -> dict[int, float]:
    """Return what a board published about each model's default effort, by row of the catalogue; higher is better."""
    by_model: dict[str, list[Reading]] = {}
    for m, found in material.matched.pairs:
        if (m.benchmark, m.edition) == key:
            value = m.value if m.higher_is_better else -m.value
            by_model.setdefault(found.model_id, []).append(
                Reading(
                    model_id=found.model_id,
                    benchmark=m.benchmark,
                    source=m.source,
                    edition=m.edition,
                    published_name=m.published_name,
                    rule=found.rule,
                    value=value,
                    unit=m.unit,
                    z=0.0,
                    effort=found.effort,
                    thinking=found.thinking,
                )
            )
    found_values = {}
    for at, candidate in enumerate(catalog.candidates):
        readings = by_model.get(candidate.listing.id)
        if candidate.plain and candidate.listing.variant is None and readings:
            chosen = best_per_board(readings, effort=candidate.effort, default=candidate.effort)
            found_values[at] = chosen[key[0]].value
    return found_values


def compare(
    key: BoardKey, category: Category, norm: NormName, truth: Floats, predicted: Floats
) -> Prediction:
    """Compare one board's values with the scores that were predicted for the same models."""
    spread = float(truth.std()) or 1.0
    best_first = np.argsort(-predicted, kind="stable")
    top, true_top = best_first[:TOP], np.argsort(-truth, kind="stable")[:TOP]
    return Prediction(
        board=key[0],
        edition=key[1],
        category=category,
        norm=norm,
        models=len(truth),
        spearman=bootstrap(lambda rows: spearman(truth[rows], predicted[rows]), len(truth)),
        kendall=kendall(truth, predicted),
        top_overlap=len({*top.tolist()} & {*true_top.tolist()}) / TOP,
        regret_z=float(truth.max() - truth[top[0]]) / spread,
        top_regret_z=float(truth[true_top].mean() - truth[top].mean()) / spread,
    )


def predictions(
    material: Material, left_out: LeftOut, norms: Sequence[NormName] = NORMS
) -> Iterator[Prediction]:
    """Leave out every board with enough models in turn and predict it from the rest."""
    boards = [board for board in material.boards if main_category(board) is not None]
    groups = [[b] for b in boards]
    if left_out == "publisher":
        groups = [
            [b for b in boards if publisher(b) == name] for name in sorted({publisher(b) for b in boards})
        ]
    for group in groups:
        gone = (
            set(group)
            if left_out == "board"
            else {b for b in material.boards if publisher(b) == publisher(group[0])}
        )
        rest = material.without(gone)
        keys = sorted({(m.benchmark, m.edition) for m, _ in material.matched.pairs if m.benchmark in group})
        for norm in norms:
            catalog = rest.catalog(norm)
            for key in keys:
                found = _predict(material, key, norm, catalog)
                if found is not None:
                    yield found


def _predict(material: Material, key: BoardKey, norm: NormName, catalog: Catalog) -> Prediction | None:
    category = main_category(key[0])
    if category is None:
        return None
    column = CATEGORIES.index(category)
    values = published_values(material, key, catalog)
    rows = [row for row in sorted(values) if catalog.rows.measured[row, column]]
    if len(rows) < MIN_MODELS:
        return None
    truth = np.array([values[row] for row in rows])
    return compare(key, category, norm, truth, catalog.rows.table.scores[rows, column])


def summarise(found: Sequence[Prediction]) -> list[Summary]:
    """Put all boards together, one line a norm."""
    plain = {(p.board, p.edition): p.spearman.value for p in found if p.norm == "zscore"}
    summaries = []
    for norm in dict.fromkeys(p.norm for p in found):
        mine = [p for p in found if p.norm == norm]
        quartiles = np.quantile([p.spearman.value for p in mine], [0.25, 0.5, 0.75])
        gains = np.array(
            [p.spearman.value - plain[p.board, p.edition] for p in mine if (p.board, p.edition) in plain]
        )
        summaries.append(
            Summary(
                norm=norm,
                boards=len(mine),
                spearman=float(quartiles[1]),
                spearman_low=float(quartiles[0]),
                spearman_high=float(quartiles[2]),
                kendall=float(np.median([p.kendall for p in mine])),
                top_overlap=float(np.mean([p.top_overlap for p in mine])),
                regret_z=float(np.mean([p.regret_z for p in mine])),
                top_regret_z=float(np.mean([p.top_regret_z for p in mine])),
                gain=_mean_with_interval(gains) if norm != "zscore" and len(gains) else None,
            )
        )
    return summaries


def _mean_with_interval(values: Floats) -> Estimate:
    return bootstrap(lambda rows: float(values[rows].mean()), len(values))


def table(summaries: Sequence[Summary]) -> str:
    """Write the summary as a table."""
    lines = [
        "| norm | boards | Spearman, median (quartiles) | Kendall | top five shared | regret z | top-five regret z "
        "| mean change of Spearman against zscore |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {s.norm} | {s.boards} | {s.spearman:.3f} ({s.spearman_low:.3f} to {s.spearman_high:.3f}) "
        f"| {s.kendall:.3f} | {s.top_overlap:.2f} | {s.regret_z:.2f} | {s.top_regret_z:.2f} | {s.gain or '-'} |"
        for s in summaries
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Print one table for each way of leaving out, with and without relayed boards."""
    parser = arguments("boards", __doc__)
    parser.add_argument("--detail", action="store_true", help="one line a board and norm as well")
    options = parser.parse_args(argv)
    everything = load(options.root)
    report = {}
    for relayed, material in ((True, everything), (False, everything.without_relayed())):
        for left_out in get_args(LeftOut):
            name = f"leave one {left_out} out, relayed boards {'on' if relayed else 'off'}"
            found = list(predictions(material, left_out))
            report[name] = {
                "summary": [asdict(s) for s in summarise(found)],
                "boards": [asdict(p) for p in found],
            }
            if options.json:
                continue
            print(
                f"\n{name}\n\n{table(summarise(found)) if found else 'no board has enough models: nothing measured'}"
            )
            for p in found if options.detail else []:
                print(
                    f"{p.board} {p.edition} ({p.category}, {p.models} models) {p.norm}: "
                    f"Spearman {p.spearman}, top five {p.top_overlap:.1f}, regret {p.regret_z:.2f}"
                )
    if options.json:
        print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
