"""The leaderboard data set becomes one reading per model and board, with its interval."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from smart_spawn.errors import SourceChanged
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Payload
from smart_spawn.sources.lmarena import BOARDS, LMArena
from tests.unit.sources.published import arena_row, arena_rows, parquet, payload, table


def payloads(**changed: list[dict[str, Any]]) -> list[Payload]:
    rows = {board: changed.get(board, arena_rows(board)) for board in BOARDS}
    return [payload("lmarena", board, parquet(table(listed))) for board, listed in rows.items()]


def parse(documents: list[Payload]) -> Batch:
    return LMArena(SourceSettings()).parse(documents)


def test_every_board_has_its_own_name() -> None:
    """Categories of the text board and the three other boards are separate benchmarks, the rest is left out."""
    batch = parse(payloads())
    assert {m.benchmark.removeprefix("lmarena_") for m in batch.measurements} == {
        *("overall", "coding", "math", "creative_writing", "hard_prompts", "instruction_following"),
        *("longer_query", "expert", "vision", "webdev", "search"),
    }


def test_a_reading_keeps_interval_votes_and_date() -> None:
    """Votes are floats in the file and whole here; of two rows of one model the newer one counts."""
    batch = parse(payloads())
    (reading,) = [m for m in batch.measurements if m.published_name == "aurora-2-high"]
    assert (reading.value, reading.lower, reading.upper) == (1520.25, 1511.75, 1528.75)
    assert reading.votes == 1230
    assert isinstance(reading.votes, int)
    assert reading.published_on == batch.published_on == date(2026, 10, 2)
    assert any("1 repeated rows" in note and "without a name or a rating" in note for note in batch.notes)


def test_the_order_of_repeated_rows_does_not_matter() -> None:
    """Two rows of the same day are told apart by their votes, not by their place in the file."""
    rows = arena_rows("webdev")
    pair = [
        arena_row("twice", "webdev-react", 1500.0),
        arena_row("twice", "webdev-react", 1450.0, vote_count=9000.0),
    ]
    values = {
        next(
            m.value
            for m in parse(payloads(webdev=[*rows, *order])).measurements
            if m.published_name == "twice"
        )
        for order in (pair, pair[::-1])
    }
    assert values == {1450.0}


def test_a_renamed_column_is_named() -> None:
    """A column that is gone is a change of the source, not an empty board."""
    rows = [{("elo" if k == "rating" else k): v for k, v in row.items()} for row in arena_rows("webdev")]
    with pytest.raises(SourceChanged, match="`webdev` has no column `rating`"):
        parse(payloads(webdev=rows))


def test_the_overall_board_must_be_there() -> None:
    """Without `overall` the text file is not what it was; without a lesser category a note is enough."""
    rows = arena_rows("text_style_control")
    with pytest.raises(SourceChanged, match="overall"):
        parse(payloads(text_style_control=[row for row in rows if row["category"] != "overall"]))
    batch = parse(payloads(text_style_control=[row for row in rows if row["category"] != "expert"]))
    assert any("expert" in note for note in batch.notes)


@pytest.mark.parametrize("body", [b"", b"PAR1", b"<html></html>", b"PAR1" + b"\0" * 60 + b"PAR1"])
def test_what_is_no_parquet_is_refused_in_words(body: bytes) -> None:
    """Half a file, a web page or garbage is an error of ours, never the reader's panic."""
    documents = [p if p.part != "webdev" else payload("lmarena", "webdev", body) for p in payloads()]
    with pytest.raises(SourceChanged, match="webdev"):
        parse(documents)
