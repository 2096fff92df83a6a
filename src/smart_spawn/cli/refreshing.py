"""`refresh`: ask the sources and build the next catalogue."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_spawn.cli.fields import Words, words
from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.refresh import RefreshReport


def _sources() -> list[str]:
    from smart_spawn.sources import ADAPTERS  # noqa: PLC0415  # for completion only

    return list(ADAPTERS)


@takes()
def refresh(
    shell: Shell,
    source: Annotated[
        Words,
        typer.Option(metavar="NAME", help="Ask only this source. Repeatable.", autocompletion=_sources),
    ] = None,
    if_due: Annotated[bool, typer.Option("--if-due", help="Ask only sources whose time has come.")] = False,
) -> None:
    """Ask the sources for new data and build a catalogue.

    What has not changed is not sent again. When a source could not be read its last good data stays in use, and the
    exit code is 4.
    """
    from smart_spawn.refresh import report_json  # noqa: PLC0415
    from smart_spawn.surface.failures import EXIT_UNREACHABLE  # noqa: PLC0415

    report = asyncio.run(_refresh(shell.app(), words(source) or [], if_due=if_due))
    answer = report_json(report)
    if shell.json:
        show_json(answer)
    else:
        _show(answer)
    for name, row in answer["sources"].items():
        if "error" in row:
            note(f"error: {name}: {row['error']}" + (f"\nhint: {row['hint']}" if row["hint"] else ""))
    if report.failed:
        note("the last good data of these sources stays in use; `smart-spawn status` shows how old it is")
        raise typer.Exit(EXIT_UNREACHABLE)


async def _refresh(app: SmartSpawn, sources: list[str], *, if_due: bool) -> RefreshReport:
    async with app:
        return await app.refresh(sources, if_due=if_due, progress=lambda name, what: note(f"{name}: {what}"))


def _show(answer: dict[str, Any]) -> None:
    show_table(
        {
            "source": "left",
            "status": "left",
            "rows": "right",
            "matched": "right",
            "unmatched": "right",
            "requests": "right",
            "seconds": "right",
        },
        [
            (
                name,
                row["status"].replace("_", " "),
                row["count"],
                row["matched"],
                row["unmatched"],
                row["requests"],
                f"{row['tookS']:.1f}",
            )
            for name, row in answer["sources"].items()
        ],
    )
    changed = "new catalogue" if answer["changed"] else "nothing changed: catalogue"
    show_text(f"\n{changed} {answer['version']}, {answer['tookS']:.1f} s", "green")
