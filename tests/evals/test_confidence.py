"""Confidence: simulated worlds in which it must hold, and recorded outcomes in which it is measured."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from evals import calibration, confidence_on_outcomes
from evals.calibration import EXPERIMENTS, simulate
from evals.confidence_on_outcomes import accuracies, leave_each_out
from evals.reliability import calibration_error, reliability
from smart_spawn.catalog.snapshot import Catalog
from tests.unit.builders import catalog, listing


@pytest.fixture(scope="module")
def forty() -> Catalog:
    """Return forty models of which some have one board and some three."""
    models = [f"acme/m{at}" for at in range(40)]
    scores = {
        model: dict.fromkeys(
            ("lmarena_overall", "livebench_overall", "lmarena_coding")[: 1 + at % 3], (at - 20) / 15
        )
        for at, model in enumerate(models)
    }
    return catalog([listing(model) for model in models], scores)


def test_stated_variances_mean_what_they_say(forty: Catalog) -> None:
    """Where truths lie as the catalogue states, confidence and the chance to be best come true."""
    cases = simulate(forty, "stated", 2_000, seed=1)
    for said, right in ((cases.confidence, cases.right), (cases.p_best, cases.was_best)):
        bins = reliability(said, right)
        assert len(bins) >= 3
        assert calibration_error(bins) < 0.03


def test_variances_stretch_as_scores_do(forty: Catalog) -> None:
    """Evidence around known truths shows that a variance without the stretch by 1.15 promises too much."""
    error = {
        name: calibration_error(reliability(cases.p_best, cases.was_best))
        for name in EXPERIMENTS[1:]
        for cases in [simulate(forty, name, 1_500, seed=1)]
    }
    assert error["drawn"] < error["unstretched"]


def test_simulations_repeat(forty: Catalog) -> None:
    """The same seed gives the same cases, another seed others."""
    first, again, other = (simulate(forty, "drawn", 50, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.confidence, again.confidence)
    assert not np.array_equal(first.confidence, other.confidence)


def test_without_a_catalogue_the_simulation_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """A build without a packaged catalogue gets a message, not a trace-back."""
    assert calibration.main([], load=lambda: None) == 1
    assert "hint:" in capsys.readouterr().err


def write(folder: Path, right: Mapping[str, Mapping[str, int]], prompts: int = 40) -> None:
    """Write a collection: task → model → how many of the prompts it answered rightly."""
    folder.mkdir(parents=True)
    with gzip.open(folder / "prompts.jsonl.gz", "wt") as out:
        for task in right:
            for at in range(prompts):
                out.write(json.dumps({"prompt_id": f"{task}/{at}", "dataset": task, "extra": None}) + "\n")
    with gzip.open(folder / "outcomes.jsonl.gz", "wt") as out:
        for task, models in right.items():
            for model, count in models.items():
                for at in range(prompts):
                    row = {"prompt_id": f"{task}/{at}", "model": model, "score": float(at < count)}
                    out.write(json.dumps({**row, "cost_usd": None}) + "\n")


MODELS = {f"m{at}": 4 * at for at in range(8)}


def test_tasks_that_agree_confirm_each_other(tmp_path: Path) -> None:
    """With one order in every task each pair is predicted rightly, and larger gaps more confidently."""
    write(tmp_path / "c", {"one": MODELS, "two": MODELS, "three": MODELS})
    left = list(leave_each_out(accuracies(tmp_path / "c")))
    assert [one.task for one in left] == ["one", "three", "two"]
    for one in left:
        assert one.right.all()
        assert len(one.said) == 8 * 7 / 2
        assert one.said.max() > 0.9 > one.said.min() > 0.5


def test_a_task_that_contradicts_the_others_shows_as_wrong(tmp_path: Path) -> None:
    """The truth of a left-out task does not leak into its prediction."""
    backwards = {model: 28 - count for model, count in MODELS.items()}
    write(tmp_path / "c", {"one": MODELS, "two": MODELS, "odd": backwards})
    found = {one.task: one for one in leave_each_out(accuracies(tmp_path / "c"))}
    assert not found["odd"].right.any()


def test_models_that_skipped_prompts_and_thin_tasks_do_not_count(tmp_path: Path) -> None:
    """A task of ten prompts is no truth."""
    write(tmp_path / "thin", {"one": MODELS, "two": MODELS}, prompts=10)
    assert accuracies(tmp_path / "thin") == {}


def test_absent_collections_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not there is said to be not measured; with nothing at all the exit code is 1."""
    assert confidence_on_outcomes.main(["--root", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "zeroeval: not measured" in said
    assert "hint:" in said
    write(tmp_path / "zeroeval", {"one": MODELS, "two": MODELS, "three": MODELS})
    assert confidence_on_outcomes.main(["--root", str(tmp_path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["zeroeval"]["right"] == 1
    assert report["zeroeval"]["pairs"] == 84
