"""`GET /api/pick` over HTTP: the real server with the packaged catalogue, asked by a process of its own."""  # noqa: A005  # reached as `benchmarks.http` alone

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.record import append, headline, spread

PACKAGES = ("granian", "fastapi", "msgspec", "numpy", "sqlalchemy")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Asked(Protocol):
    """What the load generator can ask."""

    @property
    def port(self) -> int:
        """Where it answers on the loopback."""

    def cpu_s(self) -> float:
        """Return the processor time that answering took so far, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: its port, the process that was started, and the one of its children that answers."""

    port: int
    process: int
    worker: int

    def cpu_s(self) -> float:
        """Return the processor time that the worker used so far, in seconds."""
        fields = Path(f"/proc/{self.worker}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    def memory_mib(self) -> float:
        """Return the resident memory of the worker."""
        return int(Path(f"/proc/{self.worker}/statm").read_text(encoding="utf-8").split()[1]) * PAGE_MIB


@contextlib.contextmanager
def running(
    source: Path | None = None, *, settings: Mapping[str, str] | None = None, core: int | None = None
) -> Iterator[Server]:
    """Start a server with an empty home and no refresh, as `smart-spawn serve` does.

    `source` is the folder of another version's code; `settings` are further variables. All processes of the
    service share `core` where one is named.
    """
    with socket.socket() as free, tempfile.TemporaryDirectory() as home:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        environment = {
            **os.environ,
            "SMART_SPAWN_HOME": home,
            "SMART_SPAWN_PORT": str(port),
            "SMART_SPAWN_SERVER__REFRESH": "false",
            **({"PYTHONPATH": str(source)} if source else {}),
            **(settings or {}),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "smart_spawn", "serve"],
            env=environment,
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if core is not None:
            os.sched_setaffinity(process.pid, {core})  # it has no children yet, and they inherit this
        try:
            began = time.perf_counter()
            _wait(port)
            print(f"first answer {time.perf_counter() - began:.2f} s after the start")
            yield Server(port=port, process=process.pid, worker=_worker(process.pid))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def _wait(port: int) -> None:
    for _ in range(3000):
        with contextlib.suppress(URLError, ConnectionError):
            urlopen(f"http://127.0.0.1:{port}/health", timeout=5).read()
            return
        time.sleep(0.01)
    raise TimeoutError("the server does not answer")


def _worker(parent: int) -> int:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    return int(children[0])


def load(
    server: Asked, connections: int, seconds: float, path: str, other: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Run the load generator once, with what the server spent meanwhile.

    `other` is the model and the headers of a gateway that is not ours.
    """
    command = [
        sys.executable,
        "-m",
        "benchmarks.load",
        str(server.port),
        str(connections),
        str(seconds),
        path,
    ]
    before = server.cpu_s()
    answer = subprocess.run(
        [*command, json.dumps(other or {})],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
        cwd=Path(__file__).parents[1],
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    assert found["statuses"].keys() <= {"200"}, found["statuses"]
    spent = server.cpu_s() - before
    return {**found, "cpuMs": spent * 1000 / found["requests"], "cpuShare": spent / seconds}


def measure(server: Server, connections: int, *, seconds: float, rounds: int, path: str) -> list[str]:
    """Return one row: medians of the rounds, with their range."""
    memory = server.memory_mib()
    runs = [load(server, connections, seconds, path) for _ in range(rounds)]
    return [
        path,
        str(connections),
        spread([run["perSecond"] for run in runs], 0),
        spread([run["p50"] for run in runs]),
        spread([run["p99"] for run in runs]),
        spread([run["cpuMs"] for run in runs], 3),
        spread([run["perSecond"] / run["cpuShare"] for run in runs], 0),
        f"{memory:.0f} to {server.memory_mib():.0f}",
        f"{sum(run['requests'] for run in runs):,}",
    ]


def endure(server: Server, connections: int, *, seconds: float, requests: int, path: str) -> list[str]:
    """Return one row: what so many requests, in rounds of so many seconds, do to the memory of the worker.

    The first tenth fills caches and the writer's queue, so the growth is told from there on.
    """
    runs: list[dict[str, Any]] = []
    held: list[tuple[int, float]] = []
    answered = 0
    while answered < requests:
        runs.append(load(server, connections, seconds, path))
        answered += runs[-1]["requests"]
        held.append((answered, server.memory_mib()))
        print(f"{answered:,} requests: {held[-1][1]:.1f} MiB", flush=True)
    settled = [memory for count, memory in held if count >= requests / 10]
    middle = [memory for count, memory in held if count >= requests / 2]
    return [
        path,
        str(connections),
        f"{answered:,}",
        spread([run["perSecond"] for run in runs], 0),
        spread([run["p99"] for run in runs]),
        spread([1000 / run["cpuMs"] for run in runs], 0),
        f"{held[0][1]:.1f}",
        f"{settled[0]:.1f}",
        f"{middle[0]:.1f}",
        f"{held[-1][1]:.1f}",
        f"{max(memory for _, memory in held):.1f}",
    ]


ENDURANCE_COLUMNS = (
    "route",
    "connections",
    "requests",
    "requests/s",
    "p99 ms",
    "requests per CPU second",
    "MiB after the first round",
    "after a tenth",
    "after a half",
    "at the end",
    "most",
)


def main() -> None:
    """Measure under 1, 16 and 64 connections, or one long run with `--requests`, and append the rows.

    With `--one-core` the whole service shares the first core, and the load comes from the last.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 16, 64])
    parser.add_argument("--path", default="/api/pick")
    parser.add_argument("--requests", type=int, help="one long run of at least so many, watching the memory")
    parser.add_argument("--one-core", action="store_true", help="what one core answers, threads and all")
    given, _ = parser.parse_known_args()
    cores = sorted(os.sched_getaffinity(0))
    if given.one_core:
        os.sched_setaffinity(0, {cores[-1]})
    command = f"python -m benchmarks.http{' --one-core' if given.one_core else ''}"
    with running(core=cores[0] if given.one_core else None) as server:
        load(server, 4, 1.0, given.path)  # warm
        heading = headline(command, PACKAGES)
        if given.requests:
            heading = headline(f"{command} --requests {given.requests}", PACKAGES)
            row = endure(
                server, given.connections[-1], seconds=given.seconds, requests=given.requests, path=given.path
            )
            append(heading, ENDURANCE_COLUMNS, [row])
            return
        rows = [
            measure(server, n, seconds=given.seconds, rounds=given.rounds, path=given.path)
            for n in given.connections
        ]
    append(
        heading,
        [
            "route",
            "connections",
            "requests/s",
            "p50 ms",
            "p99 ms",
            "server CPU ms a request",
            "requests per CPU second",
            "memory MiB",
            "requests",
        ],
        rows,
    )


if __name__ == "__main__":
    main()
