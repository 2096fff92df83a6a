"""Precision and recall on names that were read by hand."""

from collections.abc import Callable

import pytest

from smart_spawn.matching.index import Match, NameIndex, Unmatched
from smart_spawn.matching.names import take_apart

Rows = list[dict[str, str]]


def board_of(row: dict[str, str]) -> str:
    return f"lmarena_{row['board']}" if "board" in row else f"{row['source']}_index"


def measure(
    names: NameIndex, table: str, labelled: Rows, source: str, report: Callable[[str], None]
) -> tuple[float, float]:
    """Look every name up; returns precision and recall, and shows the names behind them."""
    right, wrong, missed = 0, [], []
    for row in labelled:
        bridge = None if row.get("bridge", "-") == "-" else row["bridge"]
        found = names.find(
            row["published"], source=source or row["source"], benchmark=board_of(row), bridge=bridge
        )
        if isinstance(found, Match):
            same = found.model_id == row["id"] and (found.effort or "-") == row["effort"]
            right += same
            wrong += [] if same else [(row["published"], found.model_id, found.effort)]
        elif row["id"] != "-":
            missed.append((row["published"], found.reason))
    with_model = sum(row["id"] != "-" for row in labelled)
    precision, recall = right / (right + len(wrong)), right / with_model
    report(
        f"{table} {len(labelled)} names, {with_model} with a model: "
        f"precision {precision:.3f}, recall {recall:.3f}"
    )
    for name in (*wrong, *missed):
        report(f"  {name}")
    return precision, recall


@pytest.mark.parametrize(
    ("table", "source", "least"),
    [
        ("labels_lmarena.tsv", "lmarena", 150),
        ("labels_livebench.tsv", "livebench", 150),
        ("labels_other.tsv", "", 40),
    ],
)
def test_names_of_every_source_are_joined_rightly(
    names: NameIndex,
    rows: Callable[[str], Rows],
    report: Callable[[str], None],
    table: str,
    source: str,
    least: int,
) -> None:
    """At least 99 of 100 joins are right, and at least 95 of 100 names that have a model find it."""
    labelled = rows(table)
    precision, recall = measure(names, table, labelled, source, report)
    assert len(labelled) >= least
    assert precision >= 0.99
    assert recall >= 0.95


def test_names_that_the_rules_were_not_written_for_are_joined_rightly(
    old_names: NameIndex, rows: Callable[[str], Rows], report: Callable[[str], None]
) -> None:
    """The same holds for names written down after the rules, against many generations side by side."""
    precision, recall = measure(old_names, "labels_unseen.tsv", rows("labels_unseen.tsv"), "lmarena", report)
    assert precision >= 0.99
    assert recall >= 0.95


def test_a_sample_of_joins_read_by_hand_holds_no_wrong_one(
    names: NameIndex, rows: Callable[[str], Rows]
) -> None:
    """Two hundred joins were read and found right; the index still makes exactly these."""
    sample = rows("sample_200.tsv")
    assert len({(row["source"], row["board"], row["published"]) for row in sample}) == 200
    assert {row["verdict"] for row in sample} == {"right"}
    for row in sample:
        bridge = None if row["bridge"] == "-" else row["bridge"]
        benchmark = f"{row['source']}_{row['board']}"
        found = names.find(row["published"], source=row["source"], benchmark=benchmark, bridge=bridge)
        assert isinstance(found, Match), row
        assert found.model_id == row["id"]


def test_no_name_moves_to_a_neighbour_when_its_model_is_taken_away(
    names: NameIndex, rows: Callable[[str], Rows]
) -> None:
    """A name whose model leaves the catalogue becomes unmatched; it never joins an older or smaller model."""
    labelled = [*rows("labels_lmarena.tsv"), *rows("labels_livebench.tsv")]
    ids = sorted({row["id"] for row in labelled} - {"-"})
    moved = []
    # Neighbours in the alphabet are neighbours in fact, so each round takes ids that stand far apart.
    for gone in (set(ids[start::16]) for start in range(16)):
        without = NameIndex.of([listing for listing in names.targets.values() if listing.id not in gone])
        for row in (row for row in labelled if row["id"] in gone):
            found = without.find(row["published"], source="lmarena", benchmark=board_of(row))
            if isinstance(found, Match):
                moved.append((row["published"], row["id"], found.model_id, found.rule))
    # Known to be one model under two ids: o3-mini set to high effort, the snapshot that the undated id stood for on
    # the day it was listed, and the last preview of Gemini 2.5 Pro.
    allowed = {
        ("openai/o3-mini-high", "openai/o3-mini"),
        ("openai/gpt-4o-2024-05-13", "openai/gpt-4o"),
        ("openai/gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"),
        ("google/gemini-2.5-pro", "google/gemini-2.5-pro-preview"),
    }
    assert {(was, now) for _, was, now, _ in moved} <= allowed, moved


def test_rows_of_one_model_at_several_efforts_share_a_key(
    names: NameIndex, rows: Callable[[str], Rows]
) -> None:
    """The key follows the model where there is one, and no unmatched name shares the key of a matched one."""
    keys: dict[str, str] = {}
    unmatched: set[str] = set()
    for row in (*rows("labels_lmarena.tsv"), *rows("labels_livebench.tsv")):
        found = names.find(row["published"], source="lmarena", benchmark=board_of(row))
        if isinstance(found, Match):
            assert keys.setdefault(found.model_id, found.key) == found.key
        else:
            unmatched.add(found.key)
    assert len(set(keys.values())) == len(keys)
    assert not unmatched & set(keys.values())


def test_taking_a_name_apart_never_fails_and_never_loses_it(rows: Callable[[str], Rows]) -> None:
    """Every published name keeps a key, and the key taken apart again is itself."""
    for row in (*rows("labels_lmarena.tsv"), *rows("labels_livebench.tsv"), *rows("labels_other.tsv")):
        name = take_apart(row["published"])
        assert name.key
        assert take_apart(name.key).key == name.key, row["published"]


def test_unmatched_names_say_why_and_suggest(names: NameIndex, rows: Callable[[str], Rows]) -> None:
    """Everything unmatched carries a reason; suggestions are ids of the catalogue."""
    for row in rows("labels_lmarena.tsv"):
        found = names.find(row["published"], source="lmarena", benchmark=board_of(row))
        if isinstance(found, Unmatched):
            assert found.reason
            assert set(found.nearest) <= set(names.targets)
    newer = names.find("claude-opus-5.5-high", source="lmarena", benchmark="lmarena_text")
    assert isinstance(newer, Unmatched)
    assert "anthropic/claude-opus-5" in newer.nearest
