"""Lines of other people's logs → calls. Each format is known by the names that only it has.

Seen in 2026: OpenRouter's activity (CSV and `/api/v1/activity`) and generation records, LiteLLM's spend logs and
logging payloads, OpenAI-style requests with answers, batch files, Claude Code's transcripts, our own decisions.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from smart_spawn.classify import newest_ask
from smart_spawn.lab.call import Format, LoggedCall
from smart_spawn.model import CATEGORIES, Category

TASK_CHARS = 2_000
"""A task is classified by its beginning and end."""
MESSAGES_READ = 40
SESSIONS_KEPT = 1_000
ANSWERS_KEPT = 20_000
MOST = 10**15
"""Larger amounts are no amounts."""

Row = Mapping[str, Any]
Reason = Literal["not a call", "unknown format", "no model", "failed call", "repeated"]
"""Why a line that could be read is no call."""

NOT_CALLS: Final = frozenset(
    [
        "summary",
        "system",
        "user",
        "progress",
        "file-history-snapshot",
        "queue-operation",
        "attachment",
        "permission-mode",
        "last-prompt",
        "custom-title",
        "ai-title",
        "agent-name",
        "pr-link",
    ]
)
"""Lines of a transcript between the answers."""


@dataclass(slots=True)
class Memory:
    """What a line may need of those before it; bounded."""

    asks: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """Session → the newest ask."""
    answers: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Answers that were counted: a transcript repeats one for each of its parts."""
    requests: OrderedDict[str, str] = field(default_factory=OrderedDict)
    """`custom_id` of a batch → the ask, when requests stand before answers."""

    def ask(self, session: str, text: str) -> None:
        """Remember what was asked last in a session."""
        _put(self.asks, session, text, SESSIONS_KEPT)

    def counted(self, answer: str) -> bool:
        """Tell whether this answer was counted before, and remember it."""
        if answer in self.answers:
            return True
        _put(self.answers, answer, None, ANSWERS_KEPT)
        return False


def _put(held: OrderedDict[str, Any], key: str, value: Any, limit: int) -> None:
    held[key] = value
    held.move_to_end(key)
    while len(held) > limit:
        held.popitem(last=False)


def read_row(row: object, memory: Memory) -> LoggedCall | Reason:
    """Recognise one record and return its call, or why it is none. Never raises on any JSON value."""
    if not isinstance(row, Mapping):
        return "unknown format"
    for known, reader in _FORMATS:
        if known(row):
            return reader(row, memory)
    return "unknown format"


# -- smart-spawn -----------------------------------------------------------------------------------------


def _is_ours(row: Row) -> bool:
    return isinstance(row.get("selected"), Mapping) and isinstance(row.get("task"), Mapping)


def _ours(row: Row, memory: Memory) -> LoggedCall | Reason:
    task, selected = row["task"], row["selected"]
    model = _text(selected.get("model"))
    if not model:
        return "no model"
    return LoggedCall(
        format="smart-spawn",
        model=model,
        at=_moment(row.get("createdAt", row.get("created_at"))),
        category=_category(task.get("category")),
        prompt_tokens=_count(task.get("tokens")),
    )


# -- OpenRouter ------------------------------------------------------------------------------------------


def _is_openrouter(row: Row) -> bool:
    return (
        "model_permaslug" in row
        or "tokens_prompt" in row
        or "generation_id" in row
        or "native_tokens_prompt" in row
        or ("byok_usage_inference" in row and "model" in row)
    )


def _openrouter(row: Row, memory: Memory) -> LoggedCall | Reason:
    model = _text(row.get("model")) or _text(row.get("model_permaslug"))
    if not model:
        return "no model"
    if row.get("cancelled") in (True, "true", "True") or row.get("finish_reason") == "error":
        return "failed call"
    requests = _count(row.get("requests"))
    return LoggedCall(
        format="openrouter",
        model=model,
        at=_moment(row.get("created_at", row.get("date"))),
        prompt_tokens=_first_count(row, "native_tokens_prompt", "tokens_prompt", "prompt_tokens"),
        cached_tokens=_first_count(row, "native_tokens_cached", "tokens_cached", "cached_tokens") or 0,
        completion_tokens=_first_count(
            row, "native_tokens_completion", "tokens_completion", "completion_tokens"
        ),
        cost_usd=_first_amount(row, "total_cost", "cost_total", "usage", "cost"),
        calls=max(1, requests or 1),
        images=bool(_count(row.get("num_media_prompt"))),
    )


