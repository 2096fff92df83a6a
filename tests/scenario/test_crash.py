"""Workers die at every moment that matters; no finished step is paid again, and no cap is exceeded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.store.conftest import compiled_once


def play(root: Path, *options: str) -> dict[str, Any]:
    """Run the crash benchmark, which forks and kills its own workers, and return what it found."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.crash", *options],
        cwd=root,
        env=compiled_once(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check(found: dict[str, Any], *, runs: int, kills: int) -> None:
    """Hold what was found against what is promised."""
    assert found["kills"] >= kills
    assert (found["runs"], found["succeeded"]) == (runs, runs)
    assert (found["unexplained"], found["over_cap"], found["wrong"]) == (0, 0, 0)
    assert found["repeated"] <= found["in_doubt"]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_worker_may_be_killed_at_any_moment(
    root: Path, database: str, request: pytest.FixtureRequest
) -> None:
    """Around every write and inside every call: each run ends right, and each repeat was known to be in doubt."""
    address = "sqlite" if database == "sqlite" else request.getfixturevalue("postgresql_database")
    every = 2 if database == "sqlite" else 4
    found = play(root, "--engine", "memory", "--database", address, "--every-point", str(every))
    check(found, runs=-(-32 // every), kills=-(-32 // every))
    assert found["repeated"] > 0  # some kills were inside calls: otherwise nothing would have been shown


def test_workers_with_a_queue_may_be_killed(root: Path) -> None:
    """Several runs at once, a worker killed in the middle three times, and the next one resumes them."""
    check(play(root, "--runs", "12", "--batch", "4", "--seed", "7"), runs=12, kills=3)


def test_of_two_workers_one_finishes_what_the_other_began(root: Path, postgresql_database: str) -> None:
    """On one PostgreSQL the survivor takes over within seconds."""
    options = ("--database", postgresql_database, "--runs", "8", "--batch", "8", "--workers", "2")
    found = play(root, *options, "--seed", "3")
    check(found, runs=8, kills=1)
    assert found["seconds"] < 30
