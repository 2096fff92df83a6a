"""LMArena's official leaderboard data set: ratings from people's votes, with intervals and vote counts.

Live: one parquet file a board under `https://huggingface.co/datasets/lmarena-ai/leaderboard-dataset`
(CC-BY-4.0), served through a redirect to a content network. Ratings of different boards are different scales.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Measurement, Payload
from smart_spawn.sources.documents import changed, counted, day, number, only, read_parquet

DATASET = "/datasets/lmarena-ai/leaderboard-dataset/resolve/main"
FILE = "latest-00000-of-00001.parquet"

TEXT_CATEGORIES = (
    "overall",
    "coding",
    "math",
    "creative_writing",
    "hard_prompts",
    "instruction_following",
    "longer_query",
    "expert",
)
"""The boards that say something about a category of ours. The rest are left out on purpose: languages,
`exclude_ties`, `hard_prompts_english` and `multi_turn` cut the same votes again, and the industry boards are thin."""

BOARDS: Mapping[str, Mapping[str, str]] = {
    "text_style_control": {category: f"lmarena_{category}" for category in TEXT_CATEGORIES},
    "vision_style_control": {"overall": "lmarena_vision"},
    # The file has called its one board both names (2026-10-02, 2026-10-08).
    "webdev": {"overall": "lmarena_webdev", "webdev-react": "lmarena_webdev", "webdev": "lmarena_webdev"},
    "search_style_control": {"overall": "lmarena_search"},
}
"""Subset of the data set → category in its file → our name, the first category present winning."""

COLUMNS = (
    "model_name",
    "rating",
    "rating_lower",
    "rating_upper",
    "vote_count",
    "category",
    "leaderboard_publish_date",
)


class LMArena:
    """Four files of the leaderboard data set, one reading per model and board."""

    name = "lmarena"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://huggingface.co").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 1.0
        self.timeout_s = settings.timeout_s

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download each board's current file."""
        return [
            await http.get(f"{self.base_url}{DATASET}/{subset}/{FILE}", part=subset, redirects=True)
            for subset in BOARDS
        ]

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read one Measurement per model and board. Raises SourceChanged, naming the column or the board."""
        notes: list[str] = []
        measurements = [
            measurement
            for subset, categories in BOARDS.items()
            for measurement in self._board(only(payloads, self.name, subset), categories, notes)
        ]
        published = [m.published_on for m in measurements if m.published_on is not None]
        return Batch(
            source=self.name,
            measurements=tuple(measurements),
            published_on=max(published, default=None),
            notes=tuple(notes),
        )

    def _board(
        self, payload: Payload, categories: Mapping[str, str], notes: list[str]
    ) -> Iterator[Measurement]:
        columns = read_parquet(payload, COLUMNS)
        present = Counter(str(category) for category in columns["category"])
        wanted: dict[str, str] = {}
        for category, benchmark in categories.items():
            if present[category] and benchmark not in wanted.values():
                wanted[category] = benchmark
        if not wanted or ("overall" in categories and len(categories) > 3 and "overall" not in wanted):
            raise changed(self.name, f"`{payload.part}` has no category `{next(iter(categories))}`")
        for category, benchmark in categories.items():
            if benchmark not in wanted.values():
                notes.append(f"`{payload.part}` has no category `{category}` any more")
        best: dict[tuple[str, str], Measurement] = {}
        odd: Counter[str] = Counter()
        for row in zip(*(columns[name] for name in COLUMNS), strict=True):
            cells = dict(zip(COLUMNS, row, strict=True))
            benchmark_name = wanted.get(str(cells["category"]))
            if benchmark_name is None:
                continue
            reading = _reading(cells, benchmark_name)
            if reading is None:
                odd["rows without a name or a rating"] += 1
                continue
            key = (benchmark_name, reading.published_name)
            if key in best:
                odd["repeated rows"] += 1
            if key not in best or _standing(reading) > _standing(best[key]):
                best[key] = reading
        if odd:
            notes.append(f"`{payload.part}`: {counted(odd)} set aside")
        yield from best.values()


def _standing(reading: Measurement) -> tuple[str, int, float]:
    """Rank repeated rows of one model: the newest, then the one with more votes, then the higher."""
    return (str(reading.published_on or ""), reading.votes or 0, reading.value)


def _reading(cells: Mapping[str, Any], benchmark: str) -> Measurement | None:
    rating, votes = number(cells["rating"]), number(cells["vote_count"])
    name = str(cells["model_name"] or "").strip()
    if rating is None or not name:
        return None
    return Measurement(
        source="lmarena",
        benchmark=benchmark,
        published_name=name,
        value=rating,
        unit="elo",
        lower=number(cells["rating_lower"]),
        upper=number(cells["rating_upper"]),
        votes=None if votes is None else int(votes),
        published_on=day(cells["leaderboard_publish_date"]),
    )
