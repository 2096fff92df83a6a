"""Whole chats through other gateways and ours in turn: CPU a call, and what each adds to the time until the answer.

All are asked by the same load generator and ask the same provider that costs nothing, each in one worker and without
keys. Counted is the CPU of all processes of a gateway. One that cannot be installed or does not answer is left out,
and the results say why.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.http import TICK_S, Server, load
from benchmarks.others import OTHERS, LeftOut, Other, installed
from benchmarks.record import append, headline, spread

PATH = "/v1/chat/completions"
PACKAGES = ("granian", "fastapi", "aiohttp", "msgspec")
START_S, STOP_S = 180, 15
COLUMNS = (
    "through",
    "connections",
    "CPU ms a call, all processes",
    "p50 ms",
    "added to p50",
    "calls/s",
    "calls",
)
Runs = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One that runs: where it answers, the process that was started, and how it wants to be asked."""

    name: str
    port: int
    process: int | None = None
    other: Mapping[str, Any] = field(default_factory=dict)

    def cpu_s(self) -> float:
        """Return the processor time of its process and of all below it so far, in seconds."""
        return 0.0 if self.process is None else tree_cpu_s(self.process)


def tree_cpu_s(process: int) -> float:
    """Return the processor time of a process and of all below it, also of those that it has seen end."""
    waiting, spent = [process], 0
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            spent += sum(map(int, fields[11:15]))
            for thread in (folder / "task").iterdir():
                waiting += map(int, (thread / "children").read_text(encoding="utf-8").split())
    return spent * TICK_S


@contextlib.contextmanager
def started(other: Other, provider: int) -> Iterator[Gateway]:
    """Run it with a home of its own and nothing of our environment. Raises LeftOut."""
    folder, port = installed(other), free_port()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, tempfile.TemporaryFile() as log:
        try:
            process = subprocess.Popen(
                other.command(folder, Path(home), port, provider),
                cwd=home,
                env={"PATH": os.environ["PATH"], "HOME": home, **other.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that all its processes can be ended
            )
        except OSError as error:
            raise LeftOut(f"it cannot be started: {error}") from None
        try:
            gateway = Gateway(name=other.name, port=port, process=process.pid, other=other.asked(provider))
            if not answered(gateway, process):
                log.seek(0)
                print(log.read()[-3000:].decode(errors="replace"), file=sys.stderr)
                raise LeftOut("it ended" if process.poll() is not None else f"no answer within {START_S} s")
            yield gateway
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=STOP_S)


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def answered(gateway: Gateway, process: subprocess.Popen[bytes]) -> bool:
    """Ask until the provider's answer comes; say whether it came."""
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if "four" in answer(gateway):
                return True
        time.sleep(0.2)
    return False


def answer(gateway: Gateway) -> str:
    """Return what one chat is answered."""
    body = {"model": gateway.other["model"], "messages": [{"role": "user", "content": "What is 2 + 2?"}]}
    headers = {"Content-Type": "application/json", **gateway.other.get("headers", {})}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=START_S)
    with contextlib.closing(connection):
        connection.request("POST", PATH, json.dumps(body), headers)
        return connection.getresponse().read().decode(errors="replace")


def measure(server: Server, provider: int, *, seconds: float, rounds: int) -> None:
    """Ask the provider directly, through ours and through the others, in turn, and append the rows."""
    with contextlib.ExitStack() as stack:
        gateways = [
            Gateway(name="nothing, directly", port=provider),
            Gateway(name="Smart Spawn", port=server.port, process=server.process),
        ]
        notes = []
        for other in OTHERS:
            try:
                gateways.append(stack.enter_context(started(other, provider)))
                notes.append(f"{other.name} {other.version}")
            except LeftOut as reason:
                notes.append(f"left out: {other.name} {other.version} ({reason})")
            print(notes[-1], flush=True)
        for gateway in gateways:
            load(gateway, 4, 3.0, PATH, gateway.other)  # warm
        heading = headline("python -m benchmarks.gateway --beside", PACKAGES) + "; ".join(notes) + "\n\n"
        rows: list[list[str]] = []
        for connections in (1, 16):
            runs = in_turn(gateways, connections, seconds=seconds, rounds=rounds)
            rows += [row(gateway, connections, runs) for gateway in gateways]
    append(heading, COLUMNS, rows)


def in_turn(gateways: Sequence[Gateway], connections: int, *, seconds: float, rounds: int) -> Runs:
    """Ask each once a round, another one first every time, and return what each round found."""
    runs: Runs = {gateway.name: [] for gateway in gateways}
    for at in range(rounds):
        first = at % len(gateways)
        for gateway in (*gateways[first:], *gateways[:first]):
            runs[gateway.name].append(load(gateway, connections, seconds, PATH, gateway.other))
    return runs


def row(gateway: Gateway, connections: int, runs: Runs) -> list[str]:
    """Return the row of one: medians of the rounds, with their range. The first of all is the provider itself."""
    mine, direct = runs[gateway.name], next(iter(runs.values()))
    added = [one["p50"] - before["p50"] for one, before in zip(mine, direct, strict=True)]
    return [
        gateway.name,
        str(connections),
        "" if mine is direct else spread([one["cpuMs"] for one in mine], 3),
        spread([one["p50"] for one in mine]),
        "" if mine is direct else spread(added),
        spread([one["perSecond"] for one in mine], 0),
        f"{sum(one['requests'] for one in mine):,}",
    ]
