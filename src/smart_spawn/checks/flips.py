"""A lock file against today's choices: which important routes flipped, from what to what, and what made them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.checks.lock import Lock, LockedRoute, board_values, request_digest
from smart_spawn.model import Effort
from smart_spawn.routing.decision import Choice, Decision
from smart_spawn.routing.explain import rejections, rerun
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.scoring.scale import shown

MAX_BOARDS = 3
"""Boards named per model; those that moved most come first."""
VISIBLE_POINTS = 0.05
"""A smaller change of a score is not told: both would be shown alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """An important route that is not as it was locked."""

    name: str
    old: str | None
    """The locked choice, `model` or `model (effort)`; None when the route was never locked."""
    new: str
    causes: tuple[str, ...]


def told(model: str, effort: Effort | None) -> str:
    """Name a choice."""
    return f"{model} ({effort} effort)" if effort else model


def flip_of(
    name: str, request: RouteRequest, decision: Decision, catalog: Catalog, policy: RoutingPolicy, lock: Lock
) -> Flip | None:
    """Compare one choice with what was locked. None when model and effort are the same."""
    new = told(decision.selected.model, decision.selected.effort)
    before = lock.routes.get(name)
    if before is None:
        return Flip(name=name, old=None, new=new, causes=("it is important and not in the lock file yet",))
    old = told(before.model, before.effort)
    if old == new:
        return None
    causes = (
        *_other_question(before, request, decision, policy, lock),
        *_fate_of_old(before, decision, catalog, policy),
        *_rise_of_new(before, decision, catalog),
    )
    return Flip(name=name, old=old, new=new, causes=causes or _unseen(lock, catalog))


def _unseen(lock: Lock, catalog: Catalog) -> tuple[str, ...]:
    if lock.catalog.version == catalog.version:
        return ("the catalogue is the same: time, settings or this program's rules made the difference",)
    return ("scores moved by less than is shown",)


def _other_question(
    before: LockedRoute, request: RouteRequest, decision: Decision, policy: RoutingPolicy, lock: Lock
) -> Iterator[str]:
    if before.request != request_digest(request):
        yield "the route asks for something else than when it was locked"
    if lock.policy != policy.version:
        yield "the settings of routing changed since it was locked"
    if before.category is not decision.category:
        yield f"the task is read as {decision.category}, no longer as {before.category}"


def _fate_of_old(
    before: LockedRoute, decision: Decision, catalog: Catalog, policy: RoutingPolicy
) -> Iterator[str]:
    listing = catalog.listing(before.model)
    if listing is None:
        yield f"{before.model} has left the catalogue"
        return
    base = listing.price.base
    for what, then, value in (
        ("input", before.input_usd_per_mtok, base.prompt_usd_per_mtok),
        ("output", before.output_usd_per_mtok, base.completion_usd_per_mtok),
    ):
        now = None if value is None else float(value)
        if now != then:
            yield f"{what} price of {before.model}: {_usd(then)} → {_usd(now)} USD per million tokens"
    removed = dict(rejections(decision, catalog, policy)).get(before.model)
    if removed is not None:
        yield f"{before.model} is now removed by `{removed}`"
    rows = [row for row in catalog.rows_of[before.model] if catalog.candidates[row].effort == before.effort]
    if not rows:
        yield f"{before.model} is not offered at {before.effort or 'its default'} effort any more"
        return
    ranking = rerun(decision, catalog, policy).ranking
    now_score = shown(float(ranking.score[rows[0]]))
    if removed is None and abs(now_score - before.score) >= VISIBLE_POINTS:
        yield f"score of {before.model}: {before.score:.1f} → {now_score:.1f}"
    yield from _moved_boards(before, decision, catalog)


def _moved_boards(before: LockedRoute, decision: Decision, catalog: Catalog) -> Iterator[str]:
    unscored = Choice(
        model=before.model,
        effort=before.effort,
        score=0.0,
        variance=0.0,
        expected_cost_usd=None,
        measured=True,
    )
    now = board_values(decision, unscored, catalog)

    def change(board: str) -> float:
        if board not in now or board not in before.boards:
            return float("inf")
        return abs(now[board] - before.boards[board]) / max(abs(before.boards[board]), 1e-9)

    moved = [b for b in {*now, *before.boards} if now.get(b) != before.boards.get(b)]
    for board in sorted(moved, key=lambda b: (-change(b), b))[:MAX_BOARDS]:
        then, value = before.boards.get(board), now.get(board)
        shown_then = "nothing" if then is None else f"{then:g}"
        shown_now = "nothing" if value is None else f"{value:g}"
        yield f"{board} of {before.model}: {shown_then} → {shown_now}"


def _rise_of_new(before: LockedRoute, decision: Decision, catalog: Catalog) -> Iterator[str]:
    new = decision.selected
    if new.model == before.model:
        return
    then, now = before.others.get(new.model), shown(new.score)
    if then is None:
        yield f"{new.model} scores {now:.1f} and was not among the next best when this was locked"
    elif abs(now - then) >= VISIBLE_POINTS:
        yield f"score of {new.model}: {then:.1f} → {now:.1f}"


def _usd(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
