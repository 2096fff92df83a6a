"""Plans as JSON, in the shapes of published clients: `/decompose` and `/swarm`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smart_spawn.app.jobs import plan_of
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.routing.explain import reason
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.scoring.scale import shown
from smart_spawn.spawn.assign import Assigned, Choose, assign, estimate, wave_numbers, waves_of_at_most
from smart_spawn.spawn.decompose import Whole, dependent, sequential, split
from smart_spawn.spawn.plan import Plan
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.spawn.steps import PlanningRequest, plan_of_steps
from smart_spawn.surface.models import pricing_json

SHOWN_CHARS = 60
"""How much of a step is repeated where a wave is described."""


def decompose_json(request: PlanningRequest, choose: Choose, catalog: Catalog) -> dict[str, Any]:
    """Return what `/decompose` answers: steps one after the other. Raises InvalidRequest for wrong `steps`."""
    if request.steps:
        plan = plan_of_steps(request.steps, in_order=True, prefix="step")
    else:
        found = split(request.task)
        if isinstance(found, Whole):
            return {"decomposed": False, "reason": found.reason}
        plan = sequential(found.parts)
    order = {step_id: number for number, step_id in enumerate(_in_order(plan), start=1)}
    assigned = sorted(assign(plan, request, choose), key=lambda one: order[one.step.id])
    return {
        "decomposed": True,
        "totalSteps": len(assigned),
        "steps": [
            {"step": order[one.step.id], "task": one.step.task, **_choice_json(one, catalog)}
            for one in assigned
        ],
        "originalTask": request.task,
        "context": _context(request),
    }


def _in_order(plan: Plan) -> list[str]:
    return [step_id for wave in plan.waves for step_id in wave]


def swarm_json(
    request: PlanningRequest, choose: Choose, catalog: Catalog, policy: RoutingPolicy, *, at: datetime
) -> dict[str, Any]:
    """Return what `/swarm` answers: a graph in waves. Raises InvalidRequest for wrong `steps`."""
    if request.steps:
        plan = plan_of_steps(request.steps, in_order=False, prefix="swarm")
    else:
        found = split(request.task)
        if isinstance(found, Whole):
            return {"decomposed": False, "reason": found.reason}
        plan = dependent(found)
    dag = dag_json(plan, request, choose, catalog, policy, at=at, most_at_once=request.max_parallel)
    return {"decomposed": True, "dag": dag}


def dry_run_json(
    request: SpawnRequest, choose: Choose, catalog: Catalog, policy: RoutingPolicy, *, at: datetime
) -> dict[str, Any]:
    """Return what a plan or swarm would do and cost. Nobody is called, so a task in one piece is one step."""
    plan = plan_of(request) or sequential([request.task])
    dag = dag_json(plan, request, choose, catalog, policy, at=at)
    return {"dryRun": True, "mode": str(request.mode), "decomposed": len(plan.steps) > 1, "dag": dag}


def dag_json(
    plan: Plan,
    request: RouteRequest,
    choose: Choose,
    catalog: Catalog,
    policy: RoutingPolicy,
    *,
    at: datetime,
    most_at_once: int | None = None,
) -> dict[str, Any]:
    """Return a plan as a graph, with who would do each step, what it may cost and its critical path."""
    waves = waves_of_at_most(plan, most_at_once)
    wave_of = wave_numbers(waves)
    assigned = assign(plan, request, choose)
    cost = estimate(assigned, catalog, answer_tokens=policy.answer_tokens, at=at)
    unassigned = [one.step.id for one in assigned if one.decision is None]
    warning = f"no model satisfies the limits of: {', '.join(unassigned[:10])}" if unassigned else None
    return {
        "tasks": [
            {
                "id": one.step.id,
                "description": one.step.task,
                "persona": one.persona,
                "dependsOn": list(one.step.depends_on),
                "wave": wave_of[one.step.id],
                **_choice_json(one, catalog),
            }
            for one in assigned
        ],
        "waves": [
            {"wave": number, "taskIds": list(wave), "description": _described(wave, plan)}
            for number, wave in enumerate(waves)
        ],
        "edges": [{"from": before, "to": after, "type": "dependency"} for before, after in plan.edges],
        "totalTasks": len(assigned),
        "totalWaves": len(waves),
        "originalTask": request.task,
        "context": _context(request),
        "estimatedCost": {"low": cost.low_usd, "high": cost.high_usd},
        "criticalPath": list(plan.critical_path()[0]),
        **({"warning": warning} if warning else {}),
    }


def _context(request: RouteRequest) -> str | None:
    return ",".join(request.context) or None


def _described(wave: tuple[str, ...], plan: Plan) -> str:
    """Say in a line what a wave does."""
    if len(wave) > 1:
        return f"{len(wave)} tasks at once"
    task = " ".join(plan.step(wave[0]).task.split())
    return task if len(task) <= SHOWN_CHARS else f"{task[:SHOWN_CHARS].rstrip()}…"


def _choice_json(one: Assigned, catalog: Catalog) -> dict[str, Any]:
    """Return who does a step and why, or why nobody can."""
    if one.decision is None:
        return {
            "category": str(one.step.category or "general"),
            "budget": str(one.request.budget),
            "model": None,
            "reason": one.error.message if one.error else "",
        }
    listing = catalog.listings[catalog.index[one.decision.selected.model]]
    return {
        "category": str(one.decision.category),
        "budget": str(one.decision.budget),
        "model": {
            "id": listing.id,
            "name": listing.name,
            "provider": listing.provider,
            "score": shown(one.decision.selected.score),
            "pricing": pricing_json(listing),
        },
        "reason": reason(one.decision, catalog),
    }
