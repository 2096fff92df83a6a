"""The client over a network that fails: what is tried again, what is not, and what never leaves its origin."""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

import smart_spawn
from smart_spawn import SmartSpawn, errors
from smart_spawn.client import wire
from smart_spawn.client.failures import error_of
from smart_spawn.errors import (
    Busy,
    InvalidRequest,
    NoProvider,
    ProviderError,
    ServiceError,
    ServiceUnreachable,
    SmartSpawnError,
    Unauthorized,
)
from smart_spawn.providers.fake_server import FakeServer, Reply, json_reply
from smart_spawn.surface.failures import error_json
from tests.unit.cli.test_services import in_a_thread

DATA = Path(__file__).resolve().parents[2] / "data" / "api"
KEY = "ss_secret"


def recorded(name: str) -> Any:
    """Return an answer that a service gave."""
    return json.loads((DATA / f"{name}.json").read_bytes())["value"]


ROUTED = json_reply(recorded("route"))
ACCEPTED = Reply(status=202, body=b'{"id": "run_1", "status": "queued", "mode": "single"}')


def failing(status: int, code: str, **headers: str) -> Reply:
    """Return an error in the shape of the API."""
    body = {"error": {"code": code, "message": "no", "hint": "wait", "details": {"a": 1}}}
    return Reply(status=status, body=json.dumps(body).encode(), headers=headers)


def stream(*numbers: int, cut: bool = False, last: bool = False) -> Reply:
    """Return events as the service writes them; the last one ends the run."""
    blocks = [b": waiting\n\n"]
    for number in numbers:
        name = "run.ended" if last and number == numbers[-1] else "step.started"
        event = {"number": number, "name": name, "at": "2026-08-08T12:00:00Z", "data": {}}
        blocks.append(f"id: {number}\nevent: {name}\ndata: {json.dumps(event)}\n\n".encode())
    return Reply(body=b"".join(blocks), content_type="text/event-stream", cut=cut)


def address(server: FakeServer) -> str:
    """Return the origin of a server."""
    return server.base_url.removesuffix("/v1")


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(wire, "LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(wire, "_grows", lambda state: 0.01)


PASSING = [
    "drop",
    "cut",
    Reply(status=502, body=b"<html>Bad gateway</html>", content_type="text/html"),
    Reply(status=504, body=b""),
    failing(503, "OVERLOADED", **{"Retry-After": "0"}),
    failing(503, "STOPPING"),
    failing(429, "RATE_LIMITED", **{"Retry-After": "0"}),
    Reply(status=429, body=b"slow down"),
]


@pytest.mark.parametrize("failure", PASSING, ids=str)
async def test_what_may_pass_is_tried_again(failure: str | Reply) -> None:
    """A cut connection, a gateway, a service that is busy or restarts: the caller notices nothing."""
    async with FakeServer([failure, failure, ROUTED]) as server, SmartSpawn(address(server)) as ss:
        assert (await ss.route("x")).id == recorded("route")["id"]
        assert len(server.received) == 3


@pytest.mark.parametrize("failure", PASSING, ids=str)
async def test_a_run_that_is_sent_again_is_one_run(failure: str | Reply) -> None:
    """Every try carries the same key, another submission another one, and nobody holds the answer back."""
    async with FakeServer([failure, ACCEPTED, ACCEPTED]) as server, SmartSpawn(address(server)) as ss:
        assert await ss.runs.submit("x") == await ss.runs.submit("x") == "run_1"
        first, again, other = (one.headers["idempotency-key"] for one in server.received)
        assert first == again != other
        assert all(one.body["wait"] is False for one in server.received)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (failing(500, "INTERNAL"), ServiceError),
        (failing(502, "PROVIDER_ERROR"), ProviderError),
        (failing(503, "NO_PROVIDER"), NoProvider),
        (failing(401, "UNAUTHORIZED"), Unauthorized),
        (failing(418, "SOMETHING_NEW"), ServiceError),
        (Reply(status=500, body=b"oops"), ServiceError),
        (Reply(status=404, body=b"[]"), ServiceError),
        (Reply(body=b"<html>a captive portal</html>", content_type="text/html"), ServiceError),
        (Reply(body=b"[1, 2]"), ServiceError),
        (json_reply({"id": "dec_1"}), ServiceError),
    ],
    ids=str,
)
async def test_what_will_not_pass_is_raised_at_once(failure: Reply, kind: type[SmartSpawnError]) -> None:
    """A fault that trying again does not mend is asked about once, and says something."""
    async with FakeServer([failure]) as server, SmartSpawn(address(server)) as ss:
        with pytest.raises(kind) as stopped:
            await ss.route("x")
        assert type(stopped.value) is kind
        assert stopped.value.message
        assert stopped.value.hint
        assert len(server.received) == 1


