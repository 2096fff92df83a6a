"""Which choices another catalogue would make: a fixed set of tasks, at every budget, asked of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import cache
from importlib.resources import files
from typing import Literal

from smart_spawn.catalog.diff import board_moves
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.classify import TaskProfile, classify
from smart_spawn.errors import RoutingError
from smart_spawn.model import BUDGETS, Budget, Category
from smart_spawn.routing.policy import BUDGET_CEILING_USD_PER_MTOK, RoutingPolicy
from smart_spawn.routing.rank import choose
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import Race, run_race

Cause = Literal["left", "expired", "price", "new", "score", "nothing fits", "something fits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickChange:
    """A task whose model is another one, and why."""

    task: str
    category: Category
    budget: Budget
    before: str | None
    """The model chosen from the first catalogue; `None` where none fitted."""
    after: str | None
    cause: Cause
    why: str
    """One sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickDiff:
    """All choices that changed, in the order of the tasks."""

    asked: int
    """Tasks times budgets."""
    changes: tuple[PickChange, ...]


@cache
def fixed_tasks() -> tuple[str, ...]:
    """Read the tasks that picks are compared over, one a line of picks.txt. They never leave this process."""
    text = files(__package__).joinpath("picks.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def _profiles(tasks: tuple[str, ...]) -> tuple[TaskProfile, ...]:
    return tuple(classify(task) for task in tasks)


def diff_picks(
    before: Catalog, after: Catalog, policy: RoutingPolicy, *, tasks: Sequence[str] | None = None
) -> PickDiff:
    """Choose for every task and budget from both catalogues, each at noon of its own day, and compare.

    Costs about half a millisecond a choice.
    """
    asked = tuple(tasks) if tasks is not None else fixed_tasks()
    changes = []
    for task, profile in zip(asked, _profiles(asked), strict=True):
        for budget in BUDGETS:
            old, new = (_race(c, profile, budget, policy) for c in (before, after))
            first, second = _winner(old, budget), _winner(new, budget)
            if first != second:
                cause, why = _why(before, after, old, new, first, second, budget)
                changes.append(
                    PickChange(
                        task=task,
                        category=profile.category,
                        budget=budget,
                        before=first,
                        after=second,
                        cause=cause,
                        why=why,
                    )
                )
    return PickDiff(asked=len(asked) * len(BUDGETS), changes=tuple(changes))


def _race(catalog: Catalog, profile: TaskProfile, budget: Budget, policy: RoutingPolicy) -> Race | None:
    at = datetime.combine(catalog.facts.as_of, time(12), UTC)
    try:
        return run_race(RouteRequest(budget=budget), profile, catalog, at=at, policy=policy)
    except RoutingError:
        return None


def _winner(race: Race | None, budget: Budget) -> str | None:
    if race is None:
        return None
    return race.catalog.candidates[int(race.ranking.order[choose(race.ranking, budget)])].listing.id


def _why(
    before: Catalog,
    after: Catalog,
    old: Race | None,
    new: Race | None,
    first: str | None,
    second: str | None,
    budget: Budget,
) -> tuple[Cause, str]:
    """Name what made the difference: the old winner's fate first, then the new one's arrival, then scores."""
    if second is None or new is None:
        return "nothing fits", f"nothing fits the budget `{budget}` any more"
    if first is None or old is None:
        return "something fits", f"nothing fitted the budget `{budget}` before"
    left = after.listing(first)
    if left is None:
        return "left", f"`{first}` has left the catalogue"
    if not left.alive(after.facts.as_of):
        return "expired", f"`{first}` is not served any more"
    if (moved := _out_of_budget(before, after, first, budget)) is not None:
        return "price", f"`{first}` costs {moved} USD per million input tokens: too much for `{budget}`"
    if before.listing(second) is None:
        return "new", f"`{second}` is new in the catalogue{_ahead(new, first, second)}"
    if (moved := _out_of_budget(after, before, second, budget)) is not None:
        return "price", f"`{second}` cost too much for `{budget}` before ({moved})"
    return "score", _by_score(before, after, new, first, second)


def _out_of_budget(before: Catalog, after: Catalog, model_id: str, budget: Budget) -> str | None:
    """Return `old → new` input price where it crossed the ceiling of the budget between the two."""
    ceiling = BUDGET_CEILING_USD_PER_MTOK[budget]
    old, new = (c.listings[c.index[model_id]].price.base.prompt_usd_per_mtok for c in (before, after))
    if ceiling is None or old is None or new is None:
        return None
    inside = [price < ceiling if budget is Budget.LOW else price <= ceiling for price in (old, new)]
    return f"{old} → {new}" if inside[0] and not inside[1] else None


def _ahead(race: Race, first: str, second: str) -> str:
    scores = {
        model: max(float(race.ranking.score[row]) for row in race.catalog.rows_of[model])
        for model in (first, second)
    }
    gap = scores[second] - scores[first]
    return f" and leads `{first}` by {gap:.1f} points" if gap > 0 else f", beside `{first}`"


def _by_score(before: Catalog, after: Catalog, new: Race, first: str, second: str) -> str:
    moves = [
        (model, move) for model in (first, second) for move in board_moves(before, after, model, new.mix)[:1]
    ]
    told = "; ".join(
        f"{move.benchmark} ({move.cause}) moved `{model}` by {move.points:+.1f}" for model, move in moves
    )
    return f"scores changed: `{second}`{_ahead(new, first, second).removeprefix(' and')}" + (
        f"; {told}" if told else ""
    )
