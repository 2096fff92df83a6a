"""Runs as JSON: a line in a list, one run with its nodes and progress, an event, an artifact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from smart_spawn.app import RunView, SmartSpawn
from smart_spawn.errors import NotFound
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.runs.engine import Artifact, Event, Run, RunLine, Step
from smart_spawn.spawn.outcome import SpawnOutcome
from smart_spawn.spawn.report import outcome_json
from smart_spawn.surface.caller import Caller
from smart_spawn.surface.decisions import decision_json
from smart_spawn.surface.failures import error_json


async def visible_run(app: SmartSpawn, caller: Caller, run_id: str) -> Run:
    """Return a run that a caller may see. Raises NotFound, also for those of other keys."""
    run, only = await app.runs.get(run_id), caller.sees_only
    if only is not None and only not in run.keys:
        raise NotFound(
            f"there is no run `{run_id[:80]}` of this key",
            hint="`GET /runs` lists those of the key; one with the scope `admin` sees all",
        )
    return run


def runs_json(lines: Sequence[RunLine], *, limit: int) -> dict[str, Any]:
    """Return what `/runs` answers; `next` is what `before` takes to go on."""
    rows = [
        {
            "id": line.id,
            "mode": line.mode,
            "status": line.status,
            "createdAt": moment_text(line.created_at),
            "startedAt": moment_text(line.started_at),
            "endedAt": moment_text(line.ended_at),
        }
        for line in lines
    ]
    more = rows[-1]["id"] if len(rows) == limit else None
    return {"data": rows, "meta": {"returned": len(rows), "next": more}}


def accepted_json(run_id: str, mode: str) -> dict[str, Any]:
    """Return what `/spawn` answers when nobody waits."""
    return {"id": run_id, "status": "queued", "mode": mode}


def run_json(view: RunView, policy: RoutingPolicy) -> dict[str, Any]:
    """Return what `/runs/{id}` answers: how it stands, and what `/spawn` answers once it has ended."""
    run, outcome = view.run, view.outcome
    nodes = _nodes(view)
    ended = {} if outcome is None else _ended(outcome)
    decision = (
        {"routingDecision": decision_json(view.decision, view.catalog, policy)}
        if view.decision is not None and view.catalog is not None
        else {}
    )
    return {
        "id": run.id,
        "mode": run.mode,
        **ended,
        "status": run.status,
        "createdAt": moment_text(run.created_at),
        "startedAt": moment_text(run.started_at),
        "endedAt": moment_text(run.ended_at),
        "deadlineAt": moment_text(run.deadline_at),
        "executions": run.executions,
        "cancelRequested": run.cancel_requested,
        "parent": run.parent,
        "progress": _progress(run, nodes),
        "nodes": nodes,
        "cost": {**ended.get("cost", {"usd": float(run.cost.spent_usd)}), **_money(run)},
        **decision,
    }


def event_json(event: Event) -> dict[str, Any]:
    """Return one event. Its number is its id."""
    return {
        "number": event.number,
        "name": event.name,
        "at": moment_text(event.at),
        "data": dict(event.data),
    }


def artifact_json(artifact: Artifact) -> dict[str, Any]:
    """Return what a step left behind."""
    return {
        "data": {
            "step": artifact.step,
            "name": artifact.name,
            "kind": artifact.kind,
            "model": artifact.model or None,
            "content": artifact.content,
            "createdAt": moment_text(artifact.created_at),
        }
    }


def _ended(outcome: SpawnOutcome) -> dict[str, Any]:
    error = outcome.error
    if error is None:
        return outcome_json(outcome)
    problem = error_json(error)["error"]
    return {**outcome_json(outcome), "error": {**problem, "details": outcome.failure_details()}}


def _money(run: Run) -> dict[str, Any]:
    cost = run.cost
    return {
        "spentUsd": float(cost.spent_usd),
        "reservedUsd": float(cost.reserved_usd),
        "inDoubtUsd": float(cost.in_doubt_usd),
        "capUsd": None if cost.cap_usd is None else float(cost.cap_usd),
    }


def _nodes(view: RunView) -> list[dict[str, Any]]:
    """Return the steps of a plan, or the calls of any other mode, each with its state."""
    calls = [step for step in view.steps if step.model is not None]
    if not view.plan:
        return [_node(call.name, (), 0, [call], _state_of_call(call, view.run)) for call in calls]
    of_node = _calls_of_nodes(calls, [step_id for ids in view.plan for step_id, _ in ids])
    nodes = []
    for wave, ids in enumerate(view.plan):
        for step_id, depends_on in ids:
            own, end = of_node[step_id], view.settled.get(step_id)
            state = end["state"] if end else _state_of_node(own, view.run)
            nodes.append(_node(step_id, depends_on, wave, own, state, end))
    return nodes


def _calls_of_nodes(calls: Sequence[Step], ids: Sequence[str]) -> dict[str, list[Step]]:
    """Give each step of a plan its calls, `ID/0` and `ID/summary-of-OTHER/0`, where ids may hold slashes too."""
    found: dict[str, list[Step]] = {step_id: [] for step_id in ids}
    for call in calls:
        owner = call.name.rpartition("/")[0]
        owner = owner if owner in found else owner.partition("/summary-of-")[0]
        if owner in found:
            found[owner].append(call)
    return found


def _node(
    node_id: str,
    depends_on: Sequence[str],
    wave: int,
    calls: Sequence[Step],
    state: str,
    end: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    last = calls[-1] if calls else None
    known = [call.cost_usd for call in calls if call.cost_usd is not None]
    ended_at = end["at"] if end else last.ended_at if last and state != "running" else None
    why = (end and end["why"]) or (last.error if last and state == "failed" else "")
    return {
        "id": node_id,
        "state": state,
        "dependsOn": list(depends_on),
        "wave": wave,
        "model": last.model if last else None,
        "tries": sum(call.tries for call in calls),
        "inDoubt": sum(call.in_doubt for call in calls),
        "costUsd": float(sum(known)) if known else None,
        "startedAt": moment_text(calls[0].started_at) if calls else None,
        "endedAt": moment_text(ended_at),
        **({"error": why} if why else {}),
    }


def _state_of_call(call: Step, run: Run) -> str:
    return "cancelled" if call.state == "running" and run.ended else call.state


def _state_of_node(calls: Sequence[Step], run: Run) -> str:
    """Say how a step of a plan stands that has not ended: another candidate may follow any call that has."""
    if run.ended:
        return "cancelled"
    return "running" if calls else "pending"


def _progress(run: Run, nodes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    states = [node["state"] for node in nodes]
    done = states.count("succeeded")
    failed = sum(state in ("failed", "skipped", "cancelled") for state in states)
    percent = 100 if run.ended else round(100 * (done + failed) / len(states)) if states else 0
    return {
        "total": len(states),
        "done": done,
        "running": states.count("running"),
        "failed": failed,
        "percent": percent if run.ended else min(99, percent),
    }


def moment_text(at: datetime | None) -> str | None:
    """Return a moment as runs show it, in UTC."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")
