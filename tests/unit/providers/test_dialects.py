"""Where servers differ in what a request says."""

from __future__ import annotations

import pytest

from smart_spawn.providers.dialects import dialect_of
from smart_spawn.runs.ports import Message, ModelCall, RelayCall

CALL = ModelCall(
    model_id="v/m",
    messages=(Message(role="user", content="hi"),),
    max_output_tokens=9,
    reasoning_effort="low",
)


@pytest.mark.parametrize(
    ("provider", "base_url", "name"),
    [
        ("openrouter", "https://openrouter.ai/api/v1", "openrouter"),
        ("mine", "https://openrouter.ai/api/v1", "openrouter"),
        ("openrouter", "https://gateway.example/v1", "openrouter"),
        ("work", "https://api.openai.com/v1", "openai"),
        ("work", "https://eu.api.openai.com/v1", "openai"),
        ("local", "http://localhost:11434/v1", "common"),
        ("trap", "https://notopenrouter.ai/v1", "common"),
    ],
)
def test_the_dialect_follows_the_name_or_the_host(provider: str, base_url: str, name: str) -> None:
    """A host that merely ends in the same letters is somebody else."""
    assert dialect_of(provider, base_url).name == name


@pytest.mark.parametrize(
    ("provider", "differs"),
    [
        ("openrouter", {"max_tokens": 9, "reasoning": {"effort": "low"}, "usage": {"include": True}}),
        ("openai", {"max_completion_tokens": 9, "reasoning_effort": "low"}),
        ("local", {"max_tokens": 9, "reasoning_effort": "low"}),
    ],
)
def test_limit_and_effort_are_said_in_the_servers_way(provider: str, differs: dict[str, object]) -> None:
    """The same call, in three dialects."""
    body = dialect_of(provider, "http://127.0.0.1/v1").body(CALL, "wire")
    assert body == {"model": "wire", "messages": [{"role": "user", "content": "hi"}]} | differs


def test_what_a_call_leaves_open_is_left_out() -> None:
    """No field is sent that nobody asked for: strict servers refuse unknown ones."""
    call = ModelCall(model_id="v/m", messages=())
    assert dialect_of("local", "http://127.0.0.1/v1").body(call, "wire") == {"model": "wire", "messages": []}


@pytest.mark.parametrize(("provider", "kept"), [("openrouter", True), ("openai", False), ("local", False)])
def test_marks_for_the_cache_go_to_those_who_know_them(provider: str, kept: bool) -> None:
    """Others get the same texts without them, as plain as they can be; messages without marks stay as they are."""
    mark = {"cache_control": {"type": "ephemeral"}}
    text = {"type": "text", "text": "A."}
    picture = {"type": "image_url", "image_url": {"url": "data:,"}}
    marked = [
        {"role": "system", "content": [text, {**text, **mark}]},
        {"role": "user", "content": [{**text, **mark}]},
        {"role": "user", "content": [picture, {**text, **mark}]},
        {"role": "assistant", "content": None},
    ]
    plain = [
        {"role": "system", "content": "A.\n\nA."},
        {"role": "user", "content": "A."},
        {"role": "user", "content": [picture, text]},
        {"role": "assistant", "content": None},
    ]
    call = RelayCall(model_id="v/m", body={"messages": marked}, timeout_s=1)
    body = dialect_of(provider, "http://127.0.0.1/v1").relayed_body(call, "wire", stream=False)
    assert body["messages"] == (marked if kept else plain)
