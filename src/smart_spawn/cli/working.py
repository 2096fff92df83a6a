"""`worker`: carry out runs in this process, beside or apart from the service."""

from __future__ import annotations

from typing import Annotated

import typer

from smart_spawn.cli.screen import note
from smart_spawn.cli.shell import Shell, takes


@takes()
def worker(
    shell: Shell,
    executor_id: Annotated[
        str | None,
        typer.Option("--id", metavar="NAME", help="A name that no other worker has; by default one is made."),
    ] = None,
) -> None:
    """Carry out queued runs until Ctrl-C.

    Any number may run, on every machine that reaches the database. One that dies is replaced by the others.
    """
    settings = shell.settings()
    from smart_spawn.worker import work  # noqa: PLC0415  # seconds of imports

    note("worker starts; Ctrl-C stops it and hands its runs over")
    work(settings, executor_id=executor_id)
