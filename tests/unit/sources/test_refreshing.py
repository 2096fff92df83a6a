"""When a source is asked, and what may replace the data that is held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from smart_spawn.errors import SourceChanged
from smart_spawn.settings import Settings
from smart_spawn.sources import all_sources
from smart_spawn.sources.base import Batch, Http, Measurement, Payload
from smart_spawn.sources.cadence import LastCheck, is_due, next_check
from smart_spawn.sources.fetching import fetch_all
from smart_spawn.sources.quarantine import accept, read
from tests.unit.sources.published import payload

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


def check(minutes_ago: float, *, ok: bool = True, not_before: datetime | None = None) -> LastCheck:
    return LastCheck(checked_at=NOW - timedelta(minutes=minutes_ago), ok=ok, not_before=not_before)


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, True),
        (check(59), False),
        (check(60), True),
        (check(14, ok=False), False),
        (check(15, ok=False), True),
        (check(600, not_before=NOW + timedelta(seconds=1)), False),
        (check(600, not_before=NOW), True),
    ],
)
def test_a_source_is_due_by_its_cadence(last: LastCheck | None, due: bool) -> None:
    """Hourly after a success, a quarter of an hour after a failure, never before what the source asked for."""
    assert is_due(1.0, last, now=NOW) is due
    at = next_check(1.0, last)
    assert (at is None or at <= NOW) is due


def test_force_skips_the_cadence_but_not_the_sources_wish() -> None:
    """A person may ask at any time, except while the source itself said not to."""
    assert is_due(24.0, check(1), now=NOW, forced=True)
    assert not is_due(24.0, check(1, not_before=NOW + timedelta(hours=1)), now=NOW, forced=True)


def batch(names: int, *, edition: str = "", source: str = "demo", old: int = 0) -> Batch:
    def readings(count: int, of: str) -> list[Measurement]:
        return [
            Measurement(
                source=source,
                benchmark="b",
                published_name=f"m{i}",
                value=float(i),
                unit="percent",
                edition=of,
            )
            for i in range(count)
        ]

    return Batch(source=source, measurements=(*readings(names, edition), *readings(old, "2026-01-08")))


def test_a_shrunken_source_is_suspicious_and_the_numbers_are_named() -> None:
    """Losing up to 30 % of the rows is churn; losing more is a fault."""
    accept(batch(70), batch(100))
    with pytest.raises(SourceChanged, match="shrank from 100 to 69 rows"):
        accept(batch(69), batch(100))
    with pytest.raises(SourceChanged, match="lists nothing"):
        accept(batch(0), None)


def test_readings_that_vanish_while_names_stay_are_noticed() -> None:
    """Half of the boards missing is a fault, even when every model is still named somewhere."""
    before = batch(10)
    twice = Batch(source="demo", measurements=before.measurements * 2)
    with pytest.raises(SourceChanged, match="readings"):
        accept(before, twice)


def test_a_new_edition_may_start_small() -> None:
    """A release with few models replaces the oldest one; only what both have is compared."""
    before = batch(46, edition="2026-06-25", old=127)
    new = Batch(
        source="demo", measurements=(*batch(23, edition="2026-09-30").measurements, *before.measurements[:46])
    )
    accept(new, before)
    halved = Batch(source="demo", measurements=(*new.measurements[:23], *before.measurements[:20]))
    with pytest.raises(SourceChanged, match="edition 2026-06-25"):
        accept(halved, before)


def test_the_shipped_catalogue_counts_where_nothing_is_held() -> None:
    """On a first refresh the rows of the catalogue in use are what a source must not fall far below."""
    accept(batch(300), None, expected=400)
    with pytest.raises(SourceChanged, match="from 400 to 40"):
        accept(batch(40), None, expected=400)


class Demo:
    """A source that does what a test tells it."""

    name = "demo"
    base_url = "http://127.0.0.1:9"
    refresh_hours = 1.0
    timeout_s = 0.5

    def __init__(self, body: bytes | Exception = b"10") -> None:
        self.body = body

    async def fetch(self, http: Http) -> Sequence[Payload]:
        if isinstance(self.body, Exception):
            raise self.body
        return (payload("demo", "rows", self.body),)

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        return batch(int(payloads[0].body))


async def test_a_defect_in_an_adapter_is_contained() -> None:
    """An unforeseen exception becomes an error of that source; the others are not disturbed."""
    (broken,) = await fetch_all([Demo(KeyError("oops"))], {}, now=NOW)
    assert broken.status == "error"
    assert "KeyError" in str(broken.error)
    (odd,) = await fetch_all([Demo(b"not a number")], {}, now=NOW)
    reading = read(Demo(), odd, [payload("demo", "rows", b"10")])
    assert (reading.state, reading.batch and reading.batch.count) == ("quarantined", 10)


async def test_a_source_that_is_not_due_or_off_is_not_asked() -> None:
    """Its entry says so, and reading it gives what is held."""
    fetches = await fetch_all(
        [Demo(KeyError("asked"))], {}, now=NOW, checks={"demo": check(5)}, off=["lmarena"]
    )
    assert [(fetch.source, fetch.status) for fetch in fetches] == [("demo", "not_due"), ("lmarena", "off")]
    reading = read(Demo(), fetches[0], [payload("demo", "rows", b"10")])
    assert (reading.state, reading.error) == ("held", None)
    (forced,) = await fetch_all([Demo(b"12")], {}, now=NOW, checks={"demo": check(5)}, force={"demo"})
    assert forced.status == "ok"
    assert forced.last_check == LastCheck(checked_at=NOW, ok=True)


def test_held_payloads_can_be_read_without_asking_anybody() -> None:
    """At a start or a rebuild the stored documents are enough; with none there is nothing and no error."""
    assert read(Demo(), None, [payload("demo", "rows", b"7")]).state == "held"
    assert read(Demo(), None, ()).state == "missing"


def test_the_settings_say_which_sources_are_on() -> None:
    """Four are on by default; Artificial Analysis is once it has a key; any can be switched off."""
    default = [source.name for source in all_sources(Settings())]
    assert default == ["openrouter", "open_llm_leaderboard", "lmarena", "livebench"]
    rows = {
        "artificial_analysis": {"api_key": "own"},
        "livebench": {"enabled": False},
        "lmarena": {"refresh_hours": 9},
    }
    chosen = {source.name: source for source in all_sources(Settings.model_validate({"sources": rows}))}
    assert "artificial_analysis" in chosen
    assert "livebench" not in chosen
    assert chosen["lmarena"].refresh_hours == 9
