"""A canary in a task: a word that exists nowhere else must be found nowhere afterwards."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.cli.boundary import carry_out
from smart_spawn.errors import Overloaded, ProviderError, SmartSpawnError
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.settings import Settings
from smart_spawn.surface.decisions import decision_json, explain_text, replay_json
from smart_spawn.surface.failures import error_json
from tests.unit.builders import NOW, catalog, listing

CANARIES = ("kestrelquartz7719", "refackestrelquartz", "pythoonkestrel")
"""One like nothing else, one that begins like a word that the classifier knows, one that is nearly such a word."""
TASK = f"Refactor {CANARIES[0]} in this Python function, then {CANARIES[1]} the {CANARIES[2]} module"


def found_in(text: str | bytes) -> list[str]:
    """List the canaries that a text holds, in any case."""
    raw = text.encode() if isinstance(text, str) else text
    return [canary for canary in CANARIES if canary.encode() in raw.lower()]


@pytest.fixture(autouse=True)
def _small_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    boards = {
        "acme/good": {"lmarena_coding": 1.2, "lmarena_overall": 1.1},
        "beta/cheap": {"lmarena_coding": 0.3, "lmarena_overall": 0.2},
    }
    facts = catalog([listing("acme/good", "3"), listing("beta/cheap", "0.3")], boards).facts
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", lambda: facts)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], str]]:
    """Return everything that was logged, by us or by a library, at any level."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as events:
        # httpx is the client of these tests here: it logs the addresses that it asks.
        yield (
            lambda: (
                repr(events)
                + "".join(
                    record.getMessage() + repr(record.args)
                    for record in caplog.records
                    if record.name != "httpx"
                )
            )
        )


def opened(home: Path, *, store_text: bool = False, chat: FakeProvider | None = None) -> SmartSpawn:
    settings = Settings.model_validate({"home": home, "routing": {"store_task_text": store_text}})
    return SmartSpawn(settings, chat=chat, now=lambda: NOW)


def files_with_canaries(home: Path) -> dict[str, list[str]]:
    """Return the files below a folder, journals included, that hold a canary."""
    found = {path.name: found_in(path.read_bytes()) for path in home.rglob("*") if path.is_file()}
    assert any(name.endswith((".db", ".sqlite", ".sqlite3")) for name in found), sorted(found)
    return {name: canaries for name, canaries in found.items() if canaries}


def told_by(action: Callable[[], Any]) -> str:
    """Return the error that an action ends in, as every surface shows it."""
    with pytest.raises(SmartSpawnError) as stopped:
        action()
    return json.dumps(error_json(stopped.value)) + str(stopped.value) + repr(stopped.value)


def test_in_process_nothing_of_a_task_is_kept(tmp_path: Path, logged: Callable[[], str]) -> None:
    """Decisions, their explanation and replay, the open and the closed database, and logs are clean."""
    with opened(tmp_path) as app:
        decision = app.decide(app.request(task=TASK, verbose=True))
        app.recommend(app.request(task=TASK, count=2))
        stored, held = app.decision(decision.id)
        shown = json.dumps(decision_json(stored, held, app.policy, verbose=True))
        shown += explain_text(stored, held, app.policy)
        shown += json.dumps(replay_json(app.replay(decision.id), app.policy))
        assert found_in(shown + repr(stored) + repr(decision)) == []
        assert stored.task_digest
        assert files_with_canaries(tmp_path) == {}
    assert files_with_canaries(tmp_path) == {}
    assert found_in(logged()) == []


@pytest.mark.parametrize(
    "options",
    [
        {"task": [TASK]},
        {"task": {"text": TASK}},
        {"task": CANARIES[0].encode() + b"\xff"},
        {"task": TASK * 5_000},
        {"task": TASK, "budget": "cheap"},
        {"task": TASK, "colour": "red"},
        {"task": TASK, "only": ["nobody/nothing"]},
        {"task": TASK, "minCapability": 100},
        {"task": TASK, "minContext": 90_000_000},
    ],
    ids=["list", "mapping", "bytes", "too long", "budget", "field", "unknown", "too good", "too large"],
)
def test_an_error_never_repeats_the_task(tmp_path: Path, options: dict[str, Any]) -> None:
    """Messages end up in logs and tickets: they name the field and the limit, not the text."""
    with opened(tmp_path) as app:
        assert found_in(told_by(lambda: app.decide(app.request(**options)))) == []


async def test_of_a_chat_with_one_model_nothing_is_kept(tmp_path: Path, logged: Callable[[], str]) -> None:
    """The words go to the model and come back; log, files, errors and headers know neither question nor answer."""
    chat = FakeProvider([f"Here is {CANARIES[0]}"] * 2 + [Overloaded(f"no {CANARIES[0]}")] * 9)
    body: dict[str, Any] = {"model": "auto:any", "messages": [{"role": "user", "content": TASK}]}
    with opened(tmp_path, chat=chat) as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            path = "/v1/chat/completions"
            whole = await http.post(path, json=body, headers={"x-session-id": CANARIES[0]})
            parts = await http.post(path, json={**body, "stream": True})
            wrong = await http.post(path, json={**body, "n": 2, "user": TASK})
        assert CANARIES[0] in whole.text
        assert CANARIES[0] in parts.text
        assert found_in(wrong.text) == []
        assert found_in(repr([answer.headers for answer in (whole, parts, wrong)])) == []
    assert files_with_canaries(tmp_path) == {}
    assert found_in(logged()) == []


