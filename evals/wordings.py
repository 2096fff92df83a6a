"""Lines under headings, and those of `wordings.txt`: tasks and wordings that nobody has tuned on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from smart_spawn.model import CATEGORIES, Category

WORDINGS = Path(__file__).with_name("wordings.txt")


def read_parts(path: Path = WORDINGS) -> Mapping[str, Sequence[str]]:
    """Return the lines under each heading `== name`; empty lines and those that begin with `#` are left out.

    Those of `wordings.txt` are tasks by category, and `polite` and `frames` with `{}` for the task.
    """
    parts: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("== "):
            lines = parts.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return parts


def labelled_tasks() -> Sequence[tuple[Category, str]]:
    """Return the tasks with the category that their writer meant."""
    parts = read_parts()
    return [(category, task) for category in CATEGORIES for task in parts[category]]