# -- LiteLLM ---------------------------------------------------------------------------------------------


def _is_litellm(row: Row) -> bool:
    return ("spend" in row and ("call_type" in row or "startTime" in row)) or (
        "response_cost" in row and "model" in row
    )


def _litellm(row: Row, memory: Memory) -> LoggedCall | Reason:
    if _text(row.get("status")) in ("failure", "error"):
        return "failed call"
    kind = _text(row.get("call_type"))
    if kind and not any(word in kind for word in ("completion", "message", "response")):
        return "not a call"
    model = _text(row.get("model")) or _text(row.get("model_group"))
    if not model:
        return "no model"
    usage = _usage(row.get("response"))
    asked = row.get("messages", row.get("proxy_server_request"))
    return LoggedCall(
        format="litellm",
        model=model,
        at=_moment(row.get("startTime")),
        prompt_tokens=_first_count(row, "prompt_tokens") or usage[0],
        cached_tokens=usage[1],
        completion_tokens=_first_count(row, "completion_tokens") or usage[2],
        cost_usd=_first_amount(row, "spend", "response_cost"),
        task=_asked(asked.get("messages") if isinstance(asked, Mapping) else asked),
        images=_has_images(asked),
    )


# -- Claude Code -----------------------------------------------------------------------------------------


def _is_claude_code(row: Row) -> bool:
    return (
        "type" in row and ("sessionId" in row or "uuid" in row or "leafUuid" in row) and "object" not in row
    )


def _claude_code(row: Row, memory: Memory) -> LoggedCall | Reason:
    kind, session, message = _text(row.get("type")), _text(row.get("sessionId")), row.get("message")
    if kind == "user" and isinstance(message, Mapping):
        text = _asked([{"role": "user", "content": message.get("content")}])
        if text and not row.get("isMeta"):
            memory.ask(session, text)
        return "not a call"
    if kind != "assistant":
        return "not a call" if kind in NOT_CALLS else "unknown format"
    if not isinstance(message, Mapping) or not isinstance(message.get("usage"), Mapping):
        return "no model"
    model = _text(message.get("model"))
    if not model or model == "<synthetic>":
        return "not a call"
    answer = _text(message.get("id")) or _text(row.get("requestId")) or _text(row.get("uuid"))
    if answer and memory.counted(answer):
        return "repeated"
    usage = message["usage"]
    cached = _count(usage.get("cache_read_input_tokens")) or 0
    written = _count(usage.get("cache_creation_input_tokens")) or 0
    fresh = _count(usage.get("input_tokens"))
    return LoggedCall(
        format="claude-code",
        model=model,
        at=_moment(row.get("timestamp")),
        task=memory.asks.get(session, ""),
        prompt_tokens=None if fresh is None else fresh + cached + written,
        cached_tokens=cached,
        completion_tokens=_count(usage.get("output_tokens")),
        cost_usd=_first_amount(row, "costUSD"),
        tools=True,
    )


# -- OpenAI ----------------------------------------------------------------------------------------------


def _is_batch(row: Row) -> bool:
    return "custom_id" in row


def _batch(row: Row, memory: Memory) -> LoggedCall | Reason:
    name = _text(row.get("custom_id"))
    body = row.get("body", row.get("params"))
    if isinstance(body, Mapping):
        _put(memory.requests, name, _asked(body.get("messages", body.get("input"))), ANSWERS_KEPT)
        return "not a call"
    answer = row.get("response")
    if not isinstance(answer, Mapping) or row.get("error"):
        return "failed call"
    if _count(answer.get("status_code")) not in (None, 200):
        return "failed call"
    found = _answered(answer.get("body", answer), "openai-batch", memory.requests.pop(name, ""))
    return found


def _is_pair(row: Row) -> bool:
    asked, answered = row.get("request"), row.get("response")
    return isinstance(asked, Mapping) and isinstance(answered, Mapping)


def _pair(row: Row, memory: Memory) -> LoggedCall | Reason:
    asked, answered = row["request"], row["response"]
    asked = asked["body"] if isinstance(asked.get("body"), Mapping) else asked
    answered = answered["body"] if isinstance(answered.get("body"), Mapping) else answered
    messages = asked.get("messages", asked.get("input"))
    merged = {**row, **answered, "model": answered.get("model") or asked.get("model")}
    return _answered(
        merged,
        "openai",
        _asked(messages),
        images=_has_images(messages),
        tools=bool(asked.get("tools")),
    )


