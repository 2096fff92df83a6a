"""LiveBench's tables become category means, with failed runs left out and releases kept apart."""

from __future__ import annotations

from statistics import fmean

import pytest

from smart_spawn.errors import SourceChanged
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Measurement
from smart_spawn.sources.livebench import CATEGORIES, LiveBench
from tests.unit.sources.published import DATA, payload

FILES = {path.name: path.read_bytes() for path in (DATA / "livebench").iterdir()}


def parse(**replaced: bytes) -> Batch:
    files = FILES | {name.replace("__", "."): body for name, body in replaced.items()}
    return LiveBench(SourceSettings()).parse(
        [payload("livebench", name, body) for name, body in files.items()]
    )


def of(model: str, batch: Batch, *, superseded: bool = False) -> dict[str, Measurement]:
    return {
        m.benchmark: m for m in batch.measurements if m.published_name == model and m.superseded is superseded
    }


def test_a_category_is_the_mean_of_its_tasks_and_overall_the_mean_of_categories() -> None:
    """Means are taken over tasks first and categories second, so a category with many tasks weighs no more."""
    readings = of("aurora-2-xhigh", parse())
    assert readings["livebench_reasoning"].value == pytest.approx(70.25)
    assert readings["livebench_mathematics"].value == pytest.approx(73.5)
    categories = [readings[benchmark].value for benchmark in set(CATEGORIES.values())]
    assert readings["livebench_overall"].value == pytest.approx(fmean(categories))


def test_languages_are_boards_of_their_own() -> None:
    """Context tags ask how well a model writes one language: those tasks are kept apart as well as averaged."""
    readings = of("aurora-2-xhigh", parse())
    assert {name: readings[f"livebench_{name}"].value for name in ("python", "typescript")} == {
        "python": 72.0,
        "typescript": 72.5,
    }
    assert "livebench_javascript" not in readings  # this release has no such task
    assert readings["livebench_agentic_coding"].value == pytest.approx(72.25)


def test_a_failed_run_is_left_out_and_a_weak_result_is_kept() -> None:
    """0.0 beside high neighbours is a failed run; 0.0 beside low ones is what the model could do."""
    batch = parse()
    assert of("aurora-2-low", batch)["livebench_mathematics"].value == pytest.approx(93.0)
    assert of("weakling", batch)["livebench_agentic_coding"].value == pytest.approx(5.0)
    assert any(
        "`aurora-2-low` has 0 in `olympiad`, set aside as a failed run" in note for note in batch.notes
    )


def test_missing_tasks_are_skipped_and_a_missing_category_costs_the_overall_mean() -> None:
    """An empty cell is no zero; an overall mean over fewer categories would not be comparable."""
    batch = parse()
    assert of("gappy", batch)["livebench_reasoning"].value == pytest.approx(50.0)
    assert "livebench_overall" in of("gappy", batch)
    assert "livebench_language" not in of("hollow", batch)
    assert "livebench_overall" not in of("hollow", batch)


def test_older_rows_are_marked_and_never_share_an_edition() -> None:
    """Every row of the older release is there to fit its scale, marked as superseded."""
    batch = parse()
    assert {(m.edition, m.superseded) for m in batch.measurements} == {
        ("2026-06-25", False),
        ("2026-01-08", True),
    }
    assert of("aurora-2-low", batch, superseded=True)["livebench_reasoning"].value == pytest.approx(58.25)
    assert "livebench_instruction_following" in of("old-model-1", batch, superseded=True)


def test_tokens_and_costs_are_better_when_lower_and_never_zero() -> None:
    """The cost file gives tokens per answer and USD per question; zero USD is a model without a price."""
    batch = parse()
    tokens = of("aurora-2-xhigh", batch)["livebench_output_tokens"]
    assert (tokens.value, tokens.unit, tokens.higher_is_better) == (24000.5, "tokens", False)
    assert of("aurora-2-xhigh", batch)["livebench_cost_per_question"].value == 0.0361
    assert "livebench_cost_per_question" not in of("weakling", batch)


def test_a_task_without_a_column_is_left_out_and_a_category_without_most_is_not() -> None:
    """The list of categories may name a task that was never run; when most of a category is gone it has changed."""
    table = FILES["table_2026_06_25.csv"]
    batch = parse(table_2026_06_25__csv=table.replace(b"olympiad", b"olympics", 1))
    assert of("aurora-2-low", batch)["livebench_mathematics"].value == pytest.approx(93.0)
    assert "2026_06_25: no results for `olympiad`" in batch.notes
    with pytest.raises(SourceChanged, match="no column `olympiad`"):
        parse(table_2026_06_25__csv=table.replace(b"olympiad", b"o", 1).replace(b"algebra", b"a", 1))


def test_a_renamed_column_or_category_is_named() -> None:
    """What the means need must be there under its name."""
    table = FILES["table_2026_06_25.csv"].replace(b"model,", b"system,", 1)
    with pytest.raises(SourceChanged, match="no column `model`"):
        parse(table_2026_06_25__csv=table)
    with pytest.raises(SourceChanged, match="livebench_language"):
        parse(categories_2026_06_25__json=FILES["categories_2026_06_25.json"].replace(b"Language", b"Prose"))


def test_the_release_list_is_asked_where_the_settings_say() -> None:
    """One base URL serves both on a closed network; live, the list is on GitHub."""
    assert LiveBench(SourceSettings()).releases_url == "https://api.github.com"
    assert LiveBench(SourceSettings(base_url="http://mirror:1/")).releases_url == "http://mirror:1"
    both = SourceSettings(base_url="http://mirror:1", releases_url="http://other:2")
    assert LiveBench(both).releases_url == "http://other:2"
