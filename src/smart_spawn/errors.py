"""Every error that Smart Spawn raises on purpose.

    SmartSpawnError
    ├── SettingsError                what the owner configured cannot work
    ├── InvalidRequest               what the caller asked makes no sense
    │   └── TooLarge                 ... or is longer than the limit
    ├── NotFound                     no such decision, run or version
    ├── SourceError
    │   ├── SourceUnavailable        no answer, or one that says "not now"
    │   └── SourceChanged            an answer that does not look like this source any more
    ├── RoutingError
    │   ├── NoCatalog                nothing to choose from yet
    │   ├── UnknownModel             an id that no catalogue has ever held
    │   ├── NoEligibleModel          hard constraints leave nothing at any budget
    │   └── NoModelInBudget          a higher budget would have one
    ├── ProviderError                a model call failed; `retryable` and `retry_after_s` say what may help
    │   ├── NoProvider               nobody is configured who could serve the model
    │   ├── AuthFailed · PaymentRequired · RateLimited · Overloaded · TimedOut · Unreachable
    │   ├── BadRequest · ModelNotServed · ContextTooLong · Refused
    │   └── BadAnswer                empty, cut off or not what the protocol says
    ├── RunError
    │   ├── BudgetExceeded · StepFailed
    │   ├── IdempotencyConflict      the same key, another request
    │   └── RunNotCancellable        it has ended
    ├── StoreError
    │   ├── StoreCorrupt · StoreUnwritable · MigrationNeeded
    └── ServiceError                 a Smart Spawn service could not be asked, or would not answer
        ├── Unauthorized             it asks for a key that it knows
        ├── Forbidden                the key may not do this, or the request comes from elsewhere
        ├── Busy                     it is asked too much, or ends; `retry_after_s` says when to come back
        │   └── TooManyRequests      by this key
        └── ServiceUnreachable       no connection, or no answer in time

Each carries a stable `code`, a `message` with the values that matter, a `hint` with the way out and
`details` for programs. `surface.py` maps types to HTTP statuses and exit codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class SmartSpawnError(Exception):
    """The root. `str(error)` is the message, with the hint on a line of its own where there is one."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class SettingsError(SmartSpawnError):
    """The settings cannot work as they are."""

    code = "INVALID_SETTINGS"


class InvalidRequest(SmartSpawnError):
    """The caller asked for something that makes no sense. `code` may be narrowed per instance."""

    code = "INVALID_PARAM"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        details: Mapping[str, Any] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        if code is not None:
            self.code = code  # type: ignore[misc]  # one of INVALID_PARAM, MISSING_PARAM, INVALID_BODY


class TooLarge(InvalidRequest):
    """The text or body is longer than the limit."""

    code = "TOO_LARGE"


class NotFound(SmartSpawnError):
    """There is no such decision, run or catalogue version."""

    code = "NOT_FOUND"


class SourceError(SmartSpawnError):
    """A benchmark source could not be read. The last good data stays in use."""

    code = "SOURCE_ERROR"

    def __init__(
        self, message: str, *, source: str, hint: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, hint=hint, details={"source": source, **(details or {})})
        self.source = source


class SourceUnavailable(SourceError):
    """No answer, or one that says "not now". `retry_after_s` is what the source asked for, in seconds."""

    code = "SOURCE_UNAVAILABLE"

    def __init__(
        self,
        message: str,
        *,
        source: str,
        hint: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, source=source, hint=hint, details=details)
        self.retry_after_s = retry_after_s
        self.status = status


class SourceChanged(SourceError):
    """An answer that does not look like this source any more: a missing column, a web page, half a file."""

    code = "SOURCE_CHANGED"


class RoutingError(SmartSpawnError):
    """No choice could be made."""


class NoCatalog(RoutingError):
    """There is no catalogue to choose from."""

    code = "NO_CATALOG"


class UnknownModel(RoutingError):
    """An id that no catalogue of ours has ever held; `nearest` are known ids that look like it."""

    code = "UNKNOWN_MODEL"

    def __init__(self, model_id: str, nearest: Sequence[str] = (), *, field: str = "model") -> None:
        self.model_id = model_id
        self.nearest = tuple(nearest)
        super().__init__(
            f"`{model_id}` in `{field}` is not a model that we know",
            hint=f"did you mean {' or '.join(f'`{n}`' for n in nearest)}?"
            if nearest
            else "`/models`, or `smart-spawn models`, lists what there is",
            details={"model": model_id, "field": field, "nearest": list(nearest)},
        )


