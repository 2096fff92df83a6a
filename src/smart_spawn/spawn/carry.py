"""A request made ready to be carried out, as one value that survives a restart, and how each mode does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from smart_spawn.errors import SmartSpawnError
from smart_spawn.model import Mode
from smart_spawn.runs.ports import Ctx
from smart_spawn.spawn.calls import Brief, first_usable
from smart_spawn.spawn.cascade import CascadeOptions, cascade
from smart_spawn.spawn.collective import CollectiveOptions, collective
from smart_spawn.spawn.ending import failure_of, outcome_of, total_cost, total_usage
from smart_spawn.spawn.gate import demands_of
from smart_spawn.spawn.outcome import Attempt, Baseline, Rung, SpawnOutcome
from smart_spawn.spawn.plan import Step
from smart_spawn.spawn.planner import planned
from smart_spawn.spawn.swarm import StepWork, carry_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything that a mode needs: who may be asked at which price, and what was asked. Plain JSON outside."""

    mode: Mode
    task: str
    role: str = ""
    """The composed role; empty is none."""
    context: str = ""
    """What every model is told beside the task and its role, such as the conversation before it."""
    verify: Mapping[str, Any] = field(default_factory=dict)
    rungs: tuple[Rung, ...] = ()
    """Single: in order of preference. Cascade: from the cheapest to the ceiling. Collective: the members."""
    spares: tuple[Rung, ...] = ()
    """Of a cascade or collective: who is asked one after the other when none of the rungs gave any answer."""
    judge: Rung | None = None
    min_confidence: float | None = None
    max_escalation: int | None = None
    adaptive: bool = False
    works: tuple[StepWork, ...] = ()
    """The steps of a plan or swarm."""
    planner: tuple[Rung, ...] = ()
    """Who plans a task that has no structure of its own; `works` is then the task as one step."""
    limits: Mapping[str, Any] = field(default_factory=dict)
    """The routing request as JSON, without its task: what steps that a planner made are routed by."""
    baseline: Baseline | None = None
    warnings: tuple[str, ...] = ()
    decision_id: str = ""
    caller: str = ""
    """The id of the key that asked; empty without one."""
    category: str = "general"
    budget: str = ""
    tags: tuple[str, ...] = ()
    cluster: str = ""
    """As the decision has them: what votes on the run are about."""

    def brief(self) -> Brief:
        """Return what models are told."""
        return Brief(task=self.task, role=self.told(self.role), demands=demands_of(self.task, self.verify))

    def told(self, role: str) -> str:
        """Return a role with the context behind it."""
        return "\n\n".join(part for part in (role, self.context) if part)


Assign = Callable[[Job, Sequence[Step]], Awaitable[list[StepWork]]]
"""Routing of steps that a planner made. Raises nothing: a step that nobody may do says so."""


def to_request(job: Job) -> dict[str, Any]:
    """Return a job as the JSON that a run keeps."""
    value: dict[str, Any] = msgspec.to_builtins(job)
    return value


def from_request(request: Mapping[str, Any]) -> Job:
    """Return the job that `to_request` wrote."""
    return msgspec.convert(request, Job)


async def carry(ctx: Ctx, job: Job, assign: Assign) -> SpawnOutcome:
    """Carry a job out by its mode. Failures of models and caps are in the outcome. Costs model calls."""
    if job.mode is Mode.CASCADE:
        climbing = CascadeOptions(
            min_confidence=job.min_confidence, max_escalation=job.max_escalation, judge=job.judge
        )
        outcome = await cascade(
            ctx, job.brief(), job.rungs, climbing, spares=job.spares, baseline=job.baseline
        )
    elif job.mode is Mode.COLLECTIVE:
        agreeing = CollectiveOptions(judge=job.judge, adaptive=job.adaptive)
        outcome = await collective(
            ctx, job.brief(), job.rungs, agreeing, spares=job.spares, baseline=job.baseline
        )
    elif job.mode in (Mode.PLAN, Mode.SWARM):
        outcome = await _stepwise(ctx, job, assign)
    else:
        outcome = await _single(ctx, job)
    return replace(outcome, warnings=(*job.warnings, *outcome.warnings))


async def _single(ctx: Ctx, job: Job) -> SpawnOutcome:
    attempts: list[Attempt] = []
    try:
        best = await first_usable(ctx, "attempt-", job.rungs, job.brief(), seen=attempts.append)
    except SmartSpawnError as error:
        at = await ctx.now("ended")
        return failure_of(job.mode, attempts, error, baseline=job.baseline, at=at)
    at = await ctx.now("ended")
    faults = ", ".join(best.verdict.faults) if best.verdict else ""
    return outcome_of(
        job.mode,
        attempts,
        output=best.text,
        model=best.model,
        counted=(best,),
        baseline=job.baseline,
        at=at,
        warnings=(
            *((f"no answer was without fault; this one: {faults}",) if faults else ()),
            *(
                f"`{rung.model_id}` has no known price: its cost is not counted against the cap"
                for rung in job.rungs
                if rung.model_id == best.model and not rung.price.known
            ),
        ),
    )


async def _stepwise(ctx: Ctx, job: Job, assign: Assign) -> SpawnOutcome:
    """Plan where nobody did, then carry the steps out."""
    works: Sequence[StepWork] = job.works
    planning: list[Attempt] = []
    if job.planner:
        plan, planning = await planned(ctx, job.planner, job.task)
        if plan is not None:
            works = await ctx.step("assign", assign, job, plan.steps, returns=list[StepWork])
    works = [replace(work, role=job.told(work.role)) for work in works]
    outcome = await carry_out(ctx, job.mode, job.task, works, baseline=job.baseline)
    if not planning:
        return outcome
    attempts = [*planning, *outcome.responses]
    cost = total_cost(attempts, counted=(), baseline=job.baseline, at=await ctx.now("planned"))
    baseline_usd = outcome.cost.baseline_usd
    saved = baseline_usd - cost.usd if baseline_usd is not None and cost.usd is not None else None
    return replace(
        outcome,
        responses=tuple(attempts),
        usage=total_usage(attempts),
        cost=replace(cost, baseline_usd=baseline_usd, saved_usd=saved),
    )
