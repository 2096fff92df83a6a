"""Keeping current: what a refresh process is told, who watches the clock, and that only one runs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn.api.refresh_job import carry_out
from smart_spawn.api.refreshing import Refresher, Turn, keeping_current, order
from smart_spawn.app import SmartSpawn
from smart_spawn.settings import Settings
from tests.unit.api.conftest import body_of

ALL_OFF: Mapping[str, Any] = {
    name: {"enabled": False} for name in ("openrouter", "lmarena", "livebench", "open_llm_leaderboard")
}


def test_settings_reach_the_refresh_with_their_secrets() -> None:
    """The process gets the very settings of the service, not those it would find by itself."""
    settings = Settings.model_validate(
        {"home": "/nowhere", "sources": {"artificial_analysis": {"api_key": "sk-secret"}}, "refresh_hours": 3}
    )
    sent = json.loads(order(settings, ["lmarena"], if_due=True))
    assert Settings.model_validate(sent["settings"]) == settings
    assert (sent["sources"], sent["ifDue"]) == (["lmarena"], True)


def test_one_process_of_a_home_watches_the_clock(tmp_path: Path) -> None:
    """The second waits until the first gives up."""
    first, second = Turn(tmp_path / "lock"), Turn(tmp_path / "lock")
    assert first.mine()
    assert first.mine()
    assert not second.mine()
    first.give_up()
    assert second.mine()
    second.give_up()


def test_where_nothing_can_be_locked_the_lease_decides(tmp_path: Path) -> None:
    """A home that does not exist keeps nobody from refreshing."""
    assert Turn(tmp_path / "missing" / "lock").mine()


async def test_a_refresh_that_cannot_be_done_is_reported_in_words(tmp_path: Path) -> None:
    """The process answers with an error in the usual shape instead of a trace-back."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    report = await carry_out({"settings": {"home": str(blocked)}, "sources": [], "ifDue": False})
    assert report["error"]["code"].startswith("STORE")
    assert report["error"]["hint"]


async def test_one_refresh_runs_at_a_time_and_ends_with_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A second request finds the first running; stopping ends its process."""
    started: list[asyncio.subprocess.Process] = []
    really = asyncio.create_subprocess_exec

    async def sleeper(*_: str, **options: Any) -> asyncio.subprocess.Process:
        process = await really(sys.executable, "-c", "import time; time.sleep(60)", **options)
        started.append(process)
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sleeper)
    refresher = Refresher(Settings(home=tmp_path))
    assert await refresher.start(if_due=False)
    assert not await refresher.start(if_due=False)
    while not started:  # noqa: ASYNC110  # the task tells nobody that it began
        await asyncio.sleep(0.01)
    await refresher.stop()
    assert started[0].returncode is not None
    assert len(started) == 1


async def test_a_refresh_is_accepted_at_once(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """202 says that it was started, or that one was running already."""
    answers = [True, False]

    async def start(self: Refresher, names: tuple[str, ...] = (), *, if_due: bool) -> bool:
        assert (names, if_due) == (("lmarena",), False)
        return answers.pop(0)

    monkeypatch.setattr(Refresher, "start", start)
    for said in ("started", "running"):
        answer = await http.post("/api/refresh", json={"sources": ["lmarena"]})
        assert answer.status_code == 202
        assert body_of(answer)["data"] == {"refresh": said, "sources": ["lmarena"]}


async def test_a_newer_catalogue_is_taken_up_while_serving(
    served: SmartSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another process stored is noticed without a restart."""
    looked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look() -> bool:
        loop.call_soon_threadsafe(looked.set)
        return True

    monkeypatch.setattr(served, "check_for_newer_catalog", look)
    monkeypatch.setattr("smart_spawn.api.refreshing.LOOK_S", 0.01)
    async with keeping_current(served, Refresher(served.settings)):
        async with asyncio.timeout(5):
            await looked.wait()


def test_only_sources_that_are_on_are_named() -> None:
    """Artificial Analysis is off without a key, and so is what the owner switched off."""
    names = Refresher(Settings.model_validate({"sources": ALL_OFF})).names
    assert not {"artificial_analysis", *ALL_OFF} & set(names)
