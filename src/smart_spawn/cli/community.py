"""`community`: what others report, and signed files between installations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

commands = typer.Typer(
    help="What others report, and what installations tell each other.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
LARGEST_FILE = 10_000_000
File = Annotated[Path, typer.Argument(metavar="FILE", help="A signed file of posteriors, JSON.")]


@commands.command()
@takes()
def scores(
    shell: Shell,
    category: Annotated[str | None, typer.Option(help="Only of this category.")] = None,
    min_ratings: Annotated[int, typer.Option(metavar="N", min=1, help="Only with so many ratings.")] = 1,
) -> None:
    """Show what others reported."""
    from smart_spawn.surface.community import community_scores_json  # noqa: PLC0415  # `--help` stays quick

    with shell.app(carries_out=False) as app:
        answer = community_scores_json(app, category, min_ratings)
    if shell.json:
        return show_json(answer)
    return show_table(
        {"model": "left", "category": "left", "mean": "right", "ratings": "right", "from": "right"},
        [
            (r["model"], r["category"], r["avgRating"], r["totalRatings"], r["contributors"])
            for r in answer["data"]
        ],
    )


@commands.command()
@takes()
def key(shell: Shell) -> None:
    """Show the public key of this installation: whoever trusts it can take in what it publishes."""
    with shell.app(carries_out=False) as app:
        public = app.community.public_key
    return show_json({"data": {"publicKey": public}}) if shell.json else show_text(public)


@commands.command()
@takes()
def publish(shell: Shell, file: File) -> None:
    """Write what this installation has learned, signed: means and counts, no votes and no voters."""
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.surface.community import published_json  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        document = published_json(app)
    try:
        file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(
            f"`{file}` cannot be written: {error.strerror}", hint="name a file that can be"
        ) from None
    count = len(document["posteriors"])
    if shell.json:
        return show_json(
            {"data": {"posteriors": count, "publicKey": document["publicKey"], "file": str(file)}}
        )
    return note(f"{count} beliefs, signed by {document['publicKey']}")


@commands.command("import")
@takes()
def import_posteriors(
    shell: Shell,
    file: File,
    trust: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="A public key to trust beside the settings'.")
    ] = None,
) -> None:
    """Take in what a trusted installation published, in place of what it published before."""
    from smart_spawn.surface.community import accepted_json  # noqa: PLC0415  # as above

    with shell.app(carries_out=False) as app:
        answer = accepted_json(app, _read(file), [word.lower() for word in trust or ()])
    if shell.json:
        return show_json(answer)
    told = answer["data"]
    note(f"{told['posteriors']} beliefs of {told['publisher']}")
    if not told["counts"]:
        note("they count once `community.enabled` is true in the settings")
    return None


def _read(file: Path) -> dict[str, Any]:
    from smart_spawn.errors import InvalidRequest, TooLarge  # noqa: PLC0415

    try:
        if file.stat().st_size > LARGEST_FILE:
            raise TooLarge(
                f"`{file}` is larger than {LARGEST_FILE:,} bytes", hint="no such file is that large"
            )
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise InvalidRequest(
            f"`{file}` cannot be read: {error.strerror}", hint="name a file that can be"
        ) from None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest(f"`{file}` is not a JSON object", hint="`community publish` writes such files")
    return value
