"""`eval`: policies on recorded outcomes."""

from __future__ import annotations

import asyncio
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import note, show_json, show_raw, show_table
from smart_spawn.cli.shell import Shell, takes

CHOOSABLE = ("route", "cascade", "collective", "agreement")


@takes()
def evaluate(
    shell: Shell,
    policies: Annotated[
        list[str],
        typer.Argument(metavar="POLICY...", help=f"What to measure: {', '.join(CHOOSABLE)}."),
    ],
    outcomes: Annotated[
        Path, typer.Option(metavar="DIR", help="Folders of recorded outcomes, one a data set.")
    ],
    train: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folders of the same names to learn from.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this data set: a folder, FOLDER/PART or a part.")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the tables as Markdown.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw cost against quality: .png or .svg.")
    ] = None,
) -> None:
    """Measure policies on recorded outcomes, beside always the strongest, always the cheapest, and chance.

    No model is called. Without --train, each half of the outcomes is measured with what the other half taught.
    The format, and what the figures mean: docs/guides/evaluate.md.
    """
    from smart_spawn.cli.files import write_text  # noqa: PLC0415
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.evals.measure import evaluate as measured  # noqa: PLC0415  # loads numpy
    from smart_spawn.evals.plot import check_plot, draw  # noqa: PLC0415
    from smart_spawn.evals.report import report as written  # noqa: PLC0415

    for name in policies:
        if name not in CHOOSABLE:
            raise InvalidRequest(f"`{name[:40]}` is not a policy", hint=f"one of: {', '.join(CHOOSABLE)}")
    if plot is not None:
        check_plot(plot)
    found = asyncio.run(measured(policies, outcomes, train=train, dataset=dataset, tell=note))
    if report is not None:
        command = shlex.join(["smart-spawn", *sys.argv[1:]])
        write_text(report, written(found, command=command, date=f"{datetime.now(UTC):%Y-%m-%d}"))
    if plot is not None:
        draw(found, plot)
    if shell.json:
        return show_json(found)
    for name, row in found["datasets"].items():
        _tell(name, row)
    for name, why in found.get("skipped", {}).items():
        note(f"{name} was left out: {why}")
    return None


def _tell(name: str, row: dict[str, Any]) -> None:
    show_raw(f"\n{name}: {row['prompts']:,} prompts, {row['models']} models\n")
    for text in row["notes"]:
        show_raw(f"{text}\n")
    show_table(
        {
            "policy": "left",
            "right": "right",
            "95 %": "left",
            "USD per 1,000": "right",
            "right/strongest": "right",
            "cost/strongest": "right",
            "regret": "right",
        },
        [
            (
                policy,
                f"{found['accuracy']:.4f}",
                "{:.3f} to {:.3f}".format(*found["interval95"]["accuracy"]),
                found["costUsdPer1k"],
                found["accuracyVsStrongest"],
                found["costVsStrongest"],
                found["regret"],
            )
            for policy, found in row["policies"].items()
        ],
    )
    shown = ", ".join(f"{key} {value}" for key, value in row["metrics"].items() if value is not None)
    show_raw(f"{shown}\n" if shown else "")
