"""Check a whole file of expectations against one catalogue and, where there is one, its lock file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.checks.expectation import RouteCheck
from smart_spawn.checks.flips import Flip, flip_of
from smart_spawn.checks.judge import Verdict, judge
from smart_spawn.checks.lock import Lock, LockedCatalog, LockedRoute, locked
from smart_spawn.scoring.scale import shown

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of a file of expectations."""

    verdicts: tuple[Verdict, ...]
    flips: tuple[Flip, ...]
    """Important routes that are not as they were locked."""
    notes: tuple[str, ...]
    """What is worth knowing and no failure."""
    catalog_version: str
    policy_version: str
    fresh_lock: Lock
    """What `--update` writes."""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the routes that failed an expectation, in the order of the file."""
        return tuple(verdict.check.name for verdict in self.verdicts if not verdict.passed)

    @property
    def passed(self) -> bool:
        """Whether everything is as expected and as locked."""
        return not self.failed and not self.flips


def check_routes(
    checks: Sequence[RouteCheck], app: SmartSpawn, *, catalog: Catalog | None = None, lock: Lock | None = None
) -> Report:
    """Choose for every entry and compare. Costs about half a millisecond a route that holds."""
    served = catalog or app.catalog
    verdicts = tuple(judge(check, app, served) for check in checks)
    flips, notes = [], []
    if lock is not None:
        for verdict in verdicts:
            if verdict.check.important and verdict.decision is not None:
                check, decision = verdict.check, verdict.decision
                flip = flip_of(check.name, check.request, decision, served, app.policy, lock)
                flips += [flip] if flip else []
                notes += _quiet_changes(check.name, lock.routes.get(check.name), verdict) if not flip else []
        notes += _left_over(checks, lock)
    return Report(
        verdicts=verdicts,
        flips=tuple(flips),
        notes=tuple(notes),
        catalog_version=served.version,
        policy_version=app.policy.version,
        fresh_lock=_fresh_lock(verdicts, served, app.policy.version, lock),
    )


def _quiet_changes(name: str, before: LockedRoute | None, verdict: Verdict) -> list[str]:
    decision = verdict.decision
    if before is None or decision is None or before.category is decision.category:
        return []
    return [f"`{name}`: the task is read as {decision.category}, no longer as {before.category}; same choice"]


def _left_over(checks: Sequence[RouteCheck], lock: Lock) -> list[str]:
    important = {check.name for check in checks if check.important}
    gone = sorted(set(lock.routes) - important)
    return [f"the lock file holds `{name}`, which is no important route any more" for name in gone]


def _fresh_lock(
    verdicts: Sequence[Verdict], catalog: Catalog, policy_version: str, before: Lock | None
) -> Lock:
    """Remember every important choice; one that could not be made stays as it was locked."""
    routes: dict[str, LockedRoute] = {}
    for verdict in verdicts:
        name = verdict.check.name
        if not verdict.check.important:
            continue
        if verdict.decision is not None:
            routes[name] = locked(verdict.check.request, verdict.decision, catalog)
        elif before is not None and name in before.routes:
            routes[name] = before.routes[name]
    return Lock(
        catalog=LockedCatalog(version=catalog.version, as_of=catalog.facts.as_of),
        policy=policy_version,
        routes=routes,
    )


def report_json(report: Report, *, file: Path, lock: Path | None, updated: bool) -> dict[str, Any]:
    """Return a report as one document for programs. With `updated` the flips are those that were accepted."""
    return {
        "data": {
            "passed": not report.failed if updated else report.passed,
            "file": str(file),
            "catalogVersion": report.catalog_version,
            "policyVersion": report.policy_version,
            "total": len(report.verdicts),
            "failed": list(report.failed),
            "routes": [_verdict_json(verdict) for verdict in report.verdicts],
            "lock": None
            if lock is None
            else {
                "file": str(lock),
                "updated": updated,
                "flipped": [
                    {"name": f.name, "old": f.old, "new": f.new, "causes": list(f.causes)}
                    for f in report.flips
                ],
            },
            "notes": list(report.notes),
        }
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    decision = verdict.decision
    chosen = decision.selected if decision else None
    return {
        "name": verdict.check.name,
        "passed": verdict.passed,
        "important": verdict.check.important,
        "model": chosen.model if chosen else None,
        "reasoningEffort": chosen.effort if chosen else None,
        "category": str(decision.category) if decision else None,
        "score": shown(chosen.score) if chosen else None,
        "confidence": decision.confidence if decision else None,
        "expectedCostUsd": chosen.expected_cost_usd if chosen else None,
        "failures": [
            {"expectation": f.expectation, "wanted": f.wanted, "found": f.found} for f in verdict.failures
        ],
        "reason": verdict.reason or None,
        "advice": list(verdict.advice),
    }