async def test_an_end_comes_to_every_patience() -> None:
    """A service that never recovers is asked a few times, then the last error is raised."""
    busy = failing(503, "OVERLOADED", **{"Retry-After": "0"})
    async with FakeServer(default=busy) as server, SmartSpawn(address(server)) as ss:
        with pytest.raises(Busy) as stopped:
            await ss.status()
        assert stopped.value.details == {"a": 1}
        assert len(server.received) == wire.TRIES


async def test_a_long_wait_is_left_to_the_caller() -> None:
    """`Retry-After` beyond our patience is told, not slept through."""
    busy = failing(429, "RATE_LIMITED", **{"Retry-After": "3600"})
    async with FakeServer([busy]) as server, SmartSpawn(address(server)) as ss:
        with pytest.raises(Busy) as stopped:
            await ss.route("x")
        assert (stopped.value.retry_after_s, stopped.value.code) == (3600.0, "RATE_LIMITED")
        assert len(server.received) == 1


async def test_a_cut_stream_goes_on_where_it_was() -> None:
    """No event is lost and none comes twice, whatever the new connection repeats."""
    steps: list[str | Reply] = [stream(1, 2, cut=True), "drop", stream(2, 3, 4), stream(5, 6, last=True)]
    async with FakeServer(steps) as server, SmartSpawn(address(server)) as ss:
        assert [event.number async for event in ss.runs.events("run_1")] == [1, 2, 3, 4, 5, 6]
        assert [one.headers["last-event-id"] for one in server.received] == ["0", "2", "2", "4"]


async def test_a_stream_that_was_seen_to_its_end_is_over() -> None:
    """204 says that nothing more comes."""
    async with FakeServer([stream(1), Reply(status=204)]) as server, SmartSpawn(address(server)) as ss:
        assert [event.number async for event in ss.runs.events("run_1")] == [1]


@pytest.mark.parametrize("dead", ["drop", stream(1, 2, cut=True), Reply(status=503, body=b"")], ids=str)
async def test_a_stream_that_gives_nothing_new_is_given_up(dead: str | Reply) -> None:
    """Whoever never gave anything is left after a few connections."""
    async with FakeServer(default=dead) as server, SmartSpawn(address(server)) as ss:
        with pytest.raises(ServiceUnreachable):
            async for _ in ss.runs.events("run_1", after=2):
                pass
        assert len(server.received) == wire.TRIES


