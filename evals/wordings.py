"""Tasks and wordings that nobody has tuned on: `wordings.txt`, read by its headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from smart_spawn.model import CATEGORIES, Category

WORDINGS = Path(__file__).with_name("wordings.txt")


def read_wordings(path: Path = WORDINGS) -> Mapping[str, Sequence[str]]:
    """Return the lines of each part: tasks by category, and `polite` and `frames` with `{}` for the task."""
    parts: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            lines = parts.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return parts


def labelled_tasks() -> Sequence[tuple[Category, str]]:
    """Return the tasks with the category that their writer meant."""
    parts = read_wordings()
    return [(category, task) for category in CATEGORIES for task in parts[category]]
