"""Documents as the sources publish them, small, invented, in the real shapes and with the real traps.

`documents(source)` gives each document of a source by the path under which it is served.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smart_spawn.sources.base import Payload

DATA = Path(__file__).parents[2] / "data" / "sources"
FETCHED_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)

ARENA_PATH = "/datasets/lmarena-ai/leaderboard-dataset/resolve/main/{}/latest-00000-of-00001.parquet"
LEADERBOARD_PATH = (
    "/datasets/open-llm-leaderboard/contents/resolve/refs/convert/parquet/default/train/0000.parquet"
)
TEXT_BOARDS = ["overall", "coding", "math", "creative_writing", "hard_prompts", "instruction_following"]
TEXT_BOARDS += ["longer_query", "expert", "german"]


def parquet(columns: Mapping[str, Sequence[Any]]) -> bytes:
    """Write columns as a parquet file: texts, numbers as doubles, truth values."""
    from arro3.core import Array, DataType, Table
    from arro3.io import write_parquet

    kinds = {bool: DataType.bool(), str: DataType.utf8()}
    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        kind = kinds.get(type(next((v for v in values if v is not None), 0.0)), DataType.float64())
        arrays[name] = Array(
            [float(v) if kind == DataType.float64() and v is not None else v for v in values], kind
        )
    file = io.BytesIO()
    write_parquet(Table.from_pydict(arrays), file)
    return file.getvalue()


def table(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Turn rows into columns."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def arena_row(model: str, category: str, rating: float | None, **other: Any) -> dict[str, Any]:
    """Make one row of the leaderboard data set; votes and rank are floats there."""
    spread = None if rating is None else rating
    return {
        "model_name": model,
        "organization": "",
        "license": "Proprietary",
        "rating": rating,
        "rating_lower": spread and spread - 8.5,
        "rating_upper": spread and spread + 8.5,
        "variance": 18.8,
        "vote_count": 1230.0,
        "rank": 1.0,
        "category": category,
        "leaderboard_publish_date": "2026-10-02",
        **other,
    }


def arena_rows(subset: str) -> list[dict[str, Any]]:
    """List the rows of one board, the odd ones first."""
    if subset == "text_style_control":
        rows = [arena_row("aurora-2-high", "coding", 1501.5, leaderboard_publish_date="2026-09-30")]
        rows += [arena_row(f"model-{i}", board, 1400.0 + i) for board in TEXT_BOARDS for i in range(10)]
        return [*rows, arena_row("aurora-2-high", "coding", 1520.25), arena_row("broken", "coding", None)]
    category = "webdev-react" if subset == "webdev" else "overall"
    return [arena_row(f"model-{i}", category, 1200.0 + i) for i in range(10)]


def leaderboard_row(fullname: str, **other: Any) -> dict[str, Any]:
    """Make one row of the Open LLM Leaderboard, with the columns that we read and some that we do not."""
    return {
        "eval_name": fullname.replace("/", "_"),
        "Precision": "bfloat16",
        "Weight type": "Original",
        "fullname": fullname,
        "Model sha": "a1",
        "Average ⬆️": 20.0,
        "#Params (B)": -1.0,
        "Flagged": False,
        "IFEval": 40.0,
        "BBH": 30.0,
        "MATH Lvl 5": 0.0,
        "GPQA": 5.0,
        "MUSR": 7.5,
        "MMLU-PRO": 25.0,
        "Official Providers": False,
        "Submission Date": "2024-10-01",
        **other,
    }


def leaderboard_rows() -> list[dict[str, Any]]:
    """List ten models, one of them three times and one flagged."""
    repeated = "East/Lotus-Coder"
    return [
        leaderboard_row(repeated, Precision="4bit", **{"IFEval": 11.0, "Submission Date": "2025-01-01"}),
        leaderboard_row(repeated, **{"IFEval": 55.0, "Submission Date": "2024-12-01"}),
        leaderboard_row(repeated.lower(), **{"IFEval": 41.0, "Submission Date": "2024-06-12"}),
        leaderboard_row("Cheat/Flagged", Flagged=True),
        *(leaderboard_row(f"Filler/Model-{i}", IFEval=30.0 + i) for i in range(9)),
    ]


def analysis_page(
    page: int = 1, version: float = 4.3, pages: int = 2, rows: list[Any] | None = None
) -> bytes:
    """Make one page of Artificial Analysis' free list, five invented rows a page."""
    listed = json.loads((DATA / "artificial_analysis_rows.json").read_text()) if rows is None else rows
    size = max(1, -(-len(listed) // pages))
    envelope = {
        "tier": "free",
        "intelligence_index_version": version,
        "pagination": {"page": page, "page_size": size, "total_pages": pages, "has_more": page < pages},
        "data": listed[(page - 1) * size : page * size],
    }
    return json.dumps(envelope).encode()


def documents(source: str) -> dict[str, bytes]:
    """Give every document of a source, by the path (and page) under which it is served."""
    if source == "openrouter":
        return {"/models": (DATA / "openrouter_models.json").read_bytes()}
    if source == "artificial_analysis":
        return {f"/language/models/free?page={page}": analysis_page(page) for page in (1, 2)}
    if source == "open_llm_leaderboard":
        return {LEADERBOARD_PATH: parquet(table(leaderboard_rows()))}
    if source == "lmarena":
        boards = ("text_style_control", "vision_style_control", "webdev", "search_style_control")
        return {ARENA_PATH.format(board): parquet(table(arena_rows(board))) for board in boards}
    files = {f"/{path.name}": path.read_bytes() for path in sorted((DATA / "livebench").iterdir())}
    # The list also names a release that is not served, as the real one has done.
    listed = [*(name[1:] for name in files), "table_2026_09_30.csv", "favicon.ico"]
    releases = json.dumps(
        [{"name": name, "path": f"public/{name}", "type": "file"} for name in listed]
    ).encode()
    return {"/repos/LiveBench/new-livebench/contents/public": releases, **files}


def payload(source: str, part: str, body: bytes) -> Payload:
    """Wrap bytes as a downloaded document."""
    return Payload(
        source=source, part=part, url=f"https://example.test/{part}", body=body, fetched_at=FETCHED_AT
    )
