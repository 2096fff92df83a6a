"""Messages requests → chat completions: what is said arrives, and what cannot be served is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smart_spawn.errors import InvalidRequest
from smart_spawn.gateway.messages import AskedMessage, read_message_request
from smart_spawn.gateway.thinking import pack
from smart_spawn.providers.cache_marks import without_marks

USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "the sky"}}
OTHER_USE = {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0"}}


def asked(**fields: Any) -> AskedMessage:
    """Read a request with these fields."""
    usual = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
    return read_message_request({**usual, **fields})


def told(*messages: tuple[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """Return the chat messages that these turns become."""
    turns = [{"role": role, "content": content} for role, content in messages]
    found: list[dict[str, Any]] = asked(messages=turns, **fields).chat["messages"]
    return found


def test_a_plain_request_becomes_a_plain_request() -> None:
    """Nothing is added that was not asked for."""
    request = asked()
    assert request.chat == {
        "model": "m",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Hello"}],
    }
    assert not request.stream


def test_the_system_prompt_comes_first() -> None:
    """As a text or in blocks, also in the middle of a conversation."""
    blocks = [
        {"type": "text", "text": "Be brief."},
        {"type": "text", "text": "Be kind.", "cache_control": {}},
    ]
    assert told(("user", "Hi"), system=blocks)[0] == {"role": "system", "content": "Be brief.\n\nBe kind."}
    assert told(("user", "Hi"), ("system", "Now in French."), system="Be brief.")[2] == {
        "role": "system",
        "content": "Now in French.",
    }


def test_marks_for_the_cache_stay_on_their_texts() -> None:
    """Of the system prompt and of the user; whoever does not know them gets the texts as if there were none."""
    mark = {"type": "ephemeral"}
    system = [{"type": "text", "text": "A."}, {"type": "text", "text": "B.", "cache_control": mark}]
    user = [{"type": "text", "text": "Hi", "cache_control": mark}]
    marked = told(("user", user), system=system)
    assert marked[0]["content"][1] == {"type": "text", "text": "B.", "cache_control": mark}
    assert marked[1]["content"] == [{"type": "text", "text": "Hi", "cache_control": mark}]
    plain = told(("user", "Hi"), system=[{"type": "text", "text": text} for text in ("A.", "B.")])
    assert [without_marks(message) for message in marked] == plain


def test_images_are_passed_on() -> None:
    """With their bytes or by their address."""
    url = {"type": "image", "source": {"type": "url", "url": "https://pictures.example/cat.png"}}
    (message,) = told(("user", [{"type": "text", "text": "Which is it?"}, PNG, url]))
    assert [part["type"] for part in message["content"]] == ["text", "image_url", "image_url"]
    assert message["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw0"
    assert message["content"][2]["image_url"]["url"] == "https://pictures.example/cat.png"


def test_documents_are_passed_on() -> None:
    """A PDF as a file, a text as text, with title and context."""
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0"}
    text = {"type": "text", "media_type": "text/plain", "data": "Once upon a time"}
    taken_apart = {"type": "content", "content": [{"type": "text", "text": "Twice"}, PNG]}
    (message,) = told(
        (
            "user",
            [
                {"type": "document", "source": pdf, "title": "report.pdf", "context": "of May"},
                {"type": "document", "source": text, "title": "A tale"},
                {"type": "document", "source": taken_apart},
                {
                    "type": "search_result",
                    "title": "Found",
                    "source": "https://a.example",
                    "content": [{"type": "text", "text": "here"}],
                },
            ],
        )
    )
    assert message["content"] == [
        {"type": "text", "text": "of May"},
        {
            "type": "file",
            "file": {"filename": "report.pdf", "file_data": "data:application/pdf;base64,JVBERi0"},
        },
        {"type": "text", "text": "A tale"},
        {"type": "text", "text": "Once upon a time"},
        {"type": "text", "text": "Twice"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0"}},
        {"type": "text", "text": "Found\nhttps://a.example\nhere"},
    ]


def test_a_tool_loop_keeps_ids_and_order() -> None:
    """Calls keep their ids and arguments; results follow their calls at once, whatever else the turn says."""
    results = [
        {"type": "text", "text": "Here you are."},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [{"type": "text", "text": "nothing"}]},
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "blue"},
    ]
    first = [{"type": "text", "text": "I look."}, USE, OTHER_USE]
    messages = told(("user", "What colour?"), ("assistant", first), ("user", results))
    assert messages[1]["content"] == "I look."
    assert [call["id"] for call in messages[1]["tool_calls"]] == ["toolu_1", "toolu_2"]
    assert json.loads(messages[1]["tool_calls"][0]["function"]["arguments"]) == {"at": "the sky"}
    assert messages[2:] == [
        {"role": "tool", "tool_call_id": "toolu_2", "content": "nothing"},
        {"role": "tool", "tool_call_id": "toolu_1", "content": "blue"},
        {"role": "user", "content": "Here you are."},
    ]


def test_a_turn_of_calls_alone_has_no_text() -> None:
    """Servers tell an absent text from an empty one."""
    assert told(("user", "Hi"), ("assistant", [USE]))[1]["content"] is None


def test_images_in_results_follow_all_results() -> None:
    """A chat completion's results are text, so images come in the turn after them, named by their call."""
    results = [
        {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "content": [{"type": "text", "text": "a picture"}, PNG],
        },
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": [PNG]},
    ]
    messages = told(("user", "Hi"), ("assistant", [USE, OTHER_USE]), ("user", results))
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert [message["content"] for message in messages[2:4]] == ["a picture", "The result follows."]
    assert [part["type"] for part in messages[4]["content"]] == ["text", "image_url"] * 2
    assert "toolu_2" in messages[4]["content"][2]["text"]


