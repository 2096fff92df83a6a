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
    assert isinstance(data, list), data
    return data[0]


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
    data = loaded(record(tmp_path) / "sums")
    fitted = fit(data, data)
    assert (fitted.strongest, fitted.cheapest) == ("strong-1", "weak-9")
    priors = fitted.likely(data.prompts).mean(axis=0)
    assert priors[fitted.models.index("strong-1")] == pytest.approx(0.9, abs=0.02)
    assert priors[fitted.models.index("other-2")] == pytest.approx(0.8, abs=0.02)
    assert fitted.rungs_of(data.prompts[0])[0].model_id in {"strong-1", "other-2"}
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


async def test_data_sets_without_costs_are_measured_by_accuracy(tmp_path: Path) -> None:
    """Costs are unknown, not zero; what needs them is left out."""
    root = record(tmp_path)
    free(root / "free")
    found = await evaluate(["route", "cascade"], root, dataset="free")
    rows = found["datasets"]["free"]["policies"]
    assert "cheapest" not in rows
    assert rows["route"]["costUsdPer1k"] is None
    assert rows["route"]["costVsStrongest"] is None
    assert rows["strongest"]["accuracy"] == pytest.approx(0.9, abs=0.05)
    assert found["datasets"]["free"]["metrics"]["aiq"] is None
    assert found["datasets"]["free"]["metrics"]["apgr"] is not None


def free(folder: Path, *, parts: tuple[str, ...] = ("",), models: str = "ab") -> None:
    """Write outcomes with scores alone; with several parts each has models of its own."""
    asked, answered = [], []
    for part in parts:
        for n in range(60):
            asked.append({"prompt_id": f"{part}{n}", "dataset": part, "category": "chat"})
            for place, model in enumerate(models):
                good = n % 10 < (9 if place == 0 else 5)
                name = f"{model}{part}"
                answered.append({"prompt_id": f"{part}{n}", "model": name, "score": float(good)})
    write(folder / "prompts.jsonl.gz", asked)
    write(folder / "outcomes.jsonl.gz", answered)


async def test_parts_are_measured_beside_the_whole(tmp_path: Path) -> None:
    """Each data set within a folder has a row of its own, and can be asked for by its name."""
    root = record(tmp_path)
    write(
        root / "sums" / "prompts.jsonl.gz",
        [
            {"prompt_id": f"q{n}", "dataset": f"set/{'odd' if n % 2 else 'even'}", "prompt": f"after {n}?"}
            for n in range(150)
        ],
    )
    found = (await evaluate(["route"], root))["datasets"]
    assert list(found) == ["sums", "sums/even", "sums/odd"]
    assert found["sums/even"]["prompts"] + found["sums/odd"]["prompts"] == found["sums"]["prompts"]
    assert list((await evaluate(["route"], root, dataset="odd"))["datasets"]) == ["sums/odd"]
    assert list((await evaluate(["route"], root, dataset="sums/even"))["datasets"]) == ["sums/even"]


async def test_parts_without_common_models_stand_alone(tmp_path: Path) -> None:
    """A folder whose parts were answered by different models is as many data sets."""
    free(tmp_path / "mixed", parts=("x", "y"))
    found = (await evaluate(["route"], tmp_path))["datasets"]
    assert list(found) == ["mixed/x", "mixed/y"]


async def test_list_prices_stand_in_where_tokens_are_unknown(tmp_path: Path) -> None:
    """The note says by which tokens."""
    free(tmp_path / "priced")
    (tmp_path / "priced" / "prices.json").write_text('{"a": [10, 10], "b": [1, 1]}')
    row = (await evaluate(["route"], tmp_path))["datasets"]["priced"]
    assert row["policies"]["strongest"]["costUsdPer1k"] == pytest.approx(10.0)
    assert "list prices" in row["notes"][0]


async def test_times_are_measured_where_they_were_recorded(tmp_path: Path) -> None:
    """A cascade waits for one model after the other, a collective for the slowest."""
    root = record(tmp_path)
    path = root / "sums" / "outcomes.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) | {"latency_s": 2.0} for line in lines]
    write(path, rows)
    found = (await evaluate(["cascade", "collective"], root, metrics=False))["datasets"]["sums"]["policies"]
    assert found["strongest"]["latencyS"] == {"mean": 2.0, "p50": 2.0}
    assert found["collective"]["latencyS"]["p50"] == 2.0
    assert found["cascade"]["latencyS"]["mean"] >= 2.0


async def test_regret_is_what_the_best_model_of_each_prompt_had_over_it(tmp_path: Path) -> None:
    """Nobody can do better than the oracle, and always the strongest falls short by what it misses."""
    root = record(tmp_path)
    row = (await evaluate(["route"], root, metrics=False))["datasets"]["sums"]
    strongest = row["policies"]["strongest"]
    assert strongest["regret"] == pytest.approx(row["oracle"]["accuracy"] - strongest["accuracy"], abs=2e-4)


async def test_what_cannot_be_used_is_named_and_left_out(tmp_path: Path) -> None:
    """One model, or no training data of that name: said in words, and the others are measured."""
    root = record(tmp_path / "a")
    free(root / "lonely", models="a")
    free(root / "unknown")
    train = record(tmp_path / "b")
    found = await evaluate(["route"], root, train=train, metrics=False)
    assert list(found["datasets"]) == ["sums"]
    assert "two models" in found["skipped"]["lonely"]
    assert "training data" in found["skipped"]["unknown"]


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[1]",
        '{"model": "m", "score": 1}',
        '{"prompt_id": "a", "model": "m", "score": 7}',
        '{"prompt_id": "a", "model": "m", "score": "high"}',
    ],
)
async def test_a_broken_line_is_refused(tmp_path: Path, line: str) -> None:
    """It says in which folder, and what a line should be."""
    root = record(tmp_path)
    with gzip.open(root / "sums" / "outcomes.jsonl.gz", "at", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(InvalidRequest, match="cannot be read") as failed:
        await evaluate(["route"], root)
    assert "evaluate.md" in str(failed.value.hint)


async def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    """Half a download is no outcome."""
    root = record(tmp_path)
    path = root / "sums" / "outcomes.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InvalidRequest, match="cannot be read"):
        await evaluate(["route"], root)


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
