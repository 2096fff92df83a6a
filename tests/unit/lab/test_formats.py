"""Records as each tool writes them, and the call that each tells of. Shapes of 2026, values invented."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.lab.call import LoggedCall
from smart_spawn.lab.formats import Memory, read_row
from smart_spawn.model import Category


def call_of(row: object, memory: Memory | None = None) -> LoggedCall:
    found = read_row(row, memory or Memory())
    assert isinstance(found, LoggedCall), found
    return found


ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "our decision": (
        {
            "id": "dec_1",
            "createdAt": "2026-11-20T10:00:00Z",
            "task": {"category": "coding", "tokens": 120},
            "selected": {"model": "vendor/a"},
        },
        {"format": "smart-spawn", "model": "vendor/a", "category": Category.CODING, "prompt_tokens": 120},
    ),
    "OpenRouter activity, CSV": (
        {
            "generation_id": "gen-1",
            "created_at": "2026-11-20 10:00:00.000",
            "cost_total": "0.0021",
            "tokens_prompt": "900",
            "tokens_completion": "45",
            "tokens_cached": "100",
            "model_permaslug": "vendor/a-2026",
            "num_media_prompt": "1",
        },
        {
            "format": "openrouter",
            "model": "vendor/a-2026",
            "prompt_tokens": 900,
            "cached_tokens": 100,
            "completion_tokens": 45,
            "cost_usd": 0.0021,
            "images": True,
        },
    ),
    "OpenRouter activity, a day": (
        {
            "date": "2026-11-20",
            "model": "vendor/a",
            "model_permaslug": "vendor/a-2026",
            "usage": 0.5,
            "requests": 12,
            "prompt_tokens": 5000,
            "completion_tokens": 700,
        },
        {"format": "openrouter", "model": "vendor/a", "calls": 12, "prompt_tokens": 5000, "cost_usd": 0.5},
    ),
    "LiteLLM spend log": (
        {
            "request_id": "r",
            "call_type": "acompletion",
            "spend": 0.004,
            "startTime": "2026-11-20T10:00:00.123456+00:00",
            "model": "gpt-9",
            "prompt_tokens": 30,
            "completion_tokens": 7,
            "messages": [{"role": "user", "content": "Sort these numbers"}],
        },
        {"format": "litellm", "model": "gpt-9", "task": "Sort these numbers", "cost_usd": 0.004},
    ),
    "OpenAI request and answer": (
        {
            "request": {
                "model": "gpt-9",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url"}],
                    },
                ],
            },
            "response": {
                "model": "gpt-9-2026-05-01",
                "created": 1_790_000_000,
                "usage": {
                    "prompt_tokens": 50,
                    "completion_tokens": 9,
                    "prompt_tokens_details": {"cached_tokens": 20},
                },
            },
        },
        {
            "format": "openai",
            "model": "gpt-9-2026-05-01",
            "task": "What is it?",
            "cached_tokens": 20,
            "images": True,
        },
    ),
    "OpenAI answer alone": (
        {
            "object": "chat.completion",
            "model": "gpt-9",
            "created": 1_790_000_000,
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
            "choices": [],
        },
        {"format": "openai", "model": "gpt-9", "prompt_tokens": 5, "completion_tokens": 2},
    ),
    "Claude Code answer": (
        {
            "type": "assistant",
            "sessionId": "s",
            "uuid": "u",
            "timestamp": "2026-11-20T10:00:00.000Z",
            "message": {
                "id": "msg_1",
                "model": "claude-9",
                "role": "assistant",
                "content": [],
                "usage": {
                    "input_tokens": 4,
                    "cache_creation_input_tokens": 100,
                    "cache_read_input_tokens": 1000,
                    "output_tokens": 50,
                },
            },
        },
        {
            "format": "claude-code",
            "model": "claude-9",
            "prompt_tokens": 1104,
            "cached_tokens": 1000,
            "completion_tokens": 50,
            "tools": True,
        },
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_record_is_known_by_its_own_names(name: str) -> None:
    """Each tool's record leads to the same kind of value."""
    row, expected = ROWS[name]
    found = call_of(row)
    assert {key: getattr(found, key) for key in expected} == expected
    assert found.at is not None
    assert found.at.tzinfo is not None


