"""`replay`: one decision again, or a whole log under other settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_spawn.cli.files import write_text
from smart_spawn.cli.screen import note, show_json, show_table, show_text
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.lab.reading import Counts

DECISION_PREFIX = "dec_"


@takes()
def replay(
    shell: Shell,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="LOG... | DECISION", help="Log files or folders of them; or the id of one decision."
        ),
    ] = None,
    stored: Annotated[
        bool, typer.Option("--stored", help="Replay the decisions that are stored here, instead of a file.")
    ] = False,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown.")] = None,
) -> None:
    """Decide again: one decision from what was stored, or a log under every policy.

    A decision's id tells whether the answer is the same; exit code 1 when it is not. A log (our decisions,
    OpenRouter, LiteLLM, OpenAI-style JSON lines, Claude Code) tells what each budget would have chosen and cost. No
    model is called, nothing leaves this machine, no prompt is kept: docs/guides/replay.md.
    """
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415

    given = what or []
    if len(given) == 1 and given[0].startswith(DECISION_PREFIX) and not Path(given[0]).exists():
        return _again(shell, given[0])
    if bool(given) == stored:
        raise InvalidRequest(
            "`replay` takes either logs or `--stored`",
            hint="smart-spawn replay LOG..., or smart-spawn replay --stored, or smart-spawn replay DECISION",
        )
    with shell.app(carries_out=False) as app:
        found = _replayed(app, [Path(name) for name in given])
    if report is not None:
        from smart_spawn.lab.report import report as written  # noqa: PLC0415

        write_text(report, written(found))
    if shell.json:
        return show_json(found)
    return _tell(found)


def _again(shell: Shell, decision_id: str) -> None:
    from smart_spawn.surface.decisions import replay_json  # noqa: PLC0415

    with shell.app() as app:
        result = app.replay(decision_id)
        if shell.json:
            show_json(replay_json(result, app.policy))
        elif result.same:
            show_text(f"the same decision again: {result.first.selected.model}", "green")
        else:
            show_text(f"first {result.first.selected.model}, now {result.again.selected.model}", "red")
    if not result.same:
        raise typer.Exit(1)


def _replayed(app: SmartSpawn, paths: list[Path]) -> dict[str, Any]:
    """Read logs, or with no path the stored decisions, and replay them."""
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.lab.reading import Counts, calls, log_files  # noqa: PLC0415
    from smart_spawn.lab.replay import replay_log  # noqa: PLC0415
    from smart_spawn.lab.wiring import stored_calls, tally_of  # noqa: PLC0415

    counts = Counts()
    files = log_files(paths) if paths else []
    tally = tally_of(app)
    found = calls(files, counts, _progress(counts)) if paths else stored_calls(app, counts)
    answer = replay_log(found, tally, counts)
    if not answer["log"]["calls"]:
        skipped = ", ".join(f"{count:,} {why}" for why, count in answer["log"]["skipped"].items())
        raise InvalidRequest(
            f"no call was found in {counts.lines:,} records{f' ({skipped})' if skipped else ''}",
            hint="formats that are read: our decisions, OpenRouter, LiteLLM, OpenAI-style JSON lines, Claude Code",
        )
    return answer


def _progress(counts: Counts) -> Any:
    return lambda lines: note(f"{lines:,} records, {counts.formats.total():,} calls")


def _tell(found: dict[str, Any]) -> None:
    """Print one screen: what was read, what each policy costs, where they differ, what to set."""
    from smart_spawn.lab.report import read_lines  # noqa: PLC0415

    for line in read_lines(found):
        show_text(line)
    show_text("")
    logged = found["logged"]
    rows: list[tuple[object, ...]] = [
        ("as logged", found["log"]["comparedCalls"], f"{logged['costUsd']:.4f}", None, logged["meanScore"])
    ]
    for name, row in found["policies"].items():
        saved = None if row["savedShare"] is None else f"{row['savedShare']:.0%}"
        rows.append((name, row["calls"], f"{row['costUsd']:.4f}", saved, row["meanScore"]))
    show_table(
        {"policy": "left", "calls": "right", "USD": "right", "saved": "right", "mean score": "right"}, rows
    )
    top = found["disagreements"]["top"][:5]
    if top:
        show_text("")
        show_table(
            {
                "category": "left",
                "logged": "left",
                "now": "left",
                "calls": "right",
                "USD": "right",
                "USD now": "right",
            },
            [
                (
                    row["category"],
                    row["logged"],
                    row["chosen"],
                    row["calls"],
                    f"{row['loggedUsd']:.4f}",
                    f"{row['chosenUsd']:.4f}",
                )
                for row in top
            ],
        )
    show_text("")
    show_text("nothing beats: " + ", ".join(point["policy"] for point in found["frontier"]))
    for key, value in found["suggested"]["settings"].items():
        show_text(f'suggested: {key} = "{value}"', "bold")
    show_text(found["suggested"]["why"])
