"""`eval`: policies on recorded outcomes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from smart_spawn.cli.screen import note, show_json, show_raw
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
    dataset: Annotated[str | None, typer.Option(metavar="NAME", help="Only this data set.")] = None,
) -> None:
    """Measure policies on recorded outcomes, beside always the strongest, always the cheapest, and chance.

    No model is called. Without --train, each half of the outcomes is measured with what the other half taught.
    """
    from smart_spawn.errors import InvalidRequest  # noqa: PLC0415
    from smart_spawn.evals.measure import evaluate as measured  # noqa: PLC0415  # loads numpy

    for name in policies:
        if name not in CHOOSABLE:
            raise InvalidRequest(f"`{name[:40]}` is not a policy", hint=f"one of: {', '.join(CHOOSABLE)}")
    found = asyncio.run(measured(policies, outcomes, train=train, dataset=dataset))
    if shell.json:
        return show_json(found)
    for name, row in found["datasets"].items():
        _tell(name, row)
    for name, why in found.get("skipped", {}).items():
        note(f"{name} was left out: {why}")
    return None


def _tell(name: str, row: dict[str, Any]) -> None:
    show_raw(f"{name}: {row['prompts']:,} prompts, {row['models']} models\n")
    for policy, found in row["policies"].items():
        low, high = found["interval95"]["accuracyVsStrongest"]
        beside = f"{found['accuracyVsStrongest']:.3f} ({low:.3f} to {high:.3f}) of the strongest"
        cost = f"{found['costUsdPer1k']:.3f} USD per 1,000, {found['costVsStrongest']:.2f} of its cost"
        show_raw(f"  {policy:<11} right {found['accuracy']:.4f}, {beside}; {cost}\n")
