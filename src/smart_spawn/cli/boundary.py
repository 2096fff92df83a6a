"""Where every failure ends: one line with the cause, one with the way out, and the right exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, TextIO

EXIT_INTERRUPTED = 130
"""What shells expect of a process that Ctrl-C ended: 128 and the number of the signal."""


def run() -> NoReturn:
    """Carry out the command line of this process. Never returns, never shows a trace-back unless `--debug` asks."""
    arguments = sys.argv[1:]
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    try:
        code = carry_out(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        code = 0  # whoever read our output has seen enough: `smart-spawn models | head`
        _drop_output()
    if code == EXIT_INTERRUPTED:
        print("interrupted", file=sys.stderr)  # noqa: T201  # the one line that Ctrl-C leaves
    sys.exit(code)


def carry_out(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; failures are printed, not raised."""
    from typer import Exit, TyperException  # noqa: PLC0415

    from smart_spawn.cli.program import program  # noqa: PLC0415
    from smart_spawn.errors import SmartSpawnError  # noqa: PLC0415

    before_dashes = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json, debug = "--json" in before_dashes, "--debug" in before_dashes
    try:
        code = program(args=list(arguments), prog_name="smart-spawn", standalone_mode=False)
    except Exit as ended:
        return ended.exit_code
    except TyperException as error:
        return _report(_wrong_use(error), as_json=as_json)
    except SmartSpawnError as error:
        if debug:
            _trace()
        return _report(error, as_json=as_json)
    except BrokenPipeError:
        raise
    except Exception as error:  # the last line of defence; `--debug` shows what it was
        if debug:
            _trace()
        return _report(_unexpected(error), as_json=as_json)
    return code if isinstance(code, int) else 0


def _report(error: Exception, *, as_json: bool) -> int:
    from smart_spawn.cli.screen import show_error  # noqa: PLC0415
    from smart_spawn.errors import SmartSpawnError  # noqa: PLC0415
    from smart_spawn.surface.failures import exit_code  # noqa: PLC0415

    assert isinstance(error, SmartSpawnError)  # noqa: S101  # our own callers
    show_error(error, as_json=as_json)
    return exit_code(error)


def _wrong_use(error: Exception) -> Exception:
    """Say what is wrong with the words of the command line, and where the right ones are listed."""
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    said = " ".join(error.format_message().split()) if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "smart-spawn"
    return InvalidRequest(
        f"{said[:1].lower()}{said[1:]}".rstrip("."), hint=f"`{command} --help` lists what there is"
    )


def _unexpected(error: Exception) -> Exception:
    from smart_spawn.errors import SmartSpawnError  # noqa: PLC0415

    said = " ".join(str(error).split())[:200]
    return SmartSpawnError(
        f"unexpected {type(error).__name__}{': ' if said else ''}{said}; this is a fault of smart-spawn",
        hint="report it with what the same command prints with `--debug`",
    )


def _trace() -> None:
    import traceback  # noqa: PLC0415

    traceback.print_exc()


def _nowhere() -> TextIO:
    """Return a stream for output that the caller has closed, as `smart-spawn status >&-` does."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _drop_output() -> None:
    """Point standard output nowhere, so that closing it at exit does not fail a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
