"""`keys`: who may use the service over HTTP."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

commands = typer.Typer(help="API keys: who may use the service.", rich_markup_mode=None, no_args_is_help=True)


@commands.command()
@takes()
def create(
    shell: Shell,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whom or what it is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPES", help="route, execute, admin; separated by commas. [default: route]"),
    ] = None,
    cap_usd: Annotated[
        float | None, typer.Option(min=0, help="What everything done with it may cost, in USD.")
    ] = None,
    monthly: Annotated[bool, typer.Option("--monthly", help="The cap counts afresh every month.")] = False,
) -> None:
    """Make a key. Its secret is printed once and cannot be shown again."""
    from smart_spawn.surface.keys import new_key_json  # noqa: PLC0415  # `--help` stays quick

    scopes = [part.strip() for given in scope or ["route"] for part in given.split(",") if part.strip()]
    with shell.app() as app:
        new = app.keys.create(
            name,
            scopes,
            cap_usd=None if cap_usd is None else Decimal(str(cap_usd)),
            cap_period="month" if monthly else "total",
        )
        answer = new_key_json(app, new)
    if shell.json:
        return show_json(answer)
    note(
        f"{answer['data']['id']} may {', '.join(answer['data']['scopes'])}; keep the secret, it is shown once"
    )
    return show_text(new.secret)


@commands.command("list")
@takes()
def list_keys(shell: Shell) -> None:
    """List the keys, with what was spent with each."""
    from smart_spawn.surface.keys import keys_json  # noqa: PLC0415  # as above

    with shell.app() as app:
        answer = keys_json(app)
    return show_json(answer) if shell.json else _show(answer["data"])


@commands.command()
@takes()
def show(shell: Shell, key: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show one key."""
    from smart_spawn.surface.keys import key_json  # noqa: PLC0415  # as above

    with shell.app() as app:
        row = key_json(app, app.keys.get(key))
    return show_json({"data": row}) if shell.json else _show([row])


@commands.command()
@takes()
def revoke(shell: Shell, key: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Let a key open nothing any more. Running services notice within 2 s."""
    from smart_spawn.surface.keys import key_json  # noqa: PLC0415  # as above

    with shell.app() as app:
        row = key_json(app, app.keys.revoke(key))
        left = len(app.keys.active)
    if shell.json:
        return show_json({"data": row})
    note(f"revoked {row['id']}")
    if not left:
        note("no key is left: on loopback everybody may ask again, on any other address nobody")
    return None


@commands.command()
@takes()
def credit(
    shell: Shell,
    key: Annotated[str, typer.Argument(metavar="ID")],
    usd: Annotated[float, typer.Argument(metavar="USD", help="How much less was billed than is counted.")],
) -> None:
    """Take an amount off what counts against a key's cap.

    A call that broke off counts with all it could have cost, since nobody knows its bill. Where the provider's own
    account shows less, this gives the rest back.
    """
    from smart_spawn.surface.keys import key_json  # noqa: PLC0415  # as above

    with shell.app() as app:
        row = key_json(app, app.keys.credit(key, Decimal(str(usd))))
    return show_json({"data": row}) if shell.json else _show([row])


def _show(rows: list[dict[str, Any]]) -> None:
    show_table(
        {
            "id": "left",
            "name": "left",
            "scopes": "left",
            "cap USD": "right",
            "spent USD": "right",
            "state": "left",
        },
        [
            (
                row["id"],
                row["name"],
                ",".join(row["scopes"]),
                None if row["capUsd"] is None else f"{row['capUsd']:g} ({row['capPeriod']})",
                f"{row['spentUsd']:g}",
                "revoked" if row["revokedAt"] else "active",
            )
            for row in rows
        ],
    )
