"""What surrounds a task: context tags nudge, sessions stay where leaving gains nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import Price, Rates
from smart_spawn.routing.decision import Decision, Session
from smart_spawn.routing.explain import explain
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
from smart_spawn.scoring.tags import MOST_POINTS, known_tags, spellings, tag_boards
from tests.unit.builders import NOW, catalog, listing


def choose(shop: Catalog, session: Session | None = None, **options: Any) -> Decision:
    request = RouteRequest.of({"category": "coding", **options})
    return route(request, shop, at=NOW, decision_id="dec", policy=RoutingPolicy(), session=session)


def two(web: float) -> Catalog:
    """Return two models that are nearly equal at coding, of which the second is better or worse at web pages."""
    return catalog(
        [listing("a/general"), listing("b/web")],
        {
            "a/general": {"livebench_agentic_coding": 0.65, "livebench_typescript": 0.0},
            "b/web": {"livebench_agentic_coding": 0.6, "livebench_typescript": web},
        },
    )


def test_a_tag_turns_a_close_choice() -> None:
    """Between equals the boards that know about the surroundings decide, and the decision says by how much."""
    shop = two(2.0)
    assert choose(shop).selected.model == "a/general"
    tagged = choose(shop, context=["TypeScript"])
    assert tagged.selected.model == "b/web"
    assert tagged.tags == ("typescript",)
    assert 0 < tagged.selected.context_boost <= MOST_POINTS
    parts = sum(e.contribution for e in explain(tagged, shop, RoutingPolicy()).evidence)
    assert 50 + parts + tagged.selected.context_boost == pytest.approx(tagged.selected.score, abs=1e-5)


@given(st.floats(min_value=-50, max_value=50))
def test_tags_are_bounded(web: float) -> None:
    """However far out a board of a tag is, it moves a score by a few points only."""
    decision = choose(two(web), context=["ts", "web", "math"])
    for choice in (decision.selected, *decision.others):
        assert abs(choice.context_boost) <= MOST_POINTS


def test_words_that_no_board_knows_are_said_and_ignored() -> None:
    """A caller may send any words along: unknown ones change nothing and are named."""
    plain, tagged = choose(two(1.0)), choose(two(1.0), context=["brotli", "quic"])
    assert tagged.selected == plain.selected
    assert any("brotli, quic" in warning for warning in tagged.warnings)


def test_every_spelling_means_one_tag() -> None:
    """No word stands for two tags, and every tag names boards with a weight."""
    words = [word for tag in tag_boards() for word in spellings() if spellings()[word] == tag]
    assert len(words) == len(set(words)) == len(spellings())
    assert all(weight > 0 for row in tag_boards().values() for weight in row.values())
    assert known_tags(["Rust", "rust", "golang"]) == (("systems",), ())


def cached(prompt: str, cache: str) -> Price:
    rates = Rates(
        prompt_usd_per_mtok=Decimal(prompt),
        completion_usd_per_mtok=Decimal(prompt) * 5,
        cached_input_usd_per_mtok=Decimal(cache),
    )
    return Price(base=rates)


@pytest.mark.parametrize(("gap", "model"), [(0.02, "b/here"), (2.5, "a/there")])
def test_a_session_stays_unless_leaving_gains_something(gap: float, model: str) -> None:
    """A lead that is noise is not worth a cold cache; a real one is, and its price is shown."""
    shop = catalog(
        [listing("a/there", price=cached("2", "0.2")), listing("b/here", price=cached("2", "0.2"))],
        {"a/there": {"livebench_agentic_coding": gap}, "b/here": {"livebench_agentic_coding": 0.0}},
    )
    decision = choose(shop, Session(model="b/here", tokens=100_000))
    assert decision.selected.model == model
    if model == "a/there":
        assert decision.switching_cost_usd == pytest.approx(0.18)
    else:
        assert decision.switching_cost_usd is None
