"""Policies on a handful of recorded outcomes, in the shapes of real files with their traps."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from smart_spawn.cli.evaluating import CHOOSABLE as OFFERED
from smart_spawn.errors import InvalidRequest
from smart_spawn.evals.measure import evaluate
from smart_spawn.evals.outcomes import DataSet, load
from smart_spawn.evals.replay import CHOOSABLE, fit, members_for

MODELS = {
    # how often it is right (of 10), cost of an answer in USD
    "strong-1": (9, 0.004),
    "other-2": (8, 0.0038),
    "small-a": (7, 0.0001),
    "small-b": (7, 0.0002),
    "weak-9": (1, 0.00001),
}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def record(root: Path, name: str = "sums", *, prompts: int = 150) -> Path:
    """Write a data set: models are wrong on different prompts, wrong answers differ, one cost is a lower bound."""
    asked, answered, texts = [], [], []
    for n in range(prompts):
        asked.append({"prompt_id": f"q{n}", "category": "math", "prompt": f"What comes after {n}? Think."})
        for place, (model, (right, cost)) in enumerate([*MODELS.items(), ("hidden-5", (10, 0.0))]):
            good = (n * 7 + place * 3) % 10 < right
            row = {
                "prompt_id": f"q{n}",
                "model": model,
                "score": float(good),
                "answer": str(n + 1) if good else f"{n + 2 + place}",
                "cost_usd": cost,
                "prompt_tokens": 10,
                "completion_tokens": 5,
            }
            if model == "hidden-5":
                row["cost_is_lower_bound"] = True
            if model == "weak-9" and n % 5 == 0:
                row["answer"] = None
            answered.append(row)
        texts.append(
            {
                "prompt_id": f"q{n}",
                "model": "small-a",
                "response": "So:\n```json\n"
                + json.dumps({"reasoning": "…", "answer": answered[-4]["answer"]})
                + "\n```",
            }
        )
    answered.append({"prompt_id": "q0", "model": "rare-7", "score": 1.0, "cost_usd": 0.1, "answer": "1"})
    write(root / name / "prompts.jsonl.gz", asked)
    write(root / name / "outcomes.jsonl.gz", answered)
    write(root / name / "responses.jsonl.gz", texts)
    return root


def loaded(folder: Path) -> DataSet:
    data = load(folder)
    assert isinstance(data, DataSet)
    return data


def test_models_that_cannot_be_compared_are_left_out(tmp_path: Path) -> None:
    """A cost that is only a lower bound, and a model that answered one prompt, would distort everything."""
    data = loaded(record(tmp_path) / "sums")
    assert set(data.models) == set(MODELS)
    assert len(data.prompts) == 150


def test_halves_share_no_prompt(tmp_path: Path) -> None:
    """What is learned from one half says nothing of the other's prompts, and the split never changes."""
    first, second = loaded(record(tmp_path) / "sums").halves()
    assert {p.id for p in first.prompts} & {p.id for p in second.prompts} == set()
    assert len(first.prompts) + len(second.prompts) == 150


def test_what_is_fitted_comes_from_training_alone(tmp_path: Path) -> None:
    """Strongest and cheapest by their means, priors per category, members from different families."""
    fitted = fit(loaded(record(tmp_path) / "sums"))
    assert (fitted.strongest, fitted.cheapest) == ("strong-1", "weak-9")
    priors = {rung.model_id: rung.prior for rung in fitted.rungs["math"]}
    assert priors["strong-1"] == pytest.approx(0.9, abs=0.02)
    assert priors["other-2"] == pytest.approx(0.8, abs=0.02)
    assert members_for(fitted)[:2] == ["strong-1", "other-2"]


async def test_every_policy_is_measured_beside_the_baselines(tmp_path: Path) -> None:
    """The shape of the contract, with intervals that hold their value."""
    root = record(tmp_path)
    found = (await evaluate(list(CHOOSABLE), root, train=root))["datasets"]["sums"]
    assert (found["prompts"], found["models"]) == (150, 5)
    assert set(found["policies"]) == {"strongest", "cheapest", "random", *CHOOSABLE}
    assert set(found["metrics"]) == {"apgr", "cpt50", "cpt80", "aiq"}
    for row in found["policies"].values():
        low, high = row["interval95"]["accuracy"]
        assert low <= row["accuracy"] <= high
    rows = found["policies"]
    assert rows["strongest"]["accuracyVsStrongest"] == rows["strongest"]["costVsStrongest"] == 1.0
    assert rows["strongest"]["accuracy"] == pytest.approx(0.9, abs=0.01)
    assert rows["cascade"]["costVsStrongest"] < 0.8
    assert rows["cascade"]["accuracyVsStrongest"] > 0.9
    assert rows["agreement"]["costVsStrongest"] < 0.8
    assert rows["collective"]["costUsdPer1k"] > rows["strongest"]["costUsdPer1k"]
    assert "gainOverBestMember" in rows["collective"]


async def test_the_same_outcomes_give_the_same_numbers(tmp_path: Path) -> None:
    """Nothing is drawn without a seed."""
    root = record(tmp_path)
    assert await evaluate(["cascade"], root) == await evaluate(["cascade"], root)


async def test_training_may_stand_apart(tmp_path: Path) -> None:
    """With `--train` every prompt of the outcomes is measured."""
    root, train = record(tmp_path / "a"), record(tmp_path / "b", prompts=40)
    found = await evaluate(["route"], root, train=train, metrics=False)
    assert found["datasets"]["sums"]["prompts"] == 150


async def test_data_sets_without_costs_are_named_and_left_out(tmp_path: Path) -> None:
    """They say why, and the others are measured."""
    root = record(tmp_path)
    write(root / "free" / "prompts.jsonl.gz", [{"prompt_id": "a", "prompt": "x"}])
    write(root / "free" / "outcomes.jsonl.gz", [{"prompt_id": "a", "model": "m", "score": 1.0}])
    found = await evaluate(["route"], root, metrics=False)
    assert list(found["datasets"]) == ["sums"]
    assert "costs" in found["skipped"]["free"]


async def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """No folders, no such data set, and a broken file each say what is wrong."""
    with pytest.raises(InvalidRequest, match="no recorded outcomes"):
        await evaluate(["route"], tmp_path)
    root = record(tmp_path)
    with pytest.raises(InvalidRequest, match="no data set `other`"):
        await evaluate(["route"], root, dataset="other")
    (root / "sums" / "outcomes.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await evaluate(["route"], root)


def test_the_command_offers_what_there_is() -> None:
    """The list of the command line is the list of policies."""
    assert tuple(OFFERED) == CHOOSABLE
