"""The Open LLM Leaderboard: open models measured by Hugging Face until March 2025, frozen since.

Live: one parquet file, redirected to a content network. It never changes, so a conditional request a week is
only a sign of life.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Measurement, Payload
from smart_spawn.sources.documents import changed, counted, day, number, only, read_parquet

FILE = "/datasets/open-llm-leaderboard/contents/resolve/refs%2Fconvert%2Fparquet/default/train/0000.parquet"
PART = "contents"

BENCHMARKS = {
    "MMLU-PRO": "open_llm_mmlu_pro",
    "GPQA": "open_llm_gpqa",
    "BBH": "open_llm_bbh",
    "MATH Lvl 5": "open_llm_math",
    "MUSR": "open_llm_musr",
    "IFEval": "open_llm_ifeval",
}
"""Columns with the random baseline taken off, in percent: 0.0 is a real score."""

COLUMNS = (
    "fullname",
    "Precision",
    "Model sha",
    "Weight type",
    "Flagged",
    "Official Providers",
    "Submission Date",
    *BENCHMARKS,
)

PRECISIONS = ("bfloat16", "float16", "8bit", "4bit", "GPTQ")
"""From the most faithful to the least: makers publish in bfloat16, the rest are conversions."""


class OpenLLMLeaderboard:
    """The final state of the leaderboard: six readings per open model, joined by its Hugging Face id."""

    name = "open_llm_leaderboard"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://huggingface.co").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 168.0
        self.timeout_s = settings.timeout_s

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download the one file, or learn that it is still the same."""
        return (await http.get(f"{self.base_url}{FILE}", part=PART, redirects=True),)

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read six Measurements per model. Raises SourceChanged, naming the column."""
        columns = read_parquet(only(payloads, self.name, PART), COLUMNS)
        best: dict[str, dict[str, Any]] = {}
        aside: Counter[str] = Counter()
        for row in zip(*(columns[name] for name in COLUMNS), strict=True):
            cells = dict(zip(COLUMNS, row, strict=True))
            name = str(cells["fullname"] or "").strip()
            if not name or cells["Flagged"]:
                aside["flagged or nameless rows"] += 1
                continue
            key = name.lower()  # Hugging Face ids are the same whatever their case
            aside["repeated rows"] += key in best
            if key not in best or _standing(cells) > _standing(best[key]):
                best[key] = cells
        if not best:
            raise changed(self.name, f"`{PART}` has no rows")
        measurements = tuple(reading for cells in best.values() for reading in _readings(cells))
        published = [m.published_on for m in measurements if m.published_on is not None]
        notes = (f"`{PART}`: {counted(+aside)} set aside",) if +aside else ()
        return Batch(
            source=self.name,
            measurements=measurements,
            published_on=max(published, default=None),
            notes=notes,
        )


def _standing(cells: Mapping[str, Any]) -> tuple[Any, ...]:
    """Rank repeated rows of one model, so that their order in the file never matters.

    Submitted by the maker, whole weights rather than an adapter, the most faithful precision, the latest
    submission; the revision and the values themselves only break ties.
    """
    precision = str(cells["Precision"])
    rank = PRECISIONS.index(precision) if precision in PRECISIONS else len(PRECISIONS)
    return (
        bool(cells["Official Providers"]),
        cells["Weight type"] == "Original",
        -rank,
        str(cells["Submission Date"] or ""),
        str(cells["Model sha"] or ""),
        tuple(number(cells[column]) or 0.0 for column in BENCHMARKS),
    )


def _readings(cells: Mapping[str, Any]) -> Iterator[Measurement]:
    for column, benchmark in BENCHMARKS.items():
        value = number(cells[column])
        if value is not None:
            yield Measurement(
                source="open_llm_leaderboard",
                benchmark=benchmark,
                published_name=str(cells["fullname"]).strip(),
                value=value,
                unit="percent",
                published_on=day(cells["Submission Date"]),
                bridge=str(cells["fullname"]).strip(),
            )
