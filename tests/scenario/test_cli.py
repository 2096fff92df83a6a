"""The command as a process of its own: pipes, signals, exit codes, over the catalogue that ships in the package."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "smart_spawn"]
TASK = "Refactor this Python function to use asyncio"


def call(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )


def on_a_terminal(arguments: Sequence[str]) -> str:
    """Run one command with a terminal as its standard output and return what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], stdout=theirs, stdin=subprocess.DEVNULL) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                chunk = os.read(ours, 65_536)
            except OSError:  # Linux says EIO when the other side is closed
                break
            if not chunk:
                break
            written += chunk
        assert process.wait(60) == 0
    os.close(ours)
    return written.decode()


def test_without_network_or_key_a_newcomer_gets_a_choice_that_can_be_explained() -> None:
    """An empty home is enough: the packaged catalogue answers, and a later process explains the decision."""
    answer = call("route", TASK, "--budget", "low", "--json")
    assert answer.returncode == 0, answer.stderr
    decision = json.loads(answer.stdout)
    assert decision["selected"]["pricing"]["prompt"] < 1
    assert len({e["source"] for e in decision["selected"]["evidence"]}) >= 2
    explained = call("explain", decision["id"])
    assert explained.returncode == 0
    assert decision["selected"]["model"] in explained.stdout
    assert "\x1b" not in explained.stdout


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pipe gets without them, people see in bold."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1m" in on_a_terminal(["route", TASK])


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    """`smart-spawn models --limit 500 | head -1` ends without a word."""
    with subprocess.Popen(
        [*COMMAND, "models", "--limit", "500", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


def test_a_closed_output_is_no_trace_back() -> None:
    """`smart-spawn status >&-` cannot print anything, and says nothing wild either."""
    answer = subprocess.run(
        ["sh", "-c", f'exec "{sys.executable}" -m smart_spawn status >&-'],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in answer.stderr


def test_interrupting_ends_in_one_line() -> None:
    """Ctrl-C while it waits for the task: exit code 130, and no trace-back."""
    with subprocess.Popen(
        [*COMMAND, "route", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        home = os.path.join(os.environ["HOME"], ".smart-spawn", "smart-spawn.db")  # noqa: PTH118  # a string will do
        until = time.monotonic() + 30
        while not os.path.exists(home) and time.monotonic() < until:  # noqa: PTH110  # it is about to read then
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.read() == b"interrupted\n"
        assert process.wait(30) == 130


def test_the_exit_code_reaches_the_shell() -> None:
    """4 when nobody can be reached, with the cause beside it and nothing on standard output."""
    nobody = call("spawn", TASK)
    assert nobody.returncode == 4
    assert nobody.stdout == ""
    assert nobody.stderr.startswith("error: ")
