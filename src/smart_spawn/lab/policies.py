"""What each policy would have chosen for a call, and what that costs at the prices of its day."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.classify import classify
from smart_spawn.errors import RoutingError
from smart_spawn.lab.call import LoggedCall
from smart_spawn.matching.index import Match, NameIndex
from smart_spawn.model import BUDGETS, Category, Price, Requirement, bare_id
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.request import RouteRequest

Name = str
"""Of a policy."""

CURRENT, STRONGEST, CHEAPEST = "current", "always-strongest", "always-cheapest"
POLICY_NAMES: tuple[Name, ...] = (CURRENT, *BUDGETS, STRONGEST, CHEAPEST)
SIZE_CLASSES = (4_000, 32_000, 128_000, 1_000_000)
"""Tokens of a prompt: what is longer than one needs a window of the next."""
TASKS_REMEMBERED = 20_000
NAMES_REMEMBERED = 20_000
SHORT_PROMPT, SHORT_ANSWER = 1_000, 300
"""Tokens by which the cheapest model is found."""


@dataclass(frozen=True, slots=True)
class Case:
    """All of a call that a choice depends on here."""

    category: Category
    min_context: int | None
    require: frozenset[Requirement]


@dataclass(frozen=True, slots=True)
class Pick:
    """The model that a policy chooses, and its score in the call's category, 0 to 100; `None` is unmeasured."""

    model: str
    score: float | None