async def test_a_service_that_was_heard_of_may_be_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its run is waited for longer than an address that nobody answers at, but not for ever."""
    away: list[str | Reply] = ["drop"] * (2 * wire.TRIES)
    async with (
        FakeServer([stream(1), *away, stream(2, last=True)]) as server,
        SmartSpawn(address(server)) as ss,
    ):
        assert [event.number async for event in ss.runs.events("run_1")] == [1, 2]
    monkeypatch.setattr(wire, "RESTART_S", 0.05)
    async with FakeServer([stream(1)], default="drop") as server, SmartSpawn(address(server)) as ss:
        with pytest.raises(ServiceUnreachable):
            async for _ in ss.runs.events("run_1"):
                pass


async def test_whoever_stops_watching_lets_go_of_the_connection() -> None:
    """Closing the iteration closes the stream at once: the next one needs no second connection to be free."""
    endless = Reply(
        content_type="text/event-stream", body=stream(1).body, parts=(b": waiting\n\n",) * 9, part_delay_s=9
    )
    async with FakeServer(default=endless) as server, SmartSpawn(address(server)) as ss:
        pool = ss._door._wire._http._transport._pool  # type: ignore[attr-defined]
        async with contextlib.aclosing(ss.runs.events("run_1")) as events:
            assert (await anext(events)).number == 1
            assert len(pool.connections) == 1
        assert not pool.connections


async def test_what_is_no_stream_of_ours_is_refused() -> None:
    """A web page or foreign events raise an error that says what came."""
    foreign = Reply(body=b"data: {}\n\n", content_type="text/event-stream")
    for strange in (foreign, Reply(body=b"<html>", content_type="text/html")):
        async with FakeServer([strange]) as server, SmartSpawn(address(server)) as ss:
            with pytest.raises(ServiceError, match="not what Smart Spawn answers"):
                async for _ in ss.runs.events("run_1"):
                    pass


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer or an event beyond the limit is broken off."""
    monkeypatch.setattr(wire, "MAX_ANSWER_BYTES", 1000)
    monkeypatch.setattr(wire, "MAX_EVENT_BYTES", 1000)
    endless = Reply(body=b"data: " + b"x" * 300_000, content_type="text/event-stream")
    async with FakeServer([Reply(body=b" " * 300_000), endless]) as server, SmartSpawn(address(server)) as ss:
        with pytest.raises(ServiceError, match="longer"):
            await ss.status()
        with pytest.raises(ServiceError, match="longer"):
            async for _ in ss.runs.events("run_1"):
                pass


async def test_the_key_stays_with_its_origin() -> None:
    """It is sent in one header; a redirect is told and not followed; no message holds it."""
    async with FakeServer() as elsewhere:
        on = Reply(status=307, headers={"Location": f"{address(elsewhere)}/api/route"})
        async with FakeServer([on]) as server, SmartSpawn(address(server), api_key=KEY) as ss:
            with pytest.raises(ServiceError, match="sends us on") as stopped:
                await ss.route("x")
            assert server.received[0].headers["authorization"] == f"Bearer {KEY}"
            assert not elsewhere.received
            assert KEY not in f"{stopped.value} {stopped.value.details} {ss!r}"


async def test_a_key_for_one_service_is_not_sent_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's key goes to the environment's service, and to whichever is named where it names none."""
    monkeypatch.setenv("SMART_SPAWN_API_KEY", KEY)
    async with FakeServer(default=ROUTED) as server:
        monkeypatch.setenv("SMART_SPAWN_URL", address(server))
        async with SmartSpawn() as ss:
            await ss.route("x")
        monkeypatch.setenv("SMART_SPAWN_URL", "https://elsewhere.example")
        async with SmartSpawn(address(server)) as ss:
            await ss.route("x")
        monkeypatch.delenv("SMART_SPAWN_URL")
        async with SmartSpawn(address(server)) as ss:
            await ss.route("x")
        keys = [one.headers.get("authorization") for one in server.received]
        assert keys == [f"Bearer {KEY}", None, f"Bearer {KEY}"]


async def test_a_silent_service_does_not_hold_the_caller() -> None:
    """After `timeout_s` a try is over, and the message says so."""
    async with FakeServer(default="silence") as server, SmartSpawn(address(server), timeout_s=0.2) as ss:
        with pytest.raises(ServiceUnreachable, match=r"in time|within"):
            await ss.route("x")
        assert len(server.received) == wire.TRIES


async def test_nobody_there_is_said() -> None:
    """The address, and how to start a service."""
    async with FakeServer() as gone:
        url = address(gone)
    async with SmartSpawn(url) as ss:
        with pytest.raises(ServiceUnreachable) as stopped:
            await ss.status()
    assert url in stopped.value.message
    assert "smart-spawn serve" in stopped.value.hint


async def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTP_PROXY` gets the request with the whole address; `NO_PROXY` goes around it."""
    async with FakeServer(default=ROUTED) as proxy:
        monkeypatch.setenv("HTTP_PROXY", address(proxy))
        async with SmartSpawn("http://service.example/prefix/api/") as ss:
            await ss.route("x")
        assert proxy.received[0].target == "http://service.example/prefix/api/route"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with FakeServer(default=ROUTED) as server, SmartSpawn(address(server)) as ss:
            await ss.route("x")
        assert len(proxy.received) == 1


