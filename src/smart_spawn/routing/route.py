"""The decision itself: a pure function of request, catalogue, rules and time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.classify import TaskProfile, classify
from smart_spawn.errors import NoCatalog, NoEligibleModel, NoModelInBudget
from smart_spawn.model import BUDGETS, Budget, Requirement
from smart_spawn.routing.decision import NO_BELIEFS, Choice, Decision, Session, cluster_of
from smart_spawn.routing.diversity import diversify
from smart_spawn.routing.filters import Filtered, filter_models
from smart_spawn.routing.policy import COMPETITIVE, EXPLORE_EVERY, UNSURE_CATEGORY, RoutingPolicy
from smart_spawn.routing.rank import (
    Ranking,
    as_mapping,
    category_mix,
    choose,
    confidence,
    expected_cost_usd,
    rank_rows,
    switching_cost_usd,
    worth_trying,
)
from smart_spawn.routing.request import RouteRequest
from smart_spawn.scoring.category import Matrix
from smart_spawn.scoring.tags import known_tags

ACTIVE, SHADOW = "active", "shadow"
KEPT_OTHERS = 7
"""How many of the next best a decision keeps: fallbacks, alternatives and up to five recommendations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """One request against one catalogue, before anything is chosen: what explanations look into."""

    catalog: Catalog
    mix: Matrix
    filtered: Filtered
    ranking: Ranking


def profile_task(request: RouteRequest, policy: RoutingPolicy) -> TaskProfile:
    """Read the task of a request, with what the owner learned from similar ones unless a model is pinned."""
    profile = classify(request.task, attachments=[a.type for a in request.attachments])
    if policy.gain is None or request.pin or not request.task:
        return profile
    gains = policy.gain.points(request.task, str(request.category or profile.category))
    return replace(profile, gains=gains) if gains else profile


def route(
    request: RouteRequest,
    catalog: Catalog,
    *,
    at: datetime,
    decision_id: str,
    policy: RoutingPolicy,
    ever_held: Callable[[str], bool] = lambda _: False,
    task_digest: str | None = None,
    session: Session | None = None,
    caller: str | None = None,
    stage: str = ACTIVE,
) -> Decision:
    """Choose a model for one request. Equal arguments always give the equal decision.

    Raises NoModelInBudget when only a higher budget has a candidate, NoEligibleModel when none has, UnknownModel for
    ids that were never heard of.
    """
    return decide(
        request,
        profile_task(request, policy),
        catalog,
        at=at,
        decision_id=decision_id,
        policy=policy,
        ever_held=ever_held,
        task_digest=task_digest,
        session=session,
        caller=caller,
        stage=stage,
    )


def decide(
    request: RouteRequest,
    profile: TaskProfile,
    catalog: Catalog,
    *,
    at: datetime,
    decision_id: str,
    policy: RoutingPolicy,
    ever_held: Callable[[str], bool] = lambda _: False,
    task_digest: str | None = None,
    session: Session | None = None,
    caller: str | None = None,
    stage: str = ACTIVE,
) -> Decision:
    """Choose for a task that was read before: what `route` does after classification, and what a replay does."""
    race = run_race(request, profile, catalog, at=at, policy=policy, ever_held=ever_held)
    best = row = int(race.ranking.order[choose(race.ranking, request.budget)])
    advised = None
    if session is not None:
        best = row = _stay_or_leave(race, row, session)
    if stage != ACTIVE:
        own = _row_of_current(race, request)
        if own is not None and own != row:
            advised, best, row = row, own, own
    elif _is_drawn(race, row, request, policy, task_digest, session):
        row = int(race.ranking.order[worth_trying(race.ranking, policy.explore)])
    return _decision(
        request,
        profile,
        race,
        row,
        at=at,
        decision_id=decision_id,
        policy=policy,
        digest=task_digest,
        session=session,
        caller=caller,
        explored=None if row == best else race.catalog.candidates[best].listing.id,
        stage=stage,
        advised=advised,
    )


def _is_drawn(
    race: Race,
    row: int,
    request: RouteRequest,
    policy: RoutingPolicy,
    task_digest: str | None,
    session: Session | None,
) -> bool:
    """Tell whether this choice is one to try something out with: somebody voted, and nothing holds the best back."""
    if race.catalog.learned is None or session is not None or row != race.ranking.order[0]:
        return False
    return may_explore(request, policy, task_digest)


def may_explore(request: RouteRequest, policy: RoutingPolicy, task_digest: str | None) -> bool:
    """Tell whether a model may be tried out: for one task in `EXPLORE_EVERY`, and never where the caller said no.

    The task's digest draws the lot, so that the same task always has the same answer. A pinned model and a list of
    models are wishes that nothing is tried out against.
    """
    if not (request.explore and policy.explore > 0 and task_digest) or request.pin or request.only:
        return False
    return int(task_digest[:8], 16) % EXPLORE_EVERY == 0


