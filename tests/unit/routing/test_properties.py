"""What holds for every catalogue and every request: units, order, processes, constraints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NoEligibleModel, NoModelInBudget
from smart_spawn.model import BUDGETS, CATEGORIES
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import recommend, route
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.sources.base import Batch, Measurement, Unit
from tests.unit.builders import NOW, catalog, listing

AS_OF = date(2026, 8, 8)
MODELS = tuple(f"{vendor}/{name}-{n}" for n, name in enumerate(("alpha", "beta", "gamma")) for vendor in "ab")
PRICES = ("0.1", "0.4", "0.9", "2", "4", "12")
BOARDS = ("lmarena_coding", "livebench_coding", "lmarena_webdev")
POLICY = RoutingPolicy()

values = st.fixed_dictionaries(
    {
        board: st.fixed_dictionaries({model: st.integers(0, 1000).map(lambda n: n / 8) for model in MODELS})
        for board in BOARDS
    }
)
"""Board → model → value. Eighths, so that equal values stay equal in every unit."""


def decide(served: Catalog, /, *, policy: RoutingPolicy = POLICY, **options: Any) -> Decision:
    request = RouteRequest.of({"category": "coding", "minCapability": 0, "budget": "any", **options})
    return route(request, served, at=NOW, decision_id="dec_test", policy=policy)


def batches(found: Mapping[str, Mapping[str, float]], unit: Unit = "points") -> list[Batch]:
    sellers = Batch(
        source="openrouter",
        listings=tuple(listing(m, price) for m, price in zip(MODELS, PRICES, strict=True)),
    )
    boards = [
        Batch(
            source=board.partition("_")[0],
            published_on=AS_OF,
            measurements=tuple(
                Measurement(
                    source=board.partition("_")[0],
                    benchmark=board,
                    published_name=model.partition("/")[2] if model[0] == "a" else model,
                    value=value,
                    unit=unit,
                    published_on=AS_OF,
                )
                for model, value in row.items()
            ),
        )
        for board, row in found.items()
    ]
    return [sellers, *boards]


def built(parts: list[Batch]) -> Catalog:
    return build_catalog(parts, weights=shipped_weights(), as_of=AS_OF)


@settings(max_examples=25, deadline=None)
@given(
    values,
    st.sampled_from(BOARDS),
    st.sampled_from([0.01, 0.25, 60.0, 100.0, 1e6]),
    st.sampled_from([0.0, 32.0, -500.0]),
)
def test_the_unit_of_a_board_changes_no_choice(
    found: dict[str, dict[str, float]], board: str, factor: float, shift: float
) -> None:
    """A board that publishes shares instead of percent, or counts from elsewhere, says the same about models."""
    other = {**found, board: {m: v * factor + shift for m, v in found[board].items()}}
    first, second = decide(built(batches(found))), decide(built(batches(other, unit="index")))
    assert (first.selected.model, [o.model for o in first.others]) == (
        second.selected.model,
        [o.model for o in second.others],
    )
    assert first.selected.score == pytest.approx(second.selected.score, abs=1e-5)
    assert first.confidence == pytest.approx(second.confidence, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(values, st.randoms(use_true_random=False), st.sampled_from(BUDGETS))
def test_neither_the_order_of_sources_nor_of_models_changes_a_byte(
    found: dict[str, dict[str, float]], shuffle: Any, budget: str
) -> None:
    """What arrives first wins nothing: the decision is the same to the byte, version included."""
    parts = batches(found)
    mixed = [
        Batch(
            source=part.source,
            listings=tuple(shuffle.sample(part.listings, len(part.listings))),
            measurements=tuple(shuffle.sample(part.measurements, len(part.measurements))),
            published_on=part.published_on,
        )
        for part in shuffle.sample(parts, len(parts))
    ]
    assert decide(built(parts), budget=budget).result() == decide(built(mixed), budget=budget).result()


@settings(max_examples=20, deadline=None)
@given(values)
def test_a_higher_budget_never_gets_a_worse_score(found: dict[str, dict[str, float]]) -> None:
    """`low`, `medium` and `any` take the best of ever more models; `high` gives up what cannot be told apart."""
    served = built(batches(found))
    score = {str(budget): decide(served, budget=budget).selected.score for budget in BUDGETS}
    assert score["low"] <= score["medium"] <= score["any"]
    assert score["high"] <= score["any"]


CONSTRAINTS = st.fixed_dictionaries(
    {},
    optional={
        "budget": st.sampled_from(["low", "medium", "high"]),
        "exclude": st.sampled_from([["a/*"], ["b/beta-1"], ["*-2"]]),
        "only": st.sampled_from([["b/*"], ["a/alpha-0", "b/gamma-2", "a/beta-1"]]),
        "models": st.sampled_from([["a/*", "b/alpha-0"], ["openrouter/b/gamma-2"]]),
        "dataPolicy": st.sampled_from([{"providers": {"deny": ["a"]}}, {"providers": {"allow": ["b"]}}]),
        "minCapability": st.sampled_from([40, 55]),
    },
)


@settings(max_examples=25, deadline=None)
@given(values, CONSTRAINTS)
def test_every_fallback_satisfies_every_constraint_alone(
    found: dict[str, dict[str, float]], wishes: dict[str, Any]
) -> None:
    """A fallback that is called when the first fails breaks no promise: it would be allowed as the only one."""
    served = built(batches(found))
    try:
        decision = decide(served, **wishes)
    except (NoEligibleModel, NoModelInBudget):
        return
    for choice in decision.others:
        alone = decide(served, **{**wishes, "only": [choice.model]})
        assert alone.selected.model == choice.model
        assert "only" not in wishes or any(fnmatchcase(choice.model, p) for p in wishes["only"])


@settings(max_examples=25, deadline=None)
@given(values, st.integers(1, 5), st.sampled_from(["low", "medium", "high"]))
def test_recommendations_are_different_models_and_the_first_is_the_choice(
    found: dict[str, dict[str, float]], count: int, diversity: str
) -> None:
    """Nobody is recommended twice, and asking for more never changes who is wanted most."""
    served = built(batches(found))
    request = RouteRequest.of(
        category="coding", minCapability=0, budget="any", count=count, diversity=diversity
    )
    chosen = recommend(request, served, at=NOW, decision_id=lambda: "dec", policy=POLICY)
    models = [d.selected.model for d in chosen]
    assert len(models) == len(set(models)) == count
    assert models[0] == decide(served).selected.model


SCRIPT = """
import hashlib
from datetime import UTC, datetime
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import route
served = Catalog.of(packaged_facts())
at = datetime.combine(served.facts.as_of, datetime.min.time(), UTC)
for options in (
    {"task": "Refactor this Python function to use asyncio", "require": ["json", "functionCalling", "reasoning"]},
    {"task": "Translate the sign in this photo", "attachments": [{"type": "image"}], "budget": "high"},
    {"category": "research", "exclude": ["openai/*", "google/*"], "dataPolicy": {"providers": {"deny": ["x-ai"]}}},
    {"task": "Prove that there are infinitely many primes", "categoryWeights": {"creative": 2, "coding": 0.5}},
):
    decision = route(RouteRequest.of(options), served, at=at, decision_id="dec", policy=RoutingPolicy())
    print(served.version, hashlib.sha256(decision.result()).hexdigest(), decision.selected.model)
