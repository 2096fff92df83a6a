"""Why: evidence that adds up to the score, alternatives with the one change that would have made each win.

All of it follows from a stored decision and the catalogue that it names, so it is computed when somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import BUDGETS, CATEGORIES, Budget, Category
from smart_spawn.routing.decision import Choice, Decision
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.rank import chance_to_be_best
from smart_spawn.routing.route import Race, choice_at, run_race
from smart_spawn.scoring.candidates import Inherited
from smart_spawn.scoring.category import Matrix, shrink_factor
from smart_spawn.scoring.reading import Reading

KEPT_CONTRIBUTIONS = 256
"""How many candidates' contributions a catalogue remembers: few are chosen, and those again and again."""
LARGEST_WEIGHT_CHANGE = 3.0
"""A category weight that would have to change by more than this factor, either way, explains nothing."""
ALTERNATIVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one board contributed to the selected candidate's score."""

    reading: Reading
    weight: float
    """The board's share (0–1) of all the weight that the mix of categories gives, after age and inheritance."""
    quality: float
    """The share (0–1) of the board's own weight that age, votes, effort and edition leave to the reading."""
    contribution: float
    """Points above or below 50. All contributions and 50 add up to the score."""
    inherited: Inherited | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The one change that would have made an alternative win."""

    kind: Literal["weight", "benchmark", "budget", "exclude", "explore", "stage"]
    what: str
    """The category, board, budget or model that changes."""
    value: float | str
    """The new weight, the points that the board's reading would need more, the new budget, or the excluded model."""

    def sentence(self) -> str:
        """Say it in words."""
        match self.kind:
            case "weight":
                return f"with a weight of {self.value:g} on `{self.what}`"
            case "benchmark":
                return f"with {self.value:g} more points on `{self.what}`"
            case "budget":
                return f"with the budget `{self.value}`"
            case "stage":
                return f"in the stage `{self.value}`"
            case "explore":
                return "with `explore` false"
            case _:
                return f"without `{self.what}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """Another model, how far behind it is, and what would have made it win."""

    choice: Choice
    gap: float
    """Points behind the selected model; negative when it is ahead but out of the budget."""
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that a sceptic may ask about one decision."""

    decision: Decision
    scores: Mapping[Category, float]
    """The selected candidate's scores in the categories that evidence speaks to."""
    evidence: tuple[Evidence, ...]
    """Largest contribution first, in either direction."""
    unmeasured: tuple[str, ...]
    """Boards that would count here and have nothing on the selected model."""
    p_best: float
    """Probability that the selected model is the best of all that stayed."""
    alternatives: tuple[Alternative, ...]


def row_of(catalog: Catalog, choice: Choice) -> int:
    """Find the candidate's row again. Raises KeyError when the catalogue does not hold it."""
    for row in catalog.rows_of[choice.model]:
        if catalog.candidates[row].effort == choice.effort:
            return row
    raise KeyError(choice.model)


def mix_vector(mix: Mapping[Category, float]) -> Matrix:
    """Return the shares of a mix in the order of the categories."""
    return np.array([mix.get(category, 0.0) for category in CATEGORIES])


def contributions(catalog: Catalog, row: int, mix: Matrix) -> tuple[Matrix, Matrix]:
    """Return each board's share of the weight and its points, for one candidate under one mix.

    In a category the points of a board are its weighted deviation from 50 times the shrinkage; a mix adds the
    categories' points by their shares. What the floor of `fast-cheap` takes away is spread over its boards.
    """
    of_all, points = _contributions(catalog, row)
    return mix @ of_all, mix @ points


def _contributions(catalog: Catalog, row: int) -> tuple[Matrix, Matrix]:
    """Return what `_by_category` does, remembered for the rows that are chosen again and again."""
    held = catalog.contributions.get(row)
    if held is None:
        held = _by_category(catalog, row)
        if len(catalog.contributions) >= KEPT_CONTRIBUTIONS:
            catalog.contributions.clear()
        catalog.contributions[row] = held
    return held


