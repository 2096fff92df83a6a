"""What removes a model from the race, in a fixed order, each filter counting what it removed."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from smart_spawn.catalog.snapshot import REQUIREMENT_BITS, Bools, Catalog
from smart_spawn.errors import InvalidRequest, UnknownModel
from smart_spawn.model import REQUIREMENTS, Budget, Requirement
from smart_spawn.routing.data_policy import policy_mask, restricts
from smart_spawn.routing.policy import BUDGET_CEILING_USD_PER_MTOK, RoutingPolicy
from smart_spawn.routing.request import RouteRequest

MAX_PATTERNS = 200
MAX_LEFT_TOLD = 10
"""Ids of one field that are named as having left the catalogue; further ones are counted."""
_WILDCARD = re.compile(r"[*?\[]")


@dataclass(slots=True, kw_only=True)
class Filtered:
    """Which models stay, and what each filter removed."""

    keep: Bools
    """One element a model, in the order of the catalogue."""
    rejected: dict[str, int] = field(default_factory=dict)
    reason: dict[int, str] = field(default_factory=dict)
    """Model position → the filter that removed it; filled only when asked for."""
    warnings: list[str] = field(default_factory=list)
    explain: bool = False

    def apply(self, name: str, passes: Bools) -> None:
        """Keep what passes; count, and remember if asked, what does not."""
        removed = self.keep & ~passes
        count = int(np.count_nonzero(removed))
        if not count:
            return
        self.rejected[name] = self.rejected.get(name, 0) + count
        if self.explain:
            for at in np.flatnonzero(removed):
                self.reason[int(at)] = name
        self.keep = self.keep & passes


def filter_models(
    request: RouteRequest,
    catalog: Catalog,
    policy: RoutingPolicy,
    *,
    on: date,
    needs: Set[Requirement],
    context_tokens: int,
    budget: Budget,
    ever_held: Callable[[str], bool] = lambda _: False,
    explain: bool = False,
) -> Filtered:
    """Apply every filter but the minimum capability, which needs scores.

    `context_tokens` is what the task and its answer need. Raises UnknownModel for ids in `only`, `exclude` or `pin`
    that no catalogue has ever held.
    """
    models = catalog.models
    if request.models or request.pin or explain:
        state = Filtered(keep=np.ones(len(catalog), dtype=bool), explain=explain)
        if request.models:
            state.apply("models", _reachable(request.models, catalog, state))
        _alive_and_affordable(state, catalog, on, None if request.pin else budget)
    else:
        state = _usual_start(catalog, on, budget)
    for need in REQUIREMENTS:
        if need in needs:
            state.apply(need, (models.offers & REQUIREMENT_BITS[need]) != 0)
    least = max(context_tokens, request.min_context or 0)
    if least > catalog.smallest_context or request.min_context is not None:
        fits = models.context_tokens >= least
        if request.min_context is None:
            fits |= models.context_tokens == 0  # unknown
        state.apply("context", fits)
    if restricts(request.data_policy, policy):
        state.apply("dataPolicy", policy_mask(request.data_policy, policy, catalog))
    for name, ids in (("only", request.only), ("pin", (request.pin,) if request.pin else ())):
        if ids:
            state.apply(name, _named(ids, catalog, ever_held, field=name, state=state))
    if request.exclude:
        state.apply("exclude", ~_named(request.exclude, catalog, ever_held, field="exclude", state=state))
    return state


def _alive_and_affordable(state: Filtered, catalog: Catalog, on: date, budget: Budget | None) -> None:
    models = catalog.models
    state.apply("alive", models.servable & (models.expires_day > on.toordinal()))
    if budget is not None:
        state.apply("budget", affordable(catalog, budget))


def _usual_start(catalog: Catalog, on: date, budget: Budget) -> Filtered:
    """Return what the first filters leave, which is the same for every request of a day and a budget."""
    held = catalog.first_filters.get((on, budget))
    if held is None:
        state = Filtered(keep=np.ones(len(catalog), dtype=bool))
        _alive_and_affordable(state, catalog, on, budget)
        held = state.keep, state.rejected
        if len(catalog.first_filters) >= len(Budget):
            catalog.first_filters.clear()  # another day has begun
        catalog.first_filters[on, budget] = held
    keep, rejected = held
    return Filtered(keep=keep, rejected=dict(rejected))


def affordable(catalog: Catalog, budget: Budget) -> Bools:
    """Tell which models a budget admits by their input price; one without a price is in no tier but `any`."""
    price = catalog.models.prompt_usd_per_mtok
    if budget is Budget.ANY:
        return np.ones(len(catalog), dtype=bool)
    ceiling = BUDGET_CEILING_USD_PER_MTOK[budget]
    if ceiling is None:
        return ~np.isnan(price)
    return price < float(ceiling) if budget is Budget.LOW else price <= float(ceiling)  # NaN is neither


def _reachable(ids: Iterable[str], catalog: Catalog, state: Filtered) -> Bools:
    passes = np.zeros(len(catalog), dtype=bool)
    patterns, plain = _split(ids, "models")
    unknown = 0
    for model_id in plain:
        at = catalog.index.get(model_id)
        if at is None:
            unknown += 1
        else:
            passes[at] = True
    for at in _matching(patterns, catalog):
        passes[at] = True
    if unknown:
        state.warnings.append(f"{unknown:,} of the ids in `models` are not in the catalogue and were ignored")
    return passes


def _named(
    ids: Iterable[str], catalog: Catalog, ever_held: Callable[[str], bool], *, field: str, state: Filtered
) -> Bools:
    """Mark the models that the ids or patterns name. Excluding a model excludes its variants too."""
    marked = np.zeros(len(catalog), dtype=bool)
    patterns, plain = _split(ids, field)
    left: list[str] = []
    for model_id in plain:
        at = catalog.index.get(model_id)
        if at is not None:
            marked[at] = True
            if field == "exclude":
                for variant in catalog.variants_of.get(model_id, ()):
                    marked[variant] = True
        elif ever_held(model_id):
            left.append(model_id)
        else:
            raise UnknownModel(model_id, catalog.nearest(model_id), field=field)
    state.warnings += [
        f"`{model_id}` in `{field}` has left the catalogue" for model_id in left[:MAX_LEFT_TOLD]
    ]
    if len(left) > MAX_LEFT_TOLD:
        state.warnings.append(f"so have {len(left) - MAX_LEFT_TOLD:,} more of the ids in `{field}`")
    for pattern in patterns:
        hits = _matching([pattern], catalog)
        if not hits and not ever_held(pattern):
            raise UnknownModel(pattern, catalog.nearest(pattern), field=field)
        for at in hits:
            marked[at] = True
    return marked


def _split(ids: Iterable[str], field: str) -> tuple[list[str], list[str]]:
    patterns: list[str] = []
    plain: list[str] = []
    for text in ids:
        (patterns if _WILDCARD.search(text) else plain).append(text)
    if len(patterns) > MAX_PATTERNS:
        raise InvalidRequest(
            f"`{field}` holds {len(patterns):,} patterns; the limit is {MAX_PATTERNS}",
            hint="name the models, or use fewer and wider patterns",
        )
    return patterns, plain


def _matching(patterns: list[str], catalog: Catalog) -> list[int]:
    if not patterns:
        return []
    wanted = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns))
    return [at for model_id, at in catalog.index.items() if wanted.match(model_id)]
