"""Responses requests → chat completions: what is said arrives, and what cannot be served is named."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.gateway.responses import AskedResponse, read_response_request
from smart_spawn.gateway.thinking import pack

LOOK = {"type": "function", "name": "look", "description": "Looks", "parameters": {"type": "object"}}
RUN = {"type": "function", "name": "run", "parameters": None, "strict": True}
PNG = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0", "detail": "auto"}


def asked(**fields: Any) -> AskedResponse:
    """Read a request with these fields."""
    return read_response_request({"model": "m", "input": "Hello", **fields})


def told(*items: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """Return the chat messages that these items become."""
    found: list[dict[str, Any]] = asked(input=list(items), **fields).chat["messages"]
    return found


def test_a_plain_request_becomes_a_plain_request() -> None:
    """Nothing is added that was not asked for."""
    assert asked().chat == {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def test_instructions_come_first_and_developers_are_the_system() -> None:
    """Messages may leave their type out."""
    messages = told(
        {"role": "developer", "content": [{"type": "input_text", "text": "Be kind."}]},
        {"type": "message", "role": "user", "content": "Hi"},
        instructions="Be brief.",
    )
    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
    ]


def test_images_and_files_are_passed_on() -> None:
    """With their bytes or by their address; a detail that was named stays."""
    file = {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0"}
    url = {"type": "input_image", "image_url": "https://a.example/cat.png", "detail": "low"}
    (message,) = told({"role": "user", "content": [{"type": "input_text", "text": "These?"}, PNG, url, file]})
    assert message["content"] == [
        {"type": "text", "text": "These?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0"}},
        {"type": "image_url", "image_url": {"url": "https://a.example/cat.png", "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0"}},
    ]


def test_text_and_calls_of_one_turn_are_one_message() -> None:
    """Calls keep ids, arguments and order; results follow, and what they show comes after the last of them."""
    messages = told(
        {"role": "user", "content": "What colour?"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
        {"type": "function_call", "call_id": "c_1", "name": "look", "arguments": '{"at": "sky"}'},
        {"type": "function_call", "call_id": "c_2", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c_2", "output": [PNG]},
        {"type": "function_call_output", "call_id": "c_1", "output": "blue"},
        {"role": "user", "content": "And?"},
    )
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user", "user"]
    assert messages[1]["content"] == "I look."
    assert [(c["id"], c["function"]["arguments"]) for c in messages[1]["tool_calls"]] == [
        ("c_1", '{"at": "sky"}'),
        ("c_2", "{}"),
    ]
    assert messages[2] == {"role": "tool", "tool_call_id": "c_2", "content": "The result follows."}
    assert messages[3] == {"role": "tool", "tool_call_id": "c_1", "content": "blue"}
    assert [part["type"] for part in messages[4]["content"]] == ["text", "image_url"]


def test_a_turn_of_calls_alone_has_no_text_and_two_texts_are_two_turns() -> None:
    """Each stays what it was."""
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    assert told({"role": "user", "content": "x"}, call)[1]["content"] is None
    texts = [{"role": "assistant", "content": text} for text in ("One.", "Two.")]
    assert [m["content"] for m in told(*texts)] == ["One.", "Two."]
    assert [m["content"] for m in told(call, *texts)] == ["One.Two."]


def test_our_own_thinking_comes_back_and_others_does_not() -> None:
    """It belongs to the turn that it led to."""
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    messages = told(
        {"role": "user", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "of OpenAI"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": pack(details)},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    )
    assert messages[1]["reasoning_details"] == details
    assert messages[1]["tool_calls"][0]["id"] == "c"


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_tools_and_plain_choices_are_translated(choice: str) -> None:
    """Functions get the shape that chat completions have for them."""
    chat = asked(tools=[LOOK, RUN], tool_choice=choice, parallel_tool_calls=False).chat
    assert chat["tools"] == [
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks", "parameters": {"type": "object"}},
        },
        {"type": "function", "function": {"name": "run", "parameters": {"type": "object"}, "strict": True}},
    ]
    assert (chat["tool_choice"], chat["parallel_tool_calls"]) == (choice, False)


def test_named_and_allowed_tools_are_translated() -> None:
    """Tools that may not be called are not shown."""
    chat = asked(tools=[LOOK, RUN], tool_choice={"type": "function", "name": "run"}).chat
    assert chat["tool_choice"] == {"type": "function", "function": {"name": "run"}}
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "look"}],
    }
    chat = asked(tools=[LOOK, RUN], tool_choice=allowed).chat
    assert [tool["function"]["name"] for tool in chat["tools"]] == ["look"]
    assert chat["tool_choice"] == "required"


def test_formats_are_translated() -> None:
    """Plain text is the default; a schema keeps its name and strictness."""
    assert "response_format" not in asked(text={"format": {"type": "text"}}).chat
    assert asked(text={"format": {"type": "json_object"}}).chat["response_format"] == {"type": "json_object"}
    schema = {"type": "object"}
    wanted = {"type": "json_schema", "name": "weather", "schema": schema, "strict": True, "description": "d"}
    chat = asked(text={"format": wanted, "verbosity": "low"}).chat
    assert chat["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "weather", "schema": schema, "strict": True, "description": "d"},
    }
    assert chat["verbosity"] == "low"


def test_the_rest_is_translated_or_stays_behind() -> None:
    """Limits and wishes arrive, unknown fields too; what only OpenAI can use does not."""
    chat = asked(
        max_output_tokens=50,
        reasoning={"effort": "low", "summary": "auto"},
        temperature=0.5,
        top_p=0.9,
        user="u-1",
        seed=7,
        store=True,
        metadata={"a": "b"},
        prompt_cache_key="k",
        truncation="auto",
        include=["reasoning.encrypted_content"],
        previous_response_id=None,
        background=False,
        stream=True,
    ).chat
    assert {k: v for k, v in chat.items() if k != "messages"} == {
        "model": "m",
        "max_completion_tokens": 50,
        "reasoning_effort": "low",
        "temperature": 0.5,
        "top_p": 0.9,
        "user": "u-1",
        "seed": 7,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


USER = {"role": "user", "content": "x"}
REFUSED = [
    ({"model": None}, "model"),
    ({"input": []}, "input"),
    ({"input": 7}, "input"),
    ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type"),
    ({"input": [USER, {"type": "web_search_call", "id": "x"}]}, "input[1].type"),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input[0].content[0].type"),
    (
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        "input[0].content[0].image_url",
    ),
    (
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://a.example"}]}]},
        "input[0].content[0].file_data",
    ),
    ({"input": [{"role": "system", "content": [PNG]}]}, "input[0].content[0]"),
    ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ({"conversation": "conv_1"}, "conversation"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"background": True}, "background"),
    ({"top_logprobs": 3}, "top_logprobs"),
    ({"include": ["message.output_text.logprobs"]}, "include"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [LOOK, {"type": "function"}]}, "tools[1].name"),
    ({"tools": [LOOK], "tool_choice": {"type": "file_search"}}, "tool_choice"),
    ({"tools": [LOOK], "tool_choice": {"type": "allowed_tools", "tools": []}}, "tool_choice"),
    ({"text": {"format": {"type": "grammar"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=[f"{n}-{c[1]}" for n, c in enumerate(REFUSED)])
def test_what_cannot_be_served_is_named(fields: dict[str, Any], field: str) -> None:
    """The error names the field, and says what to do."""
    with pytest.raises(InvalidRequest) as caught:
        asked(**fields)
    assert caught.value.details["field"] == field
    assert f"`{field}`" in caught.value.message
    assert caught.value.hint
