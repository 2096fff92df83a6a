"""What is asked, as far as routing and money need to know."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import InvalidRequest
from smart_spawn.gateway.reading import Ask, read_ask
from smart_spawn.gateway.shapes import Json
from tests.unit.gateway.conftest import said

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 40_000}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}


def read(app: SmartSpawn, *messages: Json, **more: Any) -> Ask:
    return read_ask({"model": "auto", "messages": list(messages), **more}, app.catalog)


def user(content: Any) -> Json:
    return {"role": "user", "content": content}


def test_the_task_is_the_newest_thing_that_a_person_asked(app: SmartSpawn) -> None:
    """Results of tools, reminders and earlier turns do not decide who answers."""
    ask = read(
        app,
        {"role": "system", "content": "You write poems."},
        user("Write a poem"),
        {"role": "assistant", "content": "Roses ..."},
        user("Now sort this list in Python<system-reminder>Be careful.</system-reminder>"),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "[1, 2]"},
    )
    assert ask.task.strip() == "Now sort this list in Python"
    assert ask.waits_for_tools


def test_tools_pictures_and_formats_become_requirements(app: SmartSpawn) -> None:
    """A model that cannot take what the request holds is no candidate."""
    ask = read(
        app,
        user([{"type": "text", "text": "What is this?"}, PICTURE]),
        tools=[{"type": "function", "function": {"name": "add"}}],
        response_format={"type": "json_object"},
    )
    assert ask.require == {"vision", "functionCalling", "json"}
    assert ask.images
    assert ask.prompt_tokens < 5_000  # forty thousand letters of a picture are no prompt
    assert ask.most_prompt_tokens > 16_000


def test_an_older_picture_asks_for_vision_and_does_not_make_the_task_one(app: SmartSpawn) -> None:
    """The conversation must be readable; what is asked now is something else."""
    ask = read(
        app, user([PICTURE]), {"role": "assistant", "content": "A cat."}, user("Write a poem about it")
    )
    assert "vision" in ask.require
    assert not ask.images


def test_unknown_members_are_handed_on_and_ours_are_not(app: SmartSpawn) -> None:
    """What we do not know is the provider's; what would lead the prompt elsewhere stays here."""
    more = {
        "temperature": 0.2, "seed": 7, "stop": ["x"], "user": "u", "top_k": 5, "metadata": {"a": 1},
        "models": ["evil/model"], "route": "fallback", "base_url": "http://evil", "n": 1, "stream": True,
    }  # fmt: skip
    ask = read(app, user("hi"), **more)
    assert ask.body.keys() == {"messages", "temperature", "seed", "stop", "user", "top_k", "metadata"}
    assert ask.stream


def test_both_output_limits_are_read(app: SmartSpawn) -> None:
    """The newer name wins, as at OpenAI."""
    assert read(app, user("hi"), max_tokens=5).max_output_tokens == 5
    assert read(app, user("hi"), max_tokens=5, max_completion_tokens=9).max_output_tokens == 9


def test_conversations_are_told_apart_by_their_beginning(app: SmartSpawn) -> None:
    """What is said later leaves the conversation what it is; another beginning is another conversation."""
    first = read(app, user("hi"))
    later = read(app, user("hi"), {"role": "assistant", "content": "hello"}, user("and now?"))
    assert later.opening == first.opening
    assert read(app, {"role": "system", "content": "x"}, user("hi")).opening != first.opening
    marked = [
        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    ]  # only while it is the newest
    assert read(app, {"role": "user", "content": marked}).opening == first.opening


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "model"),
        ({"model": 3}, "model"),
        ({"model": "auto"}, "messages"),
        ({"model": "auto", "messages": []}, "messages"),
        ({"model": "auto", "messages": ["hi"]}, "messages.0"),
        ({"model": "auto", "messages": [{"role": ["user"], "content": "x"}]}, "messages.0.role"),
        ({"model": "auto", "messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
        (said("x", n=2), "n"),
        (said("x", n=True), "n"),
        (said("x", stream="yes"), "stream"),
        (said("x", max_tokens=0), "max_tokens"),
        (said("x", max_completion_tokens=1.5), "max_completion_tokens"),
        (said("x", reasoning_effort=3), "reasoning_effort"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(app: SmartSpawn, body: Json, field: str) -> None:
    """The message names the member that is wrong."""
    with pytest.raises(InvalidRequest) as caught:
        read_ask(body, app.catalog)
    assert caught.value.details["field"] == field


@pytest.mark.parametrize("part", [{"type": ["x"]}, {"type": {}}, {}, {"type": "image_url"}, "text", None, 3])
def test_odd_parts_are_left_to_the_provider(app: SmartSpawn, part: Any) -> None:
    """A part that we cannot read stops nothing here."""
    assert read(app, user([part, {"type": "text", "text": "hi"}])).task == "hi"


def test_a_conversation_without_words_is_read_all_the_same(app: SmartSpawn) -> None:
    """A picture alone, or system messages alone, are asked about nothing, and that is no error."""
    assert read(app, user([PICTURE])).task == ""
    assert read(app, {"role": "system", "content": "Say hello."}).task == ""
