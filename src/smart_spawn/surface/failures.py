"""One table from our errors to HTTP statuses and exit codes; every surface shows the same code, message and hint."""

from __future__ import annotations

from typing import Any

from smart_spawn import errors

EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_NOTHING_FITS, EXIT_UNREACHABLE = 0, 1, 2, 3, 4

OUTCOMES: dict[type[errors.SmartSpawnError], tuple[int, int]] = {
    errors.SettingsError: (500, EXIT_USAGE),
    errors.TooLarge: (413, EXIT_USAGE),
    errors.InvalidRequest: (400, EXIT_USAGE),
    errors.NotFound: (404, EXIT_FAILED),
    errors.SourceError: (502, EXIT_UNREACHABLE),
    errors.NoCatalog: (503, EXIT_FAILED),
    errors.UnknownModel: (404, EXIT_USAGE),
    errors.NoEligibleModel: (422, EXIT_NOTHING_FITS),
    errors.NoModelInBudget: (402, EXIT_NOTHING_FITS),
    errors.NoProvider: (503, EXIT_UNREACHABLE),
    errors.TimedOut: (504, EXIT_UNREACHABLE),
    errors.ProviderError: (502, EXIT_UNREACHABLE),
    errors.BudgetExceeded: (402, EXIT_NOTHING_FITS),
    errors.IdempotencyConflict: (409, EXIT_USAGE),
    errors.RunNotCancellable: (409, EXIT_FAILED),
    errors.RunError: (500, EXIT_FAILED),
    errors.StoreError: (503, EXIT_FAILED),
    errors.Unauthorized: (401, EXIT_USAGE),
    errors.Forbidden: (403, EXIT_USAGE),
    errors.TooManyRequests: (429, EXIT_UNREACHABLE),
    errors.Busy: (503, EXIT_UNREACHABLE),
    errors.ServiceError: (502, EXIT_UNREACHABLE),
    errors.SmartSpawnError: (500, EXIT_FAILED),
}
"""Error type → HTTP status and exit code; the nearest type in the hierarchy decides."""


def _outcome(error: errors.SmartSpawnError) -> tuple[int, int]:
    return next(OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES)


def http_status(error: errors.SmartSpawnError) -> int:
    """Return the HTTP status of an error."""
    return _outcome(error)[0]


def exit_code(error: errors.SmartSpawnError) -> int:
    """Return the exit code of an error."""
    return _outcome(error)[1]


def error_json(error: errors.SmartSpawnError) -> dict[str, Any]:
    """Return the body that every surface shows."""
    return {
        "error": {"code": error.code, "message": error.message, "hint": error.hint, "details": error.details}
    }