async def test_certificates_of_the_environment_are_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `SSL_CERT_FILE` a certificate of one's own is refused before the key is sent; with it all is well."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with FakeServer(default=ROUTED, tls=context) as server:
        async with SmartSpawn(address(server), api_key=KEY) as ss:
            with pytest.raises(ServiceUnreachable, match="certificate"):
                await ss.route("x")
        assert not server.received
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        async with SmartSpawn(address(server), api_key=KEY) as ss:
            assert (await ss.route("x")).model


@pytest.mark.parametrize(
    "url",
    ["", "host", "ftp://host", "https://", "https://me:pw@host", "https://host?x=1", "http://a:b", "//h"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Before anything is sent, with the form that would have been right, and without what may be a secret."""
    with pytest.raises(InvalidRequest) as stopped:
        SmartSpawn(url)
    assert stopped.value.hint
    assert "pw" not in str(stopped.value)


def test_what_belongs_to_one_kind_is_refused_by_the_other() -> None:
    """A key without a service, a scripted provider for one, and the parts of this process behind one."""
    with pytest.raises(InvalidRequest, match="api_key"):
        SmartSpawn(api_key=KEY)
    with pytest.raises(InvalidRequest, match="chat"):
        SmartSpawn("https://host", chat=smart_spawn.FakeProvider())
    with pytest.raises(InvalidRequest, match="key") as stopped:
        SmartSpawn("https://host", api_key="line\nbreak")
    assert "break" not in str(stopped.value)
    with pytest.raises(InvalidRequest, match="not in this process"):
        _ = SmartSpawn("https://host").app


async def test_what_json_cannot_hold_is_refused() -> None:
    """The field's type is named, and nothing is sent."""
    async with FakeServer() as server, SmartSpawn(address(server)) as ss:
        for wrong in (object(), "\ud800", float):
            with pytest.raises(InvalidRequest):
                await ss.route("x", context=wrong)
        assert not server.received


async def test_values_of_our_own_can_be_sent() -> None:
    """Enumerations, decimals, sets and checked requests become the JSON that the API reads."""
    policy = smart_spawn.RouteRequest.of(
        task="x", data_policy={"allow_training": False, "regions": ["eu"]}
    ).data_policy
    async with FakeServer([ROUTED]) as server, SmartSpawn(address(server)) as ss:
        await ss.route(
            "x", budget=smart_spawn.Budget.LOW, data_policy=policy, require={"vision"}, only=("a",)
        )
        sent = dict(server.received[0].body)
    assert sent == {
        "task": "x",
        "budget": "low",
        "data_policy": {"allowTraining": False, "regions": ["eu"]},
        "require": ["vision"],
        "only": ["a"],
    }


async def test_a_newer_service_is_understood() -> None:
    """Fields that this release does not know are in `json` and disturb nobody."""
    newer = {**recorded("route"), "mood": "good", "selected": {**recorded("route")["selected"], "new": 1}}
    async with FakeServer([json_reply(newer)]) as server, SmartSpawn(address(server)) as ss:
        decision = await ss.route("x")
    assert decision.json["mood"] == "good"
    assert decision.selected.json["new"] == 1


EXAMPLES: list[SmartSpawnError] = [
    errors.InvalidRequest("wrong", hint="right", code="MISSING_PARAM"),
    errors.TooLarge("long", hint="shorter", details={"maxBytes": 1}),
    errors.NotFound("gone"),
    errors.NoCatalog("nothing"),
    errors.UnknownModel("a/b", ["a/c"], field="only"),
    errors.NoEligibleModel({"vision": 3}, hint="less"),
    errors.NoModelInBudget("low", "medium", {"budget": 3}),
    errors.ProviderError("no", provider="p", model="a/b", status=500),
    errors.NoProvider("nobody", model="a/b"),
    errors.TimedOut("late", provider="p"),
    errors.BudgetExceeded("dear"),
    errors.StepFailed("step"),
    errors.IdempotencyConflict("twice"),
    errors.RunNotCancellable("over"),
    errors.SourceChanged("other", source="lmarena"),
    errors.StoreUnwritable("full"),
    errors.SettingsError("wrong"),
    errors.Unauthorized("who"),
    errors.Forbidden("no", details={"needs": "admin"}),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_comes_back_as_what_it_was(error: SmartSpawnError) -> None:
    """Type, code, message, hint, details and the type's own fields survive the way through JSON."""
    problem = json.loads(json.dumps(error_json(error)))["error"]
    again = error_of(problem)
    assert type(again) is type(error)
    own = {name: value for name, value in vars(error).items() if name not in ("retry_after_s", "status")}
    assert {name: getattr(again, name) for name in own} == own
    assert (str(again), again.code) == (str(error), error.code)


def test_every_code_of_the_service_has_a_type() -> None:
    """An error type of ours that reaches HTTP comes back as itself or as its parent, never as something else."""

    def below(kind: type[SmartSpawnError]) -> set[type[SmartSpawnError]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    ours = {kind for kind in below(SmartSpawnError) if kind.__module__ == "smart_spawn.errors"}
    for kind in (kind for kind in ours if kind.code != "INTERNAL"):  # those are roots, which nobody raises
        assert issubclass(kind, type(error_of({"code": kind.code, "message": "m"}))), kind


def test_kinds_of_one_code_are_told_apart() -> None:
    """A refused key and a busy provider share a code; a program that asks over HTTP can still tell them."""
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, ProviderError) and kind.code == ProviderError.code
    ]
    assert len(kinds) > 10
    for kind in kinds:
        problem = json.loads(json.dumps(error_json(kind("m", provider="p"))))["error"]
        assert type(error_of(problem)) is kind


def test_scripts_ask_a_service_with_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """`url` or the environment names it."""
    run = {**recorded("spawn"), "status": "succeeded"}
    with in_a_thread(FakeServer([ROUTED, ACCEPTED, stream(1, last=True), json_reply(run)])) as server:
        assert smart_spawn.route("x", url=address(server)).id == recorded("route")["id"]
        monkeypatch.setenv("SMART_SPAWN_URL", address(server))
        assert smart_spawn.spawn("x", budget="low").output == run["output"]
        assert [one.target for one in server.received] == [
            "/api/route",
            "/api/spawn",
            "/api/runs/run_1/events",
            "/api/runs/run_1",
        ]


@pytest.mark.parametrize("call", [smart_spawn.route, smart_spawn.spawn])
async def test_scripts_calls_do_not_block_an_event_loop(call: Callable[[str], object]) -> None:
    """Inside one they say what to call instead."""
    with pytest.raises(InvalidRequest, match="event loop") as stopped:
        call("x")
    assert "await" in stopped.value.hint


def test_a_client_of_a_service_loads_none_of_its_parts() -> None:
    """Opening one needs httpx and little else: no store, no server, no numbers, no settings."""
    code = """if True:
        import json, sys, smart_spawn
        smart_spawn.SmartSpawn("https://host", api_key="k")
        print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} | {
            ".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("smart_spawn.")})))
    """
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(answer.stdout))
    assert {name for name in loaded if name.startswith("smart_spawn.")} == {
        "smart_spawn.answers",
        "smart_spawn.client",
        "smart_spawn.errors",
    }
    heavy = {"openai", "fastapi", "sqlalchemy", "alembic", "granian", "typer", "aiohttp", "numpy", "pydantic"}
    assert not loaded & heavy
