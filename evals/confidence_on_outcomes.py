"""Measure on recorded outcomes how often the more confident choice was right.

Caveats first. The models are of 2023 to 2025. Tasks of one collection resemble each other more than the boards of a
catalogue do, so this flatters us; a left-out task is narrower than a category, so this is also too strict. Pairs
share models and tasks and are not independent: the spread over tasks is the honest error, not the number of pairs.

Each task of a collection (a data set, or a kind of prompt) is left out in turn. Accuracies on the other tasks are
boards, scaled and scored by our formulas; the left-out task counts as weight that is missing. Its accuracies are the
truth. Every pair of models is a case: which of the two is better, how confident, and was it so.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from evals.agreement import Floats
from evals.material import arguments
from evals.reliability import Bin, calibration_error, reliability, table
from smart_spawn.model import CATEGORIES
from smart_spawn.routing.rank import Ranking, confidence
from smart_spawn.scoring.category import score_categories
from smart_spawn.scoring.scale import MIN_READINGS, fit_scale

COLLECTIONS = ("zeroeval", "bfcl_v1", "routerbench_part", "open_llm_lb_v2")
MIN_PROMPTS = 20
"""A task with fewer prompts has no accuracy worth calling a truth."""
MIN_SHARE = 0.9
"""A model counts in a task when it answered this share of the prompts."""

Accuracies = Mapping[str, Mapping[str, tuple[float, int]]]
"""Task → model → share of right answers, and of how many prompts."""


class _Prompt(msgspec.Struct):
    prompt_id: str
    dataset: str


class _Outcome(msgspec.Struct):
    prompt_id: str
    model: str
    score: float


Row = TypeVar("Row", _Prompt, _Outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """All pairs of models on one left-out task."""

    task: str
    models: int
    said: Floats
    right: Floats


def accuracies(folder: Path) -> Accuracies:
    """Read one collection. Raises OSError when its files are not there."""
    tasks = {row.prompt_id: row.dataset for row in _rows(folder / "prompts.jsonl.gz", _Prompt)}
    prompts: dict[str, int] = defaultdict(int)
    for task in tasks.values():
        prompts[task] += 1
    total: dict[tuple[str, str], float] = defaultdict(float)
    count: dict[tuple[str, str], int] = defaultdict(int)
    for row in _rows(folder / "outcomes.jsonl.gz", _Outcome):
        key = tasks[row.prompt_id], row.model
        total[key] += row.score
        count[key] += 1
    found: dict[str, dict[str, tuple[float, int]]] = defaultdict(dict)
    for (task, model), answered in count.items():
        if prompts[task] >= MIN_PROMPTS and answered >= MIN_SHARE * prompts[task]:
            found[task][model] = (total[task, model] / answered, answered)
    return {task: dict(sorted(found[task].items())) for task in sorted(found)}


def _rows(path: Path, kind: type[Row]) -> Iterator[Row]:
    decoder = msgspec.json.Decoder(kind)
    with gzip.open(path) as lines:
        for line in lines:
            yield decoder.decode(line)


def leave_each_out(found: Accuracies) -> Iterator[Left]:
    """Leave every task out in turn and judge all pairs of its models by the other tasks."""
    for task in found:
        truth = {model: share for model, (share, _) in found[task].items()}
        others = {name: row for name, row in found.items() if name != task}
        models, scores, variances = score(others, sorted(truth), missing=1)
        said, right = [], []
        for one in range(len(models)):
            for other in range(one + 1, len(models)):
                better, worse = (one, other) if scores[one] >= scores[other] else (other, one)
                gap = truth[models[better]] - truth[models[worse]]
                if gap:  # two models of equal accuracy: neither answer is right
                    said.append(confidence(ranking(scores, variances), better, worse))
                    right.append(float(gap > 0))
        if said:
            yield Left(task=task, models=len(models), said=np.array(said), right=np.array(right))


def score(boards: Accuracies, models: Sequence[str], *, missing: int) -> tuple[list[str], Floats, Floats]:
    """Score models by our formulas, each board with the same weight and `missing` boards that nobody has.

    Returns the models that some board has measured, their scores and the variances of these.
    """
    points = np.full((len(models), len(boards)), 50.0)
    quality = np.zeros((len(models), len(boards)))
    for column, (name, row) in enumerate(boards.items()):
        scale = fit_scale([share for share, _ in row.values()], benchmark=name)
        if scale is None or len(row) < MIN_READINGS:
            continue
        for at, model in enumerate(models):
            if model in row:
                share, prompts = row[model]
                error = float(np.sqrt(max(share * (1 - share), 0.25 / prompts) / prompts))
                points[at, column] = 50.0 + 20.0 * scale.z(share)
                quality[at, column] = scale.reliability(error)
    everything = np.ones((len(CATEGORIES), len(boards) + missing))
    wider = ((0, 0), (0, missing))
    scored = score_categories(np.pad(points, wider, constant_values=50.0), np.pad(quality, wider), everything)
    known = [at for at in range(len(models)) if scored.coverage[at, 0] > 0]
    return [models[at] for at in known], scored.scores[known, 0], scored.variances[known, 0]


def ranking(scores: Floats, variances: Floats) -> Ranking:
    """Return scores and variances as the ranking that `confidence` reads."""
    return Ranking(
        score=scores,
        variance=variances,
        measured=np.ones(len(scores), dtype=bool),
        boost=np.zeros(len(scores)),
        cost_usd=np.full(len(scores), np.nan),
        order=np.argsort(-scores, kind="stable"),
        eligible_models=len(scores),
        below_minimum=0,
    )


def spread_over_tasks(left: Sequence[Left]) -> tuple[float, float]:
    """Return the lowest and the highest share of right pairs of any task."""
    shares = [float(one.right.mean()) for one in left]
    return min(shares), max(shares)


def main(argv: Sequence[str] | None = None) -> int:
    """Print reliability per collection; a collection that is not there is named."""
    parser = arguments("confidence", __doc__)
    options = parser.parse_args(argv)
    report: dict[str, object] = {}
    everything: list[Left] = []
    for name in COLLECTIONS:
        try:
            left = list(leave_each_out(accuracies(options.root / name)))
        except OSError as error:
            print(f"{name}: not measured, {error.strerror} ({error.filename})", file=sys.stderr)
            continue
        if not left:
            print(
                f"{name}: not measured, fewer than two tasks have enough prompts and models", file=sys.stderr
            )
            continue
        everything += left
        report[name] = _show(name, left, quiet=options.json)
    if not everything:
        print("nothing was measured\nhint: name the folder of recorded outcomes with --root", file=sys.stderr)
        return 1
    report["all"] = _show("all collections", everything, quiet=options.json)
    if options.json:
        print(json.dumps(report, indent=1))
    return 0


def _show(name: str, left: Sequence[Left], *, quiet: bool) -> dict[str, object]:
    said = np.concatenate([one.said for one in left])
    right = np.concatenate([one.right for one in left])
    bins: list[Bin] = reliability(said, right)
    low, high = spread_over_tasks(left)
    if not quiet:
        title = (
            f"{name}: {len(left)} tasks of "
            f"{min(one.models for one in left)} to {max(one.models for one in left)} models, "
            f"{len(said):,} pairs, right {right.mean():.3f} (by task {low:.3f} to {high:.3f})"
        )
        print(f"\n{table(title, bins)}")
    return {
        "tasks": len(left),
        "pairs": len(said),
        "right": float(right.mean()),
        "rightByTask": [low, high],
        "calibrationError": calibration_error(bins),
        "bins": [asdict(b) for b in bins],
    }


if __name__ == "__main__":
    sys.exit(main())
