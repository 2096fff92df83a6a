"""Every command by name. Importing this loads no settings, no catalogue, no database: `--help` stays quick."""

from __future__ import annotations

import typer

from smart_spawn.cli import (
    beliefs,
    check,
    choose,
    community,
    evaluating,
    gain,
    keys,
    lists,
    mcp,
    own,
    rating,
    refreshing,
    replaying,
    runs,
    server,
    spawning,
    versions,
    working,
)
from smart_spawn.cli.doctor import command as doctor

PURPOSE = "Reads a task, weighs real benchmark evidence, and chooses the best model within a budget."

program = typer.Typer(
    name="smart-spawn",
    help=PURPOSE,
    rich_markup_mode=None,  # plain help: it is quick to load and survives a pipe
    pretty_exceptions_enable=False,
)


@program.callback(invoke_without_command=True, help=PURPOSE)
def _without_command(context: typer.Context) -> None:
    """Show the help when no command is named."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


program.command()(server.serve)
program.command()(server.health)
program.command()(working.worker)
program.command()(choose.route)
program.command()(spawning.spawn)
program.command()(lists.models)
program.command()(lists.compare)
program.command()(choose.explain)
program.command()(replaying.replay)
program.command()(rating.rate)
program.add_typer(beliefs.commands, name="beliefs")
program.command()(beliefs.stats)
program.command()(beliefs.stages)
program.add_typer(community.commands, name="community")
program.command()(check.check)
program.command(name="eval")(evaluating.evaluate)
program.add_typer(gain.commands, name="gain")
program.command()(refreshing.refresh)
program.command()(lists.status)
program.add_typer(runs.commands, name="runs")
program.add_typer(versions.commands, name="catalog")
program.add_typer(own.private_models, name="private-models")
program.add_typer(keys.commands, name="keys")
program.add_typer(own.benchmarks, name="benchmarks")
program.command()(mcp.mcp)
program.command()(doctor.doctor)
program.command()(lists.version)
