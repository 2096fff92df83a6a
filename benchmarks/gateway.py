"""Chats through the gateway: CPU a call, what it adds to the first word, and many streams at once.

The real server, a provider that costs nothing, and whoever asks are three processes. `--beside` measures whole calls
alone, and other gateways beside ours (`benchmarks/beside.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import beside
from benchmarks.http import Server, load, running
from benchmarks.record import append, headline, spread

PACKAGES = ("granian", "fastapi", "aiohttp", "msgspec")
PATH = "/v1/chat/completions"
CHUNKS_A_SECOND = 10
CALL_COLUMNS = ("connections", "server CPU ms a call", "calls/s", "p50 ms", "p99 ms", "calls")
WORD_COLUMNS = ("first word direct, p50 ms", "through the gateway", "added", "calls")
STREAM_COLUMNS = (
    "streams",
    "s",
    "chunks",
    "streams with a lost or doubled chunk",
    "server CPU cores",
    "MiB after a sixth",
    "at half",
    "at the end",
)


@contextlib.contextmanager
def provider() -> Iterator[int]:
    """Run the provider, and give its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.upstream", str(port)], cwd=Path(__file__).parents[1]
    )
    try:
        for _ in range(500):
            with contextlib.suppress(ConnectionError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait(timeout=10)


def body(wish: str) -> dict[str, Any]:
    """Return a streamed chat with this wish."""
    return {"model": "smart-spawn/auto", "stream": True, "messages": [{"role": "user", "content": wish}]}


async def first_word_ms(http: aiohttp.ClientSession, port: int, number: int) -> float:
    """Return how long the first word of one stream took."""
    began = time.perf_counter()
    wish = body(f"stream 1 0 and write a line of verse about the number {number}")
    async with http.post(f"http://127.0.0.1:{port}{PATH}", json=wish) as answer:
        async for line in answer.content:
            if b'"content":' in line:
                taken = (time.perf_counter() - began) * 1000
                await answer.read()
                return taken
    raise AssertionError("a stream without a word")


async def first_words(server: Server, port: int, calls: int) -> list[tuple[float, float]]:
    """Ask directly and through the gateway in turn, so that a busy moment meets both."""
    pairs = []
    async with aiohttp.ClientSession() as http:
        for number in range(calls + 20):
            direct = await first_word_ms(http, port, number)
            pairs.append((direct, await first_word_ms(http, server.port, number)))
    return pairs[20:]


async def one_stream(http: aiohttp.ClientSession, port: int, at: int, seconds: float) -> int:
    """Read one long stream and return how many of its chunks came, each once and in order."""
    count = int(seconds * CHUNKS_A_SECOND)
    expected = 0
    wish = body(f"stream {count} {1 / CHUNKS_A_SECOND} and count, for reader {at}")
    async with http.post(f"http://127.0.0.1:{port}{PATH}", json=wish) as answer:
        assert answer.status == 200, await answer.text()
        async for line in answer.content:
            if not line.startswith(b"data: {"):
                continue
            for choice in json.loads(line[6:])["choices"]:
                for word in choice["delta"].get("content", "").split():
                    assert int(word) == expected, f"chunk {word} where {expected} was due"
                    expected += 1
    assert expected == count, f"{expected} of {count} chunks"
    return expected


async def many_streams(server: Server, streams: int, seconds: float) -> tuple[int, int, list[float]]:
    """Return the chunks that came, the streams with a lost or doubled one, and the memory every second, in MiB."""
    memory: list[float] = []

    async def watch() -> None:
        while True:
            memory.append(server.memory_mib())
            await asyncio.sleep(1)

    watching = asyncio.create_task(watch())
    connector, waits = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=seconds * 3 + 60)
    async with aiohttp.ClientSession(connector=connector, timeout=waits) as http:
        found = await asyncio.gather(
            *(one_stream(http, server.port, at, seconds) for at in range(streams)), return_exceptions=True
        )
    watching.cancel()
    failures = [one for one in found if isinstance(one, BaseException)]
    for failure in failures[:3]:
        print(f"{type(failure).__name__}: {failure}")
    return sum(one for one in found if isinstance(one, int)), len(failures), memory


def measure_calls(server: Server, connections: int, *, seconds: float, rounds: int) -> list[str]:
    """Return one row of whole calls: medians of the rounds, with their range."""
    runs = [load(server, connections, seconds, PATH) for _ in range(rounds)]
    return [
        str(connections),
        spread([run["cpuMs"] for run in runs], 3),
        spread([run["perSecond"] for run in runs], 0),
        spread([run["p50"] for run in runs]),
        spread([run["p99"] for run in runs]),
        f"{sum(run['requests'] for run in runs):,}",
    ]


def measure_first_words(server: Server, port: int, *, calls: int, rounds: int) -> list[str]:
    """Return one row of first words, direct and through the gateway."""
    medians: list[tuple[float, float]] = []
    for _ in range(rounds):
        pairs = asyncio.run(first_words(server, port, calls))
        direct, through = (sorted(one[way] for one in pairs) for way in (0, 1))
        medians.append((direct[len(direct) // 2], through[len(through) // 2]))
    return [
        spread([direct for direct, _ in medians]),
        spread([through for _, through in medians]),
        spread([through - direct for direct, through in medians]),
        f"{calls * rounds:,}",
    ]


def measure_streams(server: Server, streams: int, seconds: float) -> list[str]:
    """Return one row of many streams at once."""
    before = server.cpu_s()
    began = time.perf_counter()
    chunks, wrong, memory = asyncio.run(many_streams(server, streams, seconds))
    took = time.perf_counter() - began
    settled = memory[len(memory) // 6 :]
    return [
        str(streams),
        f"{took:.0f}",
        f"{chunks:,}",
        str(wrong),
        f"{(server.cpu_s() - before) / took:.2f}",
        f"{settled[0]:.1f}",
        f"{settled[len(settled) // 2]:.1f}",
        f"{memory[-1]:.1f}",
    ]


def main() -> None:
    """Measure all three, or what `--beside` does, and append the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of one round of whole calls")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--stream-seconds", type=float, default=60.0)
    parser.add_argument("--beside", action="store_true", help="only whole calls, beside other gateways")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with (
        provider() as port,
        running(settings={"SMART_SPAWN_PROVIDERS__MOCK__BASE_URL": f"http://127.0.0.1:{port}/v1"}) as server,
    ):
        if given.beside:
            beside.measure(server, port, seconds=given.seconds, rounds=given.rounds)
            return
        load(server, 4, 2.0, PATH)  # warm
        heading = headline("python -m benchmarks.gateway", PACKAGES)
        calls = [measure_calls(server, n, seconds=given.seconds, rounds=given.rounds) for n in (1, 16)]
        words = measure_first_words(server, port, calls=200, rounds=given.rounds)
        streams = measure_streams(server, given.streams, given.stream_seconds)
    append(heading, CALL_COLUMNS, calls)
    append("\n", WORD_COLUMNS, [words])
    append("\n", STREAM_COLUMNS, [streams])


if __name__ == "__main__":
    main()
