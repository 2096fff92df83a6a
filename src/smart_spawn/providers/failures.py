"""What a provider's refusal means: status, error code and broken connections → our error types.

A provider's own words can repeat the prompt or the key, so they are read here and go no further; only
short error codes are passed on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from smart_spawn.errors import (
    AuthFailed,
    BadAnswer,
    BadRequest,
    ContextTooLong,
    ModelNotServed,
    Overloaded,
    PaymentRequired,
    ProviderError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)

MAX_RETRY_AFTER_S = 86_400.0
"""A longer wait is read as one day: it is in nobody's interest to add such numbers up."""

_BY_STATUS: Mapping[int, type[ProviderError]] = {
    401: AuthFailed,
    402: PaymentRequired,
    403: AuthFailed,
    404: ModelNotServed,
    408: TimedOut,
    413: ContextTooLong,
    429: RateLimited,
}

_BY_CODE: Mapping[str, type[ProviderError]] = {
    # platform.openai.com "Error codes" and Azure's content filter, as seen 2026-11
    "context_length_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "content_filter": Refused,
    "content_policy_violation": Refused,
    "insufficient_quota": PaymentRequired,
    "billing_hard_limit_reached": PaymentRequired,
    "invalid_api_key": AuthFailed,
    "model_not_found": ModelNotServed,
    "rate_limit_exceeded": RateLimited,
    "server_error": Overloaded,
    "overloaded_error": Overloaded,  # Anthropic's OpenAI-compatible endpoint
    "exceed_context_size_error": ContextTooLong,  # llama.cpp server
}

_BY_PHRASE: tuple[tuple[str, type[ProviderError]], ...] = (
    # Servers that send no code of their own for it: vLLM and OpenRouter; Anthropic; Google
    ("maximum context length", ContextTooLong),
    ("prompt is too long", ContextTooLong),
    ("input token count", ContextTooLong),
    ("not a valid model", ModelNotServed),  # OpenRouter answers 400
)

_HINTS: Mapping[type[ProviderError], str] = {
    AuthFailed: "check `providers.{provider}.api_key`, or the variable named by `api_key_env`",
    PaymentRequired: "add credit to the account at `{provider}`, or configure another provider",
    RateLimited: "wait, or configure a second provider",
    Overloaded: "the fault is at the provider; another model or a later try may work",
    TimedOut: "raise `providers.{provider}.timeout_s`, or ask for less",
    Unreachable: "check `providers.{provider}.base_url`, the proxy variables and the network",
    ModelNotServed: "list what it serves in `providers.{provider}.models`, or its name in `model_names`",
    ContextTooLong: "shorten the task, or ask for a model with more context through `minContext`",
    Refused: "rephrase the task, or choose a model of another vendor",
    BadRequest: "check `providers.{provider}.model_names` and what this server supports",
}

_SAYS: Mapping[type[ProviderError], str] = {
    AuthFailed: "refused our key",
    PaymentRequired: "has no credit left for us",
    RateLimited: "wants fewer calls",
    Overloaded: "failed or is overloaded",
    TimedOut: "gave no answer in time",
    Unreachable: "could not be reached",
    ModelNotServed: "does not have the model",
    ContextTooLong: "says the prompt does not fit the model",
    Refused: "stopped the request by its content filter",
    BadRequest: "does not accept the request",
}

