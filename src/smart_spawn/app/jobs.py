"""From a checked request to a `Job`: who climbs, who votes, who does which step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_spawn.app.dispatch import Dispatcher, baseline
from smart_spawn.errors import NoProvider, UnknownModel
from smart_spawn.model import Mode, bare_id
from smart_spawn.routing.decision import Decision, cluster_of
from smart_spawn.routing.diversity import diversify
from smart_spawn.routing.explain import rerun
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import Race
from smart_spawn.spawn.assign import Assigned, Choose
from smart_spawn.spawn.assign import assign as choose_all
from smart_spawn.spawn.carry import Job
from smart_spawn.spawn.cascade import ladder_of
from smart_spawn.spawn.collective import members_of
from smart_spawn.spawn.decompose import Whole, dependent, sequential, split
from smart_spawn.spawn.outcome import Rung
from smart_spawn.spawn.plan import Plan, Step
from smart_spawn.spawn.request import SpawnRequest
from smart_spawn.spawn.roles import ComposedRole, Role, compose
from smart_spawn.spawn.swarm import StepWork

MEMBERS = 3
"""How many models a collective has when nobody says."""
MOST_CANDIDATES = 200
"""How many of the best candidates a ladder is chosen from."""
SPARES = 3
"""Whom a cascade or collective may ask when none of the chosen models answered."""
SPARE_MEMBERS = 3
"""Chosen beside the wanted members, for those that turn out too weak or cannot be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobMaker:
    """Makes jobs from one catalogue."""

    dispatcher: Dispatcher
    choose: Choose
    """Routing of one step, without a trace."""

    def job(self, request: SpawnRequest, decision: Decision) -> Job:
        """Return the job of a request. Raises NoProvider, UnknownModel for a judge that nobody knows."""
        role = role_of(request)
        works, planner = (
            self._steps(request, decision) if request.mode in (Mode.PLAN, Mode.SWARM) else ((), ())
        )
        rungs = tuple(self._rungs(request, decision))
        return Job(
            mode=request.mode,
            task=request.task,
            role=role.prompt,
            verify=request.verifier,
            rungs=rungs,
            spares=self._spares(request, decision, rungs),
            judge=self._judge(request, decision),
            min_confidence=request.min_confidence,
            max_escalation=request.max_escalation,
            adaptive=request.adaptive,
            works=works,
            planner=planner,
            limits=limits_of(request),
            baseline=baseline(decision, self.dispatcher.catalog, self.dispatcher.policy),
            warnings=(
                *(f"`{name}` has no effect in mode `{request.mode}`" for name in request.idle_fields),
                *role.warnings,
                *_missing_members(request, rungs),
            ),
            decision_id=decision.id,
            caller=decision.caller or "",
            category=str(decision.category),
            budget=str(decision.budget),
            tags=decision.tags,
            cluster=cluster_of(decision.task),
        )

    def works(self, whole: RouteRequest, steps: Sequence[Step], role: str) -> list[StepWork]:
        """Choose who does each step. A step that nobody may do says why."""
        return [self._work(one, role) for one in choose_all(Plan.of(list(steps)), whole, self.choose)]

    def _rungs(self, request: SpawnRequest, decision: Decision) -> list[Rung]:
        if request.mode is Mode.CASCADE:
            return ladder_of(self.dispatcher.some(self._candidates(decision), decision))
        if request.mode is Mode.COLLECTIVE:
            count = members_wanted(request)
            return members_of(self.dispatcher.some(self._members(request, decision, count), decision), count)
        return self.dispatcher.ladder(decision)

    def _spares(self, request: SpawnRequest, decision: Decision, chosen: Sequence[Rung]) -> tuple[Rung, ...]:
        """Return the best that were not chosen, those of other providers first: a whole provider may be down."""
        if request.mode not in (Mode.CASCADE, Mode.COLLECTIVE):
            return ()
        taken, providers = {rung.model_id for rung in chosen}, {rung.provider for rung in chosen}
        best = [*self._candidates(decision), *self.dispatcher.ladder(decision)]
        left: dict[str, Rung] = {}
        for rung in best:
            if rung.model_id not in taken:
                left.setdefault(rung.model_id, rung)
        return tuple(sorted(left.values(), key=lambda rung: rung.provider in providers)[:SPARES])

    def _candidates(self, decision: Decision) -> list[Rung]:
        """Return what the request may use, one rung a model, best first."""
        race = rerun(decision, self.dispatcher.catalog, self.dispatcher.policy)
        rows: dict[str, int] = {}
        for row in race.ranking.order.tolist():
            if race.ranking.measured[row] or not rows:
                rows.setdefault(self.dispatcher.catalog.candidates[row].listing.plain_id, row)
            if len(rows) >= MOST_CANDIDATES:
                break
        return self._called(race, list(rows.values()), decision)

    def _members(self, request: SpawnRequest, decision: Decision, count: int) -> list[Rung]:
        catalog = self.dispatcher.catalog
        race = rerun(decision, catalog, self.dispatcher.policy)
        first = next(
            row
            for row in race.ranking.order.tolist()
            if catalog.candidates[row].listing.id == decision.selected.model
        )
        rows = diversify(race.ranking, catalog, first, count + SPARE_MEMBERS, request.diversity)
        known = [row for row in rows if race.ranking.measured[row] or row == first]
        return self._called(race, known, decision)

    def _called(self, race: Race, rows: Sequence[int], decision: Decision) -> list[Rung]:
        found = []
        for row in rows:
            candidate, cost = race.catalog.candidates[row], float(race.ranking.cost_usd[row])
            found.append(
                self.dispatcher.rung(
                    candidate.listing.id,
                    candidate.effort,
                    decision.request.data_policy,
                    score=float(race.ranking.score[row]),
                    expected_cost_usd=None if math.isnan(cost) else cost,
                )
            )
        return [rung for rung in found if rung is not None]

    def _judge(self, request: SpawnRequest, decision: Decision) -> Rung | None:
        if request.judge is None or request.mode not in (Mode.CASCADE, Mode.COLLECTIVE):
            return None
        model_id = bare_id(request.judge)
        if model_id not in self.dispatcher.catalog.index:
            raise UnknownModel(model_id, self.dispatcher.catalog.nearest(model_id), field="judge")
        judge = self.dispatcher.rung(model_id, None, decision.request.data_policy)
        if judge is None:
            raise NoProvider(
                f"nobody who may see the prompt serves the judge `{model_id}`",
                hint="choose another `judge`, or leave it out",
                model=model_id,
            )
        return judge

    def _steps(
        self, request: SpawnRequest, decision: Decision
    ) -> tuple[tuple[StepWork, ...], tuple[Rung, ...]]:
        """Return the steps, and who plans them where neither the caller nor the task's structure does."""
        role = role_of(request).prompt
        planner: tuple[Rung, ...] = ()
        plan = plan_of(request)
        if plan is None:
            planner = tuple(self.dispatcher.ladder(decision)[:2])
            plan = sequential([request.task])
        return tuple(self.works(request, plan.steps, role)), planner

    def _work(self, one: Assigned, role: str) -> StepWork:
        own = one.step.role or ({} if role else {"persona": one.persona})
        if one.step.persona:
            own = {**own, "persona": one.step.persona}
        prompt = compose(Role.of(own)).prompt if own else role
        if one.decision is None:
            return StepWork(step=one.step, role=prompt, why_nobody=one.error.message if one.error else "")
        try:
            return StepWork(step=one.step, role=prompt, ladder=tuple(self.dispatcher.ladder(one.decision)))
        except NoProvider as error:
            return StepWork(step=one.step, role=prompt, why_nobody=error.message)


