"""From what stays to an order: category mix, ranking score, expected cost, confidence, chance to be the best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np

from smart_spawn.catalog.snapshot import Bools, Catalog, Ints
from smart_spawn.classify import TaskProfile
from smart_spawn.errors import InvalidRequest
from smart_spawn.model import CATEGORIES, Budget, Category
from smart_spawn.routing.decision import gain_of
from smart_spawn.routing.policy import (
    COMPETITIVE,
    LEAST_SHARE,
    NAMED_CATEGORY_SHARE,
    UNSURE_CATEGORY,
    RoutingPolicy,
)
from smart_spawn.routing.request import RouteRequest
from smart_spawn.scoring.category import Matrix
from smart_spawn.scoring.tags import boost

SCORE_DIGITS = 6
"""Scores are rounded before they are compared: the last bits of a sum differ between processors."""
_SCORE_UNITS = 10.0**SCORE_DIGITS
MEASURED_SHARE = 0.5
"""A candidate counts as measured when boards speak to categories that make up this share of the mix."""
SHARE_DIGITS = 4
SHORTLIST = 48
"""How many of the best rows are put in exact order; the rest only need to be known as worse."""
CONTENDERS = 12
"""How many rows the chance to be the best is shared among; later ones have none worth counting."""

_GRID = np.linspace(-8.0, 8.0, 4097)
_PHI = np.array([0.5 * (1 + math.erf(x / math.sqrt(2))) for x in _GRID])


@cache
def _quadrature() -> tuple[Matrix, Matrix]:
    """Return nodes and weights that integrate over a standard normal distribution."""
    from numpy.polynomial.hermite_e import hermegauss  # noqa: PLC0415  # slow to import, needed by the first choice

    nodes, weights = hermegauss(15)
    return nodes, weights / weights.sum()


def phi(z: Matrix) -> Matrix:
    """Return the standard normal distribution function, by a table that is exact to 1e-6."""
    share: Matrix = np.interp(z, _GRID, _PHI)
    return share


def category_mix(request: RouteRequest, profile: TaskProfile, policy: RoutingPolicy) -> Matrix:
    """Return how much each category counts for this request: seven shares that sum to 1.

    The classifier's probabilities (or the category that was asked for), times the caller's and the owner's weights.
    A category that the request's weights name joins with at least `NAMED_CATEGORY_SHARE`; when no category reaches
    `UNSURE_CATEGORY` the mix leans on `general`. Raises InvalidRequest when all weights are zero.
    """
    if request.category is not None:
        chance: Mapping[Category, float] = {request.category: 1.0}
    else:
        chance = profile.categories
        best = max(chance.values(), default=0.0)
        if best < UNSURE_CATEGORY:
            general = chance.get(Category.GENERAL, 0.0) + UNSURE_CATEGORY - best
            chance = {**chance, Category.GENERAL: general}
    mix = [chance.get(c, 0.0) for c in CATEGORIES]
    if request.category_weights or policy.category_weights:
        mix = _weighed(mix, request.category_weights, policy.category_weights)
    total = sum(mix)
    if not total > 0:
        raise InvalidRequest(
            "every category that this task could belong to has the weight 0",
            hint="give one of the categories in `categoryWeights` a weight above 0",
            details={"field": "categoryWeights"},
        )
    kept = [share if share >= LEAST_SHARE * total else 0.0 for share in mix]
    total = sum(kept)
    shares = [
        round(share / total, SHARE_DIGITS) for share in kept
    ]  # what a stored decision holds is what was used
    largest = shares.index(max(shares))
    shares[largest] = round(shares[largest] + 1.0 - sum(shares), SHARE_DIGITS)
    return np.array(shares)


def _weighed(
    mix: Sequence[float], named: Mapping[Category, float], owner: Mapping[Category, float]
) -> list[float]:
    return [
        max(share, NAMED_CATEGORY_SHARE if named.get(c) else 0.0) * named.get(c, 1.0) * owner.get(c, 1.0)
        for c, share in zip(CATEGORIES, mix, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Every row of the catalogue under one mix; `order` are the rows worth looking at, best first."""

    score: Matrix
    """The ranking score of each row, not clamped."""
    variance: Matrix
    """Points²."""
    measured: Bools
    """Whether boards speak to most of the mix (`MEASURED_SHARE`); the others rank last."""
    cost_usd: Matrix
    """Expected cost of this task; NaN where the price is unknown."""
    boost: Matrix | None
    """What the context tags added to each row's score; None without tags."""
    feedback: Matrix | None = None
    """What votes added to each row's score; None where nobody voted."""
    lack: Matrix | None = None
    """How much less is left to find out about a row than about one without votes, in points: 0 or below."""
    gain: Matrix | None = None
    """What similar tasks on record added to each row's score; None where they say nothing."""
    order: Ints
    """The best rows, one a model, best first."""
    eligible_models: int
    below_minimum: int
    """Models that the minimum capability removed."""


