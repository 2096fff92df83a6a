"""A whole log against every policy: sums, disagreements, the frontier of cost and quality, suggested settings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smart_spawn.lab.call import LoggedCall
from smart_spawn.lab.policies import CURRENT, POLICY_NAMES, Pick, Policies, Prices
from smart_spawn.lab.reading import Counts
from smart_spawn.model import BUDGETS, Category

SHOWN = 20
"""Rows of a list that may be long."""
UNKNOWN_KEPT = 1_000
PAIRS_KEPT = 20_000
GIVEN_UP_POINTS = 2.0
"""A suggestion may score so much less than what was used; a standard deviation of a board is 20."""


@dataclass(slots=True)
class Sum:
    """One policy over the calls that can be compared."""

    calls: int = 0
    cost_usd: float = 0.0
    scored: int = 0
    points: float = 0.0
    models: Counter[str] = field(default_factory=Counter)

    def add(self, calls: int, cost_usd: float, model: str, score: float | None) -> None:
        """Count calls that went to one model."""
        self.calls += calls
        self.cost_usd += cost_usd
        self.models[model] += calls
        if score is not None:
            self.scored += calls
            self.points += calls * score

    @property
    def mean_score(self) -> float | None:
        """The mean over the calls whose model has a score in their category."""
        return self.points / self.scored if self.scored else None


@dataclass(slots=True)
class Pair:
    """Calls of one category that went to one model and would have gone to another."""

    calls: int = 0
    logged_usd: float = 0.0
    chosen_usd: float = 0.0
    scores: tuple[float | None, float | None] = (None, None)


@dataclass(slots=True, kw_only=True)
class Tally:
    """What is known so far."""

    policies: Policies
    prices: Prices
    answer_tokens: int
    """Taken for an answer whose length the log does not tell."""
    calls: int = 0
    without_tokens: int = 0
    guessed_answers: int = 0
    unpriced: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    unknown_calls: int = 0
    first: datetime | None = None
    last: datetime | None = None
    billed_usd: float = 0.0
    billed_calls: int = 0
    logged: Sum = field(default_factory=Sum)
    sums: dict[str, Sum] = field(default_factory=lambda: {name: Sum() for name in POLICY_NAMES})
    unanswered: Counter[str] = field(default_factory=Counter)
    categories: defaultdict[Category, Sum] = field(default_factory=lambda: defaultdict(Sum))
    pairs: dict[tuple[Category, str, str], Pair] = field(default_factory=dict)
    agreed: int = 0

    def add(self, call: LoggedCall) -> None:
        """Count one line of a log. Nothing is kept of its text."""
        self.calls += call.calls
        if call.at is not None:
            self.first = min(self.first or call.at, call.at)
            self.last = max(self.last or call.at, call.at)
        if call.cost_usd is not None:
            self.billed_usd += call.cost_usd
            self.billed_calls += call.calls
        model = self.policies.model_of(call.model)
        if model is None:
            self.unknown_calls += call.calls
            if call.model in self.unknown or len(self.unknown) < UNKNOWN_KEPT:
                self.unknown[call.model] += call.calls
        if call.prompt_tokens is None:
            self.without_tokens += call.calls
            return
        answer = call.completion_tokens
        if answer is None:
            answer = self.answer_tokens * call.calls
            self.guessed_answers += call.calls
        cost, dated = (None, False) if model is None else self.prices.cost_usd(model, call, answer)
        cost = call.cost_usd if cost is None else cost
        if cost is None:
            self.unpriced += call.calls
            return
        self.prices.of_the_day += call.calls * dated
        self.prices.of_today += call.calls * (not dated)
        self._compare(call, model, cost, answer)

    def _compare(self, call: LoggedCall, model: str | None, cost: float, answer: int) -> None:
        case = self.policies.case_of(call)
        picks = self.policies.picks(case)
        costs = {name: self.prices.cost_usd(pick.model, call, answer)[0] for name, pick in picks.items()}
        score = None if model is None else self.policies.score(model, case.category)
        self.logged.add(call.calls, cost, model or call.model, score)
        self.categories[case.category].add(call.calls, cost, model or call.model, score)
        for name in POLICY_NAMES:
            spent = costs.get(name)
            if spent is None:
                self.unanswered[name] += call.calls
            else:
                self.sums[name].add(call.calls, spent, picks[name].model, picks[name].score)
        if CURRENT in picks and costs[CURRENT] is not None:
            self._pair(
                case.category, model or call.model, picks[CURRENT], call.calls, cost, costs[CURRENT], score
            )

    def _pair(
        self,
        category: Category,
        logged: str,
        pick: Pick,
        calls: int,
        cost: float,
        chosen: float | None,
        score: float | None,
    ) -> None:
        if pick.model == logged:
            self.agreed += calls
            return
        key = (category, logged, pick.model)
        pair = self.pairs.get(key)
        if pair is None:
            if len(self.pairs) >= PAIRS_KEPT:
                return
            pair = self.pairs[key] = Pair(scores=(score, pick.score))
        pair.calls += calls
        pair.logged_usd += cost
        pair.chosen_usd += chosen or 0.0


def replay_log(calls: Iterable[LoggedCall], tally: Tally, counts: Counts) -> dict[str, Any]:
    """Go through a log once and return the whole answer in the words of the JSON output."""
    for call in calls:
        tally.add(call)
    return _answer(tally, counts)


def _answer(tally: Tally, counts: Counts) -> dict[str, Any]:
    policies = {
        name: _policy(total, tally.logged, tally.unanswered[name])
        for name, total in tally.sums.items()
        if total.calls
    }
    return {
        "log": {
            "files": counts.files,
            "records": counts.lines,
            "calls": tally.calls,
            "comparedCalls": tally.logged.calls,
            "formats": dict(counts.formats.most_common()),
            "skipped": dict(counts.skipped.most_common()),
            "withoutTokens": tally.without_tokens,
            "withoutPrice": tally.unpriced,
            "guessedAnswerTokens": tally.guessed_answers,
            "unknownModelCalls": tally.unknown_calls,
            "unknownModels": [
                {"model": model, "calls": count} for model, count in tally.unknown.most_common(SHOWN)
            ],
            "from": tally.first and tally.first.isoformat(),
            "to": tally.last and tally.last.isoformat(),
        },
        "prices": {"ofTheDay": tally.prices.of_the_day, "today": tally.prices.of_today},
        "logged": {
            "costUsd": round(tally.logged.cost_usd, 6),
            "meanScore": _rounded(tally.logged.mean_score),
            "models": _models(tally.logged),
            "billedUsd": round(tally.billed_usd, 6) if tally.billed_calls else None,
            "billedCalls": tally.billed_calls,
        },
        "policies": policies,
        "byCategory": {
            category: {"calls": total.calls, "costUsd": round(total.cost_usd, 6)}
            for category, total in sorted(tally.categories.items(), key=lambda pair: -pair[1].calls)
        },
        "disagreements": _disagreements(tally),
        "frontier": _frontier(policies, tally),
        "suggested": _suggestion(policies, tally),
        "catalogVersion": tally.policies.catalog.version,
    }


def _policy(total: Sum, logged: Sum, unanswered: int) -> dict[str, Any]:
    # Calls that a policy had no model for are no saving: it is compared by what a call costs.
    base = logged.cost_usd * total.calls / logged.calls if logged.calls else 0.0
    return {
        "calls": total.calls,
        "unanswered": unanswered,
        "costUsd": round(total.cost_usd, 6),
        "meanScore": _rounded(total.mean_score),
        "savedUsd": round(base - total.cost_usd, 6),
        "savedShare": round(1 - total.cost_usd / base, 4) if base > 0 else None,
        "models": _models(total),
    }


def _models(total: Sum) -> list[dict[str, Any]]:
    return [{"model": model, "calls": count} for model, count in total.models.most_common(5)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _disagreements(tally: Tally) -> dict[str, Any]:
    other = sum(pair.calls for pair in tally.pairs.values())
    rows = sorted(tally.pairs.items(), key=lambda item: -abs(item[1].logged_usd - item[1].chosen_usd))
    return {
        "policy": CURRENT,
        "calls": other,
        "share": round(other / (other + tally.agreed), 4) if other + tally.agreed else None,
        "top": [
            {
                "category": category,
                "logged": logged,
                "chosen": chosen,
                "calls": pair.calls,
                "loggedUsd": round(pair.logged_usd, 6),
                "chosenUsd": round(pair.chosen_usd, 6),
                "scoreDifference": _rounded(_difference(pair)),
            }
            for (category, logged, chosen), pair in rows[:SHOWN]
        ],
    }


def _difference(pair: Pair) -> float | None:
    logged, chosen = pair.scores
    return None if logged is None or chosen is None else chosen - logged


def _frontier(policies: Mapping[str, Mapping[str, Any]], tally: Tally) -> list[dict[str, Any]]:
    """List what nothing beats in both cost a call and score, the cheapest first; what was used stands among them."""
    points = [
        (row["costUsd"] / row["calls"], row["meanScore"], name)
        for name, row in policies.items()
        if row["meanScore"] is not None
    ]
    if tally.logged.calls and tally.logged.mean_score is not None:
        points.append(
            (tally.logged.cost_usd / tally.logged.calls, round(tally.logged.mean_score, 2), "logged")
        )
    best, kept = float("-inf"), []
    for cost, score, name in sorted(points, key=lambda point: (point[0], -point[1], point[2])):
        if score > best:
            best = score
            kept.append({"policy": name, "costUsdPerCall": round(cost, 8), "meanScore": score})
    return kept


def _suggestion(policies: Mapping[str, Mapping[str, Any]], tally: Tally) -> dict[str, Any]:
    """Name the cheapest budget that scores about as well as what was used, or say why none is named."""
    used = tally.logged.mean_score
    if used is None:
        return {"settings": {}, "why": "the catalogue has no scores for the models in this log"}
    able = [
        (row["costUsd"] / row["calls"], name)
        for name in BUDGETS
        if (row := policies.get(name)) is not None
        and row["meanScore"] is not None
        and row["meanScore"] >= used - GIVEN_UP_POINTS
        and not row["unanswered"]
    ]
    if not able:
        return {"settings": {}, "why": f"no budget scores within {GIVEN_UP_POINTS:g} points of what was used"}
    cost, name = min(able, key=lambda pair: pair[0])  # of equals the tightest
    saved = policies[name]["savedShare"]
    why = (
        f"it scores {policies[name]['meanScore']:.1f} where what was used scores {used:.1f}, "
        f"and costs {cost * 1000:.4g} USD per 1,000 calls"
    )
    if saved is not None:
        why += f", {abs(saved):.0%} {'less' if saved >= 0 else 'more'}"
    return {"settings": {"default_budget": str(name)}, "why": why}
