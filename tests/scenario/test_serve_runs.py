"""Runs under a service that is killed: they end right, and what had finished is not paid again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from smart_spawn import SmartSpawn, SpawnResult
from smart_spawn.providers.fake_server import FakeServer, Received, Reply, completion, json_reply
from tests.contract.store.conftest import compiled_once
from tests.scenario.test_http_server import Service
from tests.unit.cli.test_services import in_a_thread

RUNS, STEPS = 6, 3


def slowly(received: Received) -> Reply:
    """Answer after a moment, so that a kill finds calls under way."""
    return Reply(body=json_reply(completion("done", model=str(received.body["model"]))).body, delay_s=0.25)


def begin(service: Service, number: int) -> str:
    """Start a plan whose prompts no other run has."""
    steps = [f"note {number}-{step}" for step in range(STEPS)]
    body = {"task": "Keep notes", "mode": "plan", "steps": steps, "budget": "low", "wait": False}
    answer = httpx.post(f"{service.url}/api/spawn", json=body, timeout=20)
    assert answer.status_code == 202
    run_id: str = answer.json()["id"]
    return run_id


async def followed(url: str, run_id: str, numbers: list[int]) -> SpawnResult:
    """Watch a run as a Python program does, whatever happens to its service meanwhile, and return its result."""
    async with SmartSpawn(url) as ss:
        async for event in ss.runs.events(run_id):
            numbers.append(event.number)
        return await ss.runs.result(run_id)


def until(condition: Callable[[], bool], timeout_s: float = 45) -> None:
    """Wait until something has come about."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)


def test_runs_outlive_the_service_that_took_them(tmp_path: Path) -> None:
    """After kill -9 of the service in the middle of six plans the next one ends them all; each finished step was one
    call, and the others say how many calls are in doubt. A Python program that watches sees every event once.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    numbers: list[int] = []
    with in_a_thread(FakeServer(default=slowly)) as provider, ThreadPoolExecutor(1) as pool:
        settings = {
            **compiled_once(),
            "SMART_SPAWN_PORT": str(port),
            "SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL": provider.base_url,
            "SMART_SPAWN_PROVIDERS__LOCAL__API_KEY": "sk-test",
        }
        first = Service(tmp_path / "home", **settings)
        try:
            ids = [begin(first, number) for number in range(RUNS)]
            watching = pool.submit(asyncio.run, followed(first.url, ids[0], numbers))
            until(lambda: len(provider.received) >= RUNS + 2 and bool(numbers))
            os.kill(first.process.pid, signal.SIGKILL)
        finally:
            first.close()
        second = Service(tmp_path / "home", **settings)
        try:

            def run(run_id: str) -> dict[str, Any]:
                found: dict[str, Any] = httpx.get(f"{second.url}/api/runs/{run_id}", timeout=20).json()
                return found

            def succeeded() -> set[str]:
                rows = httpx.get(f"{second.url}/api/runs?status=succeeded", timeout=20).json()["data"]
                return {row["id"] for row in rows}

            until(lambda: succeeded() >= set(ids))
            runs = [run(each) for each in ids]
            result = watching.result(60)
        finally:
            second.close()
    called = Counter(
        str(one.body["messages"][-1]["content"]).rpartition("\n")[2] for one in provider.received
    )
    for number, found in enumerate(runs):
        for step, node in enumerate(found["nodes"]):
            calls = called[f"note {number}-{step}"]
            assert 1 <= calls <= node["tries"]  # a call that was stopped before it left is a try and no call
            assert calls == 1 or node["inDoubt"]
    assert (result.id, result.status, result.output) == (ids[0], "succeeded", "done")
    assert numbers == list(range(1, len(numbers) + 1))
