"""`spawn`: have the chosen model do the task."""

from __future__ import annotations

import asyncio
import contextlib
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
    """Have the best model do a task and print its answer.

    Who answered and what it cost goes to standard error.
    """
    from smart_spawn.cli.task_text import read_task  # noqa: PLC0415
    from smart_spawn.surface.spawning import spawn_json  # noqa: PLC0415

    app = shell.app()
    text = read_task(task, app.settings.routing.max_task_chars)
    result = asyncio.run(_carry_out(app, text, {**fields, **how}))
    if shell.json:
        return show_json(spawn_json(result, app.policy))
    show_raw(result.outcome.output)
    return _tell(spawn_json(result, app.policy))


async def _carry_out(app: SmartSpawn, task: str, options: dict[str, Any]) -> SpawnResult:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(app)
        return await app.spawn(task, **options)


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
        note(f"tried before: {', '.join(tried[:-1])}")
    for warning in (*decision["warnings"], *answer.get("warnings", ())):
        note(f"warning: {warning}")
    note(f"why: smart-spawn explain {decision['id']}")
