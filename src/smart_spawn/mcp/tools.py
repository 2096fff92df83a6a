"""Every tool, with the words that models read to choose among them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from smart_spawn.mcp import answers, arguments, choosing, runs
from smart_spawn.mcp.answers import Answer
from smart_spawn.mcp.arguments import Arguments
from smart_spawn.mcp.call import Call, Tool

INSTRUCTIONS = """Smart Spawn chooses the model that does a task best within a budget, by published benchmarks, and \
can have it done. To choose only, call smartspawn_pick. To have a task done, call smartspawn_run_create, then \
smartspawn_run_result with wait_s. Afterwards tell with smartspawn_feedback how it went."""


def _does(
    function: Callable[[Call, Any], Awaitable[Answer]],
) -> Callable[[Call, Arguments], Awaitable[Answer]]:
    """Let a tool's own function stand where any tool's may; `takes` sees to it that it gets its own arguments."""
    return cast("Callable[[Call, Arguments], Awaitable[Answer]]", function)


TOOLS: Sequence[Tool] = (
    Tool(
        name="smartspawn_pick",
        title="Choose a model",
        description="Choose the best model for a task within a budget. Returns its id, score, price and confidence, "
        "the next best ones, and a decisionId that smartspawn_explain and smartspawn_feedback take. Calls no model.",
        takes=arguments.PickArguments,
        gives=answers.PickAnswer,
        needs="route",
        carry_out=_does(choosing.pick),
        reads_only=False,
    ),
    Tool(
        name="smartspawn_compare",
        title="Compare models",
        description="Put two to five models side by side: scores by category, prices, capabilities, benchmarks.",
        takes=arguments.CompareArguments,
        gives=answers.CompareAnswer,
        needs="route",
        carry_out=_does(choosing.compare),
    ),
    Tool(
        name="smartspawn_explain",
        title="Explain a choice",
        description="Explain a decision: every reading behind it, what was close and what would have made it win, "
        "and what each filter removed.",
        takes=arguments.ExplainArguments,
        gives=answers.ExplainAnswer,
        needs="route",
        carry_out=_does(choosing.explain),
    ),
    Tool(
        name="smartspawn_feedback",
        title="Say how it went",
        description="Say how good a choice or the answer of a run was: a rating from 1 to 5, or success or failure. "
        "The next choices learn from it. A second vote on the same replaces the first.",
        takes=arguments.FeedbackArguments,
        gives=answers.FeedbackAnswer,
        needs="route",
        carry_out=_does(choosing.feedback),
        reads_only=False,
    ),
    Tool(
        name="smartspawn_health",
        title="Check the service",
        description="Tell whether models can be chosen and run: catalogue, providers, database, worker.",
        takes=arguments.NoArguments,
        gives=answers.HealthAnswer,
        needs="route",
        carry_out=_does(choosing.health),
    ),
    Tool(
        name="smartspawn_run_create",
        title="Have a task done",
        description="Have the best model, or several, do a task. Returns a run_id at once; smartspawn_run_result "
        "waits for the answer. Costs money, up to the cap in the settings.",
        takes=arguments.RunCreateArguments,
        gives=answers.RunCreated,
        needs="execute",
        carry_out=_does(runs.create),
        reads_only=False,
        spends=True,
    ),
    Tool(
        name="smartspawn_run_status",
        title="See how a run stands",
        description="Tell how far a run is: its state, its nodes, and what happened last.",
        takes=arguments.RunArguments,
        gives=answers.RunStatusAnswer,
        needs="execute",
        carry_out=_does(runs.status),
    ),
    Tool(
        name="smartspawn_run_result",
        title="Read a run's result",
        description="Return the final answer of a run, what it cost and what its nodes left behind. With wait_s it "
        "waits for the end, and tells progress on the way; without, it shows what there is so far.",
        takes=arguments.RunResultArguments,
        gives=answers.RunResultAnswer,
        needs="execute",
        carry_out=_does(runs.result),
    ),
    Tool(
        name="smartspawn_run_cancel",
        title="Stop a run",
        description="Stop a run that is queued or running, and the runs that it started. What was paid stays paid.",
        takes=arguments.RunArguments,
        gives=answers.RunCanceled,
        needs="execute",
        carry_out=_does(runs.cancel),
        reads_only=False,
        destroys=True,
    ),
    Tool(
        name="smartspawn_run_list",
        title="List runs",
        description="List runs, newest first, of one state or of all.",
        takes=arguments.RunListArguments,
        gives=answers.RunListAnswer,
        needs="execute",
        carry_out=_does(runs.listed),
    ),
    Tool(
        name="smartspawn_artifact_get",
        title="Read an artifact",
        description="Return in full what one node of a run left behind; the node `merged` is the final answer.",
        takes=arguments.ArtifactArguments,
        gives=answers.ArtifactAnswer,
        needs="execute",
        carry_out=_does(runs.artifact),
    ),
)
