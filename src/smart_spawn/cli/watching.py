"""A run under way on the terminal: its graph with live states, cost and a progress bar; plain lines in a pipe."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from smart_spawn.cli.screen import note, printable, show_raw

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smart_spawn.app import SmartSpawn
    from smart_spawn.runs.engine import Event

MARKS = {
    "pending": ("○", "dim"),
    "running": ("◐", "yellow"),
    "succeeded": ("●", "green"),
    "failed": ("✗", "red"),
    "skipped": ("–", "dim"),
    "cancelled": ("–", "dim"),
}
SHOWN_NODES = 40
"""More would push the bar off the screen; the rest is counted."""
SHOWN_CHARS = 100
"""Of an error."""


async def watched(app: SmartSpawn, run_id: str, *, as_json: bool) -> dict[str, Any]:
    """Show a run until it ends and return it as `/runs/{id}` does. Raises NotFound."""
    from smart_spawn.surface.runs import event_json, run_json  # noqa: PLC0415

    screen = _Screen() if sys.stderr.isatty() and not as_json else None
    with screen or nullcontext():
        async for event in app.runs.events(run_id):
            if as_json and event is not None:
                show_raw(json.dumps(event_json(event)))
            elif screen is not None:
                screen.draw(run_json(await app.view(run_id), app.policy))
            elif event is not None:
                tell(event)
    return run_json(await app.view(run_id), app.policy)


def tell(event: Event) -> None:
    """Say on standard error, in a line, what happened, where that tells people something."""
    data = event.data
    if event.name == "step.ended" and data.get("error"):
        note(f"{data['step']}: {data['error']}")
    elif event.name == "step.started" and data.get("model"):
        note(f"{data['step']}: asking {data['model']}")
    elif event.name == "node.ended" and data["why"]:
        note(f"{data['step']} {data['state']}: {data['why']}")
    elif event.name == "plan":
        note(f"plan: {len(data['dependsOn'])} steps in {len(data['waves'])} waves")
    elif event.name in ("run.resumed", "run.interrupted"):
        note(f"the run was {event.name.removeprefix('run.')}")


class _Screen:
    """What is drawn again and again, on standard error: data stays apart from it."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415  # 100 ms, for terminals only
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(console=Console(stderr=True), refresh_per_second=8, transient=True)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def draw(self, run: dict[str, Any]) -> None:
        """Show the run as it stands."""
        self._live.update(_drawing(run))


def _drawing(run: dict[str, Any]) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415
    from rich.progress_bar import ProgressBar  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    progress, money = run["progress"], run["cost"]
    lines = []
    for node in run["nodes"][:SHOWN_NODES]:
        mark, style = MARKS[node["state"]]
        line = Text("  " * node["wave"]).append(f"{mark} ", style=style).append(printable(node["id"]))
        if node["dependsOn"]:
            line.append(f" ← {printable(', '.join(node['dependsOn']))}", style="dim")
        if node["model"]:
            line.append(f"  {printable(node['model'])}", style="cyan")
        if node["costUsd"] is not None:
            line.append(f"  {node['costUsd']:.6f} USD", style="dim")
        if node.get("error"):
            line.append(f"  {printable(node['error'])[:SHOWN_CHARS]}", style=style)
        lines.append(line)
    left = len(run["nodes"]) - SHOWN_NODES
    if left > 0:
        lines.append(Text(f"… and {left:,} more", style="dim"))
    cap = "" if money["capUsd"] is None else f" of at most {money['capUsd']:.2f}"
    state = f"{run['status']}  {progress['done']}/{progress['total']}  {money['spentUsd']:.6f} USD{cap}"
    foot = Table.grid(padding=(0, 1))
    foot.add_row(ProgressBar(total=100, completed=progress["percent"], width=40), Text(state))
    return Group(*lines, foot)