def rank_rows(
    keep: Bools,
    catalog: Catalog,
    mix: Matrix,
    *,
    min_capability: float,
    cost_usd: Matrix,
    tags: Sequence[str] = (),
    cluster: str = "",
    gains: Mapping[str, float] | None = None,
) -> Ranking:
    """Order the candidates of the models that stay: measured before unmeasured, then by score, cost and id."""
    rows = catalog.rows
    score = _rounded(rows.table.scores.dot(mix))
    boosts = None
    if tags:
        boosts = _rounded(boost(rows.points, rows.quality, [catalog.tag_weights[t] for t in tags]))
        score = score + boosts
    # Evidence of different categories is shared, so errors are taken to go together: spreads add, not variances.
    spread = rows.spread.dot(mix)
    able = keep[rows.model] & (
        score >= min_capability
    )  # before votes: those change the order, not who is in it
    feedback = lack = None
    if (learned := catalog.learned) is not None:
        feedback, lack = np.zeros_like(score), np.zeros_like(score)
        feedback[learned.rows] = _rounded(learned.points(mix, (*tags, f"~{cluster}")))
        lack[learned.rows] = learned.lack.dot(mix)
        spread[learned.rows] = learned.spread.dot(mix)
        score = _rounded(score + feedback)
    gain = None
    if gains:
        gain = _laid_out(gains, catalog)
        score = _rounded(score + gain)
    measured = rows.measured.dot(mix) >= MEASURED_SHARE
    models_kept = int(np.count_nonzero(keep))
    candidates = able.nonzero()[0]
    models = rows.model[candidates]
    models_able = int(np.count_nonzero(models[1:] != models[:-1])) + 1 if len(models) else 0
    return Ranking(
        score=score,
        variance=_rounded(spread * spread),
        measured=measured,
        cost_usd=cost_usd,
        boost=boosts,
        feedback=feedback,
        lack=lack,
        gain=gain,
        order=_best_row_of_each_model(candidates, score, measured, cost_usd, catalog),
        eligible_models=models_able,
        below_minimum=models_kept - models_able,
    )


def _laid_out(gains: Mapping[str, float], catalog: Catalog) -> Matrix:
    """Lay the points of models on all their rows, free variants included (`gain_of`)."""
    found = np.zeros(len(catalog.candidates))
    for named in gains:
        for model in (named, f"{named}:free"):
            held = catalog.rows_of.get(model)
            if held is not None:
                found[held.start : held.stop] = gain_of(gains, model)
    return found


def _rounded(values: Matrix) -> Matrix:
    """Round to `SCORE_DIGITS`; `numpy.round` gives the same and takes twice as long."""
    rounded = values * _SCORE_UNITS
    np.rint(rounded, rounded)
    rounded /= _SCORE_UNITS
    return rounded


def _best_row_of_each_model(
    candidates: Ints, score: Matrix, measured: Bools, cost_usd: Matrix, catalog: Catalog
) -> Ints:
    """Return the best of these rows, one a model, best first: by score, then cost (unknown last), then row."""
    if not len(candidates):
        return candidates
    key = score[candidates]
    key -= 1_000.0 * ~measured[candidates]
    if len(candidates) > SHORTLIST:
        ascending = key.copy()
        ascending.partition(-SHORTLIST)
        inside = (key >= ascending[-SHORTLIST]).nonzero()[0]
        candidates, key = candidates[inside], key[inside]
    # NaN sorts last; rows ascend already, and equals stay in their order.
    ordered = candidates[np.lexsort((cost_usd[candidates], -key))]
    seen: dict[int, int] = {}
    for row, model in zip(ordered.tolist(), catalog.rows.model[ordered].tolist(), strict=True):
        if model not in seen:
            seen[model] = row
    return np.array(list(seen.values()))


