"""From the error that a service answers back to the exception that it was there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_spawn import errors
from smart_spawn.errors import SmartSpawnError

_KINDS: tuple[type[SmartSpawnError], ...] = (
    errors.InvalidRequest,
    errors.TooLarge,
    errors.NotFound,
    errors.SettingsError,
    errors.SourceError,
    errors.SourceUnavailable,
    errors.SourceChanged,
    errors.NoCatalog,
    errors.UnknownModel,
    errors.NoEligibleModel,
    errors.NoModelInBudget,
    errors.ProviderError,
    errors.NoProvider,
    errors.TimedOut,
    errors.RunError,
    errors.BudgetExceeded,
    errors.StepFailed,
    errors.IdempotencyConflict,
    errors.RunNotCancellable,
    errors.StoreError,
    errors.StoreCorrupt,
    errors.StoreUnwritable,
    errors.MigrationNeeded,
    errors.Unauthorized,
    errors.Forbidden,
    errors.Busy,
    errors.TooManyRequests,
)
_BY_REASON: Mapping[str, type[SmartSpawnError]] = {
    kind.reason: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ProviderError) and kind.reason
}
_BY_CODE: Mapping[str, type[SmartSpawnError]] = {
    **{kind.code: kind for kind in _KINDS},
    "MISSING_PARAM": errors.InvalidRequest,
    "INVALID_BODY": errors.InvalidRequest,
    "METHOD_NOT_ALLOWED": errors.NotFound,
    "STOPPING": errors.Busy,
}


def error_of(
    problem: Mapping[str, Any],
    *,
    status: int | None = None,
    retry_after_s: float | None = None,
    **more: Any,
) -> SmartSpawnError:
    """Rebuild the exception behind an error's JSON, with `more` in its details.

    A code that this release does not know becomes a ServiceError with the same words.
    """
    code = str(problem.get("code", errors.ServiceError.code))
    given = problem.get("details")
    details = {**(given if isinstance(given, Mapping) else {}), **more}
    kind = _BY_CODE.get(code, errors.ServiceError)
    if kind is errors.ProviderError:
        kind = _BY_REASON.get(str(details.get("reason", "")), kind)
    error = kind.__new__(kind)  # the constructors of some make their message themselves
    SmartSpawnError.__init__(
        error, str(problem.get("message", code)), hint=str(problem.get("hint", "")), details=details
    )
    if code != kind.code:
        error.code = code  # type: ignore[misc]  # a narrower word of the same kind
    known = {"status": status, "retry_after_s": retry_after_s}
    for name, value in {**_fields(kind, details), **known}.items():
        if not hasattr(error, name):
            setattr(error, name, value)
    return error


def _fields(kind: type[SmartSpawnError], details: Mapping[str, Any]) -> dict[str, Any]:
    """Return what this type's constructor would have set."""
    if issubclass(kind, errors.UnknownModel):
        return {"model_id": details.get("model", ""), "nearest": tuple(details.get("nearest", ()))}
    if issubclass(kind, errors.NoModelInBudget):
        names = {"budget": "budget", "cheapest_budget": "cheapestBudget"}
        found = {name: str(details.get(key, "")) for name, key in names.items()}
        return {**found, "rejected": dict(details.get("rejected", {}))}
    if issubclass(kind, errors.NoEligibleModel):
        return {"rejected": dict(details.get("rejected", {}))}
    if issubclass(kind, errors.SourceError):
        return {"source": details.get("source", "")}
    if issubclass(kind, errors.ProviderError):
        return {
            "provider": details.get("provider", ""),
            "model": details.get("model", ""),
            "status": details.get("status"),
        }
    return {}
