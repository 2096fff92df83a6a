"""Aider's polyglot leaderboard: 225 exercises in six languages, solved by editing files.

Live: one YAML file in Aider's repository (Apache-2.0), updated rarely.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Measurement, Payload
from smart_spawn.sources.documents import changed, day, number, only

FILE = "/Aider-AI/aider/main/aider/website/_data/polyglot_leaderboard.yml"
PART = "polyglot_leaderboard"
NEEDED = ("model", "pass_rate_2", "edit_format", "date")

_OPENROUTER_ID = re.compile(r"--model openrouter/(\S+)")


class AiderPolyglot:
    """The share of exercises solved at the second try, in percent."""

    name = "aider_polyglot"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://raw.githubusercontent.com").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 168.0
        self.timeout_s = settings.timeout_s

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download the one file."""
        return (await http.get(f"{self.base_url}{FILE}", part=PART),)

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read one Measurement per model. Raises SourceChanged, naming the field.

        Runs of two models together (`architect`) say nothing about either and are set aside. Of repeated models
        the latest run counts, then the better one.
        """
        rows = self._rows(only(payloads, self.name, PART))
        best: dict[str, Measurement] = {}
        pairs = 0
        for row in rows:
            reading = _reading(row)
            if reading is None or row["edit_format"] == "architect":
                pairs += row["edit_format"] == "architect"
                continue
            held = best.get(reading.published_name)
            if held is None or _standing(reading) > _standing(held):
                best[reading.published_name] = reading
        published = [reading.published_on for reading in best.values() if reading.published_on is not None]
        notes = (f"{pairs} runs of two models together are set aside",) if pairs else ()
        return Batch(
            source=self.name,
            measurements=tuple(best.values()),
            published_on=max(published, default=None),
            notes=notes,
        )

    def _rows(self, payload: Payload) -> list[Mapping[str, Any]]:
        import yaml  # noqa: PLC0415 - needed by this source alone

        try:
            rows = yaml.safe_load(payload.body)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise changed(self.name, f"`{payload.part}` is not valid YAML ({type(error).__name__})") from None
        if not isinstance(rows, list) or not rows:
            raise changed(self.name, f"`{payload.part}` is no list of runs")
        listed = [row for row in rows if isinstance(row, dict)]
        for field in NEEDED:
            if not any(field in row for row in listed):
                raise changed(self.name, f"no run of `{payload.part}` has `{field}`")
        return [row for row in listed if all(field in row for field in NEEDED)]


def _standing(reading: Measurement) -> tuple[str, float]:
    return (str(reading.published_on or ""), reading.value)


def _reading(row: Mapping[str, Any]) -> Measurement | None:
    value, name = number(row["pass_rate_2"]), str(row["model"] or "").strip()
    if value is None or not 0 <= value <= 100 or not name:
        return None
    sold_as = _OPENROUTER_ID.search(str(row.get("command", "")))
    return Measurement(
        source="aider_polyglot",
        benchmark="aider_polyglot",
        published_name=name,
        value=value,
        unit="percent",
        published_on=day(row["date"]),
        bridge=sold_as.group(1) if sold_as else None,
    )