def _row_of_current(race: Race, request: RouteRequest) -> int | None:
    """Return the row of the model that the caller uses now, where it satisfies the request."""
    rows = race.ranking.order.tolist()
    return next((row for row in rows if race.catalog.candidates[row].listing.id == request.current), None)


def _stay_or_leave(race: Race, row: int, session: Session) -> int:
    """Return the session's own model where it is held, or leaving costs its prompt cache and gains nothing sure."""
    here = [int(r) for r in race.ranking.order if race.catalog.candidates[int(r)].listing.id == session.model]
    if not here or here[0] == row:
        return row
    if session.held:
        return here[0]
    if not switching_cost_usd(race.catalog, row, session.tokens):
        return row
    return here[0] if confidence(race.ranking, row, here[0]) < COMPETITIVE else row


def recommend(
    request: RouteRequest,
    catalog: Catalog,
    *,
    at: datetime,
    decision_id: Callable[[], str],
    policy: RoutingPolicy,
    ever_held: Callable[[str], bool] = lambda _: False,
    task_digest: str | None = None,
    caller: str | None = None,
) -> list[Decision]:
    """Choose up to `request.count` models, the most wanted first, different where that costs little quality.

    Nothing is tried out. Raises what `route` raises.
    """
    request = request.model_copy(update={"explore": False})
    profile = profile_task(request, policy)
    race = run_race(request, profile, catalog, at=at, policy=policy, ever_held=ever_held)
    first = int(race.ranking.order[choose(race.ranking, request.budget)])
    rows = diversify(race.ranking, catalog, first, request.count, request.diversity)
    return [
        _decision(
            request,
            profile,
            race,
            row,
            at=at,
            decision_id=decision_id(),
            policy=policy,
            digest=task_digest,
            caller=caller,
        )
        for row in rows
    ]


def _decision(
    request: RouteRequest,
    profile: TaskProfile,
    race: Race,
    row: int,
    *,
    at: datetime,
    decision_id: str,
    policy: RoutingPolicy,
    digest: str | None,
    session: Session | None = None,
    caller: str | None = None,
    explored: str | None = None,
    stage: str = ACTIVE,
    advised: int | None = None,
) -> Decision:
    """Write down that this row was chosen, with the next best by rank."""
    plain = race.catalog.candidates[row].listing.plain_id
    next_best = [other for other in race.ranking.order[: KEPT_OTHERS + 2].tolist() if other != row]
    others = [o for o in next_best if race.catalog.candidates[o].listing.plain_id != plain]
    leaves = session is not None and session.model != race.catalog.candidates[row].listing.id
    return Decision(
        id=decision_id,
        created_at=at,
        request=request.model_copy(update={"task": ""}),
        task=profile,
        caller=caller,
        task_digest=digest,
        mix=as_mapping(race.mix),
        selected=choice_at(race, row),
        others=tuple(choice_at(race, other) for other in others[:KEPT_OTHERS]),
        confidence=confidence(race.ranking, row, others[0]) if others else 1.0,
        candidate_count=race.ranking.eligible_models,
        rejected=race.filtered.rejected,
        warnings=(
            *race.filtered.warnings,
            *_warnings(request, profile, race, row),
            *([_trying(race, row, explored)] if explored else []),
            *_stage_warnings(race, request, row, stage, advised),
        ),
        explored=explored,
        stage=stage,
        advised=None if advised is None else choice_at(race, advised),
        tags=known_tags(request.context)[0] if request.context else (),
        session=session,
        switching_cost_usd=switching_cost_usd(race.catalog, row, session.tokens)
        if session and leaves
        else None,
        catalog_version=race.catalog.version,
        beliefs_version=race.catalog.learned.version if race.catalog.learned else NO_BELIEFS,
        policy_version=policy.version,
    )


def run_race(
    request: RouteRequest,
    profile: TaskProfile,
    catalog: Catalog,
    *,
    at: datetime,
    policy: RoutingPolicy,
    ever_held: Callable[[str], bool] = lambda _: False,
    budget: Budget | None = None,
    explain: bool = False,
) -> Race:
    """Filter and rank. Raises NoModelInBudget or NoEligibleModel when nothing is left."""
    race = _attempt(
        request,
        profile,
        catalog,
        at=at,
        policy=policy,
        ever_held=ever_held,
        budget=budget or request.budget,
        explain=explain,
    )
    if len(race.ranking.order):
        return race
    if not len(catalog):
        raise NoCatalog("there is no catalogue to choose from", hint="`smart-spawn refresh` builds one")
    for higher in BUDGETS[BUDGETS.index(request.budget) + 1 :]:
        wider = _attempt(request, profile, catalog, at=at, policy=policy, ever_held=ever_held, budget=higher)
        if len(wider.ranking.order):
            raise NoModelInBudget(request.budget, higher, race.filtered.rejected)
    raise NoEligibleModel(race.filtered.rejected, hint=_way_out(race.filtered.rejected, request))