"""


def test_equal_inputs_give_equal_bytes_in_every_process() -> None:
    """Python's own hashes differ from process to process; decisions do not."""
    told = []
    for seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        answer = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=environment,
            cwd=Path(__file__).parent,
        )
        told.append(answer.stdout)
    assert told[0] == told[1]
    assert len(told[0].splitlines()) == 4


ALL_ZERO = {str(category): 0 for category in CATEGORIES}


@pytest.mark.parametrize(
    "what", [{"category": "coding"}, {"category": None, "task": "Fix the bug in app.py"}]
)
def test_weights_of_zero_everywhere_are_refused_whoever_set_them(what: dict[str, Any]) -> None:
    """The caller's weights multiply with the owner's; where nothing is left to choose by, the answer says so."""
    served = catalog([listing("a/one")], {"a/one": {"lmarena_coding": 1.0}})
    with pytest.raises(InvalidRequest) as refused:
        decide(served, **what, categoryWeights=ALL_ZERO)
    assert refused.value.hint
    owner = RoutingPolicy(category_weights=dict.fromkeys(CATEGORIES, 0.0))
    with pytest.raises(InvalidRequest):
        decide(served, policy=owner, **what)


def test_a_weight_of_zero_leaves_its_category_out() -> None:
    """0 is allowed: the category then has no say, and the rest decide."""
    served = catalog(
        [listing("a/coder"), listing("b/writer")],
        {
            "a/coder": {"lmarena_coding": 2.0, "lmarena_overall": 0.0},
            "b/writer": {"lmarena_coding": -1.0, "lmarena_overall": 0.5},
        },
    )
    task: dict[str, Any] = {"category": None, "task": "Fix the failing unit test in app.py"}
    assert decide(served, **task).selected.model == "a/coder"
    without = decide(served, **task, categoryWeights={"coding": 0, "general": 1})
    assert without.mix.get(CATEGORIES[0], 0) == 0
    assert without.selected.model == "b/writer"
