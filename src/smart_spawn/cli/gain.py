"""`gain`: what similar tasks on record say of models, for live choices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smart_spawn.cli.screen import note, show_json, show_table
from smart_spawn.cli.shell import Shell, takes

commands = typer.Typer(
    help="What similar tasks on record say of models.", rich_markup_mode=None, no_args_is_help=True
)


@commands.callback()
def _group() -> None:
    """Keep `fit` a command of its own: a group with a single command would become it."""


@commands.command()
@takes()
def fit(
    shell: Shell,
    outcomes: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder of recorded outcomes, or of such folders.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write what was learned.")],
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this data set: a folder, or FOLDER/PART.")
    ] = None,
) -> None:
    """Learn from recorded outcomes which model is worth more on which tasks, and write a file for live choices.

    `routing.learned_gain` in the settings puts it to use. Models that it does not help where prompts are left out
    stay out of it; where it helps none, nothing is written. It holds hashed words, and no text.
    """
    from smart_spawn.app import SmartSpawn  # noqa: PLC0415  # as below
    from smart_spawn.cli.files import write_bytes  # noqa: PLC0415  # `--help` stays quick
    from smart_spawn.evals.learning import learn_from  # noqa: PLC0415  # loads numpy

    learnt = learn_from(outcomes, dataset)
    settings = shell.settings({"routing.learned_gain": None})  # this writes the file that they may name
    with SmartSpawn(settings, carries_out=False) as app:
        known = app.catalog.rows_of
    content = learnt.gain.content()
    write_bytes(to, content)
    rows = [
        {
            "model": model,
            "helped": round(share, 4),
            "used": model in learnt.gain.helped,
            "inCatalog": model in known,
        }
        for model, share in sorted(learnt.helped.items(), key=lambda one: (-one[1], one[0]))
    ]
    if shell.json:
        said = {
            "file": str(to),
            "version": learnt.gain.version,
            "bytes": len(content),
            "dataset": learnt.data.name,
            "prompts": learnt.gain.prompts,
            "models": rows,
            "notes": list(learnt.data.notes),
        }
        return show_json({"data": said})
    show_table(
        {"model": "left", "foretold": "right", "": "left"},
        [(row["model"], f"{row['helped']:+.1%}", _standing(row)) for row in rows],
    )
    for text in learnt.data.notes:
        note(text)
    return note(
        f"version {learnt.gain.version}, of {learnt.gain.prompts:,} prompts, {len(content):,} bytes: "
        f'`routing.learned_gain = "{to}"` puts it to use'
    )


def _standing(row: dict[str, object]) -> str:
    if not row["used"]:
        return "left out: did not help beyond chance"
    return "used" if row["inCatalog"] else "used once the catalogue holds it"