def expected_cost_usd(catalog: Catalog, policy: RoutingPolicy, *, prompt_tokens: int, at: datetime) -> Matrix:
    """Return what this task is expected to cost on every row, in USD; NaN where the price is unknown.

    For comparing: a `:free` variant costs what its plain model does, since it is a rationed sample of it and not a
    cheaper way to work.

    Answers are as long as the model's measured verbosity says; overrides of the price by prompt length and time hold.
    """
    rows = catalog.rows
    prompt, completion = rows.prompt_usd_per_mtok, rows.completion_usd_per_mtok
    dearer = [
        listing
        for listing in map(catalog.listings.__getitem__, catalog.overridden(prompt_tokens))
        if any(override.holds(prompt_tokens, at) for override in listing.price.overrides)
    ]
    if dearer:
        prompt, completion = prompt.copy(), completion.copy()
        for listing in dearer:
            held = catalog.rows_of[listing.id]
            rates = listing.price.rates(prompt_tokens, at)
            prompt[held.start : held.stop] = float(rates.prompt_usd_per_mtok or 0)
            completion[held.start : held.stop] = float(rates.completion_usd_per_mtok or 0)
    cost: Matrix = (prompt_tokens * prompt + policy.answer_tokens * rows.verbosity * completion) / 1e6
    return cost


def switching_cost_usd(catalog: Catalog, row: int, tokens: int) -> float:
    """Return what a model bills for a conversation of this length because its prompt cache is cold, in USD."""
    rates = catalog.candidates[row].listing.price.base
    if rates.prompt_usd_per_mtok is None or rates.cached_input_usd_per_mtok is None:
        return 0.0
    return float((rates.prompt_usd_per_mtok - rates.cached_input_usd_per_mtok) * tokens / 1_000_000)


def confidence(ranking: Ranking, first: int, second: int) -> float:
    """Return the probability that the first row really is at least as good as the second."""
    gap = ranking.score[first] - ranking.score[second]
    return round(chance_above(float(gap), ranking.variance[first] + ranking.variance[second]), 4)


def chance_above(gap: float, variance: float) -> float:
    """Return the probability that what is believed to lie this far ahead, in points, really is ahead or level."""
    spread = math.sqrt(variance)
    if spread == 0:
        return 1.0 if gap > 0 else 0.5
    return 0.5 * (1 + math.erf(gap / spread / math.sqrt(2)))


def chance_to_be_best(ranking: Ranking, row: int) -> float:
    """Return the probability that this row is the best of all contenders, by quadrature over its own score."""
    rivals = ranking.order[:CONTENDERS]
    rivals = rivals[rivals != row]
    if not len(rivals):
        return 1.0
    nodes, weights = _quadrature()
    own = ranking.score[row] + math.sqrt(ranking.variance[row]) * nodes
    spread = np.maximum(np.sqrt(ranking.variance[rivals]), 1e-9)
    beats = phi((own[:, None] - ranking.score[rivals]) / spread)
    return round(float(weights @ beats.prod(axis=1)), 4)


def choose(ranking: Ranking, budget: Budget) -> int:
    """Return the position in `order` of the row to select.

    The best score wins. Under `high`, among the rows that cannot be told apart from the best, the cheapest by
    expected cost does.
    """
    if budget is not Budget.HIGH or len(ranking.order) == 1:
        return 0
    best = int(ranking.order[0])
    rivals = ranking.order
    gap = ranking.score[best] - ranking.score[rivals]
    spread = np.sqrt(ranking.variance[best] + ranking.variance[rivals])
    apart = phi(gap / np.maximum(spread, 1e-9)) >= COMPETITIVE
    usable = (
        ~apart & ~np.isnan(ranking.cost_usd[rivals]) & (ranking.measured[rivals] == ranking.measured[best])
    )
    if not usable.any():
        return 0
    return int(np.argmin(np.where(usable, ranking.cost_usd[rivals], np.inf)))


def worth_trying(ranking: Ranking, explore: float) -> int:
    """Return the position in `order` of the row to try: the best once what is unknown counts in its favour."""
    if ranking.lack is None or len(ranking.order) == 1:
        return 0
    rivals = ranking.order[ranking.measured[ranking.order] == ranking.measured[ranking.order[0]]]
    return int(np.argmax(ranking.score[rivals] + explore * ranking.lack[rivals]))


def as_mapping(mix: Matrix) -> Mapping[Category, float]:
    """Name the shares of a mix, leaving out the zeros."""
    return {c: share for c, share in zip(CATEGORIES, mix.tolist(), strict=True) if share > 0}