def test_failed_tools_are_marked() -> None:
    """Chat completions have no word for it, so the text says so, once."""
    for content, said in (("no such file", "Error: no such file"), ("ERROR 7", "ERROR 7"), (None, "Error: ")):
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, "is_error": True}
        assert told(("user", "Hi"), ("assistant", [USE]), ("user", [result]))[2]["content"] == said


def test_tools_and_choices_are_translated() -> None:
    """Each of the four choices, and whether several calls may come at once."""
    tool = {"name": "look", "description": "Looks", "input_schema": {"type": "object"}, "strict": True}
    function = {"name": "look", "description": "Looks", "parameters": {"type": "object"}, "strict": True}
    chosen = {
        "auto": "auto",
        "any": "required",
        "none": "none",
        "tool": {"type": "function", "function": {"name": "look"}},
    }
    for type_, choice in chosen.items():
        named = {"name": "look"} if type_ == "tool" else {}
        chat = asked(tools=[tool], tool_choice={"type": type_, **named}).chat
        assert chat["tools"] == [{"type": "function", "function": function}]
        assert chat["tool_choice"] == choice
    chat = asked(tools=[tool], tool_choice={"type": "auto", "disable_parallel_tool_use": True}).chat
    assert chat["parallel_tool_calls"] is False


def test_a_choice_without_tools_is_no_choice() -> None:
    """Servers refuse `tool_choice` where there are no tools."""
    assert "tool_choice" not in asked(tools=[], tool_choice={"type": "auto"}).chat


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 80}}, "high"),
        ({"thinking": {"type": "enabled", "budget_tokens": 50}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 20}}, "low"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}, "xhigh"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "disabled"}}, None),
    ],
)
def test_thinking_becomes_an_effort(fields: dict[str, Any], effort: str | None) -> None:
    """An effort that is named counts; else the share of the tokens that may go into thinking."""
    assert asked(**fields).chat.get("reasoning_effort") == effort


def test_thinking_is_shown_to_those_who_ask() -> None:
    """Whoever switched it off, or wants it left out, does not get it."""
    assert asked(thinking={"type": "adaptive"}).thinking
    for wish in (None, {"type": "disabled"}, {"type": "adaptive", "display": "omitted"}):
        assert not asked(thinking=wish).thinking


