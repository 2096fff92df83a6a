"""One expectation against one choice: what failed, what was chosen instead, why, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.checks.expectation import Expect, RouteCheck
from smart_spawn.errors import RoutingError
from smart_spawn.routing.decision import Decision
from smart_spawn.routing.explain import Alternative, explain, reason, rejections
from smart_spawn.scoring.scale import shown

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn

MAX_ADVICE = 3
"""Sentences about what would have changed the choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One expectation that does not hold."""

    expectation: str
    """As the file names it, or `route` when nothing could be chosen."""
    wanted: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of one entry."""

    check: RouteCheck
    decision: Decision | None
    """None when nothing could be chosen."""
    failures: tuple[Failure, ...]
    reason: str = ""
    """Why the chosen model was chosen; told only where an expectation failed."""
    advice: tuple[str, ...] = ()
    """What would have made another choice, one sentence each."""

    @property
    def passed(self) -> bool:
        """Whether every expectation holds."""
        return not self.failures


def judge(check: RouteCheck, app: SmartSpawn, catalog: Catalog) -> Verdict:
    """Choose for one entry from a catalogue and hold the choice to its expectations. Nothing is logged."""
    try:
        decision = app.preview(check.request, catalog)
    except RoutingError as error:
        refused = Failure(expectation="route", wanted="a choice", found=error.message)
        return Verdict(
            check=check, decision=None, failures=(refused,), advice=(error.hint,) if error.hint else ()
        )
    failures = (*_unknown(check.expect, app, catalog), *_broken(check.expect, decision, catalog))
    if not failures:
        return Verdict(check=check, decision=decision, failures=())
    return Verdict(
        check=check,
        decision=decision,
        failures=failures,
        reason=reason(decision, catalog),
        advice=tuple(islice(_advice(check.expect, decision, catalog, app), MAX_ADVICE)),
    )


def named(model_id: str, ids: Iterable[str]) -> bool:
    """Tell whether a model is one of these ids or patterns."""
    return any(fnmatchcase(model_id, pattern) for pattern in ids)


def _unknown(expect: Expect, app: SmartSpawn, catalog: Catalog) -> Iterator[Failure]:
    """Find ids that no catalogue ever held: a typo in `not_model_in` would let a model through for ever."""
    for expectation, ids in (("model_in", expect.model_in), ("not_model_in", expect.not_model_in)):
        for model_id in ids:
            if model_id in catalog.index or app.ever_held(model_id):
                continue
            nearest = ", ".join(f"`{name}`" for name in catalog.nearest(model_id))
            yield Failure(
                expectation=expectation,
                wanted=f"`{model_id}`",
                found="an id that no catalogue has ever held" + (f"; nearest: {nearest}" if nearest else ""),
            )


def _broken(expect: Expect, decision: Decision, catalog: Catalog) -> Iterator[Failure]:
    chosen = decision.selected
    provider = catalog.listings[catalog.index[chosen.model]].provider
    score, cost = shown(chosen.score), chosen.expected_cost_usd
    if expect.model_in and not named(chosen.model, expect.model_in):
        yield _failure("model_in", _any_of(expect.model_in), f"`{chosen.model}`")
    if expect.not_model_in and named(chosen.model, expect.not_model_in):
        yield _failure("not_model_in", f"none of {_listed(expect.not_model_in)}", f"`{chosen.model}`")
    if expect.provider_in and provider not in expect.provider_in:
        yield _failure("provider_in", _any_of(expect.provider_in), f"`{provider}` (`{chosen.model}`)")
    if expect.min_score is not None and not (chosen.measured and score >= expect.min_score):
        found = f"{score:.1f}" if chosen.measured else "no board has measured it"
        yield _failure("min_score", f"at least {expect.min_score:g}", f"{found} (`{chosen.model}`)")
    if expect.max_cost_usd is not None and (cost is None or cost > expect.max_cost_usd):
        found = "an unknown cost" if cost is None else f"{cost:.6f} USD"
        yield _failure("max_cost_usd", f"at most {expect.max_cost_usd:g} USD", f"{found} (`{chosen.model}`)")
    if expect.category is not None and decision.category is not expect.category:
        yield _failure("category", f"`{expect.category}`", f"`{decision.category}`{_signals(decision)}")
    if expect.min_confidence is not None and decision.confidence < expect.min_confidence:
        ahead = f" over `{decision.runner_up.model}`" if decision.runner_up else ""
        yield _failure(
            "min_confidence", f"at least {expect.min_confidence:g}", f"{decision.confidence:.2f}{ahead}"
        )


def _failure(expectation: str, wanted: str, found: str) -> Failure:
    return Failure(expectation=expectation, wanted=wanted, found=found)


def _listed(names: tuple[str, ...]) -> str:
    told = ", ".join(f"`{name}`" for name in names[:5])
    return f"{told} and {len(names) - 5} more" if len(names) > 5 else told


def _any_of(names: tuple[str, ...]) -> str:
    return _listed(names) if len(names) == 1 else f"one of {_listed(names)}"


def _signals(decision: Decision) -> str:
    return f" (signals: {', '.join(decision.task.signals[:5])})" if decision.task.signals else ""


def _advice(expect: Expect, decision: Decision, catalog: Catalog, app: SmartSpawn) -> Iterator[str]:
    """Say of the wanted models what kept them from winning, else what would have made the next one win."""
    alternatives = explain(decision, catalog, app.policy).alternatives

    def wanted(model_id: str) -> bool:
        vendor = catalog.listings[catalog.index[model_id]].provider
        return named(model_id, expect.model_in) or vendor in expect.provider_in

    told = {a.choice.model: _would_have_won(a) for a in alternatives}
    if not (expect.model_in or expect.provider_in):
        yield from islice((told[a.choice.model] for a in alternatives), 1)
        return
    close = [model_id for model_id in told if wanted(model_id)]
    yield from (told[model_id] for model_id in close)
    removed = dict(rejections(decision, catalog, app.policy))
    # Where nobody wanted came close, everybody wanted is asked what removed it.
    for model_id in (*expect.model_in, *(m for m in catalog.index if not close and wanted(m))):
        if model_id in told or model_id == decision.selected.model:
            continue
        if model_id in removed:
            told[model_id] = f"`{model_id}` was removed by `{removed[model_id]}`"
        elif model_id in catalog.index:
            told[model_id] = f"`{model_id}` stayed but ranks lower"
        elif app.ever_held(model_id) and not any(c in model_id for c in "*?["):
            told[model_id] = f"`{model_id}` is not in this catalogue"
        else:
            continue
        yield told[model_id]


def _would_have_won(alternative: Alternative) -> str:
    return f"`{alternative.choice.model}` would have won {alternative.change.sentence()}"
