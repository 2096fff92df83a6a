"""Decisions as JSON and as text: `/pick`, `/recommend`, `/route`, `explain`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from smart_spawn.answers.explained import explained
from smart_spawn.app import Replay
from smart_spawn.catalog.layout import prior_of
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import Budget, Category
from smart_spawn.routing.decision import Choice, Decision
from smart_spawn.routing.explain import Alternative, Evidence, explain, reason, rejections, rerun
from smart_spawn.routing.policy import BUDGET_CEILING_USD_PER_MTOK, RoutingPolicy
from smart_spawn.scoring.scale import shown
from smart_spawn.surface.models import model_row, pricing_json, reading_json

FALLBACKS = 3


def tier_json(budget: Budget) -> dict[str, float | None]:
    """Return the interval of input prices (USD per million tokens) that a budget admits."""
    ceiling = BUDGET_CEILING_USD_PER_MTOK[budget]
    return {"min": 0, "max": None if ceiling is None else float(ceiling)}


def pick_json(decision: Decision, catalog: Catalog) -> dict[str, Any]:
    """Return the answer of `/pick`."""
    listing = catalog.listings[catalog.index[decision.selected.model]]
    score = shown(decision.selected.score)
    return {
        "data": {
            "id": listing.id,
            "name": listing.name,
            "provider": listing.provider,
            "score": score,
            "benchmarkScore": shown(
                decision.selected.score - (decision.selected.feedback or 0.0) - decision.selected_gain
            ),
            "personalScore": score
            if decision.selected.feedback is not None or decision.selected_gain
            else None,
            "pricing": pricing_json(listing),
            "budget": str(decision.budget),
            "tier": tier_json(decision.budget),
            "candidateCount": decision.candidate_count,
            "category": str(decision.category),
            "confidence": decision.confidence,
            "reasoningEffort": decision.selected.effort,
            "reason": reason(decision, catalog),
            "fallbacks": [choice.model for choice in decision.others[:FALLBACKS]],
            "decisionId": decision.id,
            **(
                {
                    "contextTags": list(decision.tags),
                    "contextBoost": round(decision.selected.context_boost, 3),
                }
                if decision.request.context
                else {}
            ),
            **({"warnings": list(decision.warnings)} if decision.warnings else {}),
            **(
                {"advised": decision.advised.model} if decision.advised and decision.stage == "advise" else {}
            ),
        }
    }


def task_json(decision: Decision) -> dict[str, Any]:
    """Return what was read in the task; its text is there only where the owner has it stored."""
    task = decision.task
    return {
        "category": str(decision.category),
        "categories": {str(c): round(p, 4) for c, p in task.categories.items()}
        if decision.request.category is None
        else {str(decision.category): 1.0},
        "mix": {str(c): share for c, share in decision.mix.items()},
        "signals": [*task.signals, *_gain_signals(task.gains or {})],
        "difficulty": task.difficulty,
        "language": task.language,
        "tokens": task.tokens,
        "characters": task.characters,
        **({"text": decision.task_text} if decision.task_text is not None else {}),
    }


def _gain_signals(gains: Mapping[str, float]) -> list[str]:
    """Spell what similar tasks on record said, the largest first."""
    ranked = sorted(gains.items(), key=lambda one: (-abs(one[1]), one[0]))
    return [f"gain:{model}{points:+.1f}" for model, points in ranked]


def evidence_json(evidence: Evidence) -> dict[str, Any]:
    """Return one piece of evidence, traceable to its publication."""
    return {
        **reading_json(evidence.reading),
        "weight": round(evidence.weight, 4),
        "quality": round(evidence.quality, 3),
        "contribution": round(evidence.contribution, 3),
        "inherited": evidence.inherited,
    }


def _choice_json(choice: Choice, catalog: Catalog) -> dict[str, Any]:
    listing = catalog.listings[catalog.index[choice.model]]
    return {
        "model": choice.model,
        "reasoningEffort": choice.effort,
        "provider": listing.provider,
        "score": shown(choice.score),
        "pricing": pricing_json(listing),
        "expectedCostUsd": choice.expected_cost_usd,
    }


def _alternative_json(alternative: Alternative, catalog: Catalog) -> dict[str, Any]:
    change = alternative.change
    return {
        **_choice_json(alternative.choice, catalog),
        "gap": round(alternative.gap, 3),
        "wouldWin": {
            "kind": change.kind,
            "what": change.what,
            "value": change.value,
            "sentence": f"would have won {change.sentence()}",
        },
    }


def decision_json(
    decision: Decision, catalog: Catalog, policy: RoutingPolicy, *, verbose: bool | None = None
) -> dict[str, Any]:
    """Return the routing decision as `/route` answers it and every other surface embeds it.

    `verbose` (by default what the request asked for) adds every candidate with its scores and every rejected model.
    """
    why = explain(decision, catalog, policy)
    runner_up = decision.runner_up
    body: dict[str, Any] = {
        "id": decision.id,
        "createdAt": decision.created_at.isoformat(),
        "task": task_json(decision),
        "budget": str(decision.budget),
        "selected": {
            **_choice_json(decision.selected, catalog),
            "scores": {str(c): shown(score) for c, score in why.scores.items()},
            "evidence": [evidence_json(e) for e in why.evidence],
            "missingEvidence": list(why.unmeasured),
            **(
                {
                    "contextTags": list(decision.tags),
                    "contextBoost": round(decision.selected.context_boost, 3),
                }
                if decision.request.context
                else {}
            ),
            **_feedback_json(decision, catalog),
            **({"learnedGain": {"contribution": decision.selected_gain}} if decision.selected_gain else {}),
        },
        "reason": reason(decision, catalog),
        "confidence": decision.confidence,
        "pBest": why.p_best,
        "runnerUp": None
        if runner_up is None
        else {
            "model": runner_up.model,
            "score": shown(runner_up.score),
            "gap": round(decision.selected.score - runner_up.score, 3),
        },
        "alternatives": [_alternative_json(a, catalog) for a in why.alternatives],
        "fallbacks": [choice.model for choice in decision.others[:FALLBACKS]],
        "candidateCount": decision.candidate_count,
        "rejected": dict(decision.rejected),
        **(
            {"switchingCostUsd": decision.switching_cost_usd}
            if decision.switching_cost_usd is not None
            else {}
        ),
        "warnings": list(decision.warnings),
        **({"stage": decision.stage} if decision.request.current else {}),
        **({"advised": _choice_json(decision.advised, catalog)} if decision.advised else {}),
        "catalogVersion": decision.catalog_version,
        "beliefsVersion": decision.beliefs_version,
        "policyVersion": decision.policy_version,
    }
    if decision.request.verbose if verbose is None else verbose:
        body |= _verbose(decision, catalog, policy)
    return body


def _feedback_json(decision: Decision, catalog: Catalog) -> dict[str, Any]:
    """Return what votes added to the selected model's score, and what is believed of it; nothing without votes."""
    if decision.selected.feedback is None:
        return {}
    return {
        "feedback": {
            "contribution": round(decision.selected.feedback, 3),
            "beliefs": belief_lines(catalog, decision.selected.model, decision.mix),
        }
    }