def _attempt(
    request: RouteRequest,
    profile: TaskProfile,
    catalog: Catalog,
    *,
    at: datetime,
    policy: RoutingPolicy,
    ever_held: Callable[[str], bool],
    budget: Budget,
    explain: bool = False,
) -> Race:
    needs: frozenset[Requirement] = request.require | profile.requires
    filtered = filter_models(
        request,
        catalog,
        policy,
        on=at.date(),
        needs=needs,
        context_tokens=profile.tokens + policy.answer_tokens,
        budget=budget,
        ever_held=ever_held,
        explain=explain,
    )
    mix = category_mix(request, profile, policy)
    ranking = rank_rows(
        filtered.keep,
        catalog,
        mix,
        min_capability=0.0 if request.pin else request.min_capability,
        cost_usd=expected_cost_usd(catalog, policy, prompt_tokens=profile.tokens, at=at),
        tags=known_tags(request.context)[0] if request.context else (),
        cluster=cluster_of(profile) if catalog.learned else "",
        gains=profile.gains,
    )
    if ranking.below_minimum:
        filtered.rejected["minCapability"] = ranking.below_minimum
    return Race(catalog=catalog, mix=mix, filtered=filtered, ranking=ranking)


def choice_at(race: Race, row: int) -> Choice:
    """Return one row of a race as decisions keep it."""
    ranking, candidate = race.ranking, race.catalog.candidates[row]
    listing = candidate.listing
    rates = listing.price.base
    free = listing.id.endswith(":free") and not (rates.prompt_usd_per_mtok or rates.completion_usd_per_mtok)
    cost = 0.0 if free else ranking.cost_usd.item(row)
    return Choice(
        model=listing.id,
        effort=candidate.effort,
        score=ranking.score.item(row),
        variance=ranking.variance.item(row),
        expected_cost_usd=None if math.isnan(cost) else round(cost, 9),
        context_boost=0.0 if ranking.boost is None else ranking.boost.item(row),
        feedback=_feedback(race, row),
        measured=ranking.measured.item(row),
    )


def _feedback(race: Race, row: int) -> float | None:
    learned, points = race.catalog.learned, race.ranking.feedback
    return points.item(row) if learned and points is not None and row in learned.place else None


def _trying(race: Race, row: int, better: str) -> str:
    """Say that a model is tried out, and what that may cost."""
    gap = race.ranking.score[race.ranking.order[0]] - race.ranking.score[row]
    return (
        f"`{race.catalog.candidates[row].listing.id}` is tried out to learn more about it; `{better}` is believed to "
        f"be {gap:.1f} points better: `explore` false, or `routing.explore` 0 in the settings, turns this off"
    )


def _stage_warnings(
    race: Race, request: RouteRequest, row: int, stage: str, advised: int | None
) -> list[str]:
    """Say what the stage of routing means for this answer; a shadow says nothing."""
    if stage == ACTIVE:
        return []
    if advised is None:
        if race.catalog.candidates[row].listing.id == request.current:
            return []
        return [f"`{request.current}` does not satisfy the request, so it cannot be served"]
    if stage == SHADOW:
        return []
    name = race.catalog.candidates[advised].listing.id
    return [f"the stage of routing is `{stage}`: `{name}` would be chosen in place of `{request.current}`"]


def _warnings(request: RouteRequest, profile: TaskProfile, race: Race, row: int) -> list[str]:
    listing = race.catalog.candidates[row].listing
    found = []
    if request.category is None and profile.confidence < UNSURE_CATEGORY:
        found.append(
            "the task's category is uncertain; the choice leans on general strength"
            if profile.confidence
            else "the task gives no sign of its category; the choice goes by general strength"
        )
    if not race.ranking.measured[row]:
        found.append(f"no board has measured `{listing.id}` for this kind of task: it is a guess")
    if listing.deprecated:
        found.append(f"`{listing.id}` is deprecated: its maker has announced its end")
    if not listing.price.known:
        found.append(f"the price of `{listing.id}` is unknown")
    if request.context and (unknown := known_tags(request.context)[1]):
        found.append(f"context tags that no board knows were ignored: {', '.join(unknown[:10])}")
    if request.pin and race.ranking.score[row] < request.min_capability:
        found.append(f"the pinned model scores below the minimum capability of {request.min_capability:g}")
    return found


def _way_out(rejected: Mapping[str, int], request: RouteRequest) -> str:
    if request.pin and rejected.get("dataPolicy"):
        return "the data policy beats `pin`: change the policy, or pin a model that it admits"
    ways = {
        "context": "send a shorter task",
        "minCapability": "lower `minCapability`",
        "models": "list more of `models`",
        "only": "widen `only`",
        "exclude": "exclude fewer models",
        "dataPolicy": "widen the data policy",
        "pin": "pin a model that satisfies the other constraints",
    }
    wishes = [name for name in rejected if name not in ("alive", "budget")]
    named = [ways.get(name, f"drop `{name}`") for name in sorted(wishes, key=lambda n: -rejected[n])]
    return ", or ".join(named[:3])
