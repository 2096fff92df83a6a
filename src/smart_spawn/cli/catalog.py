"""`catalog`: what is known, where it came from, and what could not be used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.catalog.snapshot import Catalog

commands = typer.Typer(
    help="What is known about models, and where it came from.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@commands.command()
@takes()
def show(shell: Shell) -> None:
    """Show the catalogue in use, its sources and their dates."""
    with shell.app() as app:
        answer = _catalog_json(app.catalog)
    if shell.json:
        return show_json(answer)
    body = answer["data"]
    show_text(f"catalogue {body['version']}, data of {body['asOf']}", "bold")
    show_text(f"{body['models']} models, {body['readings']} readings of {body['benchmarks']} benchmarks\n")
    show_table(
        {"source": "left", "published": "left", "fetched": "left", "rows": "right", "matched": "right"},
        [
            (s["source"], s["publishedAt"], (s["fetchedAt"] or "")[:10] or None, s["count"], s["matched"])
            for s in body["sources"]
        ],
    )
    for source, credit in body["attribution"].items():
        show_text(f"\n{source}: {credit}", "dim")
    return None


@commands.command()
@takes()
def export(
    shell: Shell,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it; `-` is standard output.")],
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="Also private models and readings that may not be passed on. Keep it to yourself.",
        ),
    ] = False,
    payloads: Annotated[
        bool,
        typer.Option(
            "--payloads",
            help="An archive with every document, from which another machine rebuilds the same version. "
            "It holds what may not be passed on.",
        ),
    ] = False,
    documents: Annotated[
        Path | None,
        typer.Option(
            "--documents",
            metavar="LIST",
            help="Build it from the dated documents that this TOML file lists, instead of the catalogue in use. "
            "So the catalogue inside the package is made: `scripts/packaged_catalog.toml`.",
        ),
    ] = None,
    root: Annotated[
        Path, typer.Option("--root", metavar="FOLDER", help="Where the listed documents lie.")
    ] = Path(),
) -> None:
    """Write the catalogue as one compressed file of facts.

    It holds what may be passed on: no private models, nothing of Artificial Analysis.
    """
    from smart_spawn.catalog.packaged import export as exported  # noqa: PLC0415
    from smart_spawn.catalog.packaged import redistributable  # noqa: PLC0415

    if documents is not None:
        from smart_spawn.refresh import from_archive  # noqa: PLC0415

        built = from_archive(documents, root, shell.settings())
        version, body = built.version, exported(redistributable(built.facts))
    else:
        with shell.app() as app:
            version, facts = app.catalog.version, app.catalog.facts
            if payloads:
                from smart_spawn.surface.versions import archive  # noqa: PLC0415

                body = archive(app)[1]
            else:
                body = exported(facts if everything else redistributable(facts))
    if file == "-":
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return
    _write_whole(Path(file), body)
    summary = {"file": file, "bytes": len(body), "exportedFrom": version}
    return (
        show_json(summary)
        if shell.json
        else note(f"wrote {len(body):,} bytes to {file}, from catalogue {version}")
    )


@commands.command()
@takes()
def unmatched(
    shell: Shell,
    source: Annotated[str | None, typer.Option(metavar="NAME", help="Only names of this source.")] = None,
) -> None:
    """List published names that lead to no model, and why."""
    from smart_spawn.refresh import check_names  # noqa: PLC0415
    from smart_spawn.surface.status import unmatched_json  # noqa: PLC0415

    if source is not None:
        check_names([source])
    with shell.app() as app:
        answer = unmatched_json(app.catalog, source)
    if shell.json:
        return show_json(answer)
    return show_table(
        {"source": "left", "published as": "left", "reason": "left", "nearest": "left"},
        [
            (row["source"], row["publishedName"], row["reason"], ", ".join(row["nearest"]) or None)
            for row in answer["data"]
        ],
    )


def _catalog_json(catalog: Catalog) -> dict[str, Any]:
    facts = catalog.facts
    return {
        "data": {
            "version": catalog.version,
            "asOf": facts.as_of.isoformat(),
            "models": len(catalog),
            "readings": len(facts.readings),
            "benchmarks": len(catalog.boards),
            "sources": [
                {
                    "source": s.source,
                    "publishedAt": s.published_on.isoformat() if s.published_on else None,
                    "fetchedAt": s.fetched_at.isoformat(timespec="seconds") if s.fetched_at else None,
                    "count": s.count,
                    "matched": s.matched,
                    "unmatched": s.unmatched,
                    "notes": list(s.notes),
                }
                for s in facts.sources
            ],
            "attribution": dict(facts.attribution),
        }
    }


def _write_whole(path: Path, body: bytes) -> None:
    """Write a file so that it is either the old one or the new one, whatever happens. Raises InvalidRequest."""
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_bytes(body)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True) if beside.parent.is_dir() else None
        raise InvalidRequest(
            f"`{path}` cannot be written: {error.strerror or type(error).__name__}",
            hint="name a file in a folder that exists and can be written",
        ) from None
