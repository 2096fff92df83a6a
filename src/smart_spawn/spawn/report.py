"""Outcomes as JSON: what runs keep and every surface shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from smart_spawn.runs.ports import Usage
from smart_spawn.spawn.outcome import Attempt, Consensus, Cost, SpawnOutcome


def outcome_json(outcome: SpawnOutcome) -> dict[str, Any]:
    """Return an outcome as `/spawn` shows it, without the run's id and the routing decision."""
    return {
        "status": outcome.status,
        "mode": str(outcome.mode),
        "output": outcome.output,
        "model": outcome.model,
        "responses": [_attempt_json(n, attempt) for n, attempt in enumerate(outcome.responses, start=1)],
        "usage": _usage_json(outcome.usage),
        "cost": _cost_json(outcome.cost),
        "warnings": list(outcome.warnings),
        **({} if outcome.confidence is None else {"confidence": outcome.confidence}),
        **({"consensus": _consensus_json(outcome.consensus)} if outcome.consensus else {}),
        **({} if outcome.escalations is None else {"escalations": _escalations_json(outcome)}),
        **({"belowThreshold": True} if outcome.below_threshold else {}),
        **({"artifacts": _artifacts_json(outcome), "steps": _steps_json(outcome)} if outcome.steps else {}),
    }


def _attempt_json(number: int, attempt: Attempt) -> dict[str, Any]:
    return {
        "step": attempt.step or number,
        "model": attempt.model,
        "provider": attempt.provider,
        "reasoningEffort": attempt.effort,
        "output": attempt.text,
        "usage": _usage_json(attempt.usage),
        "costUsd": _usd(attempt.cost_usd),
        "costSource": attempt.cost_source,
        "baselineUsd": _usd(attempt.baseline_usd),
        "latencyMs": round(attempt.latency_ms, 1),
        "finishReason": attempt.finish_reason,
        "gate": _gate_json(attempt),
        **(
            {"error": {"code": attempt.error.code, "message": attempt.error.message}} if attempt.error else {}
        ),
    }


def _gate_json(attempt: Attempt) -> dict[str, Any]:
    """Return what the gate found; where nobody looked, an answer counts as accepted."""
    verdict = attempt.verdict
    return {
        "accepted": attempt.usable,
        **(
            {"faults": [str(fault) for fault in verdict.faults], "verified": verdict.verified}
            if verdict
            else {}
        ),
        **({} if attempt.confidence is None else {"confidence": attempt.confidence}),
    }


def _consensus_json(consensus: Consensus) -> dict[str, Any]:
    return {
        "method": consensus.method,
        "agreement": consensus.agreement,
        "dissent": [{"model": one.model, "answer": one.answer} for one in consensus.dissent],
    }


def _escalations_json(outcome: SpawnOutcome) -> list[dict[str, Any]]:
    return [
        {
            "from": one.from_model,
            "to": one.to_model,
            "why": one.why,
            "gate": {"confidence": one.confidence, "target": one.target},
        }
        for one in outcome.escalations or ()
    ]


def _artifacts_json(outcome: SpawnOutcome) -> list[dict[str, Any]]:
    return [
        {"step": one.step, "name": one.name, "content": one.content, "model": one.model}
        for one in outcome.artifacts
    ]


def _steps_json(outcome: SpawnOutcome) -> list[dict[str, Any]]:
    return [
        {
            "step": one.step,
            "status": one.status,
            "wave": one.wave,
            "model": one.model,
            **({"why": one.why} if one.why else {}),
        }
        for one in outcome.steps
    ]


def _usage_json(usage: Usage | None) -> dict[str, int] | None:
    if usage is None:
        return None
    return {
        "promptTokens": usage.prompt_tokens,
        "completionTokens": usage.completion_tokens,
        "cachedTokens": usage.cached_tokens,
        "reasoningTokens": usage.reasoning_tokens,
        "totalTokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _cost_json(cost: Cost) -> dict[str, Any]:
    return {
        "usd": _usd(cost.usd),
        "estimatedUsd": _usd(cost.estimated_usd),
        "source": cost.source,
        "inDoubtUsd": _usd(cost.in_doubt_usd),
        "baselineUsd": _usd(cost.baseline_usd),
        "savedUsd": _usd(cost.saved_usd),
        "baseline": cost.baseline,
    }


def _usd(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
