"""Where the play takes place: OpenClaw from npm in a cache folder, and processes that end with us."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import httpx

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".e2e" / "openclaw"
"""Kept between runs, and not committed: 850 MB."""
PLUGIN = ROOT / "integrations" / "openclaw"
NODE, OPENCLAW = "24.21.0", "2026.9.6"
FREE_BYTES = 3_000_000_000
NPM_S, COMMAND_S = 300, 90
OF_THE_NETWORK = re.compile(
    r"(?i)(https?|no|all)_proxy|npm_config_.*|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)"
)
T = TypeVar("T")
TOKEN = "only-for-this-test-0123456789"  # guards a loopback port for two minutes


class Failed(Exception):
    """Something was not as promised."""


def check(condition: object, message: str) -> None:
    """Go on only if it is so."""
    if not condition:
        raise Failed(message)


def until(what: str, found: Callable[[], T | None], timeout_s: float = 20) -> T:
    """Ask again and again until something has come about."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.1)
    raise Failed(f"{what} did not come about within {timeout_s:g} s")


def free_port() -> int:
    """Return a port of the loopback that nobody uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def why_not() -> str:
    """Say why this machine cannot play; empty when it can."""
    if shutil.which("npm") is None:
        return "npm is not installed"
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES:
        return f"{free / 1e9:.1f} GB of disk are free, {FREE_BYTES / 1e9:.0f} are needed"
    return ""


def install() -> None:
    """Install node and OpenClaw once. The package `node` fetches its program when it is installed."""
    for name, package, options in (
        ("node", f"node@{NODE}", []),
        ("app", f"openclaw@{OPENCLAW}", ["--ignore-scripts"]),
    ):
        folder = CACHE / name
        done = folder / f"{package}.installed"
        if done.exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        npm("install", "--no-audit", "--no-fund", *options, package, cwd=folder)
        done.touch()


def npm(*arguments: str, cwd: Path) -> str:
    """Run the machine's own npm. Raises Failed with what it said."""
    return run(["npm", *arguments], cwd=cwd, env=dict(os.environ), timeout_s=NPM_S)


@cache
def registry_access() -> dict[str, str]:
    """Return what npm needs to reach the registry as the machine's owner does, from any home and any node."""
    kept = {name: value for name, value in os.environ.items() if OF_THE_NETWORK.fullmatch(name)}
    files = {
        f"npm_config_{name}": npm("config", "get", name, cwd=ROOT).strip()
        for name in ("userconfig", "globalconfig")
    }
    return {**kept, **files}


def run(command: list[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> str:
    """Run a command to its end and return its standard output. Raises Failed with what it said."""
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"`{' '.join(command[:4])}` did not end within {timeout_s:g} s") from None
    if done.returncode != 0:
        said = (done.stderr + done.stdout)[-2000:]
        raise Failed(f"`{' '.join(command[:4])}` ended with {done.returncode}: {said}")
    return done.stdout


@dataclass(slots=True)
class Stage:
    """A fresh home for OpenClaw and our service, and the processes that run there."""

    work: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What OpenClaw sees: nothing of the machine's own settings."""
        path = [CACHE / "node/node_modules/node/bin", CACHE / "app/node_modules/.bin"]
        return {
            **registry_access(),
            "PATH": os.pathsep.join([*map(str, path), os.environ.get("PATH", "")]),
            "HOME": str(self.folder("home")),
            "TMPDIR": str(self.folder("tmp")),
            "npm_config_cache": str(self.folder("npm")),
            "npm_config_update_notifier": "false",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def folder(self, name: str) -> Path:
        """Return a folder of this run."""
        folder = self.work / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def openclaw(self, *arguments: str) -> str:
        """Run one command of OpenClaw and return its standard output."""
        return run(["openclaw", *arguments], cwd=self.work, env=self.environment, timeout_s=COMMAND_S)

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail, and return what it said."""
        try:
            self.openclaw(*arguments)
        except Failed as error:
            return str(error)
        raise Failed(f"`openclaw {' '.join(arguments[:3])}` should have been refused")

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a process whose output goes to a file of the run."""
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(  # our own commands
                command, cwd=self.work, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        self.processes.append(process)
        return process

    def log(self, name: str) -> Path:
        """Return the file that a process writes to."""
        return self.work / f"{name}.log"

    def answers(self, process: subprocess.Popen[bytes], url: str, timeout_s: float) -> float:
        """Wait until our own process answers there, and return the seconds."""
        began = time.monotonic()

        def asked() -> bool:
            check(process.poll() is None, f"the process for {url} ended with {process.returncode}")
            try:
                return httpx.get(url, timeout=2).status_code == 200
            except httpx.HTTPError:
                return False

        until(url, asked, timeout_s)
        return time.monotonic() - began

    def stop(self, process: subprocess.Popen[bytes], timeout_s: float = 15) -> tuple[int, float]:
        """Ask a process to stop; return its exit code and the seconds that it took."""
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=timeout_s)
        return code, time.monotonic() - began

    def close(self) -> None:
        """End whatever still runs."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait(timeout=10)


def service_command() -> list[str]:
    """Return how our service is started from this checkout."""
    return [sys.executable, "-m", "smart_spawn", "serve"]


def write_json(path: Path, value: Mapping[str, Any]) -> Path:
    """Write a file for OpenClaw to read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")
    return path
