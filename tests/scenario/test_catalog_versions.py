"""Versions of the catalogue through the app: carry, rebuild, roll back, prune."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import InvalidRequest, NotFound, SettingsError, StoreCorrupt, TooLarge
from smart_spawn.manage import archive as archives
from smart_spawn.manage.versions import take_in
from smart_spawn.settings import Settings
from smart_spawn.surface import versions
from tests.contract.refreshing import FIRST, LATER, refreshed, settings_for
from tests.unit.sources.publisher import Publisher, publishing


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    with publishing() as running:
        yield running


@pytest.fixture
async def settings(publisher: Publisher, tmp_path: Path) -> Settings:
    """Refresh a home once and return its settings."""
    chosen = settings_for(publisher.url, tmp_path / "home")
    await refreshed(chosen)
    return chosen


def test_an_archive_gives_the_same_hash_in_an_empty_home(settings: Settings, tmp_path: Path) -> None:
    """Another machine, with other settings and no network, imports the documents and rebuilds the version."""
    with SmartSpawn(settings, now=lambda: LATER) as app:
        version, body = versions.archive(app)
        assert versions.archive(app) == (version, body), "equal content, equal bytes"
    (tmp_path / "catalog.zip").write_bytes(body)
    elsewhere = Settings(home=tmp_path / "elsewhere")
    with SmartSpawn(elsewhere, now=lambda: LATER) as app:
        taken = versions.import_json(app, tmp_path / "catalog.zip")["data"]
        assert taken["served"]
        assert app.catalog.version == version
        again = versions.rebuild_json(app, version[:6])["data"]
        assert (again["rebuilt"], again["same"]) == (version, True)
        assert app.store.payloads.held("openrouter")


def test_a_damaged_archive_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    """Cut off, altered, or not ours: refused in words, and what is served stays."""
    with SmartSpawn(settings, now=lambda: LATER) as app:
        _, body = versions.archive(app)
        before = app.store.catalogs.versions()
        altered = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(altered, "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name) + (b" " if name.startswith("documents/") else b""))
        file = tmp_path / "file"
        for bad in (
            body[: len(body) // 2],
            altered.getvalue(),
            b"PK\x03\x04rubbish",
            b"no catalogue",
            b"\x1f\x8b\x08x",
        ):
            file.write_bytes(bad)
            with pytest.raises(StoreCorrupt):
                versions.import_json(app, file)
        with pytest.raises(InvalidRequest):
            versions.import_json(app, tmp_path / "nothing")
        assert app.store.catalogs.versions() == before


def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size is looked at first."""
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 10)
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(TooLarge):
        archives.read_file(tmp_path / "big")


def test_an_archive_that_states_another_version_is_refused(settings: Settings, tmp_path: Path) -> None:
    """The name of a catalogue is its content; a file cannot claim another."""
    with SmartSpawn(settings, now=lambda: LATER) as app:
        whole = archives.read_archive(versions.archive(app)[1])
        with pytest.raises(StoreCorrupt):
            take_in(app.store, replace(whole, version="0" * 16), LATER)


async def test_a_rolled_back_version_is_served_until_told_otherwise(settings: Settings) -> None:
    """A pin survives a restart, a refresh and changed weights; taking it off serves the newest again."""
    other = settings.model_validate(
        {**settings.model_dump(), "scoring": {"weights": {"coding": {"lmarena_coding": 9}}}}
    )
    async with SmartSpawn(settings, now=lambda: LATER) as app:
        first = app.catalog.version
    async with SmartSpawn(other, now=lambda: LATER) as app:
        second = app.catalog.version
        assert second != first
        assert versions.rollback_json(app, first[:8])["data"] == {"served": first, "pinned": first}
        await app.refresh()
        assert app.catalog.version == first
    async with SmartSpawn(other, now=lambda: LATER) as app:
        assert app.catalog.version == first
        found = versions.rollback_json(app, None)["data"]
        assert found["pinned"] is None
        assert app.catalog.version == second
        changed = versions.diff_json(app, first, second)["data"]
        assert {b["cause"] for s in changed["scores"] for b in s["boards"]} & {"weight", "share"}
        with pytest.raises(NotFound):
            versions.rollback_json(app, "ffffffffffff")


def test_a_version_that_the_settings_pin_must_be_stored(settings: Settings) -> None:
    """A pin in the settings is served; one that is not there is an error that names it."""
    with SmartSpawn(settings, now=lambda: LATER) as app:
        version = app.catalog.version
    pinned = settings.model_validate({**settings.model_dump(), "catalog": {"pinned_version": version}})
    with SmartSpawn(pinned, now=lambda: LATER) as app:
        assert app.catalog.version == version
        assert not app.check_for_newer_catalog()
    lost = settings.model_validate({**settings.model_dump(), "catalog": {"pinned_version": "0" * 16}})
    with pytest.raises(SettingsError, match="not stored"):
        SmartSpawn(lost, now=lambda: LATER).open()


async def test_old_payloads_are_pruned_and_the_last_good_ones_are_kept(
    settings: Settings, publisher: Publisher
) -> None:
    """After the retention time only what is in use is left, also of a source that failed ever since."""
    publisher.documents["/openrouter/models"] = publisher.documents["/openrouter/models"].replace(
        b'"data"', b' "data"', 1
    )
    publisher.faults["lmarena"] = "500"
    much_later = FIRST + timedelta(days=200)
    async with SmartSpawn(settings, now=lambda: much_later) as app:
        old = app.catalog.version
        await app.refresh()
        assert app.catalog.version != old
        stored = {row.version for row in app.store.catalogs.versions()}
        held = {name: app.store.payloads.held(name) for name in ("openrouter", "lmarena")}
    assert old not in stored
    assert {p.fetched_at for p in held["lmarena"]} == {FIRST}
    assert {p.fetched_at for p in held["openrouter"]} == {much_later}


def test_prices_are_told_from_the_first_day(settings: Settings) -> None:
    """The history of a price has the day on which it was first seen."""
    with SmartSpawn(settings, now=lambda: LATER) as app:
        model = next(m.id for m in app.catalog.listings if m.price.known)
        rows = versions.prices_json(app, model)["data"]["prices"]
        assert rows[-1]["since"] == FIRST.date().isoformat()
        assert rows[-1]["prompt"] is not None
