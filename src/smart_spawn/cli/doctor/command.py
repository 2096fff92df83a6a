"""The command: run the checks, print the report, fail when something is broken."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from smart_spawn.cli.doctor.finding import Finding
from smart_spawn.cli.screen import show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes
from smart_spawn.errors import SettingsError

DEPENDENT = ("home", "database", "catalogue", "providers")
"""What cannot be looked at without settings."""
MARKS = {"ok": "ok", "warning": "warning", "broken": "BROKEN", "skipped": "skipped"}


@takes()
def doctor(
    shell: Shell,
    online: Annotated[
        bool, typer.Option("--online", help="Also try to reach sources and providers.")
    ] = False,
    openclaw: Annotated[
        bool, typer.Option("--openclaw", help="Also look at the plugin in OpenClaw; nothing is changed.")
    ] = False,
) -> None:
    """Show the settings, what is wrong, and the way out.

    Exit code 1 when something is broken.
    """
    settings, findings = _examined(shell, online=online)
    if openclaw:
        from smart_spawn.cli.doctor.openclaw import check_openclaw  # noqa: PLC0415  # httpx is large

        findings += check_openclaw(os.environ)
    sound = all(finding.state != "broken" for finding in findings)
    if shell.json:
        show_json({"data": {"ok": sound, "settings": settings, "checks": [_json(f) for f in findings]}})
    else:
        _show(settings, findings)
    if not sound:
        raise typer.Exit(1)


def _examined(shell: Shell, *, online: bool) -> tuple[list[dict[str, Any]], list[Finding]]:
    from smart_spawn.settings import effective, load_with_origins  # noqa: PLC0415  # 200 ms

    try:
        settings, origins = load_with_origins(shell.config)
    except SettingsError as error:
        found = Finding(check="settings", state="broken", message=error.message, hint=error.hint)
        rest = "not checked: it depends on the settings"
        return [], [found, *(Finding(check=name, state="skipped", message=rest) for name in DEPENDENT)]
    rows = [{"key": key, **row} for key, row in effective(settings, origins).items() if _is_set(row["value"])]
    fine = Finding(check="settings", state="ok", message=f"{len(origins)} set by you, the rest are defaults")
    return rows, [fine, *_checked(settings, online=online)]


def _is_set(value: object) -> bool:
    return value is not None and value not in ({}, [])


def _checked(settings: Any, *, online: bool) -> Iterator[Finding]:
    from smart_spawn.cli.doctor import checks  # noqa: PLC0415  # what is broken must not stop the rest

    home = checks.check_home(settings.home_path)
    database = checks.check_database(settings)
    yield from (home, database)
    exists = database.state == "ok" and "will be made" not in database.message
    yield from checks.check_catalog(settings, stored=exists)
    yield from checks.check_learned_gain(settings)
    yield from checks.check_providers(settings, os.environ)
    if online:
        from smart_spawn.cli.doctor.online import check_online  # noqa: PLC0415

        yield from asyncio.run(check_online(settings, os.environ))


def _json(finding: Finding) -> dict[str, str | None]:
    return {
        "check": finding.check,
        "state": finding.state,
        "message": finding.message,
        "hint": finding.hint or None,
    }


def _show(settings: list[dict[str, Any]], findings: list[Finding]) -> None:
    if settings:
        show_table(
            {"setting": "left", "value": "left", "from": "left"},
            [(row["key"], _text(row["value"]), row["origin"]) for row in settings],
        )
        show_text("")
    show_table(
        {"check": "left", "": "left", "found": "left"},
        [(f.check, MARKS[f.state], f.message) for f in findings],
    )
    hints: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.hint:
            hints.setdefault(finding.hint, []).append(finding)
    for hint, found in hints.items():
        text = f"\n{', '.join(f.check for f in found)}: {hint}"
        show_text(text, "red" if any(f.state == "broken" for f in found) else "yellow")


def _text(value: object) -> str:
    """Show a setting as the settings file would spell it, nearly."""
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
