"""`beliefs` and `stats`: what votes taught, the votes themselves, and what was done, spent and saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

commands = typer.Typer(
    help="What votes taught, and the votes themselves.", rich_markup_mode=None, no_args_is_help=True
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="One vote a line, as JSON.")]


@commands.command()
@takes()
def show(
    shell: Shell,
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Say how its beliefs follow from its votes.")
    ] = None,
) -> None:
    """Show what is believed: of every model with votes, or of one in every category."""
    from smart_spawn.surface.beliefs import belief_json, beliefs_json  # noqa: PLC0415  # `--help` stays quick

    with shell.app(carries_out=False) as app:
        answer = beliefs_json(app) if model is None else belief_json(app, model)
    if shell.json:
        return show_json(answer)
    if model is None:
        return _show_all(answer)
    for category, row in answer["data"]["categories"].items():
        show_text(f"{category:<11} {row['sentence']}")
    for row in answer["data"]["contexts"]:
        show_text(f"{row['category']:<11} {row['points']:+.1f} points in the context `{row['context']}`")
    return None


@commands.command("export")
@takes()
def export_votes(shell: Shell, file: File) -> None:
    """Write every vote ever given to a file."""
    from smart_spawn.surface.beliefs import exported  # noqa: PLC0415  # as above

    count = 0
    with shell.app(carries_out=False) as app, _opened(file, "w") as out:
        for vote in exported(app):
            out.write(json.dumps(vote, ensure_ascii=False) + "\n")
            count += 1
    return show_json({"data": {"votes": count, "file": str(file)}}) if shell.json else note(f"{count} votes")


@commands.command("import")
@takes()
def import_votes(shell: Shell, file: File) -> None:
    """Add the votes of a file, all or none; those that are here already are left out."""
    from smart_spawn.surface.beliefs import import_votes as store_votes  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        answer = store_votes(app, _lines(file))
    if shell.json:
        return show_json(answer)
    told = answer["data"]
    return note(f"{told['added']} votes added, {told['known']} known, {told['reversed']} reversed before")


@commands.command()
@takes()
def reverse(
    shell: Shell,
    voter: Annotated[str | None, typer.Option(metavar="KEY", help="The id of a key, or `local`.")] = None,
    day: Annotated[str | None, typer.Option(metavar="DAY", help="A day in UTC, such as 2026-08-08.")] = None,
) -> None:
    """Let the votes of one voter, or of one day, count no more. They stay stored, and it can be undone."""
    from smart_spawn.surface.beliefs import reverse_json  # noqa: PLC0415  # as above

    values = {key: value for key, value in {"voter": voter, "day": day}.items() if value is not None}
    with shell.app(carries_out=False) as app:
        answer = reverse_json(app, values)
    if shell.json:
        return show_json(answer)
    act = answer["data"]
    return note(f"{act['votes']} votes count no more; `smart-spawn beliefs undo {act['act']}` takes it back")


@commands.command()
@takes()
def undo(shell: Shell, act: Annotated[int, typer.Argument(metavar="ACT", min=1)]) -> None:
    """Let votes that were reversed count again; `beliefs acts` lists the numbers."""
    from smart_spawn.surface.beliefs import undo_json  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        answer = undo_json(app, {"act": act})
    return show_json(answer) if shell.json else note(f"{answer['data']['votes']} votes count again")


@commands.command()
@takes()
def acts(shell: Shell) -> None:
    """List what was reversed and undone."""
    from smart_spawn.surface.beliefs import acts_json  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        answer = acts_json(app)
    if shell.json:
        return show_json(answer)
    return show_table(
        {"act": "right", "what": "left", "at": "left", "votes": "right", "voter": "left", "since": "left"},
        [(a["act"], a["what"], a["at"][:19], a["votes"], a["voter"], a["since"]) for a in answer["data"]],
    )


@takes()
def stats(
    shell: Shell,
    days: Annotated[
        int, typer.Option(metavar="N", min=1, max=3650, help="Of so many days, today included.")
    ] = 30,
) -> None:
    """Show what was done, what it cost and saved, how often cascades escalated, and which models got worse."""
    from smart_spawn.surface.statistics import stats_json  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        answer = stats_json(app, days)
    return show_json(answer) if shell.json else _show_stats(answer["data"])


@takes()
def stages(shell: Shell) -> None:
    """Show how far routing has earned to be trusted: `routing.stage`, for callers who name their current model."""
    from smart_spawn.surface.stages import stages_json  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        answer = stages_json(app)
    if shell.json:
        return show_json(answer)
    if not answer["data"]:
        return note("nobody has named a `current` model yet: `smart-spawn route TASK --current MODEL`")
    return show_table(
        {
            "caller": "left",
            "stage": "left",
            "decisions": "right",
            "differing": "right",
            "wins": "right",
            "earned": "left",
        },
        [
            (
                row["caller"],
                row["stage"],
                row["decisions"],
                row["differing"],
                None if row["winRate"] is None else f"{row['winRate']:.2f}",
                row["earned"],
            )
            for row in answer["data"]
        ],
    )


def _show_all(answer: dict[str, Any]) -> None:
    if not answer["data"]:
        return note("nobody has voted yet; `smart-spawn rate DECISION 5` does")
    return show_table(
        {"model": "left", "votes": "right", "points": "right"},
        [(row["model"], row["votes"], f"{row['points']:+.1f}") for row in answer["data"]],
    )


def _show_stats(data: dict[str, Any]) -> None:
    saved, cascade, gate = data["saved"], data["cascade"], data["gate"]
    show_text(f"since {data['since']}: {data['totalSpawns']} spawns, {data['spend']['usd']:.4f} USD")
    if saved["compared"]:
        low, high = saved["interval95"] or (saved["usd"], saved["usd"])
        show_text(
            f"saved {saved['usd']:.4f} USD (95 %: {low:.4f} to {high:.4f}) of {saved['compared']} spawns, "
            f"against {saved['baseline']}"
        )
    if cascade["total"]:
        show_text(f"cascades: {cascade['total']}, of which {cascade['escalationRate']:.0%} escalated")
    if gate["judged"]:
        show_text(
            f"gate: of {gate['judged']} accepted answers that people judged, {gate['precision']:.0%} good"
        )
    for row in data["drift"]:
        show_text(f"{row['model']}: {row['sentence']}", "yellow")
    if data["topModels"]:
        show_text("")
        show_table(
            {"model": "left", "spawns": "right", "USD each": "right"},
            [(row["model"], row["count"], f"{row['avgCost']:.6f}") for row in data["topModels"]],
        )


def _opened(file: Path, mode: str) -> Any:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    try:
        return file.open(mode, encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"`{file}` cannot be opened: {error.strerror}", hint="name a file that can be"
        ) from None


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    with _opened(file, "r") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                vote = json.loads(line)
            except (ValueError, RecursionError):
                vote = None
            if not isinstance(vote, dict):
                raise InvalidRequest(
                    f"line {number} of `{file}` is not a JSON object",
                    hint="`beliefs export` writes such files",
                )
            yield vote
