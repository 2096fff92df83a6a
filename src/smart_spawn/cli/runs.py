"""`runs`: what is being done, what was done, and stopping it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_spawn.cli.screen import ago, note, show_json, show_raw, show_table
from smart_spawn.cli.shell import Shell, takes
from smart_spawn.cli.watching import watched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smart_spawn.app import SmartSpawn

STATUSES = ("queued", "running", "succeeded", "failed", "cancelled", "budget_exceeded", "timed_out")
LONGEST_LIST = 1_000

commands = typer.Typer(
    name="runs", help="List, show, watch and cancel runs.", rich_markup_mode=None, no_args_is_help=True
)
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run; `runs list` shows them.")]


@commands.command(name="list")
@takes()
def list_runs(
    shell: Shell,
    status: Annotated[
        str | None,
        typer.Option(help=f"Only these: {', '.join(STATUSES)}.", autocompletion=lambda: list(STATUSES)),
    ] = None,
    limit: Annotated[int, typer.Option(metavar="N", help=f"At most so many, 1 to {LONGEST_LIST}.")] = 20,
    before: Annotated[str | None, typer.Option(metavar="RUN", help="Only those older than this one.")] = None,
) -> None:
    """List runs, newest first."""
    from smart_spawn.surface.runs import runs_json  # noqa: PLC0415

    wanted: Any = _known(status)
    most = _within(limit)

    async def ask(app: SmartSpawn) -> dict[str, Any]:
        return runs_json(await app.runs.list(status=wanted, limit=most, before=before), limit=most)

    answer = _ask(shell, ask)
    if shell.json:
        return show_json(answer)
    rows = answer["data"]
    if not rows:
        return note("there are no such runs; `smart-spawn spawn TASK` starts one")
    return show_table(
        {"run": "left", "mode": "left", "status": "left", "started": "left", "took": "right"},
        [(r["id"], r["mode"], r["status"], ago(r["createdAt"], time.time()), _took(r)) for r in rows],
    )


@commands.command()
@takes()
def show(shell: Shell, run: RunId) -> None:
    """Show how a run stands: its nodes, its money, and its answer once it has ended."""
    answer = _ask(shell, lambda app: _view(app, run))
    return show_json(answer) if shell.json else _show(answer)


@commands.command()
@takes()
def watch(shell: Shell, run: RunId) -> None:
    """Watch a run until it ends: nodes with their states, cost and progress; with `--json` one event a line.

    The exit code says how it ended, as `spawn` does. Ctrl-C stops watching, not the run.
    """
    answer = _ask(shell, lambda app: watched(app, run, as_json=shell.json))
    if not shell.json:
        _show(answer)
    if answer["status"] != "succeeded":
        raise typer.Exit(1)


@commands.command()
@takes()
def cancel(shell: Shell, run: RunId) -> None:
    """Stop a run, and the runs that it started. What was paid stays on its bill."""

    async def ask(app: SmartSpawn) -> dict[str, Any]:
        await app.runs.cancel(run)
        return await _view(app, run)

    answer = _ask(shell, ask)
    if shell.json:
        return show_json(answer)
    return note(f"run {run} is being cancelled" if answer["endedAt"] is None else f"run {run} is cancelled")


def _ask(shell: Shell, question: Callable[[SmartSpawn], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Put a question to the runs of the store, without carrying any out."""

    async def asked() -> dict[str, Any]:
        async with shell.app(carries_out=False) as app:
            return await question(app)

    return asyncio.run(asked())


async def _view(app: SmartSpawn, run_id: str) -> dict[str, Any]:
    from smart_spawn.surface.runs import run_json  # noqa: PLC0415

    return run_json(await app.view(run_id), app.policy)


def _show(answer: dict[str, Any]) -> None:
    money, progress = answer["cost"], answer["progress"]
    note(
        f"{answer['mode']} run {answer['id']}: {answer['status']}, {progress['done']} of {progress['total']} done, "
        f"{_dollars(money['spentUsd'])} of at most {_dollars(money['capUsd'])}"
        + (f", {_dollars(money['inDoubtUsd'])} in doubt" if money["inDoubtUsd"] else "")
    )
    show_table(
        {"step": "left", "state": "left", "after": "left", "model": "left", "tries": "right", "USD": "right"},
        [
            (
                node["id"],
                node["state"],
                ", ".join(node["dependsOn"]) or None,
                node["model"],
                node["tries"],
                _dollars(node["costUsd"]) if node["costUsd"] is not None else None,
            )
            for node in answer["nodes"]
        ],
    )
    if "error" in answer:
        note(f"error: {answer['error']['message']}\nhint: {answer['error']['hint']}")
    if answer.get("output"):
        show_raw(f"\n{answer['output']}")


def _dollars(value: float | None) -> str:
    return "no cap" if value is None else f"{value:.6f}"


def _took(row: dict[str, Any]) -> str | None:
    from datetime import datetime  # noqa: PLC0415

    if row["startedAt"] is None or row["endedAt"] is None:
        return None
    began, ended = datetime.fromisoformat(row["startedAt"]), datetime.fromisoformat(row["endedAt"])
    return f"{(ended - began).total_seconds():.1f} s"


def _known(status: str | None) -> str | None:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    if status is not None and status not in STATUSES:
        raise InvalidRequest(f"`{status}` is not a status", hint=f"one of: {', '.join(STATUSES)}")
    return status


def _within(limit: int) -> int:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    if not 1 <= limit <= LONGEST_LIST:
        raise InvalidRequest(f"`limit` is {limit}", hint=f"use 1 to {LONGEST_LIST}")
    return limit