class NoEligibleModel(RoutingError):
    """Hard constraints leave nothing at any budget; `rejected` counts what each filter removed."""

    code = "NO_ELIGIBLE_MODEL"

    def __init__(
        self, rejected: Mapping[str, int], *, hint: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        self.rejected = dict(rejected)
        removed = ", ".join(f"`{name}` removed {count:,}" for name, count in self.rejected.items() if count)
        super().__init__(
            f"no model satisfies the request: {removed or 'the catalogue is empty'}",
            hint=hint,
            details={"rejected": self.rejected, **(details or {})},
        )


class NoModelInBudget(RoutingError):
    """The budget leaves nothing while `cheapest_budget` would; `rejected` counts what each filter removed."""

    code = "NO_MODEL_IN_BUDGET"

    def __init__(
        self,
        budget: str,
        cheapest_budget: str,
        rejected: Mapping[str, int],
        *,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.budget = budget
        self.cheapest_budget = cheapest_budget
        self.rejected = dict(rejected)
        removed = ", ".join(f"`{name}` removed {count:,}" for name, count in self.rejected.items() if count)
        super().__init__(
            f"no model fits the budget `{budget}`: {removed}",
            hint=f"the cheapest budget that has one is `{cheapest_budget}`",
            details={
                "budget": budget,
                "cheapestBudget": cheapest_budget,
                "rejected": self.rejected,
                **(details or {}),
            },
        )


class ProviderError(SmartSpawnError):
    """A model call failed. Retrying looks at the type and these fields, never at the text."""

    code = "PROVIDER_ERROR"
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later. Whether another model may is decided by the caller."""
    reason: ClassVar[str] = ""
    """The kind of failure in one word, in `details` too: what programs far away tell kinds of one code apart by."""

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        retry_after_s: float | None = None,
        hint: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        told = {"provider": provider, "model": model, "status": status, "reason": self.reason}
        merged = {**told, **(details or {})}
        super().__init__(message, hint=hint, details={k: v for k, v in merged.items() if v not in ("", None)})
        self.provider = provider
        self.model = model
        self.status = status
        self.retry_after_s = retry_after_s


class NoProvider(ProviderError):
    """Nobody is configured who could serve the model."""

    code = "NO_PROVIDER"


class AuthFailed(ProviderError):
    """The provider refused our key (401, 403)."""

    reason = "auth-failed"


class PaymentRequired(ProviderError):
    """The provider's account has no credit left (402)."""

    reason = "payment-required"


class RateLimited(ProviderError):
    """Too many calls (429); `retry_after_s` is what the provider asked for."""

    retryable = True
    reason = "rate-limited"


class Overloaded(ProviderError):
    """The provider failed or is overloaded (5xx, 529)."""

    retryable = True
    reason = "overloaded"


class TimedOut(ProviderError):
    """No answer in time."""

    code = "TIMEOUT"
    retryable = True


class Unreachable(ProviderError):
    """No connection: wrong address, network down, refused."""

    retryable = True
    reason = "unreachable"


class BadRequest(ProviderError):
    """The provider does not accept the request as it is (400, 422)."""

    reason = "bad-request"


class ModelNotServed(BadRequest):
    """The provider does not have this model (404); another one may well be there."""

    reason = "model-not-served"


class ContextTooLong(BadRequest):
    """The prompt does not fit the model's context."""

    reason = "context-too-long"


class Refused(ProviderError):
    """The provider's content filter stopped the request or the answer."""

    reason = "refused"


class BadAnswer(ProviderError):
    """A 200 that is no answer: empty, cut off, a web page, broken JSON."""

    retryable = True
    reason = "bad-answer"


class RunError(SmartSpawnError):
    """A run could not be carried out."""

    code = "RUN_FAILED"


class BudgetExceeded(RunError):
    """The worst case of the next call does not fit the cost cap."""

    code = "BUDGET_EXCEEDED"


class StepFailed(RunError):
    """A step failed, and with it what depends on it."""

    code = "STEP_FAILED"


class IdempotencyConflict(RunError):
    """The idempotency key was used before, with another request."""

    code = "IDEMPOTENCY_CONFLICT"


class RunNotCancellable(RunError):
    """The run has ended, so there is nothing to stop."""

    code = "RUN_NOT_CANCELLABLE"


class StoreError(SmartSpawnError):
    """The database cannot be used."""

    code = "STORE_ERROR"


class StoreCorrupt(StoreError):
    """The database file is damaged or is no database."""

    code = "STORE_CORRUPT"


class StoreUnwritable(StoreError):
    """The folder or file cannot be written."""

    code = "STORE_UNWRITABLE"


class MigrationNeeded(StoreError):
    """The database was written by a newer version of Smart Spawn."""

    code = "MIGRATION_NEEDED"


class ServiceError(SmartSpawnError):
    """A Smart Spawn service could not be asked, or would not answer. `status` is that of HTTP, where one came."""

    code = "SERVICE_ERROR"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        details: Mapping[str, Any] | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, details=details)
        self.status = status
        self.retry_after_s = retry_after_s


class Unauthorized(ServiceError):
    """Keys are on, and the request brings none that is known."""

    code = "UNAUTHORIZED"


class Forbidden(ServiceError):
    """The request does not come from where it may come from, its key lacks the scope, or it is about another key."""

    code = "FORBIDDEN"


class Busy(ServiceError):
    """The service is asked too much at once, or ends; later it answers again."""

    code = "OVERLOADED"


class TooManyRequests(Busy):
    """The key sent more requests than it may; `retry_after_s` says when the next one passes."""

    code = "RATE_LIMITED"


class ServiceUnreachable(ServiceError):
    """No connection to the service, or no answer in time."""

    code = "SERVICE_UNREACHABLE"
