"""Compare with another commit: `python -m benchmarks.against REV [--texts FILE]`.

Both versions run side by side, each in a process of its own, and take turns on one core within seconds, so that the
ratio stands on a machine that does other work. First both answer thousands of tasks and requests, and have to answer
all of them alike, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.http import load, running

ROOT = Path(__file__).parents[1]


class Version:
    """One of the two versions, in a process of its own."""

    def __init__(self, source: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.pieces"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{source / 'src'}{os.pathsep}{ROOT}", "PYTHONHASHSEED": "0"},
        )
        self.pieces = json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "a version ended; its error is above"
        return line

    def ask(self, name: str, detail: object) -> Any:
        """Have it measure or answer something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, detail]) + "\n")
        self._process.stdin.flush()
        return json.loads(self._line())

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """Have the files of another commit in a folder for a while."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", "--quiet", str(target), revision], check=True, timeout=60)
        try:
            yield target
        finally:
            subprocess.run([*git, "remove", "--force", str(target)], check=True, timeout=60)


def compare(old: Version, new: Version, name: str, *, rounds: int, budget_s: float) -> str:
    """Measure one piece in turn; return a row of tenths, medians, and the median ratio with its range."""
    calls = 20
    spent = old.ask(name, calls)[2] * calls / 1e9
    calls = max(20, int(calls * budget_s / max(spent, 1e-6)))
    pairs = []
    for at in range(rounds):
        order = (old, new) if at % 2 else (new, old)
        first, second = (version.ask(name, calls) for version in order)
        pairs.append((first, second) if at % 2 else (second, first))
    cells = [name]
    for at in range(2):
        before = statistics.median(pair[0][at] for pair in pairs) / 1_000
        after = statistics.median(pair[1][at] for pair in pairs) / 1_000
        cells.append(f"{before:,.0f} → {after:,.0f}")
    for at in range(3):
        ratios = [pair[1][at] / pair[0][at] for pair in pairs]
        cells.append(f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    return "| " + " | ".join(cells) + " |"


def served(tree: Path, *, rounds: int, seconds: float = 3.0) -> str:
    """Ask two running services in turn; return their CPU time a request and the median ratio with its range."""
    with running(tree / "src") as old, running(ROOT / "src") as new:
        for server in (old, new):
            load(server, 64, 1.0, "/api/pick")
        pairs = []
        for at in range(rounds):
            order = (old, new) if at % 2 else (new, old)
            first, second = (load(server, 64, seconds, "/api/pick") for server in order)
            pairs.append((first, second) if at % 2 else (second, first))
    lines = []
    for what, name in (("CPU ms a request", "cpuMs"), ("requests/s", "perSecond"), ("p99 ms", "p99")):
        before, after = (statistics.median(pair[side][name] for pair in pairs) for side in range(2))
        ratios = [pair[1][name] / pair[0][name] for pair in pairs]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        lines.append(f"/api/pick, 64 connections: {what} {before:,.3f} → {after:,.3f}, ratio {ratio}")
    return "\n".join(lines)


def main() -> None:
    """Compare this folder with a commit, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision", nargs="?", default="HEAD")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--round-s", type=float, default=0.4, help="CPU seconds of one round")
    parser.add_argument(
        "--pieces", nargs="*", help="only these, by a part of their names; none: only the service"
    )
    parser.add_argument(
        "--texts", type=Path, nargs="*", default=[], help="more tasks: JSON lines with `text`"
    )
    parser.add_argument("--no-answers", action="store_true", help="only the times")
    parser.add_argument("--http", type=int, help="rounds of 3 s of `/api/pick` at 64 connections, in turn")
    given = parser.parse_args()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # both on one core, in turn
    with checked_out(given.revision) as tree:
        old, new = Version(tree), Version(ROOT)
        if not given.no_answers:
            files = [str(path.resolve()) for path in given.texts]
            before, after = old.ask("answers", files), new.ask("answers", files)
            different = [chunk for chunk in before if before[chunk] != after.get(chunk)]
            print(f"{len(before) - len(different)} of {len(before)} chunks of answers are equal")
            print("".join(f"different: {chunk}\n" for chunk in different), end="", flush=True)
        print("| what | least tenth µs | median µs | ratio of tenths | of medians | of means |")
        print("|---|---|---|---|---|---|")
        for name in old.pieces:
            if given.pieces is None or any(part in name for part in given.pieces):
                print(compare(old, new, name, rounds=given.rounds, budget_s=given.round_s), flush=True)
        old.close()
        new.close()
        if given.http:
            os.sched_setaffinity(0, cores)
            print(served(tree, rounds=given.http))


if __name__ == "__main__":
    main()
