"""The frozen leaderboard becomes six readings per open model, joined by its Hugging Face id."""

from __future__ import annotations

import random
from datetime import date

import pytest

from smart_spawn.errors import SourceChanged
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch
from smart_spawn.sources.open_llm_leaderboard import OpenLLMLeaderboard
from tests.unit.sources.published import leaderboard_row, leaderboard_rows, parquet, payload, table


def parse(rows: list[dict[str, object]]) -> Batch:
    body = parquet(table(rows))
    return OpenLLMLeaderboard(SourceSettings()).parse([payload("open_llm_leaderboard", "contents", body)])


def test_zero_is_a_real_score_and_the_id_is_the_bridge() -> None:
    """With the random baseline taken off, 0.0 in mathematics is a result."""
    readings = {
        m.benchmark: m for m in parse(leaderboard_rows()).measurements if m.bridge == "Filler/Model-3"
    }
    assert len(readings) == 6
    assert readings["open_llm_math"].value == 0.0
    assert readings["open_llm_ifeval"].value == 33.0
    assert readings["open_llm_ifeval"].published_on == date(2024, 10, 1)


@pytest.mark.parametrize("seed", range(5))
def test_repeated_rows_give_one_reading_whatever_their_order(seed: int) -> None:
    """Of several rows of one id (whatever its case) the faithful precision and then the latest count."""
    rows = leaderboard_rows()
    random.Random(seed).shuffle(rows)
    values = [
        m.value
        for m in parse(rows).measurements
        if m.benchmark == "open_llm_ifeval" and "otus" in m.published_name
    ]
    assert values == [55.0]


def test_the_makers_own_row_beats_a_later_one() -> None:
    """A row submitted by the official provider stands for the model."""
    own = leaderboard_row(
        "Filler/Model-0", **{"Official Providers": True, "IFEval": 77.0, "Precision": "float16"}
    )
    later = leaderboard_row("Filler/Model-0", **{"Submission Date": "2025-03-01", "IFEval": 12.0})
    batch = parse([later, own, *leaderboard_rows()])
    assert next(m.value for m in batch.measurements if m.benchmark == "open_llm_ifeval") == 77.0


def test_flagged_rows_are_set_aside() -> None:
    """A row that the leaderboard itself flagged gives no reading, and the batch says how many."""
    batch = parse(leaderboard_rows())
    assert "Cheat/Flagged" not in {m.published_name for m in batch.measurements}
    assert batch.count == 10
    assert batch.notes == ("`contents`: 1 flagged or nameless rows, 2 repeated rows set aside",)


def test_a_missing_column_is_named() -> None:
    """A benchmark column that is gone is a change of the source."""
    rows = [{("MMLU" if k == "MMLU-PRO" else k): v for k, v in row.items()} for row in leaderboard_rows()]
    with pytest.raises(SourceChanged, match="MMLU-PRO"):
        parse(rows)