def test_moments_are_read_in_every_spelling() -> None:
    """Seconds, milliseconds, ISO with and without a zone, a day."""
    base = {"model": "m", "usage": {}}
    for written in (
        1_790_000_000,
        1_790_000_000_000,
        "1790000000",
        "2026-09-21T14:13:20",
        "2026-09-21T14:13:20Z",
    ):
        assert call_of(base | {"created": written}).at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert call_of(base | {"created": "yesterday"}).at is None
    assert call_of(base | {"created": 9e99}).at is None


def test_a_transcript_gives_each_answer_once_with_what_was_asked() -> None:
    """One answer stands on a line a part; tool results are no questions, and lines between are no calls."""
    memory = Memory()
    asked = {"type": "user", "sessionId": "s", "message": {"role": "user", "content": "Fix the failing test"}}
    result = {
        "type": "user",
        "sessionId": "s",
        "message": {"content": [{"type": "tool_result", "content": "x"}]},
    }
    answer = ROWS["Claude Code answer"][0]
    assert read_row(asked, memory) == "not a call"
    assert read_row(result, memory) == "not a call"
    assert call_of(answer, memory).task == "Fix the failing test"
    assert read_row(answer, memory) == "repeated"
    assert read_row({"type": "file-history-snapshot", "uuid": "v"}, memory) == "not a call"
    assert read_row(
        {"type": "assistant", "uuid": "w", "message": {"model": "<synthetic>", "usage": {}}}, memory
    ) == ("not a call")


def test_a_batch_joins_questions_and_answers() -> None:
    """Two files, in this order, share an id; without the first the answer still counts."""
    memory = Memory()
    asked = {
        "custom_id": "a",
        "method": "POST",
        "body": {"model": "gpt-9", "messages": [{"role": "user", "content": "Hi"}]},
    }
    body = {"model": "gpt-9", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    assert read_row(asked, memory) == "not a call"
    assert call_of({"custom_id": "a", "response": {"status_code": 200, "body": body}}, memory).task == "Hi"
    assert call_of({"custom_id": "b", "response": {"status_code": 200, "body": body}}, memory).task == ""
    failed = {"custom_id": "c", "response": {"status_code": 429, "body": {}}}
    assert read_row(failed, memory) == "failed call"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"spend": 0, "call_type": "aembedding", "startTime": "x", "model": "e"}, "not a call"),
        ({"spend": 0, "call_type": "acompletion", "status": "failure", "model": "m"}, "failed call"),
        ({"spend": 0, "call_type": "acompletion", "model": ""}, "no model"),
        ({"model": "m", "usage": {}, "error": {"message": "no"}}, "failed call"),
        ({"hello": 1}, "unknown format"),
        ([1, 2], "unknown format"),
        (None, "unknown format"),
    ],
)
def test_what_is_no_call_says_why(row: object, why: str) -> None:
    """Counted under one of few words."""
    assert read_row(row, Memory()) == why


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "model",
                    "messages",
                    "usage",
                    "type",
                    "message",
                    "response",
                    "request",
                    "body",
                    "custom_id",
                    "spend",
                    "startTime",
                    "created",
                    "selected",
                    "task",
                    "sessionId",
                    "tokens_prompt",
                    "content",
                    "prompt_tokens",
                    "prompt_tokens_details",
                    "status_code",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)  # a busy machine is no fault of the reader
@given(JSON)
def test_no_record_can_break_it(row: object) -> None:
    """Whatever a line holds is a call or a reason."""
    assert isinstance(read_row(row, Memory()), LoggedCall | str)