def members_wanted(request: SpawnRequest) -> int:
    """Return how many models a collective is to have."""
    return request.count if "count" in request.model_fields_set else MEMBERS


def _missing_members(request: SpawnRequest, rungs: Sequence[Rung]) -> tuple[str, ...]:
    """Say when a collective is smaller than wanted: agreement of fewer proves less."""
    wanted = members_wanted(request)
    if request.mode is not Mode.COLLECTIVE or len(rungs) >= wanted:
        return ()
    why = "no other candidate is measured and nearly as good"
    return (f"{len(rungs)} of {wanted} members: {why}",)


def plan_of(request: SpawnRequest) -> Plan | None:
    """Return the plan that the caller or the task's own structure gives; None when there is neither."""
    if request.steps:
        return request.plan()
    found = split(request.task)
    if isinstance(found, Whole):
        return None
    return sequential(found.parts) if request.mode is Mode.PLAN else dependent(found)


def role_of(request: SpawnRequest) -> ComposedRole:
    """Put the role of a request together."""
    role = request.role
    return compose(role if isinstance(role, Role) else Role.of(role))


def limits_of(request: RouteRequest) -> Mapping[str, Any]:
    """Return the routing limits of a request as JSON, without its task."""
    routing = RouteRequest.model_construct(
        **{name: getattr(request, name) for name in RouteRequest.model_fields if name != "task"}
    )
    return routing.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def whole_of(job: Job) -> RouteRequest:
    """Return the routing request of a job again."""
    return RouteRequest.of({**job.limits, "task": job.task})
