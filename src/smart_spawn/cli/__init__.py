"""The command line: translate words to a request, call `app`, print what it answers."""

from __future__ import annotations


def main() -> None:
    """Run the command `smart-spawn` with the arguments of this process, and exit with its code."""
    from smart_spawn.cli.boundary import run  # noqa: PLC0415  # also an interrupted import ends in one line

    run()
