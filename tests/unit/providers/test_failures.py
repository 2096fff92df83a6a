"""What a refusal means, beyond what the contract tests show over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smart_spawn.errors import (
    AuthFailed,
    BadRequest,
    ContextTooLong,
    ModelNotServed,
    Overloaded,
    PaymentRequired,
    ProviderError,
    RateLimited,
    Refused,
    TimedOut,
)
from smart_spawn.providers.failures import Origin, error_of, refusal, retry_after_s

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORIGIN = Origin(provider="p", model="v/m", secret="sk-canary")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": "context_length_exceeded"}, ContextTooLong),
        (400, {"type": "exceed_context_size_error", "code": 400}, ContextTooLong),
        (400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}, ContextTooLong),
        (413, {}, ContextTooLong),
        (400, {"code": "content_filter"}, Refused),
        (400, {"message": "acme/none is not a valid model ID"}, ModelNotServed),
        (404, {"code": "model_not_found"}, ModelNotServed),
        (404, {}, ModelNotServed),
        (429, {"code": "insufficient_quota"}, PaymentRequired),
        (429, {"code": 429}, RateLimited),
        (200, {"code": 402}, PaymentRequired),
        (200, {"code": 502}, Overloaded),
        (200, {"code": "rate_limit_exceeded"}, RateLimited),
        (200, {"message": "something broke"}, Overloaded),
        (408, {}, TimedOut),
        (403, {}, AuthFailed),
        (403, {"metadata": {"reasons": ["x"]}}, Refused),
        (409, {}, BadRequest),
        (418, {}, BadRequest),
        (529, {}, Overloaded),
        # A text about context in a server fault is not a statement about our prompt.
        (500, {"message": "maximum context length worker crashed"}, Overloaded),
    ],
)
def test_status_and_code_decide_the_type(
    status: int, error: dict[str, object], kind: type[ProviderError]
) -> None:
    """The provider's code beats the status; words count only where servers give no code."""
    assert type(refusal(ORIGIN, status, {"error": error}, {}, NOW)) is kind


@pytest.mark.parametrize(
    "body", [None, [], "text", {"error": None}, {"error": []}, {"detail": "no"}, {"error": {}}]
)
def test_a_body_of_any_shape_is_survived(body: object) -> None:
    """Error bodies are as odd as servers are."""
    assert error_of(body) == {}
    assert type(refusal(ORIGIN, 503, body, {}, NOW)) is Overloaded


def test_a_short_code_is_passed_on_and_a_sentence_is_not() -> None:
    """An identifier helps and is safe; prose or our own key may hold what we sent."""
    told = refusal(
        ORIGIN, 400, {"error": {"code": "unsupported_parameter", "message": "secret prose"}}, {}, NOW
    )
    assert told.details["providerCode"] == "unsupported_parameter"
    assert "secret prose" not in str(told)
    for code in ("a whole sentence", "key-sk-canary", "x" * 65):
        assert "providerCode" not in refusal(ORIGIN, 400, {"error": {"code": code}}, {}, NOW).details


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("inf", None),
        ("", None),
        ("Sun, 99 Nov 2026", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(raw: str, seconds: float | None) -> None:
    """Both forms of RFC 9110, and nothing that is neither."""
    assert retry_after_s({"retry-after": raw}, NOW) == seconds
