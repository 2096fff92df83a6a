"""`spawn`: have the chosen model do the task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smart_spawn.cli.fields import Values, routing_fields, spawning_fields
from smart_spawn.cli.screen import note, show_json, show_raw
from smart_spawn.cli.shell import Shell, takes

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn, SpawnResult

Task = Annotated[
    str | None, typer.Argument(metavar="TASK", help="What is to be done; `-` reads it from a pipe.")
]


@takes(fields=routing_fields, how=spawning_fields)
def spawn(shell: Shell, fields: Values, how: Values, task: Task = None) -> None:
    """Have the best model, or several by `--mode`, do a task and print the answer.

    Who answered and what it cost goes to standard error.
    """
    from smart_spawn.cli.task_text import read_task  # noqa: PLC0415
    from smart_spawn.surface.spawning import spawn_json  # noqa: PLC0415

    app = shell.app()
    text = read_task(task, app.settings.routing.max_task_chars)
    if how.get("dryRun") and how.get("mode") in ("plan", "swarm"):
        return _tell_plan(shell, app, text, {**fields, **how})
    result = asyncio.run(_carry_out(app, text, {**fields, **how}, quiet=shell.json))
    if shell.json:
        return show_json(spawn_json(result, app.policy))
    show_raw(result.outcome.output)
    return _tell(spawn_json(result, app.policy))


def _tell_plan(shell: Shell, app: SmartSpawn, task: str, options: dict[str, Any]) -> None:
    """Show what would be done, by whom, in which order, and for how much."""
    from smart_spawn.spawn.request import SpawnRequest  # noqa: PLC0415
    from smart_spawn.surface.plans import dry_run_json  # noqa: PLC0415

    with app:
        request = SpawnRequest.of(app.defaults(SpawnRequest, {"task": task, **options}))
        planned = dry_run_json(request, app.preview, app.catalog, app.policy, at=app.now())
    if shell.json:
        return show_json(planned)
    dag = planned["dag"]
    for one in dag["tasks"]:
        who = one["model"]["id"] if one["model"] else f"nobody: {one['reason']}"
        after = f" after {', '.join(one['dependsOn'])}" if one["dependsOn"] else ""
        show_raw(f"{one['id']}{after}: {one['description']}\n    {one['category']}, {who}\n")
    cost = dag["estimatedCost"]
    note(f"\nlongest chain: {' → '.join(dag['criticalPath'])}")
    return note(f"expected cost {cost['low']:.6f} to {cost['high']:.6f} USD; nobody was called")


async def _carry_out(app: SmartSpawn, task: str, options: dict[str, Any], *, quiet: bool) -> SpawnResult:
    """Do the task, showing how far it is. Ctrl-C cancels it."""
    from smart_spawn.cli.watching import watched  # noqa: PLC0415
    from smart_spawn.spawn.request import SpawnRequest  # noqa: PLC0415

    async with app:
        request = SpawnRequest.of(app.defaults(SpawnRequest, {"task": task, **options}))
        run_id = await app.submit(request)
        watching = None if quiet else asyncio.create_task(watched(app, run_id, as_json=False))
        try:
            run = await app.runs.finished(run_id)
            if watching is not None:
                await watching
        finally:
            if watching is not None:
                watching.cancel()
        result = await app.result(run)
        result.outcome.raise_failure(runId=run_id)
        return result


def _tell(answer: dict[str, Any]) -> None:
    """Say on standard error who answered and what it cost."""
    cost, decision = answer["cost"], answer["routingDecision"]
    tried = [response["model"] for response in answer["responses"]]
    billed = "unknown" if cost["usd"] is None else f"{cost['usd']:.6f} USD ({cost['source']})"
    saved = cost.get("savedUsd")
    note(
        f"\nmodel {tried[-1]}, cost {billed}"
        + ("" if not saved else f", {saved:.6f} USD less than {cost['baseline']}")
    )
    if len(tried) > 1:
        note(f"asked before it: {', '.join(tried[:-1])}")
    for warning in (*decision["warnings"], *answer.get("warnings", ())):
        note(f"warning: {warning}")
    note(f"why: smart-spawn explain {decision['id']}")
