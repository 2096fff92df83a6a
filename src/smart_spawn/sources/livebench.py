"""LiveBench's public results: one row per model and effort, one column per task, in percent.

Live: `https://livebench.ai/table_<YYYY_MM_DD>.csv` with `categories_<...>.json` and `cost_<...>.csv`; the list of
releases is the folder that the site is built from, on GitHub. Category = mean of its tasks, overall = mean of
its categories. A release is a moving file: models are added and scores corrected under the same name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from statistics import fmean

import msgspec

from smart_spawn.errors import SourceUnavailable
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Measurement, Payload, Unit
from smart_spawn.sources.documents import changed, number, only, read_csv, read_json

RELEASES_PATH = "/repos/LiveBench/new-livebench/contents/public"
KEPT_RELEASES = 2
"""The newest, and one older for the models that are missing there."""
MAX_PROBES = 4
"""The list may name releases that are not served (any more); this many are tried."""

CATEGORIES = {
    "Reasoning": "livebench_reasoning",
    "Coding": "livebench_coding",
    "Agentic Coding": "livebench_agentic_coding",
    "Mathematics": "livebench_mathematics",
    "Data Analysis": "livebench_data_analysis",
    "Language": "livebench_language",
    "IF": "livebench_instruction_following",
    "Instruction Following": "livebench_instruction_following",
}
"""Their name → ours. The last two are the newer and the older name of one category."""

LANGUAGES = ("javascript", "typescript", "python")
"""Tasks of the agentic category that are boards of their own as well: context tags ask for them."""

FAILED_RUN_FLOOR_PERCENT = 50.0
"""A task at exactly 0.0 is a failed run, not a result, when every other task of its category stands at least
this high in the same row. gpt-5.5 had 0.0 in `olympiad` beside 98, 85 and 96; weak models with a true 0.0 have
low neighbours. Without the rule one failed run costs a model up to half of a category."""

COSTS: Mapping[str, tuple[str, Unit]] = {
    "avg_output_tokens": ("livebench_output_tokens", "tokens"),
    "cost_per_question": ("livebench_cost_per_question", "usd"),
}
"""Columns of the cost file, both better when lower."""

_TABLE = re.compile(r"table_(\d{4})_(\d{2})_(\d{2})\.csv")


class _Entry(msgspec.Struct):
    name: str
    sha: str | None = None


class LiveBench:
    """The newest release and the one before it, as category means."""

    name = "livebench"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://livebench.ai").rstrip("/")
        # A mirror serves both at one address.
        self.releases_url = (settings.releases_url or settings.base_url or "https://api.github.com").rstrip(
            "/"
        )
        self.refresh_hours = settings.refresh_hours or 24.0
        self.timeout_s = settings.timeout_s

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download the list of releases, then table, categories and costs of the newest that are served."""
        listed = await http.get(f"{self.releases_url}{RELEASES_PATH}", part="releases")
        entries = {entry.name: entry for entry in read_json(listed, list[_Entry])}
        stems = sorted((name[6:-4] for name in entries if _TABLE.fullmatch(name)), reverse=True)
        payloads = [listed]
        found = 0
        for stem in stems[:MAX_PROBES]:
            release = await self._release(http, stem, entries)
            found += bool(release)
            payloads.extend(release)
            if found == KEPT_RELEASES:
                break
        if not found:
            raise changed(self.name, "the list of releases names no table that is served")
        return payloads

    async def _release(self, http: Http, stem: str, entries: Mapping[str, _Entry]) -> list[Payload]:
        """Download one release, or nothing when its table is not there. Not every release has a cost file."""
        table = await self._file(http, f"table_{stem}.csv", entries)
        if table is None:
            return []
        categories = await self._file(http, f"categories_{stem}.json", entries)
        if categories is None:
            raise changed(self.name, f"`categories_{stem}.json` is not served")
        cost_name = f"cost_{stem}.csv"
        costs = await self._file(http, cost_name, entries) if cost_name in entries else None
        return [document for document in (table, categories, costs) if document is not None]

    async def _file(self, http: Http, name: str, entries: Mapping[str, _Entry]) -> Payload | None:
        """Download one file, `None` where there is none.

        The site's content network keeps old copies under the same name; asking with the file's hash avoids them.
        """
        entry = entries.get(name)
        version = {"v": entry.sha[:12]} if entry and entry.sha else None
        try:
            return await http.get(f"{self.base_url}/{name}", part=name, params=version)
        except SourceUnavailable as error:
            if error.status == 404:
                return None
            raise

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read category means and costs. Raises SourceChanged, naming the column or the category."""
        tables = sorted((p for p in payloads if _TABLE.fullmatch(p.part)), key=lambda p: p.part, reverse=True)
        if not tables:
            raise changed(self.name, "no table of results was downloaded")
        notes: list[str] = []
        measurements: list[Measurement] = []
        for age, table in enumerate(tables):
            release = _Release(table, payloads, superseded=age > 0)
            measurements.extend(release.readings(notes))
        return Batch(
            source=self.name,
            measurements=tuple(measurements),
            published_on=_released_on(tables[0].part),
            notes=tuple(notes),
        )


def _released_on(part: str) -> date:
    year, month, day = map(int, re.findall(r"\d+", part))
    return date(year, month, day)


class _Release:
    """One release while it is read."""

    def __init__(self, table: Payload, payloads: Sequence[Payload], *, superseded: bool) -> None:
        self.stem = table.part[6:-4]
        self.superseded = superseded
        self.released_on = _released_on(table.part)
        categories = read_json(
            only(payloads, "livebench", f"categories_{self.stem}.json"), dict[str, list[str]]
        )
        self.categories = {
            CATEGORIES[name]: tasks for name, tasks in categories.items() if name in CATEGORIES
        }
        missing = set(CATEGORIES.values()) - set(self.categories)
        if missing:
            raise changed("livebench", f"`categories_{self.stem}.json` lacks `{min(missing)}`")
        listed = read_csv(table, ["model"])
        self.rows = {row["model"].strip(): row for row in listed if row["model"].strip()}
        if not self.rows:
            raise changed("livebench", f"`{table.part}` has no rows")
        self.absent = self._without_absent_tasks(table.part, frozenset(listed[0]))
        self.costs = next((p for p in payloads if p.part == f"cost_{self.stem}.csv"), None)

    def _without_absent_tasks(self, part: str, columns: frozenset[str]) -> list[str]:
        """Leave out tasks that have no column (2025-12-23 names two of them), and return their names.

        Raises SourceChanged for a category that keeps less than half of its tasks: that is another category.
        """
        absent: list[str] = []
        for benchmark, tasks in self.categories.items():
            kept = [task for task in tasks if task in columns]
            missing = [task for task in tasks if task not in columns]
            if not kept or len(kept) < len(missing):
                raise changed("livebench", f"`{part}` has no column `{missing[0] if missing else benchmark}`")
            self.categories[benchmark] = kept
            absent.extend(missing)
        return absent

    def readings(self, notes: list[str]) -> Iterator[Measurement]:
        """Read each row's category means, its overall mean where no category is missing, and what it cost."""
        if self.absent:
            notes.append(f"{self.stem}: no results for {', '.join(f'`{task}`' for task in self.absent)}")
        for model, row in self.rows.items():
            means = {
                benchmark: mean
                for benchmark, tasks in self.categories.items()
                if (mean := self._mean(model, row, tasks, notes)) is not None
            }
            for benchmark, mean in means.items():
                yield self._reading(model, benchmark, mean)
            for task in LANGUAGES:
                value = number(row.get(task, ""))
                if value is not None and 0.0 <= value <= 100.0:
                    yield self._reading(model, f"livebench_{task}", value)
            if len(means) == len(self.categories):
                yield self._reading(model, "livebench_overall", fmean(means.values()))
            else:
                notes.append(f"{self.stem}: `{model}` lacks a category, so it has no overall mean")
        if self.costs is not None:
            yield from self._cost_readings(self.costs)

    def _mean(
        self, model: str, row: Mapping[str, str], tasks: Sequence[str], notes: list[str]
    ) -> float | None:
        """Average the tasks that were run. What is outside 0-100 is no percentage and is set aside."""
        values = {task: value for task in tasks if (value := number(row[task])) is not None}
        for task, value in list(values.items()):
            others = [other for name, other in values.items() if name != task]
            failed = value == 0.0 and bool(others) and min(others) >= FAILED_RUN_FLOOR_PERCENT
            if failed or not 0.0 <= value <= 100.0:
                reason = "a failed run" if failed else "no percentage"
                notes.append(f"{self.stem}: `{model}` has {value:g} in `{task}`, set aside as {reason}")
                del values[task]
        return fmean(values.values()) if values else None

    def _cost_readings(self, payload: Payload) -> Iterator[Measurement]:
        for row in read_csv(payload, ["model", *COSTS]):
            for column, (benchmark, unit) in COSTS.items():
                value = number(row[column])
                # Zero tokens were never measured, and zero USD is a model without a price.
                if value and value > 0 and row["model"].strip():
                    yield self._reading(row["model"].strip(), benchmark, value, unit, higher_is_better=False)

    def _reading(
        self,
        model: str,
        benchmark: str,
        value: float,
        unit: Unit = "percent",
        *,
        higher_is_better: bool = True,
    ) -> Measurement:
        return Measurement(
            source="livebench",
            benchmark=benchmark,
            published_name=model,
            value=value,
            unit=unit,
            edition=self.released_on.isoformat(),
            superseded=self.superseded,
            higher_is_better=higher_is_better,
            published_on=self.released_on,
        )
