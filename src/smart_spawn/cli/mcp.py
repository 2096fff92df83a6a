"""`mcp`: the tools, for a client on standard input and output."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from smart_spawn.cli.screen import note
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn


@takes()
def mcp(shell: Shell) -> None:
    """Offer Smart Spawn's tools to an MCP client, until it closes standard input.

    Standard output carries the protocol alone. Runs are carried out by the workers that share the database, as those
    of a running service do, or else in this process; what has not ended then goes back to the queue.
    """
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.mcp.stdio import speak  # noqa: PLC0415  # a second of imports
    from smart_spawn.worker import log_to_stderr  # noqa: PLC0415

    if sys.stdin is None:
        raise InvalidRequest(
            "standard input is closed, so no client can speak",
            hint="an MCP client starts this command itself: docs/guides/mcp.md shows its settings",
        )
    if sys.stdin.isatty():
        note("waiting for an MCP client on standard input; Ctrl-C stops it")
    log_to_stderr()
    asyncio.run(speak(_app(shell)))


def _app(shell: Shell) -> SmartSpawn:
    app = shell.app(carries_out=False)
    with app:
        return app if app.workers_alive() else shell.app()
