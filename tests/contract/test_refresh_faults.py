"""Every fault of every source, end to end: the refresh ends, the good data stays, the status says what happened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.catalog.facts import Facts
from smart_spawn.refresh import RefreshBusy, rebuild
from smart_spawn.sources import transport
from smart_spawn.surface.status import status_json
from tests.contract.refreshing import LATER, NAMES, environment_for, refreshed, settings_for
from tests.unit.sources.publisher import FAULTS, Publisher, publishing

IN_WORDS = {
    "401": "key is missing or wrong",
    "410": "removed this address for good",
    "429": "too many requests",
    "500": "in trouble itself",
    "503": "in trouble itself",
    "html": "a web page",
    "truncated": "half way",
    "slow": "did not answer within",
    "empty": "has changed",
    "shrunk": "has changed",
    "renamed": "has changed",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Publisher]:
    with publishing() as publisher:
        yield publisher


@pytest.fixture
def publisher(server: Publisher, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(transport, "DEFAULT_RETRY_WAIT_S", 0.02)
    yield server
    server.faults.clear()


@pytest.fixture
async def home(publisher: Publisher, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a home that holds good data of all five sources."""
    first = tmp_path_factory.getbasetemp() / "refreshed_home"
    if not first.is_dir():
        await refreshed(settings_for(publisher.url, first))
    shutil.copytree(first, tmp_path / "home")
    return tmp_path / "home"


def knowledge(facts: Facts) -> tuple[object, ...]:
    """Return what a catalogue knows, whatever the day."""
    rows = sorted(
        (r.model_id, r.benchmark, r.edition, r.published_name, r.value, r.z) for r in facts.readings
    )
    return facts.listings, rows


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fault", FAULTS)
async def test_one_broken_source_costs_nothing(
    publisher: Publisher, home: Path, name: str, fault: str
) -> None:
    """The others refresh, the last good data of the broken one stays in use, and the reason is in words."""
    settings = settings_for(publisher.url, home, timeout_s=0.3 if fault == "slow" else 5.0)
    publisher.faults[name] = fault
    async with SmartSpawn(settings, now=lambda: LATER) as app:
        before = knowledge(app.catalog.facts)
        began = time.monotonic()
        report = await app.refresh([name] if fault == "slow" else [])
        assert time.monotonic() - began < 10
        assert report.failed == (name,)
        assert knowledge(app.catalog.facts) == before
        row = status_json(app)["data"]["sources"][name]
    assert row["status"] == "error"
    assert IN_WORDS[fault] in row["error"]
    assert row["lastGood"] < row["lastPull"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_all_sources_broken_at_once_leave_the_catalogue_as_it_was(
    publisher: Publisher, home: Path, fault: str
) -> None:
    """Nothing is lost when nobody answers as they should; what is served is what was served."""
    settings = settings_for(publisher.url, home, timeout_s=0.3 if fault == "slow" else 5.0)
    publisher.faults.update(dict.fromkeys(NAMES, fault))
    async with SmartSpawn(settings, now=lambda: LATER) as app:
        version = app.catalog.version
        report = await app.refresh()
        assert set(report.failed) == set(NAMES)
        assert app.catalog.version == version
        assert not report.changed


async def test_a_first_refresh_that_reads_nothing_keeps_the_shipped_catalogue(
    publisher: Publisher, tmp_path: Path
) -> None:
    """Where no source answers and nothing is held yet, no version is added and nothing is said to have changed."""
    publisher.faults.update(dict.fromkeys(NAMES, "500"))
    async with SmartSpawn(settings_for(publisher.url, tmp_path / "home"), now=lambda: LATER) as app:
        shipped = app.catalog.version
        for _ in range(2):
            report = await app.refresh()
            assert set(report.failed) == set(NAMES)
            assert (report.version, report.changed) == (shipped, False)
        assert app.catalog.version == app.store.catalogs.current_version() == shipped
        assert [each.version for each in app.store.catalogs.versions()] == [shipped]


def test_the_command_line_says_so_by_its_exit_code(publisher: Publisher, home: Path) -> None:
    """A source that could not be reached is exit code 4, with its name and reason on standard error."""
    publisher.faults["lmarena"] = "500"
    answer = subprocess.run(
        [sys.executable, "-m", "smart_spawn", "refresh", "--source", "lmarena"],
        env={**os.environ, **environment_for(publisher.url, home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 4, answer.stderr
    assert "error: lmarena: " in answer.stderr
    assert "stays in use" in answer.stderr


async def test_of_two_refreshes_at_once_one_says_that_the_other_runs(
    publisher: Publisher, home: Path
) -> None:
    """The second is told who holds the turn, and finds the first one's catalogue afterwards."""
    settings = settings_for(publisher.url, home)
    async with (
        SmartSpawn(settings, now=lambda: LATER) as first,
        SmartSpawn(settings, now=lambda: LATER) as second,
    ):
        with first.store.leases.hold("refresh") as lease:
            assert lease is not None
            with pytest.raises(RefreshBusy) as refused:
                await second.refresh()
        assert "another process" in refused.value.message
        report = await first.refresh()
        second.check_for_newer_catalog()
        assert second.catalog.version == report.version == first.catalog.version


async def test_a_refreshed_catalogue_can_be_rebuilt(publisher: Publisher, home: Path) -> None:
    """The stored documents give the same hash again, also when a source has been switched off since."""
    settings = settings_for(publisher.url, home)
    values = settings.model_dump()
    values["sources"]["livebench"]["enabled"] = False
    values["sources"]["openrouter"]["relayed_benchmarks"] = False
    settings = settings.model_validate(values)
    async with SmartSpawn(settings, now=lambda: LATER) as app:
        stored = [
            row.version for row in app.store.catalogs.versions() if app.store.payloads.manifest(row.version)
        ]
        assert stored
        assert [rebuild(app.store, settings, version).version for version in stored] == stored