@dataclass(slots=True, kw_only=True)
class Prices:
    """List prices by day, where the store has them; today's elsewhere."""

    catalog: Catalog
    history: Callable[[str], Sequence[tuple[date, Price]]]
    now: datetime
    _known: dict[str, tuple[list[date], list[Price]]] = field(default_factory=dict)
    of_the_day: int = 0
    """Calls whose logged model had a price of its day."""
    of_today: int = 0

    def cost_usd(self, model: str, call: LoggedCall, completion_tokens: int) -> tuple[float | None, bool]:
        """Return what the call's tokens cost at this model, and whether at the price of its day."""
        price, dated = self._price(model, call.at)
        if price is None or not price.known:
            return None, dated
        calls = max(1, call.calls)
        rates = (
            price.rates((call.prompt_tokens or 0) // calls, call.at or self.now)
            if price.overrides
            else price.base
        )
        if rates.prompt_usd_per_mtok is None or rates.completion_usd_per_mtok is None:
            return None, dated
        fresh = float(rates.prompt_usd_per_mtok)
        cached = fresh if rates.cached_input_usd_per_mtok is None else float(rates.cached_input_usd_per_mtok)
        prompt = call.prompt_tokens or 0
        read = min(call.cached_tokens, prompt)
        total = (
            (prompt - read) * fresh + read * cached + completion_tokens * float(rates.completion_usd_per_mtok)
        )
        return total / 1e6 + float(price.request_usd or 0) * calls, dated

    def _price(self, model: str, at: datetime | None) -> tuple[Price | None, bool]:
        if model not in self._known:
            points = self.history(model)
            self._known[model] = ([day for day, _ in points], [price for _, price in points])
        days, prices = self._known[model]
        if at is not None and days:
            place = bisect_right(days, at.astimezone(UTC).date())
            if place:
                return prices[place - 1], True
        listing = self.catalog.listing(model)
        return (None if listing is None else listing.price), False


@dataclass(slots=True, kw_only=True)
class Policies:
    """Every policy over one catalogue. Choices go by category, size and needs, so that few are ever computed."""

    catalog: Catalog
    choose: Callable[[RouteRequest], Decision]
    request: Callable[..., RouteRequest]
    """Makes a request with the owner's defaults."""
    min_capability: float
    names: NameIndex
    _tasks: dict[str, Category] = field(default_factory=dict)
    _models: dict[str, str | None] = field(default_factory=dict)
    _picks: dict[Case, Mapping[Name, Pick]] = field(default_factory=dict)
    _fixed: dict[Name, str | None] = field(default_factory=dict)

    def case_of(self, call: LoggedCall) -> Case:
        """Read a call as far as choices need it; without a text it is `general`."""
        size = (call.prompt_tokens or 0) // max(1, call.calls)
        needed = next((limit for limit in SIZE_CLASSES if size <= limit), SIZE_CLASSES[-1])
        require: set[Requirement] = set()
        if call.images:
            require.add("vision")
        if call.tools:
            require.add("functionCalling")
        return Case(
            category=Category.VISION if call.images else call.category or self._category(call.task),
            min_context=needed if size > SIZE_CLASSES[0] else None,
            require=frozenset(require),
        )

    def _category(self, task: str) -> Category:
        if not task:
            return Category.GENERAL
        found = self._tasks.get(task)
        if found is None:
            if len(self._tasks) >= TASKS_REMEMBERED:
                self._tasks.clear()
            found = self._tasks[task] = classify(task).category
        return found

    def model_of(self, logged: str) -> str | None:
        """Return the catalogue's id of a model as a log spells it, or None."""
        if logged not in self._models:
            if len(self._models) >= NAMES_REMEMBERED:
                self._models.clear()
            self._models[logged] = self._find(logged)
        return self._models[logged]

    def _find(self, logged: str) -> str | None:
        bare = bare_id(logged)
        for name in (bare, bare.rpartition("/")[2]):
            if name in self.catalog.index:
                return name
            found = self.names.find(name, source="log")
            if isinstance(found, Match):
                return found.model_id
        return None

    def score(self, model: str, category: Category) -> float | None:
        """Return the score of a model's default effort in a category."""
        rows = self.catalog.rows_of.get(model)
        return None if rows is None else self.catalog.category_scores(rows.start).get(category)

    def picks(self, case: Case) -> Mapping[Name, Pick]:
        """Return what each policy chooses; a policy that has no model for the case is missing."""
        found = self._picks.get(case)
        if found is None:
            found = self._picks[case] = self._chosen(case)
        return found

    def _chosen(self, case: Case) -> dict[Name, Pick]:
        found: dict[Name, Pick] = {}
        for name in (CURRENT, *BUDGETS):
            try:
                decision = self.choose(self._asked(case, name))
            except RoutingError:
                continue
            model, effort = decision.selected.model, decision.selected.effort
            row = next(
                (r for r in self.catalog.rows_of[model] if self.catalog.candidates[r].effort == effort),
                self.catalog.rows_of[model].start,
            )
            found[name] = Pick(model, self.catalog.category_scores(row).get(case.category))
        for name, fixed in ((STRONGEST, self._strongest()), (CHEAPEST, self._cheapest())):
            if fixed is not None:
                found[name] = Pick(fixed, self.score(fixed, case.category))
        return found

    def _asked(self, case: Case, name: Name) -> RouteRequest:
        wishes = {} if name == CURRENT else {"budget": name}
        return self.request(
            category=case.category, min_context=case.min_context, require=case.require, **wishes
        )

    def _strongest(self) -> str | None:
        """Return the one model that is best at everything together, at any price."""
        if STRONGEST not in self._fixed:
            try:
                request = self.request(category=Category.GENERAL, budget="any")
                self._fixed[STRONGEST] = self.choose(request).selected.model
            except RoutingError:
                self._fixed[STRONGEST] = None
        return self._fixed[STRONGEST]

    def _cheapest(self) -> str | None:
        """Return the cheapest model of those that reach the minimum capability in general."""
        if CHEAPEST not in self._fixed:
            able = []
            for listing, servable in zip(self.catalog.listings, self.catalog.models.servable, strict=True):
                score = self.score(listing.id, Category.GENERAL) if servable else None
                if score is None or score < self.min_capability or listing.variant == "free":
                    continue
                rates = listing.price.base
                if listing.price.known and rates.prompt_usd_per_mtok and rates.completion_usd_per_mtok:
                    cost = (
                        SHORT_PROMPT * rates.prompt_usd_per_mtok
                        + SHORT_ANSWER * rates.completion_usd_per_mtok
                    )
                    able.append((cost, listing.id))
            self._fixed[CHEAPEST] = min(able)[1] if able else None
        return self._fixed[CHEAPEST]
