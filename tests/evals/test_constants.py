"""Constants of evidence, measured on invented catalogues in which they are known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from evals import __main__ as evaluations
from evals.constants import Pair, edition_pairs, effort_pairs, measure, per_model, quality, shifted
from smart_spawn.catalog.facts import Facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import Effort
from smart_spawn.scoring.reading import EFFORT_RANK, Reading
from smart_spawn.scoring.scale import Scale
from smart_spawn.scoring.weights import shipped_weights
from tests.unit.builders import listing, reading

RISE = 0.2
EFFORTS: tuple[Effort, ...] = ("max", "high", "low", "none")
MODELS = [f"acme/m{at}" for at in range(6)]


def scale(board: str, edition: str, shared: int) -> Scale:
    return Scale(
        benchmark=board, edition=edition, mean=0, stddev=1, count=9, center=0, robust_spread=1, shared=shared
    )


def one(model: str, board: str, z: float, effort: Effort, **options: object) -> Reading:
    return replace(reading(model, board, z), effort=effort, edition="new", **options)  # type: ignore[arg-type]


@pytest.fixture
def efforts() -> Catalog:
    """Return six models whose readings rise by 0.2 per step of effort, and by 1.5 from not thinking at all."""
    can = {"supported_efforts": EFFORTS, "default_effort": "high"}
    readings = [
        one(
            model,
            "livebench_overall",
            at - RISE * EFFORT_RANK[effort] - (1.5 if effort == "none" else 0),
            effort,
        )
        for at, model in enumerate(MODELS)
        for effort in EFFORTS
    ]
    readings += [one(model, "livebench_cost", 9.0 * EFFORT_RANK[e], e) for model in MODELS for e in EFFORTS]
    readings += [
        replace(one(model, "livebench_overall", at - 0.4 - 0.1, "high", superseded=True), edition="old")
        for at, model in enumerate(MODELS)
    ]
    boards = (("livebench_overall", "new", 9), ("livebench_overall", "old", 9), ("livebench_cost", "new", 0))
    return Catalog.of(
        Facts(
            as_of=date(2026, 8, 8),
            listings=tuple(listing(model, can=can) for model in MODELS),
            readings=tuple(readings),
            scales=tuple(scale(*board) for board in boards),
            weights=shipped_weights(),
        )
    )


def test_the_rise_per_step_of_effort_is_found(efforts: Catalog) -> None:
    """Six models that rise by 0.2 a step are measured at 0.2; boards that are not linked do not count."""
    pairs = effort_pairs(efforts)
    assert {pair.board for pair in pairs} == {"livebench_overall"}
    thinking = [pair for pair in pairs if not pair.to_none]
    assert set(per_model(thinking, "per step")) == set(MODELS)
    for value in per_model(thinking, "per step").values():
        assert value == pytest.approx(RISE)
    for pair in shifted(thinking):
        assert pair.rise == pytest.approx(0)


def test_two_editions_are_compared_at_one_effort(efforts: Catalog) -> None:
    """Only the effort that both editions measured is compared, newer less older."""
    pairs = edition_pairs(efforts)
    assert len(pairs) == len(MODELS)
    for pair in pairs:
        assert pair.rise == pytest.approx(0.1)


def test_quality_follows_from_the_mean_square_miss() -> None:
    """A reading that misses by as much as a fresh one varies deserves half; few models give no number."""
    pairs = [Pair(model=model, board="b", steps=1, rise=0.5) for model in MODELS]
    line = quality(per_model(pairs, "square"), 0.25, "what", "note")
    assert line.estimate is not None
    assert line.estimate.value == pytest.approx(0.5)
    assert quality(per_model(pairs[:2], "square"), 0.25, "what", "note").estimate is None


def test_what_the_data_cannot_say_is_said(efforts: Catalog) -> None:
    """Every constant has a line; where data is absent it says so instead of a number."""
    lines = {line.what: line for line in measure(efforts)}
    apart = lines["variants that a board measured apart from their plain model"]
    assert apart.estimate is None
    assert "judgement" in apart.note
    assert lines["rise per step of effort, livebench"].estimate is not None


def test_evaluations_are_listed_and_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name all are listed with a sentence each; a wrong name is answered with the right ones."""
    assert evaluations.main([]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in evaluations.EVALUATIONS)
    assert evaluations.main(["bords"]) == 2
    assert "hint: one of boards" in capsys.readouterr().err