def test_our_own_thinking_comes_back_and_others_does_not() -> None:
    """A signature that we made holds what the model wants back; what others signed helps nobody."""
    details = [{"type": "reasoning.encrypted", "data": "x"}]
    turn = [
        {"type": "thinking", "thinking": "Hm.", "signature": "of somebody else"},
        {"type": "redacted_thinking", "data": "zz"},
        {"type": "thinking", "thinking": "So.", "signature": pack(details)},
        {"type": "text", "text": "Yes."},
    ]
    assert told(("user", "Hi"), ("assistant", turn))[1] == {
        "role": "assistant",
        "content": "Yes.",
        "reasoning_details": details,
    }


def test_formats_and_the_rest_are_translated() -> None:
    """A schema, stop sequences, the user, and what this protocol does not know but others may."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    chat = asked(
        output_config={"format": {"type": "json_schema", "schema": schema}},
        stop_sequences=["END"],
        metadata={"user_id": "u-1"},
        temperature=0.2,
        top_k=5,
        seed=7,
    ).chat
    assert chat["response_format"]["json_schema"]["schema"] == schema
    assert (chat["stop"], chat["user"]) == (["END"], "u-1")
    assert (chat["temperature"], chat["top_k"], chat["seed"]) == (0.2, 5, 7)
    beta = asked(output_format={"type": "json_schema", "schema": schema}).chat
    assert beta["response_format"] == chat["response_format"]


def test_a_stream_asks_for_its_usage() -> None:
    """Clients of messages always get it."""
    request = asked(stream=True)
    assert request.stream
    assert request.chat["stream_options"] == {"include_usage": True}


def test_hints_to_anthropic_stay_behind() -> None:
    """Nothing that an answer is right without goes to a provider that would refuse it."""
    sent = asked(
        cache_control={"type": "ephemeral"},
        context_management={"edits": []},
        service_tier="auto",
        speed="fast",
        betas=["x"],
        inference_geo="global",
        container=None,
        mcp_servers=[],
    ).chat
    assert sent.keys() == {"model", "max_tokens", "messages"}


USER = {"role": "user", "content": "x"}
REFUSED = [
    ({"model": None}, "model"),
    ({"model": ""}, "model"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": "many"}, "max_tokens"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [USER, {"role": "user", "content": [{"type": "smell"}]}]}, "messages[1].content[0].type"),
    ({"messages": [{"role": "user", "content": [USE]}]}, "messages[0].content[0]"),
    ({"messages": [{"role": "assistant", "content": [PNG]}]}, "messages[0].content[0]"),
    (
        {
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}
            ]
        },
        "messages[0].content[0].source.type",
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "text", "data": "x"},
                            "citations": {"enabled": True},
                        }
                    ],
                }
            ]
        },
        "messages[0].content[0].citations",
    ),
    ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
    ({"tools": [{"name": "look"}]}, "tools[0].input_schema"),
    (
        {"tools": [{"name": "look", "input_schema": {}}], "tool_choice": {"type": "tool"}},
        "tool_choice.name",
    ),
    ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
    ({"container": "c_1"}, "container"),
    ({"mcp_servers": [{"url": "https://a.example"}]}, "mcp_servers"),
    ({"inference_geo": "us"}, "inference_geo"),
    ({"stop_sequences": "END"}, "stop_sequences"),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED, ids=[f"{n}-{c[1]}" for n, c in enumerate(REFUSED)])
def test_what_cannot_be_served_is_named(fields: dict[str, Any], field: str) -> None:
    """The error names the field, and says what to do."""
    with pytest.raises(InvalidRequest) as caught:
        asked(**fields)
    assert caught.value.details["field"] == field
    assert f"`{field}`" in caught.value.message
    assert caught.value.hint


def test_what_is_missing_is_named() -> None:
    """An empty body is told the first field it lacks."""
    with pytest.raises(InvalidRequest, match="`model` is missing") as caught:
        read_message_request({})
    assert caught.value.code == "MISSING_PARAM"