def belief_lines(catalog: Catalog, model: str, categories: Iterable[Category]) -> dict[str, str]:
    """Say for each category what is believed of a model and why."""
    learned = catalog.learned
    if learned is None:
        return {}
    prior = prior_of(catalog)
    return {str(c): learned.beliefs.standing(model, str(c), prior).sentence() for c in categories}


def _verbose(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> dict[str, Any]:
    race = rerun(decision, catalog, policy)
    removed = rejections(decision, catalog, policy)
    gone = {model for model, _ in removed}
    rows = [
        row
        for row, candidate in enumerate(catalog.candidates)
        if candidate.listing.id not in gone and race.filtered.keep[catalog.rows.model[row]]
    ]
    rows.sort(key=lambda row: (not race.ranking.measured[row], -race.ranking.score[row], row))
    return {
        "candidates": [
            {
                "model": catalog.candidates[row].listing.id,
                "reasoningEffort": catalog.candidates[row].effort,
                "score": round(float(race.ranking.score[row]), 3),
                "variance": round(float(race.ranking.variance[row]), 3),
                "measured": bool(race.ranking.measured[row]),
                "scores": {str(c): round(s, 2) for c, s in catalog.category_scores(row).items()},
            }
            for row in rows
        ],
        "rejectedModels": [{"model": model, "filter": name} for model, name in removed],
    }


def replay_json(replay: Replay, policy: RoutingPolicy) -> dict[str, Any]:
    """Return a decision beside the same decision made again, and whether both are equal."""
    return {
        "same": replay.same,
        "decisionId": replay.first.id,
        "first": decision_json(replay.first, replay.catalog, policy, verbose=False),
        "again": decision_json(replay.again, replay.catalog, policy, verbose=False),
    }


def recommend_json(decisions: list[Decision], catalog: Catalog, *, task_raw: str) -> dict[str, Any]:
    """Return the answer of `/recommend`: one entry a recommended model, the most wanted first."""
    first = decisions[0]
    return {
        "data": [
            {
                "model": model_row(catalog, decision.selected.model),
                "reason": reason(decision, catalog),
                "confidence": decision.confidence,
                "reasoningEffort": decision.selected.effort,
                "qualityGivenUp": round(max(first.selected.score - decision.selected.score, 0.0), 2),
            }
            for decision in decisions
        ],
        "meta": {
            "task": str(first.category),
            "taskRaw": task_raw,
            "budget": str(first.budget),
            "candidatesConsidered": first.candidate_count,
            "decisionId": first.id,
        },
    }


def explain_text(decision: Decision, catalog: Catalog, policy: RoutingPolicy) -> str:
    """Return one screen of plain text: what was chosen, why, what was close, what was ruled out."""
    return explained(decision_json(decision, catalog, policy, verbose=False))
