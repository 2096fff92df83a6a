"""What every command shares: `--json`, `--config`, `--debug`, and how to get at the settings and the app."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.settings import Settings

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """How one command was called."""

    json: bool
    config: Path | None
    debug: bool

    def settings(self, overrides: Mapping[str, Any] | None = None) -> Settings:
        """Read the settings. Raises SettingsError."""
        from smart_spawn.settings import load_settings  # noqa: PLC0415  # 200 ms that `--help` does not need

        return load_settings(self.config, overrides=overrides)

    def app(self, *, carries_out: bool = True) -> SmartSpawn:
        """Return the app under these settings, to be used as a context."""
        from smart_spawn.app import SmartSpawn  # noqa: PLC0415  # loads numpy, SQL and all sources

        return SmartSpawn(self.settings(), carries_out=carries_out)


def shared_options(
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, in the shape of the HTTP API.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings file, instead of smart-spawn.toml."),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the trace-back of a failure.")] = False,
) -> Shell:
    """Read the options that every command has."""
    return Shell(json=json, config=config, debug=debug)


def takes(**groups: Command) -> Callable[[Command], Command]:
    """Give a command the options of whole groups, each handed over as one value.

    A group is a function whose parameters are options and whose result is the value; the command has a parameter
    of the keyword's name. `shell` is always one of them.
    """
    groups = {**groups, "shell": shared_options}

    def wrap(command: Command) -> Command:
        own = inspect.signature(command, eval_str=True).parameters
        parts = {name: inspect.signature(group, eval_str=True).parameters for name, group in groups.items()}

        @functools.wraps(command)
        def called(**given: Any) -> Any:
            values = {
                name: groups[name](**{key: given.pop(key) for key in parameters})
                for name, parameters in parts.items()
            }
            return command(**given, **values)

        kept = [parameter for name, parameter in own.items() if name not in groups]
        merged = [*kept, *(p for parameters in parts.values() for p in parameters.values())]
        merged = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in merged]
        called.__signature__ = inspect.Signature(merged)  # type: ignore[attr-defined]  # what `inspect` asks first
        called.__annotations__ = {p.name: p.annotation for p in merged}
        return called

    return wrap
