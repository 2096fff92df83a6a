"""Tools that have tasks done: start a run, watch it, read what it left behind, stop it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from smart_spawn.errors import NotFound
from smart_spawn.mcp.answers import (
    ArtifactAnswer,
    ArtifactLine,
    ArtifactMetadata,
    Progress,
    RawOutput,
    RunCanceled,
    RunCost,
    RunCreated,
    RunListAnswer,
    RunProblem,
    RunResultAnswer,
    RunRow,
    RunStatusAnswer,
)
from smart_spawn.mcp.arguments import (
    ArtifactArguments,
    PublishedStatus,
    RunArguments,
    RunCreateArguments,
    RunListArguments,
    RunResultArguments,
)
from smart_spawn.mcp.call import Call
from smart_spawn.mcp.names import MERGED, artifact_uri
from smart_spawn.runs.engine import RunLine, RunStatus
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.surface.runs import moment_text, run_json, visible_run

TELL_EVERY_S = 1.0
"""How often a client that waits is told how far a run is."""
RAW_CHARS = 12_000
"""Of each raw output beside a result; `smartspawn_artifact_get` has all of it."""

PUBLISHED: dict[str, PublishedStatus] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "completed",
    "failed": "failed",
    "budget_exceeded": "failed",
    "timed_out": "failed",
    "cancelled": "canceled",
}
"""Our states → their published names."""
NODE_STATES = {"pending": "queued", "succeeded": "completed", "cancelled": "canceled"}


async def create(call: Call, asked: RunCreateArguments) -> RunCreated:
    """Start a run and return at once."""
    app = call.app
    values, warnings = asked.request()
    request = SpawnRequest.of(app.defaults(SpawnRequest, values))
    run = await app.runs.get(await app.submit(request, key_cap=call.caller.key_cap(app.now())))
    return RunCreated(
        run_id=run.id,
        status=PUBLISHED[run.status],
        created_at=moment_text(run.created_at) or "",
        warnings=warnings,
    )


async def status(call: Call, asked: RunArguments) -> RunStatusAnswer:
    """Say how a run stands."""
    found = await _seen(call, asked.run_id)
    at, said = _newest(found)
    return RunStatusAnswer(
        run_id=found["id"],
        status=PUBLISHED[found["status"]],
        progress=_progress(found),
        last_event=said,
        updated_at=at,
    )


async def result(call: Call, asked: RunResultArguments) -> RunResultAnswer:
    """Return what a run came to, waiting for its end as long as the client wants to."""
    await visible_run(call.app, call.caller, asked.run_id)
    if asked.wait_s:
        await _waited(call, asked.run_id, asked.wait_s)
    found = await _seen(call, asked.run_id)
    raw = _raw(found) if asked.include_raw else None
    usage = found.get("usage") or {}
    return RunResultAnswer(
        status=PUBLISHED[found["status"]],
        merged_output=found.get("output") or None,
        summary=_summary(found),
        artifacts=_artifacts(found),
        cost=RunCost(
            prompt_tokens=usage.get("promptTokens", 0),
            completion_tokens=usage.get("completionTokens", 0),
            usd_estimate=found["cost"]["usd"],
        ),
        warnings=found.get("warnings", []),
        error=RunProblem(**found["error"]) if "error" in found else None,
        raw_outputs=None
        if raw is None
        else [RawOutput(node_id=n, output=_cut(text)) for n, text in raw.items()],
    )


async def cancel(call: Call, asked: RunArguments) -> RunCanceled:
    """Stop a run and the runs that it started."""
    run = await visible_run(call.app, call.caller, asked.run_id)
    stopped = await call.app.runs.cancel(run.id)
    return RunCanceled(run_id=run.id, status="canceled" if not stopped.ended else PUBLISHED[stopped.status])


async def listed(call: Call, asked: RunListArguments) -> RunListAnswer:
    """List runs, newest first."""
    wanted: Sequence[RunStatus | None] = [None]
    if asked.status is not None:
        wanted = [ours for ours, name in PUBLISHED.items() if name == asked.status]  # type: ignore[misc]  # keys are
    lines: list[RunLine] = []
    for one in wanted:
        lines += await call.app.runs.list(status=one, limit=asked.limit, key=call.caller.sees_only)
    newest = sorted(lines, key=lambda line: line.id, reverse=True)[: asked.limit]
    return RunListAnswer(runs=[_row(line) for line in newest])


async def artifact(call: Call, asked: ArtifactArguments) -> ArtifactAnswer:
    """Return what a node left behind; `merged` is the final answer."""
    found = await _seen(call, asked.run_id)
    merged = asked.node_id == MERGED
    content = (found.get("output") or None) if merged else _raw(found).get(asked.node_id)
    if content is None:
        known = [line.node_id for line in _artifacts(found)]
        raise NotFound(
            f"run `{found['id']}` has no artifact `{asked.node_id[:80]}`",
            hint=f"it has: {', '.join(known[:20])}"
            if known
            else "it has none yet; `smartspawn_run_status` says why",
        )
    data = content.encode("utf-8", "replace")
    return ArtifactAnswer(
        artifact_type="merged" if merged else "raw",
        content=content,
        metadata=ArtifactMetadata(
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            created_at=found["endedAt"] or found["createdAt"],
            path=artifact_uri(found["id"], asked.node_id),
        ),
    )


async def _seen(call: Call, run_id: str) -> dict[str, Any]:
    """Return a run as `/runs/{id}` does, without its decision. Raises NotFound for those of other keys."""
    await visible_run(call.app, call.caller, run_id)
    view = replace(await call.app.view(run_id), decision=None)
    found = run_json(view, call.app.policy)
    left = [] if view.run.ended else await call.app.runs.artifacts(run_id)
    return {**found, "left": {one.step: one.content for one in left}}


async def _waited(call: Call, run_id: str, wait_s: float) -> None:
    """Wait until a run has ended or the time is over, telling now and then how far it is."""
    loop = asyncio.get_running_loop()
    until_s, told_s, changed = loop.time() + wait_s, float("-inf"), False
    async for event in call.app.runs.events(run_id):
        changed = changed or event is not None
        if changed and loop.time() - told_s >= TELL_EVERY_S:
            found = await _seen(call, run_id)
            await call.tell(found["progress"]["percent"], _summary(found))
            told_s, changed = loop.time(), False
        if loop.time() >= until_s:
            return
    found = await _seen(call, run_id)
    await call.tell(100, _summary(found))


def _progress(found: dict[str, Any]) -> Progress:
    counted = found["progress"]
    return Progress(
        total_nodes=counted["total"],
        done_nodes=counted["done"],
        running_nodes=counted["running"],
        failed_nodes=counted["failed"],
        percent=counted["percent"],
    )


def _newest(found: dict[str, Any]) -> tuple[str, str]:
    """Return when something last happened to a run, and what."""
    said = [(found["createdAt"], "run queued")]
    if found["startedAt"]:
        said.append((found["startedAt"], "run started"))
    for node in found["nodes"]:
        if node["startedAt"]:
            said.append((node["startedAt"], f"{node['id']} started"))
        if node["endedAt"]:
            said.append((node["endedAt"], f"{node['id']} {_node_state(node)}"))
    if found["endedAt"]:
        return found["endedAt"], f"run {PUBLISHED[found['status']]}"
    return max(said)


def _summary(found: dict[str, Any]) -> str:
    counted, usd = found["progress"], found["cost"]["usd"]
    cost = "" if usd is None else f", {usd:.6f} USD"
    why = f"; {found['error']['code']}: {found['error']['message']}" if "error" in found else ""
    return (
        f"{found['mode']} run {PUBLISHED[found['status']]}: "
        f"{counted['done']} of {counted['total']} nodes done{cost}{why}"
    )


def _artifacts(found: dict[str, Any]) -> list[ArtifactLine]:
    nodes = {node["id"]: node for node in found["nodes"]}
    lines = [
        ArtifactLine(
            node_id=node_id,
            path=artifact_uri(found["id"], node_id),
            model=nodes[node_id]["model"] if node_id in nodes else None,
            status=_node_state(nodes[node_id]) if node_id in nodes else "completed",
            type="raw",
        )
        for node_id in _raw(found)
    ]
    if found.get("output"):
        path = artifact_uri(found["id"], MERGED)
        done = PUBLISHED[found["status"]]
        lines.append(
            ArtifactLine(node_id=MERGED, path=path, model=found.get("model"), status=done, type="merged")
        )
    return lines


def _raw(found: dict[str, Any]) -> dict[str, str]:
    """Return what each node answered, by its id: steps of a plan, or the calls of any other mode."""
    kept = {one["step"]: one["content"] for one in found.get("artifacts", ())}
    if kept or found["left"]:
        return {**found["left"], **kept}
    return {str(one["step"]): one["output"] for one in found.get("responses", ()) if one["output"]}


def _node_state(node: dict[str, Any]) -> str:
    state: str = node["state"]
    return NODE_STATES.get(state, state)


def _cut(text: str) -> str:
    left = len(text) - RAW_CHARS
    return text if left <= 0 else f"{text[:RAW_CHARS]}\n[… {left:,} characters more: smartspawn_artifact_get]"


def _row(line: RunLine) -> RunRow:
    return RunRow(
        run_id=line.id,
        mode=line.mode,
        status=PUBLISHED[line.status],
        created_at=moment_text(line.created_at) or "",
        updated_at=moment_text(line.ended_at or line.started_at or line.created_at) or "",
    )
