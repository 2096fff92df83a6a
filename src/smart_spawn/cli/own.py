"""`private-models` and `benchmarks`: what the owner adds to what sources publish."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import note, price, show_json, show_table
from smart_spawn.cli.shell import Shell, takes

private_models = typer.Typer(
    help="Models of your own: own endpoint, own price.", rich_markup_mode=None, no_args_is_help=True
)
benchmarks = typer.Typer(help="Results of your own evaluations.", rich_markup_mode=None, no_args_is_help=True)


@private_models.command("list")
@takes()
def list_models(shell: Shell) -> None:
    """List the private models."""
    from smart_spawn.surface.own import private_models_json  # noqa: PLC0415

    with shell.app() as app:
        answer = private_models_json(app)
    if shell.json:
        return show_json(answer)
    return show_table(
        {"id": "left", "provider": "left", "input": "right", "output": "right", "context": "right"},
        [
            (
                m["id"],
                m["provider"],
                price(m["pricing"]["prompt"]),
                price(m["pricing"]["completion"]),
                m["contextLength"],
            )
            for m in answer["data"]
        ],
    )


@private_models.command()
@takes()
def show(shell: Shell, model: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show one private model."""
    from smart_spawn.surface.own import private_model_json  # noqa: PLC0415

    with shell.app() as app:
        show_json(private_model_json(app, model))


@private_models.command()
@takes()
def add(
    shell: Shell,
    model: Annotated[str, typer.Argument(metavar="ID", help="For example `own/my-model`.")],
    provider: Annotated[str, typer.Option(metavar="NAME", help="The provider of the settings that runs it.")],
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    prompt_price: Annotated[float | None, typer.Option(help="USD per million input tokens.")] = None,
    completion_price: Annotated[float | None, typer.Option(help="USD per million output tokens.")] = None,
    context: Annotated[int | None, typer.Option(help="Tokens that it takes.")] = None,
    max_output: Annotated[int | None, typer.Option(help="Tokens that it writes at most.")] = None,
    can: Annotated[
        list[str] | None,
        typer.Option(metavar="WHAT", help="vision, functionCalling, json or reasoning. Repeatable."),
    ] = None,
    hugging_face_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The file that it runs; finds published results.")
    ] = None,
    region: Annotated[str | None, typer.Option(help="Where prompts are processed, e.g. `eu`.")] = None,
    trains: Annotated[bool | None, typer.Option("--trains/--no-trains", help="On prompts.")] = None,
    retains: Annotated[bool | None, typer.Option("--retains/--no-retains", help="Prompts.")] = None,
) -> None:
    """Add or replace a private model. It takes part in choices at once."""
    from smart_spawn.surface.own import put_private_model  # noqa: PLC0415

    values = {
        "provider": provider,
        "name": name,
        "pricing": {"prompt": prompt_price, "completion": completion_price},
        "contextLength": context,
        "maxOutputTokens": max_output,
        "capabilities": dict.fromkeys(can or [], True),
        "huggingFaceId": hugging_face_id,
        "dataPolicy": {"region": region, "trainsOnPrompts": trains, "retainsPrompts": retains},
    }
    with shell.app() as app:
        answer = put_private_model(app, model, values)
    if shell.json:
        return show_json(answer)
    return _said(f"{'added' if answer['meta']['added'] else 'replaced'} {model}", answer["meta"])


@private_models.command()
@takes()
def remove(shell: Shell, model: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Remove a private model. Results of it stay, and count again when it comes back."""
    from smart_spawn.surface.own import remove_private_model  # noqa: PLC0415

    with shell.app() as app:
        answer = remove_private_model(app, model)
    return show_json(answer) if shell.json else _said(f"removed {model}", answer["data"])


@benchmarks.command("list")
@takes()
def list_boards(shell: Shell) -> None:
    """List the boards with own results, and whether each counts."""
    from smart_spawn.surface.own import boards_json  # noqa: PLC0415

    with shell.app() as app:
        answer = boards_json(app)
    return show_json(answer) if shell.json else _show_boards(answer["data"])


@benchmarks.command("import")
@takes()
def import_(
    shell: Shell,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV, JSON, or what lm-eval or inspect-ai wrote.")
    ],
    benchmark: Annotated[
        str | None, typer.Option(metavar="NAME", help="The board; a public one by its own name.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="percent, fraction, elo, index, points, tokens, tokens_per_s, s or usd."),
    ] = None,
    edition: Annotated[str | None, typer.Option(help="Release of the board.")] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=WEIGHT", help="How much it says about a category: `coding=2`. Repeatable."
        ),
    ] = None,
    lower_is_better: Annotated[
        bool, typer.Option("--lower-is-better", help="As of times and costs.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(metavar="ID", help="The model, whatever the file calls it.")
    ] = None,
    task: Annotated[str | None, typer.Option(metavar="NAME", help="The one task that counts.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, store nothing.")] = False,
) -> None:
    """Import results, all rows or none. They count in choices at once."""
    from smart_spawn.manage.own_results import Options  # noqa: PLC0415
    from smart_spawn.manage.result_files import read_bytes, read_rows  # noqa: PLC0415
    from smart_spawn.surface.own import import_rows  # noqa: PLC0415

    options = Options(
        benchmark=benchmark,
        unit=unit,
        edition=edition,
        higher_is_better=False if lower_is_better else None,
        categories=_weights(category or []),
    )
    rows = read_rows(read_bytes(file), model=model, task=task)
    with shell.app() as app:
        answer = import_rows(app, rows, options, dry_run=dry_run)
    if shell.json:
        return show_json(answer)
    body = answer["data"]
    _show_boards(body["boards"])
    for line in body["notes"]:
        note(line)
    return _said(
        f"{body['accepted']} results {'are good' if dry_run else 'imported'}", body, asked=not dry_run
    )


@benchmarks.command("remove")
@takes()
def remove_board(shell: Shell, benchmark: Annotated[str, typer.Argument(metavar="NAME")]) -> None:
    """Remove all own results of a board."""
    from smart_spawn.surface import own  # noqa: PLC0415

    with shell.app() as app:
        answer = own.remove_board(app, benchmark)
    return show_json(answer) if shell.json else _said(f"removed {benchmark}", answer["data"])


def _weights(given: list[str]) -> dict[Any, float]:
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.model import Category  # noqa: PLC0415

    found: dict[Any, float] = {}
    for text in given:
        name, _, weight = text.partition("=")
        try:
            found[Category(name.strip())] = value = float(weight or 1)
        except ValueError:
            valid = ", ".join(map(str, Category))
            raise InvalidRequest(
                f"`{text[:80]}` is no category with a weight", hint=f"for example `coding=2`; one of: {valid}"
            ) from None
        if not 0 <= value <= 100:
            raise InvalidRequest(
                f"the weight in `{text[:80]}` is not between 0 and 100", hint="2 is a usual one"
            )
    return found


def _show_boards(boards: list[dict[str, Any]]) -> None:
    show_table(
        {"board": "left", "edition": "left", "unit": "left", "models": "right", "counts": "left", "": "left"},
        [
            (b["benchmark"], b["edition"], b["unit"], b["models"], "yes" if b["counts"] else "no", b["note"])
            for b in boards
        ],
    )


def _said(what: str, done: dict[str, Any], *, asked: bool = True) -> None:
    note(f"{what}; serving catalogue {done['version']}")
    if asked and not done["applied"]:
        note(done.get("note", "a refresh is running: the change counts in the catalogue after it"))
