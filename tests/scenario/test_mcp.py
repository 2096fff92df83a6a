"""MCP as clients meet it: a command on standard input and output, and a running service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from smart_spawn.app import SmartSpawn
from smart_spawn.providers.fake_server import FakeServer
from smart_spawn.runs.journal import Executor
from smart_spawn.runs.process import this_executor
from smart_spawn.settings import Settings, load_settings
from smart_spawn.store import Store, open_store
from tests.contract.store.conftest import compiled_once
from tests.scenario.test_http_server import Service
from tests.unit.cli.test_services import in_a_thread
from tests.unit.mcp.test_tools import good

COMMAND = [sys.executable, "-m", "smart_spawn", "mcp"]
RUN = {"task": "1. Count the primes below 20.\n2. Say how many there are.", "mode": "plan", "budget": "any"}
PATIENCE_S = 60


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeServer]:
    """Return a server that answers every model call with `8`."""
    with in_a_thread(FakeServer(default="8")) as server:
        yield server


def settings_for(provider: FakeServer, home: Path) -> dict[str, str]:
    """Return the environment of a command or service that calls this provider."""
    return {
        **compiled_once(),
        "SMART_SPAWN_HOME": str(home),
        "SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL": provider.base_url,
        "SMART_SPAWN_PROVIDERS__LOCAL__API_KEY": "sk-test",
    }


def command(environment: dict[str, str]) -> StdioServerParameters:
    """Return how a client starts the command."""
    return StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment)


async def done(client: Client) -> tuple[dict[str, Any], list[float]]:
    """Have a task done, and return its result and the progress that was told."""
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    run_id = good(await client.call_tool("smartspawn_run_create", RUN))["run_id"]
    asked = {"run_id": run_id, "wait_s": PATIENCE_S}
    return good(await client.call_tool("smartspawn_run_result", asked, progress_callback=hear)), heard


async def test_a_client_that_starts_the_command_has_a_task_done(provider: FakeServer, tmp_path: Path) -> None:
    """Without a service: choose, explain, run with progress to the end, read what it left behind."""
    async with Client(command(settings_for(provider, tmp_path / "home"))) as client:
        picked = good(await client.call_tool("smartspawn_pick", {"task": "write code", "budget": "low"}))
        assert picked["pricing"]["prompt"] < 1
        result, heard = await done(client)
        (content,) = (await client.read_resource(result["artifacts"][-1]["path"])).contents
    assert (result["status"], result["merged_output"]) == ("completed", "8")
    assert getattr(content, "text", None) == "8"
    assert heard[-1] == 100


def speak(environment: dict[str, str], *messages: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the command and send it messages, each as one line."""
    process = subprocess.Popen(
        COMMAND,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    process.stdin.flush()
    return process


HELLO = (
    {
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    },
    {"method": "notifications/initialized"},
)


def called(number: int, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the message that calls a tool."""
    return {"id": number, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def answer(process: subprocess.Popen[bytes], number: int) -> dict[str, Any]:
    """Read lines until the answer to a message; every one of them is the protocol's."""
    assert process.stdout is not None
    for line in process.stdout:
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        if message.get("id") == number:
            return message
    raise AssertionError("it ended without an answer")


@pytest.mark.parametrize("ending", ["close", "SIGINT"])
def test_only_the_protocol_is_written_and_the_end_is_soon(
    provider: FakeServer, tmp_path: Path, ending: str
) -> None:
    """Logs and errors go elsewhere; closing the input or a signal ends it, also while a client waits for a run."""
    process = speak(
        settings_for(provider, tmp_path / "home"),
        *HELLO,
        called(2, "smartspawn_pick", {"task": "canary-in-the-prompt"}),
        called(3, "smartspawn_pick", {"task": "canary-in-the-prompt", "wrong": 1}),
        {"id": 4, "method": "no/such", "params": {"text": "canary-in-the-prompt"}},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    assert answer(process, 3)["result"]["isError"]
    process.stdin.write(b"this is no message: canary-in-the-prompt\n")
    process.stdin.flush()
    began = time.monotonic()
    if ending == "close":
        process.stdin.close()
    else:
        process.send_signal(getattr(signal, ending))
    assert process.wait(timeout=PATIENCE_S) == 0
    assert time.monotonic() - began < 20
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in process.stdout)
    log = process.stderr.read().decode()
    assert "smartspawn_pick" in log
    assert "canary" not in log
    process.stdout.close()
    process.stderr.close()
    process.stdin.close()


@asynccontextmanager
async def beating(store: Store, worker: Executor) -> AsyncIterator[None]:
    """Show signs of life, as a worker does, however long the rest takes."""

    async def beat() -> None:
        while True:
            await asyncio.to_thread(store.roster.beat, worker)
            await asyncio.sleep(1)

    heart = asyncio.create_task(beat())
    try:
        yield
    finally:
        heart.cancel()


async def test_where_a_worker_shares_the_store_it_carries_the_runs_out(
    provider: FakeServer, tmp_path: Path
) -> None:
    """The command then leaves runs to it, so that they outlive the client; commands of others are no workers."""
    environment = settings_for(provider, tmp_path / "home")
    settings = Settings.model_validate({"home": tmp_path / "home"})
    with open_store(settings) as store:
        store.roster.register(this_executor("test", prefix="own-"), stale_s=15)
        with SmartSpawn(settings) as app:
            assert not app.workers_alive()
        worker = this_executor("test")
        store.roster.register(worker, stale_s=15)
        async with beating(store, worker), Client(command(environment)) as client:
            run_id = good(await client.call_tool("smartspawn_run_create", RUN))["run_id"]
            waited = await client.call_tool("smartspawn_run_result", {"run_id": run_id, "wait_s": 1})
            health = good(await client.call_tool("smartspawn_health", {}))
    assert good(waited)["status"] == "queued"
    assert health["worker_alive"]


async def test_a_client_has_a_task_done_by_a_service(provider: FakeServer, tmp_path: Path) -> None:
    """Over HTTP, in both generations of the protocol, with progress while the worker does it. From the first key on a
    client without one is refused, and one with it goes on.
    """
    home = tmp_path / "home"
    service = Service(home, **settings_for(provider, home))
    try:
        url = f"{service.url}/mcp"
        for mode in ("auto", "legacy"):
            async with Client(url, mode=mode) as client:
                assert len((await client.list_tools()).tools) >= 10
                result, heard = await done(client)
            assert (result["status"], result["merged_output"]) == ("completed", "8")
            assert heard == sorted(set(heard))
            assert heard[-1] == 100
        with SmartSpawn(load_settings(overrides={"home": home})) as app:
            secret = app.keys.create("client", ["route", "execute"]).secret
        async with httpx2.AsyncClient() as http:
            until = time.monotonic() + PATIENCE_S
            while (await http.post(url, json={})).status_code != 401:
                assert time.monotonic() < until, "the service did not notice the key"
                await asyncio.sleep(0.2)
        async with (
            httpx2.AsyncClient(headers={"authorization": f"Bearer {secret}"}) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            assert good(await client.call_tool("smartspawn_pick", {"task": "write code"}))["id"]
    finally:
        service.close()
