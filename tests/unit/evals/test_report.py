"""What `eval` writes for people: a document and a picture."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.evals.measure import evaluate
from smart_spawn.evals.plot import check_plot, draw
from smart_spawn.evals.published import published
from smart_spawn.evals.report import report
from tests.unit.evals.test_policies import free, record


async def test_the_report_has_caveats_before_numbers(tmp_path: Path) -> None:
    """Each policy has a row, unknown costs are a dash, what was left out is named."""
    root = record(tmp_path)
    free(root / "free")
    free(root / "lonely", models="a")
    found = await evaluate(["route", "collective", "agreement"], root)
    text = report(found, command="smart-spawn eval route", date="2026-11-29")
    assert text.index("Caveats") < text.index("| policy |")
    for part in (
        "## sums: 150 prompts, 5 models",
        "| route |",
        "APGR",
        "best member",
        "agreed on",
        "- lonely:",
    ):
        assert part in text
    assert "| – |" in text.split("## free")[1]


@pytest.mark.parametrize("ending", ["svg", "png"])
async def test_the_picture_is_drawn(tmp_path: Path, ending: str) -> None:
    """By the name's ending, without a display."""
    found = await evaluate(["route"], record(tmp_path))
    path = tmp_path / f"curve.{ending}"
    draw(found, path)
    head = path.read_bytes()[:200]
    assert b"PNG" in head if ending == "png" else b"<?xml" in head


async def test_a_picture_that_cannot_be_drawn_says_why(tmp_path: Path) -> None:
    """Another ending, no costs, no folder."""
    with pytest.raises(InvalidRequest, match="no picture"):
        check_plot(Path("curve.jpg"))
    free(tmp_path / "free")
    found = await evaluate(["route"], tmp_path)
    with pytest.raises(InvalidRequest, match="nothing to plot"):
        draw(found, tmp_path / "a.svg")
    found = await evaluate(["route"], record(tmp_path / "b"))
    with pytest.raises(InvalidRequest, match="cannot be written"):
        draw(found, tmp_path / "nowhere" / "a.svg")


def test_published_figures_name_their_source() -> None:
    """Nothing stands beside ours without a place where it can be looked up."""
    rows = published("routellm/mmlu")
    assert {"name", "apgr", "cpt50", "cpt80", "source", "note"} <= set(rows[0])
    assert published("sums") == []
