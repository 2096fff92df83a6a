"""The answer of a spawn: the output, every attempt, the decision and the bill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from smart_spawn.app import SpawnResult
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.runs.ports import Usage
from smart_spawn.spawn.outcome import Attempt, Cost
from smart_spawn.surface.decisions import decision_json


def spawn_json(result: SpawnResult, policy: RoutingPolicy) -> dict[str, Any]:
    """Return what `/spawn` answers."""
    outcome = result.outcome
    return {
        "id": result.id,
        "status": outcome.status,
        "mode": str(outcome.mode),
        "output": outcome.output,
        "model": outcome.model,
        "routingDecision": decision_json(result.decision, result.catalog, policy),
        "responses": [_attempt_json(n, attempt) for n, attempt in enumerate(outcome.responses, start=1)],
        "usage": _usage_json(outcome.usage),
        "cost": _cost_json(outcome.cost),
        "warnings": list(outcome.warnings),
    }


def _attempt_json(step: int, attempt: Attempt) -> dict[str, Any]:
    return {
        "step": step,
        "model": attempt.model,
        "provider": attempt.provider,
        "reasoningEffort": attempt.effort,
        "output": attempt.text,
        "usage": _usage_json(attempt.usage),
        "costUsd": _usd(attempt.cost_usd),
        "costSource": attempt.cost_source,
        "latencyMs": round(attempt.latency_ms, 1),
        "finishReason": attempt.finish_reason,
        "gate": {"accepted": attempt.error is None},
        **(
            {"error": {"code": attempt.error.code, "message": attempt.error.message}} if attempt.error else {}
        ),
    }


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
