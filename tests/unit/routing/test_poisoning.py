"""A flood of reports: ten thousand from a hundred keys move no choice of a well-measured model."""

from __future__ import annotations

from smart_spawn.catalog.learned import Learned
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import RoutingError
from smart_spawn.feedback import Outcome, learn
from smart_spawn.feedback.community import MOST_POINTS, SURE_VARIANCE, Report, community
from smart_spawn.model import BUDGETS, CATEGORIES
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
from tests.unit.builders import NOW

KEYS, REPORTS = 100, 100
"""Keys, and reports of each on one model and category."""


def picks(catalog: Catalog) -> dict[tuple[str, str], Decision]:
    """Choose for every category and budget."""
    found = {}
    for category in CATEGORIES:
        for budget in BUDGETS:
            request = RouteRequest(category=category, budget=budget)
            try:
                found[str(category), str(budget)] = route(
                    request, catalog, at=NOW, decision_id="d", policy=RoutingPolicy()
                )
            except RoutingError:
                continue
    return found


def test_a_flood_moves_no_choice_of_a_well_measured_model() -> None:
    """Every winner is reported down and every runner-up praised, beside honest votes of the owner on each."""
    facts = packaged_facts()
    assert facts is not None
    plain = Catalog.of(facts)
    before = picks(plain)
    honest, flood = [], []
    for (category, _), decision in before.items():
        runner_up = decision.others[0].model
        for model, rating in ((decision.selected.model, 1.0), (runner_up, 5.0)):
            honest += [
                Outcome(at=NOW, voter="local", kind="rating", model=model, category=category, value=3.9)
            ] * 3
            flood += [
                Report(
                    contributor=f"key {n}",
                    model=model,
                    category=category,
                    ratings=REPORTS,
                    total=rating * REPORTS,
                )
                for n in range(KEYS)
            ]
    beliefs = learn(honest, NOW)
    voted, flooded = (
        picks(plain.believing(Learned.of(each, plain)))
        for each in (beliefs, beliefs.with_community(community(flood)))
    )
    sure = [
        name
        for name, decision in voted.items()
        if max(before[name].selected.variance, *(o.variance for o in before[name].others[:1])) < SURE_VARIANCE
        and decision.selected.variance < SURE_VARIANCE
    ]
    assert len(sure) >= 10  # the promise is about something
    for name in sure:
        assert flooded[name].selected.model == voted[name].selected.model, name
    for name, decision in flooded.items():
        scores = {c.model: c.score for c in (voted[name].selected, *voted[name].others)}
        for choice in (decision.selected, *decision.others):
            if choice.model in scores:
                assert abs(choice.score - scores[choice.model]) <= MOST_POINTS / 0.6 + 1e-6


def test_a_flood_without_own_votes_moves_nothing() -> None:
    """Reports never count by themselves."""
    facts = packaged_facts()
    assert facts is not None
    plain = Catalog.of(facts)
    reports = [
        Report(contributor=f"key {n}", model=model, category="coding", ratings=100, total=500)
        for n in range(KEYS)
        for model in list(plain.index)[:20]
    ]
    beliefs = learn([], NOW).with_community(community(reports))
    assert Learned.of(beliefs, plain) is None