def _by_category(catalog: Catalog, row: int) -> tuple[Matrix, Matrix]:
    """Return shares of the weight and points of one candidate, both [7 × boards]."""
    quality, deviation = catalog.rows.quality[row], catalog.rows.points[row] - 50.0
    weights = catalog.weight_matrix * quality
    present = weights.sum(axis=1)
    shares = np.divide(weights, present[:, None], out=np.zeros_like(weights), where=present[:, None] > 0)
    factor = shrink_factor(catalog.rows.table.coverage[row])
    points = shares * deviation * factor[:, None]
    raw, final = points.sum(axis=1), catalog.rows.table.scores[row] - 50.0
    points += shares * (final - raw)[:, None]
    total = catalog.weight_matrix.sum(axis=1)
    of_all = np.divide(weights, total[:, None], out=np.zeros_like(weights), where=total[:, None] > 0)
    return of_all, points


def explain(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> Explanation:
    """Explain a decision from the catalogue that it was made with."""
    row = row_of(catalog, decision.selected)
    mix = mix_vector(decision.mix)
    candidate = catalog.candidates[row]
    share, points = contributions(catalog, row, mix)
    counted = list(np.flatnonzero(share > 0))
    counted.sort(key=lambda at: (-abs(points[at]), catalog.boards[at]))
    wanted = mix @ (catalog.weight_matrix > 0) > 0
    return Explanation(
        decision=decision,
        scores=catalog.category_scores(row),
        evidence=tuple(
            Evidence(
                reading=candidate.readings[catalog.boards[at]],
                weight=float(share[at]),
                quality=candidate.quality[catalog.boards[at]],
                contribution=float(points[at]),
                inherited=candidate.inherited(catalog.boards[at]),
            )
            for at in counted
        ),
        unmeasured=tuple(catalog.boards[at] for at in np.flatnonzero(wanted & (share == 0))),
        p_best=chance_to_be_best(rerun(decision, catalog, policy).ranking, row),
        alternatives=_alternatives(decision, catalog, policy, mix),
    )


def _alternatives(
    decision: Decision, catalog: Catalog, policy: RoutingPolicy, mix: Matrix
) -> tuple[Alternative, ...]:
    beyond = _beyond_budget(decision, catalog, policy)
    within = decision.others[: ALTERNATIVES - len(beyond)]
    return (
        *(
            Alternative(
                choice=choice,
                gap=decision.selected.score - choice.score,
                change=Change(kind="explore", what="explore", value="false")
                if choice.model == decision.explored
                else Change(kind="stage", what="routing.stage", value="active")
                if decision.advised and choice.score > decision.selected.score
                else _change(decision.selected, choice, catalog, mix),
            )
            for choice in within
        ),
        *beyond,
    )


def _change(selected: Choice, other: Choice, catalog: Catalog, mix: Matrix) -> Change:
    """Find the smallest single change that puts `other` ahead: a category weight, else one board's reading."""
    if other.score > selected.score:
        # Only `high` chooses something that scores less: the cheaper of those that cannot be told apart.
        return Change(kind="budget", what="budget", value=str(Budget.ANY))
    first, second = row_of(catalog, selected), row_of(catalog, other)
    ahead = catalog.believed_scores(second) - catalog.believed_scores(first)
    gap = max(selected.score - other.score, 0.0) + 1e-6
    best: tuple[float, Change] | None = None
    for at in np.flatnonzero(mix > 0).tolist():
        # Raising one weight by the factor t moves the gap by (t - 1) · mix · ahead; lowering it likewise.
        if abs(ahead[at]) < 1e-9:
            continue
        factor = 1 + gap / (mix[at] * ahead[at])
        if 1 / LARGEST_WEIGHT_CHANGE <= factor <= LARGEST_WEIGHT_CHANGE:
            rounded = float(np.ceil(factor * 100) / 100 if factor > 1 else np.floor(factor * 100) / 100)
            size = abs(np.log(factor))
            if best is None or size < best[0]:
                best = (size, Change(kind="weight", what=str(CATEGORIES[at]), value=rounded))
    if best is not None:
        return best[1]
    share, _ = contributions(catalog, second, mix)
    quality = catalog.rows.quality[second]
    factor = shrink_factor(catalog.rows.table.coverage[second])
    present = (catalog.weight_matrix * quality).sum(axis=1)
    slope = mix @ np.divide(
        catalog.weight_matrix * quality * factor[:, None],
        present[:, None],
        out=np.zeros_like(catalog.weight_matrix),
        where=present[:, None] > 0,
    )
    if share.any():
        at = int(np.argmax(slope))
        return Change(kind="benchmark", what=catalog.boards[at], value=round(float(gap / slope[at]), 1))
    return Change(kind="exclude", what=selected.model, value=selected.model)


def _beyond_budget(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> tuple[Alternative, ...]:
    """Find the better model that the next higher budget would have chosen, if there is one."""
    place = BUDGETS.index(decision.budget)
    if not decision.rejected.get("budget"):
        return ()
    for higher in BUDGETS[place + 1 :]:
        race = rerun(decision, catalog, policy, budget=higher)
        row = int(race.ranking.order[0])
        choice = choice_at(race, row)
        known = {decision.selected.model, *(other.model for other in decision.others)}
        if choice.model not in known and choice.score > decision.selected.score:
            gap = decision.selected.score - choice.score
            return (
                Alternative(
                    choice=choice, gap=gap, change=Change(kind="budget", what="budget", value=str(higher))
                ),
            )
    return ()


def rerun(
    decision: Decision,
    catalog: Catalog,
    policy: RoutingPolicy,
    *,
    budget: Budget | None = None,
    explain: bool = False,
) -> Race:
    """Run the race of a stored decision again, as it was or under another budget."""
    return run_race(
        decision.request,
        decision.task,
        catalog,
        at=decision.created_at,
        policy=policy,
        ever_held=lambda _: True,
        budget=budget,
        explain=explain,
    )


def rejections(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> Sequence[tuple[str, str]]:
    """List every rejected model with the filter that removed it, in the order of ids."""
    race = rerun(decision, catalog, policy, explain=True)
    unvoted = race.ranking.score
    for added in (race.ranking.feedback, race.ranking.gain):
        unvoted = unvoted if added is None else unvoted - added
    low = {
        catalog.candidates[row].listing.id: "minCapability"
        for row in range(len(catalog.candidates))
        if race.filtered.keep[catalog.rows.model[row]]
    }
    able = {
        catalog.candidates[row].listing.id
        for row in range(len(catalog.candidates))
        if race.filtered.keep[catalog.rows.model[row]]
        and unvoted[row] >= (0 if decision.request.pin else decision.request.min_capability)
    }
    named = {catalog.listings[at].id: reason for at, reason in race.filtered.reason.items()}
    return sorted({**named, **{model: reason for model, reason in low.items() if model not in able}}.items())


def reason(decision: Decision, catalog: Catalog) -> str:
    """Say in one sentence why this model."""
    listing = catalog.listing(decision.selected.model)
    name = listing.name.rpartition(": ")[2] if listing else decision.selected.model
    effort = f" at {decision.selected.effort} effort" if decision.selected.effort else ""
    where = "within the budget" if decision.budget in (Budget.LOW, Budget.MEDIUM) else "at any price"
    if not decision.selected.measured:
        return (
            f"{name}{effort}: no board has measured what is left for {decision.category}, so this is a guess."
        )
    row = row_of(catalog, decision.selected)
    points = mix_vector(decision.mix) @ _contributions(catalog, row)[1]
    order = (-points).argsort(kind="stable")[:2].tolist()
    boards = " and ".join(catalog.boards[at] for at in order if points[at] > 0)
    because = f", carried by {boards}" if boards else ""
    if gain := decision.selected_gain:
        because += f", {gain:+.1f} points by similar tasks on record"
    lead = decision.runner_up
    if lead is None:
        return f"{name}{effort} is the only model left for {decision.category} {where}{because}."
    gap = decision.selected.score - lead.score
    if decision.advised:
        how = "is the model that you use, and is served in this stage of routing"
    elif decision.explored:
        how = f"is tried out, to learn more about it than {lead.model} would teach,"
    elif gap < 0:
        how = "cannot be told apart from the best and is expected to cost less"
    elif decision.confidence < 0.6:
        how = f"is narrowly ahead of {lead.model}"
    else:
        how = f"leads {lead.model} by {gap:.1f} points"
    return f"{name}{effort} {how} for {decision.category} {where}{because}."
