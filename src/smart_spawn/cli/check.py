"""`check`: route tests as code, for continuous integration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smart_spawn.cli.screen import note, show_json, show_text
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.checks.check import Report
    from smart_spawn.checks.judge import Verdict

LOCK_SUFFIX = ".lock"


@takes()
def check(
    shell: Shell,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML list of routes with what is expected.")],
    lock: Annotated[
        Path | None,
        typer.Option(
            "--lock",
            metavar="FILE",
            help="What important routes chose; by default beside FILE, where it exists.",
        ),
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Write the lock file: accept what is chosen now.")
    ] = False,
    catalog: Annotated[
        str | None, typer.Option("--catalog", metavar="VERSION", help="A stored catalogue, not the newest.")
    ] = None,
) -> None:
    """Check which models are chosen against a file of expectations.

    Exit code 1 when an expectation or the lock file does not hold, 2 when a file cannot be used.
    """
    from smart_spawn.checks.check import check_routes, report_json  # noqa: PLC0415
    from smart_spawn.checks.document import read_document  # noqa: PLC0415
    from smart_spawn.checks.expectation import read_checks  # noqa: PLC0415
    from smart_spawn.checks.lock import read_lock, write_lock  # noqa: PLC0415

    document = read_document(file)
    path = _lock_path(file, lock, update=update)
    before = read_lock(path) if path is not None and (path.exists() or not update) else None
    with shell.app() as app:
        checks = read_checks(document, app.request)
        served = app.catalog_of(catalog) if catalog else None
        report = check_routes(checks, app, catalog=served, lock=before)
    if update and path is not None:
        write_lock(path, report.fresh_lock)
    if shell.json:
        show_json(report_json(report, file=file, lock=path, updated=update))
    else:
        _show(report, file, path, update=update)
    if report.failed or (report.flips and not update):
        raise typer.Exit(1)


def _lock_path(file: Path, lock: Path | None, *, update: bool) -> Path | None:
    """Return the lock file that was named, else the one beside the routes where it exists or will be written."""
    beside = file.with_suffix(LOCK_SUFFIX)
    return lock or (beside if update or beside.is_file() else None)


def _show(report: Report, file: Path, lock: Path | None, *, update: bool) -> None:
    """Print a line a route, what failed and why, and how to accept a flip."""
    for verdict in report.verdicts:
        _show_verdict(verdict)
    for flip in report.flips:
        change = f"{flip.old or 'not locked'} → {flip.new}"
        show_text(f"{'accepted' if update else 'FLIP'}  {flip.name}: {change}", "green" if update else "red")
        for cause in flip.causes:
            show_text(f"      {cause}")
    for text in report.notes:
        note(f"note: {text}")
    if report.flips and not update:
        note(f"hint: to accept, `smart-spawn check {file} --lock {lock} --update`, and review the difference")
    if update:
        note(f"wrote {lock}: {len(report.fresh_lock.routes)} important routes")
    failed = len(report.failed)
    show_text(
        f"{len(report.verdicts):,} routes, {failed:,} failed, {0 if update else len(report.flips):,} flipped; "
        f"catalogue {report.catalog_version}",
        "red" if failed or (report.flips and not update) else "green",
    )


def _show_verdict(verdict: Verdict) -> None:
    decision = verdict.decision
    chosen = decision.selected.model if decision else "nothing"
    show_text(f"{'ok  ' if verdict.passed else 'FAIL'}  {verdict.check.name}: {chosen}")
    for failure in verdict.failures:
        show_text(f"      {failure.expectation}: expected {failure.wanted}, got {failure.found}", "red")
    if verdict.reason:
        show_text(f"      {verdict.reason}")
    for sentence in verdict.advice:
        show_text(f"      {sentence}")