_SHORT_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who was asked for what, to be named in the error."""

    provider: str
    model: str
    secret: str | None = None
    """The key that was sent: never repeated, whatever the provider answers."""


def failure(
    kind: type[ProviderError],
    origin: Origin,
    *,
    status: int | None = None,
    code: str = "",
    why: str = "",
    hint: str = "",
    retry_after_s: float | None = None,
) -> ProviderError:
    """Build the error of this type, with the message and the way out that belong to it."""
    told = ", ".join(part for part in (str(status) if status else "", f"`{code}`" if code else "") if part)
    what = why or _SAYS.get(kind, "failed")
    return kind(
        f"provider `{origin.provider}` {what}" + (f" ({told})" if told else "") + f", for `{origin.model}`",
        provider=origin.provider,
        model=origin.model,
        status=status,
        retry_after_s=retry_after_s,
        hint=hint or _HINTS.get(kind, "").format(provider=origin.provider),
        details={"providerCode": code} if code else None,
    )


def refusal(
    origin: Origin, status: int, body: object, headers: Mapping[str, str], now: datetime
) -> ProviderError:
    """Say what an HTTP error, or a 200 with an error in its body, means."""
    error = error_of(body)
    if isinstance(error.get("code"), int) and status == 200:
        status = error["code"]
    kind = _kind(status, error)
    hint = ""
    if 300 <= status < 400:
        kind, hint = BadAnswer, "redirects are not followed: set `base_url` to the final address"
    return failure(
        kind,
        origin,
        status=status,
        code=_short_code(error, origin.secret),
        why="redirects elsewhere" if hint else "",
        hint=hint,
        retry_after_s=retry_after_s(headers, now),
    )


def error_of(body: object) -> dict[str, Any]:
    """Return the `error` object of an answer in OpenAI's shape; empty when there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return error
    return {"message": error} if isinstance(error, str) and error else {}


def _kind(status: int, error: Mapping[str, Any]) -> type[ProviderError]:
    for key in ("code", "type"):
        kind = _BY_CODE.get(str(error.get(key)))
        if kind is not None:
            return kind
    metadata = error.get("metadata")
    if (
        status == 403
        and isinstance(metadata, dict)
        and ("reasons" in metadata or "flagged_input" in metadata)
    ):
        return Refused  # OpenRouter's moderation, openrouter.ai/docs/errors
    if status in (400, 404, 413, 422):
        message = str(error.get("message", ""))[:2000].lower()
        for phrase, kind in _BY_PHRASE:
            if phrase in message:
                return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return BadRequest if 400 <= status < 500 else Overloaded


def _short_code(error: Mapping[str, Any], secret: str | None) -> str:
    for key in ("code", "type"):
        value = error.get(key)
        if isinstance(value, str) and _SHORT_CODE.fullmatch(value) and not (secret and secret in value):
            return value
    return ""


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read `Retry-After`: seconds or a date, from zero to a day. `None` when there is none."""
    raw = headers.get("retry-after", "").strip()
    if not raw:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        try:
            at = parsedate_to_datetime(raw)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S) if math.isfinite(seconds) else None


def broken_connection(error: BaseException, origin: Origin) -> ProviderError:
    """Say what an exception below the protocol means.

    The HTTP layer of openai 3 reports a refused or dropped connection as a connect time-out, so the type is
    taken from the aiohttp or system error at the bottom of the chain of causes.
    """
    import aiohttp  # noqa: PLC0415  # loaded only once a call was made
    import httpx2  # noqa: PLC0415  # as above

    chain = tuple(_causes(error))
    timed_out = any(isinstance(cause, (TimeoutError, aiohttp.ServerTimeoutError)) for cause in chain)
    if any(
        isinstance(cause, (aiohttp.ClientPayloadError, httpx2.ReadError, httpx2.DecodingError))
        for cause in chain
    ):
        return failure(
            BadAnswer, origin, why="cut its answer off", hint="a later try or another model may work"
        )
    if any(isinstance(cause, aiohttp.ClientConnectorCertificateError) for cause in chain):
        return failure(
            Unreachable,
            origin,
            why="shows a certificate that is not trusted",
            hint="set `SSL_CERT_FILE` to a file with its certificate authority",
        )
    if any(isinstance(cause, aiohttp.ClientConnectionError) for cause in chain) and not timed_out:
        return failure(Unreachable, origin)
    if timed_out or any(isinstance(cause, httpx2.TimeoutException) for cause in chain):
        return failure(TimedOut, origin)
    if any(isinstance(cause, aiohttp.ClientResponseError) for cause in chain):
        return failure(
            BadAnswer,
            origin,
            why="does not speak HTTP as it should",
            hint=_HINTS[Unreachable].format(provider=origin.provider),
        )
    return failure(Unreachable, origin)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(20):  # a chain of causes may not be endless
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
