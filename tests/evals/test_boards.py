"""Leaving boards out: what is predicted, from what, and what is said when there is nothing to predict."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from evals.boards import compare, main_category, predictions, publisher, summarise
from evals.material import Material
from smart_spawn.matching.index import NameIndex
from smart_spawn.matching.match import match
from smart_spawn.model import Category
from smart_spawn.sources.base import Measurement
from tests.unit.builders import listing

DAY = date(2026, 8, 8)
NAMES = [first + vowel + "ndo" for first in "bdfgklmn" for vowel in "aei"]
"""Names without numbers, sizes or dates, so that nothing is read into them."""
COUNT = len(NAMES)


def material(boards: dict[str, dict[str, float]], relayed: frozenset[str] = frozenset()) -> Material:
    """Return material in which every listed model has an id and every board its readings."""
    listings = tuple(listing(f"acme/{name}") for name in sorted(NAMES))
    rows = [
        Measurement(
            source="openrouter" if board in relayed else publisher(board),
            benchmark=board,
            published_name=name,
            value=value,
            unit="percent",
            published_on=DAY,
        )
        for board, readings in boards.items()
        for name, value in readings.items()
    ]
    return Material(listings=listings, matched=match(rows, NameIndex.of(listings)), as_of=DAY)


def agreeing() -> dict[str, dict[str, float]]:
    """Return three publishers' boards in one order, with a crowd each: all, the better half, the worse half."""
    strength = {name: float(at) for at, name in enumerate(NAMES)}
    return {
        "lmarena_coding": strength,
        "livebench_coding": {name: 10 * strength[name] for name in NAMES[COUNT // 2 - 4 :]},
        "aa_coding_index": {name: strength[name] ** 1.1 for name in NAMES[: COUNT // 2 + 4]},
    }


def test_boards_that_agree_predict_each_other() -> None:
    """One order everywhere is predicted exactly when scales are linked, and plain z-scores mix the crowds up."""
    found = {
        p.norm: p
        for p in predictions(material(agreeing()), "board", ("zscore", "equated"))
        if p.board == "lmarena_coding"
    }
    assert found["equated"].spearman.value > found["zscore"].spearman.value
    assert found["equated"].spearman.value > 0.99
    assert found["equated"].regret_z == 0
    assert found["equated"].category is Category.CODING
    assert found["equated"].models == COUNT


def test_what_is_left_out_is_not_used() -> None:
    """With its publisher left out a board of one publisher has nothing to be predicted from."""
    alone = {name: row for name, row in agreeing().items() if name == "lmarena_coding"}
    twice = {**alone, "lmarena_webdev": alone["lmarena_coding"]}
    assert {p.board for p in predictions(material(twice), "board", ("zscore",))} == set(twice)
    assert list(predictions(material(twice), "publisher", ("zscore",))) == []


def test_relayed_boards_can_be_switched_off() -> None:
    """Without what another source passes on, only the publishers' own boards are there."""
    everything = material(agreeing(), relayed=frozenset({"aa_coding_index"}))
    assert everything.boards == ("aa_coding_index", "livebench_coding", "lmarena_coding")
    assert everything.without_relayed().boards == ("livebench_coding", "lmarena_coding")


def test_regret_is_counted_in_the_boards_own_spread() -> None:
    """Choosing the second best of evenly spaced models costs one step over the standard deviation."""
    truth = np.arange(12, dtype=float)
    predicted = truth.copy()
    predicted[10], predicted[11] = predicted[11], predicted[10]
    found = compare(("b", ""), Category.CODING, "zscore", truth, predicted)
    assert found.regret_z == pytest.approx(1 / truth.std())
    assert found.top_overlap == 1
    assert found.top_regret_z == 0


def test_the_summary_compares_norms_on_the_same_boards() -> None:
    """The gain of a norm is measured against z-scores, board by board; z-scores have none against themselves."""
    summaries = {s.norm: s for s in summarise(list(predictions(material(agreeing()), "board")))}
    assert summaries["zscore"].gain is None
    gain = summaries["equated"].gain
    assert gain is not None
    assert gain.value > 0


def test_a_board_without_a_weight_is_in_no_category() -> None:
    """Boards that count nowhere are not predicted."""
    assert main_category("design_arena_3d") is None
    assert main_category("lmarena_vision") is Category.VISION