def _is_openai(row: Row) -> bool:
    return "model" in row and any(name in row for name in ("messages", "usage", "choices", "input"))


def _openai(row: Row, memory: Memory) -> LoggedCall | Reason:
    messages = row.get("messages", row.get("input"))
    answered = row.get("response")
    merged = {**row, **answered} if isinstance(answered, Mapping) else row
    return _answered(
        merged, "openai", _asked(messages), images=_has_images(messages), tools=bool(row.get("tools"))
    )


def _answered(
    row: object, form: Format, task: str, *, images: bool = False, tools: bool = False
) -> LoggedCall | Reason:
    """Read an OpenAI answer, chat or `responses`."""
    if not isinstance(row, Mapping):
        return "failed call"
    if row.get("error"):
        return "failed call"
    model = _text(row.get("model"))
    if not model:
        return "no model"
    prompt, cached, completion = _usage(row)
    usage = row.get("usage")
    return LoggedCall(
        format=form,
        model=model,
        at=_moment(row.get("created", row.get("created_at", row.get("timestamp")))),
        task=task,
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        cost_usd=_first_amount(usage if isinstance(usage, Mapping) else {}, "cost")
        or _first_amount(row, "cost_usd", "cost"),
        images=images,
        tools=tools,
    )


_FORMATS: Final[tuple[tuple[Callable[[Row], bool], Callable[[Row, Memory], LoggedCall | Reason]], ...]] = (
    (_is_ours, _ours),
    (_is_openrouter, _openrouter),
    (_is_litellm, _litellm),
    (_is_batch, _batch),
    (_is_claude_code, _claude_code),
    (_is_pair, _pair),
    (_is_openai, _openai),
)


# -- values ----------------------------------------------------------------------------------------------


def _usage(answer: object) -> tuple[int | None, int, int | None]:
    """Return prompt tokens, how many of them were cached, and completion tokens."""
    usage = answer.get("usage") if isinstance(answer, Mapping) else None
    if not isinstance(usage, Mapping):
        return None, 0, None
    details = usage.get("prompt_tokens_details", usage.get("input_tokens_details"))
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else None
    return (
        _first_count(usage, "prompt_tokens", "input_tokens"),
        cached or 0,
        _first_count(usage, "completion_tokens", "output_tokens"),
    )


def _asked(messages: object) -> str:
    """Return the newest ask in messages or a text, its beginning and end."""
    if isinstance(messages, str):
        return _cut(newest_ask(messages[: 4 * TASK_CHARS]))
    if not isinstance(messages, list):
        return ""
    kept = [m for m in messages[-MESSAGES_READ:] if isinstance(m, Mapping)]
    return _cut(newest_ask(kept))


def _cut(text: str) -> str:
    half = TASK_CHARS // 2
    return text if len(text) <= TASK_CHARS else f"{text[:half]}\n{text[-half:]}"


def _has_images(messages: object) -> bool:
    if not isinstance(messages, list):
        return False
    for message in messages[-MESSAGES_READ:]:
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, list) and any(
            isinstance(part, Mapping) and "image" in str(part.get("type")) for part in content
        ):
            return True
    return False


def _text(value: object) -> str:
    return value[:200].strip() if isinstance(value, str) else ""


def _category(value: object) -> Category | None:
    return next((c for c in CATEGORIES if c == value), None)


def _first_count(row: Row, *names: str) -> int | None:
    return next((found for name in names if (found := _count(row.get(name))) is not None), None)


def _first_amount(row: Row, *names: str) -> float | None:
    return next((found for name in names if (found := _amount(row.get(name))) is not None), None)


def _count(value: object) -> int | None:
    amount = _amount(value)
    return None if amount is None else int(amount)


def _amount(value: object) -> float | None:
    """Read a number, also one that is written as text; what is negative, huge or none is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 <= number < MOST else None


def _moment(value: object) -> datetime | None:
    """Read a moment: ISO, a day, or seconds or milliseconds since 1970. Without a zone it is UTC."""
    seconds = (
        _amount(value) if not isinstance(value, str) or (value[:1].isdigit() and "-" not in value) else None
    )
    try:
        if seconds is not None:
            return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip()[:40])
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
