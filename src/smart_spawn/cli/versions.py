"""`catalog versions|diff|rollback|rebuild|import|prices`: the past of the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smart_spawn.cli.catalog import commands
from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

__all__ = ["commands"]

SHOWN = 20
"""Rows of each kind that a person is shown; `--json` has all."""


@commands.command()
@takes()
def versions(
    shell: Shell,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 20,
) -> None:
    """List the stored versions of the catalogue, newest first."""
    from smart_spawn.surface.versions import versions_json  # noqa: PLC0415

    with shell.app() as app:
        answer = versions_json(app, limit)
    if shell.json:
        return show_json(answer)
    served = answer["meta"]["served"]
    return show_table(
        {"version": "left", "built": "left", "documents": "right", "": "left"},
        [
            (
                row["version"],
                row["builtAt"].replace("T", " ")[:16],
                row["documents"] or None,
                " ".join(["served"] * (row["version"] == served) + ["pinned"] * row["pinned"]),
            )
            for row in answer["data"]
        ],
    )


@commands.command()
@takes()
def diff(
    shell: Shell,
    first: Annotated[
        str | None, typer.Argument(metavar="[FROM]", help="A version, or its first letters.")
    ] = None,
    second: Annotated[
        str | None, typer.Argument(metavar="[TO]", help="By default the one that is served.")
    ] = None,
    picks: Annotated[
        bool, typer.Option("--picks/--no-picks", help="Also compare the choices for 200 tasks at 4 budgets.")
    ] = True,
) -> None:
    """Tell which models, prices, scores and choices changed between two versions, and why."""
    from smart_spawn.surface.versions import diff_json  # noqa: PLC0415

    with shell.app() as app:
        answer = diff_json(app, first, second, picks=picks)
    if shell.json:
        return show_json(answer)
    return _show_diff(answer["data"])


def _show_diff(body: dict[str, Any]) -> None:
    show_text(f"from {body['from']} to {body['to']}", "bold")
    for word, ids in body["models"].items():
        if ids:
            more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            show_text(f"{word}: {', '.join(ids[:SHOWN])}{more}")
    if body["prices"]:
        show_text(f"\n{len(body['prices'])} prices changed, in USD per million tokens")
        show_table(
            {"model": "left", "rate": "left", "from": "right", "to": "right"},
            [(p["model"], p["rate"], p["from"], p["to"]) for p in body["prices"][:SHOWN]],
        )
    if body["scores"]:
        show_text(f"\n{body['scoreCount']} scores moved by more than half a point")
        show_table(
            {"model": "left", "category": "left", "from": "right", "to": "right", "because of": "left"},
            [
                (s["model"], s["category"], s["from"], s["to"], ", ".join(map(_board, s["boards"])))
                for s in body["scores"][:SHOWN]
            ],
        )
    if "picks" in body:
        show_text(f"\n{body['picks']['changed']} of {body['picks']['asked']} choices changed")
        for pick in body["picks"]["changes"][:SHOWN]:
            show_text(
                f"  {pick['budget']:6} {pick['from']} → {pick['to']}  {pick['task'][:60]}\n         {pick['why']}"
            )


def _board(move: dict[str, Any]) -> str:
    return f"{move['benchmark']} {move['points']:+.1f} ({move['cause']})"


@commands.command()
@takes()
def rollback(
    shell: Shell,
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="A version, or its first letters.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Serve the newest version again.")] = False,
) -> None:
    """Serve a stored version until `rollback --off`, whatever is refreshed meanwhile."""
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.surface.versions import rollback_json  # noqa: PLC0415

    if (version is None) != off:
        raise InvalidRequest(
            "name either a version or `--off`", hint="`smart-spawn catalog versions` lists them"
        )
    with shell.app() as app:
        answer = rollback_json(app, version)
    if shell.json:
        return show_json(answer)
    pinned = answer["data"]["pinned"]
    how = "until `smart-spawn catalog rollback --off`" if pinned else "the newest"
    return note(f"serving catalogue {answer['data']['served']}, {how}")


@commands.command()
@takes()
def rebuild(
    shell: Shell,
    at: Annotated[str, typer.Option("--at", metavar="VERSION", help="A version, or its first letters.")],
) -> None:
    """Build a stored version again from its documents and compare the hash. Exit code 1 when it differs."""
    from smart_spawn.surface.failures import EXIT_FAILED  # noqa: PLC0415
    from smart_spawn.surface.versions import rebuild_json  # noqa: PLC0415

    with shell.app() as app:
        answer = rebuild_json(app, at)
    body = answer["data"]
    if shell.json:
        show_json(answer)
    else:
        word = "the same" if body["same"] else f"another: {body['rebuilt']}"
        show_text(f"{body['version']} rebuilt from {body['documents']} documents is {word}")
    if not body["same"]:
        note("hint: another release scores otherwise; rebuild it with the one that built it")
        raise typer.Exit(EXIT_FAILED)


@commands.command("import")
@takes()
def import_(
    shell: Shell,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `catalog export` wrote, of either kind.")
    ],
) -> None:
    """Take in a catalogue from a file and serve it."""
    from smart_spawn.surface.versions import import_json  # noqa: PLC0415

    with shell.app() as app:
        answer = import_json(app, file)
    if shell.json:
        return show_json(answer)
    body = answer["data"]
    note(f"imported catalogue {body['version']}: {body['models']} models, {body['documents']} documents")
    if not body["served"]:
        note("another version is served: it is pinned, newer, or under other weights of the settings")
    return None


@commands.command()
@takes()
def prices(
    shell: Shell,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model id.")],
) -> None:
    """Show what a model has cost since it was first seen."""
    from smart_spawn.surface.versions import prices_json  # noqa: PLC0415

    with shell.app() as app:
        answer = prices_json(app, model)
    if shell.json:
        return show_json(answer)
    return show_table(
        {
            "since": "left",
            "input": "right",
            "output": "right",
            "cached input": "right",
            "exceptions": "right",
        },
        [
            (row["since"], row["prompt"], row["completion"], row["cachedInput"], row["overrides"] or None)
            for row in answer["data"]["prices"]
        ],
    )
