"""The body of a chat completion → `ModelAnswer`, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from smart_spawn.errors import BadAnswer, ProviderError, Refused
from smart_spawn.providers.failures import Origin, error_of, failure, refusal
from smart_spawn.runs.ports import ModelAnswer, Usage

MAX_COST_USD = Decimal(1_000_000)
"""A bill above this is taken for nonsense and not believed."""


class _Message(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None
    error: dict[str, Any] | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    id: str | None = None
    model: str | None = None
    usage: Any = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


def read_answer(
    body: bytes, *, origin: Origin, headers: Mapping[str, str], now: datetime, latency_ms: float
) -> ModelAnswer:
    """Read a body that came with status 200.

    Raises the ProviderError that its `error` means, Refused for a content filter, else BadAnswer for what is
    empty, cut off before any text, a web page or broken JSON.
    """
    raw = _decoded(body, origin, headers)
    if error_of(raw):
        raise refusal(origin, 200, raw, headers, now)
    try:
        completion = msgspec.convert(raw, _Completion)
    except msgspec.ValidationError:
        raise failure(
            BadAnswer, origin, why="answered with JSON that is no chat completion", hint=_WRONG_PLACE
        ) from None
    if not completion.choices:
        raise failure(BadAnswer, origin, why="answered without any choice", hint=_TRY_AGAIN)
    choice = completion.choices[0]
    if choice.error:
        raise refusal(origin, 200, {"error": choice.error}, headers, now)
    text = _text(choice.message)
    _check(choice, text, origin)
    return ModelAnswer(
        text=text,
        finish_reason=choice.finish_reason or "stop",
        usage=read_usage(completion.usage),
        cost_usd=read_cost_usd(completion.usage),
        model=completion.model or origin.model,
        provider=origin.provider,
        latency_ms=latency_ms,
        raw_id=completion.id,
    )


def read_completion(
    body: bytes, *, origin: Origin, headers: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    """Read a body that came with status 200 and leave it as it is, for a caller who knows the protocol.

    Calls of tools, refusals and answers cut at the limit are answers there. Raises what `read_answer` raises for
    the rest.
    """
    raw = _decoded(body, origin, headers)
    if error_of(raw):
        raise refusal(origin, 200, raw, headers, now)
    completion: dict[str, Any] = raw if isinstance(raw, dict) else {}
    choices = completion.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise failure(
            BadAnswer, origin, why="answered with JSON that is no chat completion", hint=_WRONG_PLACE
        )
    if not choices:
        raise failure(BadAnswer, origin, why="answered without any choice", hint=_TRY_AGAIN)
    choice = choices[0]
    if choice.get("error"):
        raise refusal(origin, 200, choice, headers, now)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise failure(BadAnswer, origin, why="answered with a choice that holds no message", hint=_TRY_AGAIN)
    if not says_something(message):
        raise_if_empty(choice.get("finish_reason"), origin)
    return completion


def says_something(message: Mapping[str, Any]) -> bool:
    """Tell whether a message, or a part of one, holds anything that its reader would miss."""
    content = message.get("content")
    if isinstance(content, str):
        content = content if content.strip() else None
    return bool(content or any(message.get(name) for name in _TELLING))


_TELLING = ("tool_calls", "function_call", "refusal", "audio", "images")


def raise_if_empty(finish_reason: object, origin: Origin) -> None:
    """Raise Refused or BadAnswer for an answer that ended with nothing in it, but not at the limit of its length."""
    if finish_reason == "content_filter":
        raise failure(Refused, origin, why="stopped the answer by its content filter")
    if finish_reason != "length":
        raise failure(BadAnswer, origin, why="answered 200 with an empty text", hint=_TRY_AGAIN)


_TRY_AGAIN = "a later try or another model may work"
_WRONG_PLACE = "check that `base_url` is the root of an OpenAI-compatible API, often ending in `/v1`"


def _decoded(body: bytes, origin: Origin, headers: Mapping[str, str]) -> Any:
    if not body.strip():
        raise failure(BadAnswer, origin, why="answered 200 with nothing in it", hint=_TRY_AGAIN)
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        page = "html" in headers.get("content-type", "") or body.lstrip()[:1] == b"<"
        why = "answered with a web page" if page else "answered with broken JSON"
        raise failure(BadAnswer, origin, why=why, hint=_WRONG_PLACE if page else _TRY_AGAIN) from None


def _text(message: _Message) -> str:
    if isinstance(message.content, list):  # some servers answer in parts, as requests may
        parts = (part.get("text") for part in message.content)
        return "".join(part for part in parts if isinstance(part, str))
    return message.content or ""


def _check(choice: _Choice, text: str, origin: Origin) -> None:
    problem: ProviderError | None = None
    if choice.finish_reason == "content_filter":
        problem = failure(Refused, origin, why="stopped the answer by its content filter")
    elif text.strip():
        return
    elif choice.message.refusal:
        problem = failure(Refused, origin, why="answered with a refusal alone")
    elif choice.finish_reason == "length":
        problem = failure(
            BadAnswer,
            origin,
            why="spent the whole output limit before the first word",
            hint="allow more output, or a lower reasoning effort",
        )
    raise problem or failure(BadAnswer, origin, why="answered 200 with an empty text", hint=_TRY_AGAIN)


def read_usage(raw: object) -> Usage | None:
    """Return the tokens that an answer's `usage` tells of. `None` when it is not there or makes no sense."""
    try:
        usage = msgspec.convert(raw, _Usage)
    except msgspec.ValidationError:
        return None
    if usage.prompt_tokens < 0 or usage.completion_tokens < 0:
        return None
    cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
    reasoning = (usage.completion_tokens_details and usage.completion_tokens_details.reasoning_tokens) or 0
    return Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=min(max(cached, 0), usage.prompt_tokens),
        reasoning_tokens=min(max(reasoning, 0), usage.completion_tokens),
    )


def read_cost_usd(raw: object) -> Decimal | None:
    """Return OpenRouter's `usage.cost`, in USD. `None` when it is not said or makes no sense."""
    value = raw.get("cost") if isinstance(raw, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    cost = Decimal(str(value))
    return cost if cost.is_finite() and 0 <= cost <= MAX_COST_USD else None
