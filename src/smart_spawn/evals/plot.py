"""Cost against quality as a picture, PNG or SVG by the name of the file. Needs the extra `plots`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smart_spawn.errors import InvalidRequest

ENDINGS = (".png", ".svg")
COLUMNS = 3
COLOURS: Mapping[str, str] = {
    "strongest": "#333333",
    "cheapest": "#999999",
    "random": "#bbbbbb",
    "route": "#0072b2",
    "cascade": "#d55e00",
    "collective": "#009e73",
    "agreement": "#cc79a7",
}
"""Told apart by everybody: Okabe and Ito's colours."""


def check_plot(path: Path) -> None:
    """Say before any work whether a picture can be drawn. Raises InvalidRequest."""
    if path.suffix.lower() not in ENDINGS:
        raise InvalidRequest(
            f"`{path.name}` is no picture that can be drawn", hint="end it with .png or .svg"
        )
    try:
        import matplotlib  # noqa: F401, PLC0415  # 80 MB that only a picture needs
    except ImportError:
        raise InvalidRequest(
            "a plot needs matplotlib, which is not installed",
            hint="pip install 'smart-spawn[plots]'; the numbers are in --json and --report without it",
        ) from None


def draw(found: Mapping[str, Any], path: Path) -> None:
    """Draw one panel a data set: the hull of each curve, a mark for each policy. Raises InvalidRequest."""
    check_plot(path)
    from matplotlib.figure import Figure  # noqa: PLC0415

    priced = {name: row for name, row in found["datasets"].items() if _marks(row)}
    if not priced:
        raise InvalidRequest(
            "there is nothing to plot: no data set has costs", hint="--report has the accuracies"
        )
    columns = min(COLUMNS, len(priced))
    rows = -(-len(priced) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.6 * rows), layout="constrained")
    for at, (name, row) in enumerate(priced.items()):
        axes = figure.add_subplot(rows, columns, at + 1)
        for policy, points in row.get("curves", {}).items():
            if points:
                xs, ys = zip(*points, strict=True)
                axes.plot(xs, ys, color=COLOURS[policy], linewidth=1, alpha=0.7)
        for policy, (cost, accuracy) in _marks(row).items():
            axes.scatter([cost], [accuracy], color=COLOURS[policy], label=policy, s=22, zorder=3)
        axes.set_title(f"{name} ({row['prompts']:,} prompts)", fontsize=9)
        axes.set_xlabel("USD per 1,000 prompts", fontsize=8)
        axes.set_ylabel("mean score", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.grid(visible=True, alpha=0.25)
        axes.legend(fontsize=6, loc="lower right")
    try:
        figure.savefig(path, dpi=120)
    except OSError as error:
        raise InvalidRequest(
            f"`{path}` cannot be written: {error.strerror}", hint="name a file in a folder that exists"
        ) from None


def _marks(row: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    return {
        policy: (value["costUsdPer1k"], value["accuracy"])
        for policy, value in row["policies"].items()
        if value["costUsdPer1k"] is not None
    }
