"""The reference page of the command line, written from the commands themselves.

python -m smart_spawn.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from smart_spawn.cli.program import program

HEAD = """# Reference: the command line

`smart-spawn COMMAND`, also `python -m smart_spawn COMMAND`. Written by `python -m smart_spawn.cli.reference`; a test
compares it with the commands.

Data goes to standard output, everything else to standard error. Every command takes `--json` (one JSON document, in
the shape of the HTTP API, errors included), `--config FILE` (instead of `smart-spawn.toml` here or in
`~/.smart-spawn`) and `--debug` (the trace-back of a failure). Tables and colours are for terminals: a pipe gets plain
lines, and `NO_COLOR` is honoured. No command needs the service to run, except `health`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong use: a word, a value or a setting that makes no sense |
| 3 | nothing satisfies the request, at this budget or at any |
| 4 | a source or provider could not be reached |
| 130 | interrupted by Ctrl-C |

A failure is one line with the cause and, where there is one, a line with the way out:

    error: no model fits the budget `low`: `budget` removed 114, `vision` removed 203
    hint: the cheapest budget that has one is `medium`

`smart-spawn --install-completion` teaches your shell the commands, budgets and categories.
"""
SHARED = ("json", "config", "debug")


def page() -> str:
    """Return the page as Markdown."""
    return (
        "\n".join(
            [HEAD, *(line for name, command in commands() for line in _section(name, command))]
        ).rstrip()
        + "\n"
    )


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name, groups opened up."""
    for name, command in get_command(program).commands.items():  # type: ignore[attr-defined]  # it is a group
        if hasattr(command, "commands"):
            for inner_name, inner in command.commands.items():
                yield f"{name} {inner_name}", inner
        else:
            yield name, command


def _section(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name not in SHARED]
    words = "".join(f" {argument.metavar or argument.name.upper()}" for argument in arguments)
    yield f"\n## `smart-spawn {name}{words}`\n"
    yield inspect.cleandoc(command.help or "")
    if arguments or options:
        yield "\n| | |\n|---|---|"
    for argument in arguments:
        yield f"| `{argument.metavar}` | {argument.help} |"
    for option in options:
        value = "" if option.is_flag else f" {option.metavar or option.name.upper()}"
        yield f"| `{', '.join(option.opts)}{value}` | {option.help} |"


if __name__ == "__main__":
    sys.stdout.write(page())
