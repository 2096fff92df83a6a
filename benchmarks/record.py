"""Rows of RESULTS.md: what was measured, where, when, with which code."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).parent / "RESULTS.md"


def processor() -> str:
    """Return the name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def commit() -> str:
    """Return the short hash of the commit, with a plus where files differ from it."""
    try:
        head = _git("rev-parse", "--short", "HEAD")
        return f"{head}+" if _git("status", "--porcelain", "src") else head
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    answer = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, check=True, cwd=RESULTS.parent, timeout=30
    )
    return answer.stdout.strip()


def headline(command: str, packages: Sequence[str]) -> str:
    """Return the heading of one session of measurements."""
    import os  # noqa: PLC0415

    load = os.getloadavg()[0]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"\n### {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, `{command}`\n\n"
        f"{processor()}, {os.cpu_count()} cores, load {load:.1f} at the start; "
        f"Python {sys.version.split()[0]}, {versions}\n\n"
    )


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Write the median of repeated measurements, and their range."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


def append(heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table and append it to RESULTS.md."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    text = heading + "\n".join(lines) + "\n"
    print(text)
    with RESULTS.open("a", encoding="utf-8") as file:
        file.write(text)