async def test_over_http_nothing_of_a_task_is_kept(tmp_path: Path, logged: Callable[[], str]) -> None:
    """Answers, refusals, log, metrics and files are clean; `/recommend` alone returns what it was sent."""
    with opened(tmp_path) as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            query = {"task": TASK}
            answers = [
                await http.get("/api/pick", params=query),
                await http.get("/pick", params={**query, "budget": "low"}),
                await http.post("/api/pick", json=query),
                await http.post("/api/route", json={**query, "verbose": True}),
                # wrong on purpose
                await http.get("/api/pick", params={**query, "budget": "cheap"}),
                await http.get("/api/pick", params={**query, "colour": "red"}),
                await http.post("/api/route", json={"task": [TASK]}),
                await http.post("/api/route", json={**query, "only": ["nobody/x"]}),
                await http.post("/api/route", json={**query, "minContext": 90_000_000}),
                await http.post("/api/route", content=f'{{"task": "{TASK}'),
                await http.post("/api/route", content=b'{"task": "' + CANARIES[0].encode() + b'\xff"}'),
                await http.post("/api/route", json={"task": TASK * 5_000}),
            ]
            assert [a.status_code // 100 for a in answers] == [2] * 4 + [4] * 8
            await http.get("/api/recommend", params=query)
            decision = answers[3].json()["id"]
            for path in ("", "/explain"):
                answers.append(await http.get(f"/api/decisions/{decision}{path}", params={}))
            answers.append(await http.post(f"/api/decisions/{decision}/replay"))
            answers += [
                await http.get(path) for path in ("/metrics", "/api/status", "/health", "/api/models")
            ]
            assert [a.request.url.path for a in answers if found_in(a.content)] == []
            assert [a.request.url.path for a in answers if found_in(repr(a.headers))] == []
        assert files_with_canaries(tmp_path) == {}
    assert "/api/pick" in logged()
    assert found_in(logged()) == []


async def test_spawning_tells_providers_the_task_and_nobody_else(
    tmp_path: Path, logged: Callable[[], str]
) -> None:
    """The model gets the task; the decision, the log and the failure of a provider do not repeat it."""
    chat = FakeProvider(["done"])
    with opened(tmp_path, chat=chat) as app:
        result = await app.spawn(TASK)
        assert found_in(repr(chat.calls[0])) == list(CANARIES)
        assert found_in(repr(result.decision)) == []
        chat.add(*[Overloaded("busy", provider="fake")] * 20)
        with pytest.raises(ProviderError) as stopped:
            await app.spawn(TASK)
        assert found_in(json.dumps(error_json(stopped.value)) + str(stopped.value)) == []
    assert found_in(logged()) == []


def test_the_command_line_repeats_and_keeps_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Screens, JSON, errors and files of `route`, `explain`, `replay` and `spawn` are clean."""
    monkeypatch.setenv("SMART_SPAWN_HOME", str(tmp_path))
    assert carry_out(["route", TASK, "--json"]) == 0
    decision = json.loads(capsys.readouterr().out)["id"]
    calls = [
        ["route", TASK, "--verbose"],
        ["route", TASK, "--count", "2"],
        ["route", TASK, "--budget", "cheap"],
        ["route", TASK, "--only", "nobody/x"],
        ["route", TASK, "--min-capability", "100", "--debug"],
        ["spawn", TASK],
        ["explain", decision, "--json"],
        ["replay", decision, "--json"],
        ["status"],
        ["doctor"],
    ]
    for call in calls:
        carry_out(call)
        printed = capsys.readouterr()
        # With `--debug` a trace-back shows our source, never the values.
        assert found_in(printed.out + printed.err) == [], call
    assert files_with_canaries(tmp_path) == {}


def test_the_text_is_kept_where_the_owner_turned_it_on(tmp_path: Path) -> None:
    """With `routing.store_task_text` the decision holds the text; the setting off again, new ones do not."""
    with opened(tmp_path, store_text=True) as app:
        kept = app.decide(app.request(task=TASK))
        stored, held = app.decision(kept.id)
        assert decision_json(stored, held, app.policy)["task"]["text"] == TASK
        assert app.replay(kept.id).same
    assert files_with_canaries(tmp_path)
    with opened(tmp_path) as app:
        fresh = app.decide(app.request(task=TASK))
        assert "text" not in decision_json(*app.decision(fresh.id), app.policy)["task"]
        assert "text" in decision_json(*app.decision(kept.id), app.policy)["task"]


async def test_the_kept_text_is_shown_over_http(tmp_path: Path) -> None:
    """`/decisions/{id}` returns the text that was kept, half characters replaced."""
    with opened(tmp_path, store_text=True) as app:
        decision = app.decide(app.request(task="Fix the \ud83d bug"))
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            answer = await http.get(f"/api/decisions/{decision.id}")
    assert answer.json()["task"]["text"] == "Fix the ? bug"


def test_digests_recognise_a_task_here_and_nowhere_else(tmp_path: Path) -> None:
    """Equal tasks have equal digests within an installation, also after a restart; another installation's differ.

    A plain hash could be looked up by whoever guesses the task.
    """

    def digests(home: str) -> tuple[str | None, str | None, str | None]:
        with opened(tmp_path / home) as app:
            asked = [app.decide(app.request(task=t)) for t in (TASK, TASK, TASK + "!")]
            return tuple(app.decision(d.id)[0].task_digest for d in asked)  # type: ignore[return-value]  # three

    first, again, other = digests("one")
    assert first == again != other
    assert digests("one")[0] == first
    assert digests("two")[0] != first
    assert all(digests("one"))


def test_the_key_of_the_digests_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Whoever has the key can test guesses, so nobody else may read it."""
    with opened(tmp_path) as app:
        app.decide(app.request(task=TASK))
    assert (tmp_path / "digest.key").stat().st_mode & 0o077 == 0
