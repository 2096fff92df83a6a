"""Clients of the other protocols over a running service: Anthropic's SDK, and OpenAI's for Responses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI
from pydantic import BaseModel

from smart_spawn.providers.fake_server import FakeServer, Reply, chunk, event
from tests.scenario.serving import calling, running
from tests.scenario.test_http_server import Service

OPUS = "claude-opus-4-6"
OPUS_ID = "anthropic/claude-opus-4.6"
ASK: Any = [{"role": "user", "content": "What is the weather in Paris and in Rome?"}]
TOOL: Any = {
    "name": "weather",
    "description": "Looks at the sky",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
FUNCTION: Any = {
    "type": "function",
    "name": "weather",
    "description": "Looks at the sky",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
CALLS = (("call_paris", "weather", {"city": "Paris"}), ("call_rome", "weather", {"city": "Rome"}))
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BREAKING_OFF = Reply(
    content_type="text/event-stream",
    parts=(event(chunk({"content": "Half a"})), event({"error": {"code": 503, "message": "out of order"}})),
)


class Weather(BaseModel):
    """What an answer has to be."""

    city: str
    degrees: int


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, FakeServer]]:
    """Start a service and its provider once for all of these tests."""
    with running(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture
def provider(both: tuple[Service, FakeServer]) -> FakeServer:
    """Return the provider, which remembers nothing of earlier tests."""
    both[1].steps.clear()
    both[1].received.clear()
    return both[1]


@pytest.fixture
def claude(both: tuple[Service, FakeServer], provider: FakeServer) -> Iterator[Anthropic]:
    """Return Anthropic's SDK, pointed at the service."""
    with Anthropic(base_url=both[0].url, api_key="unused", max_retries=0) as client:
        yield client


@pytest.fixture
def gpt(both: tuple[Service, FakeServer], provider: FakeServer) -> Iterator[OpenAI]:
    """Return OpenAI's SDK, pointed at the service."""
    with OpenAI(base_url=f"{both[0].url}/v1", api_key="unused", max_retries=0) as client:
        yield client


def sent(provider: FakeServer) -> Any:
    """Return what the provider was asked last."""
    return provider.received[-1].body


def test_a_message_is_answered(claude: Anthropic, provider: FakeServer) -> None:
    """By the model that its maker's name stands for, with the system prompt in its place."""
    provider.steps.append("Sunny.")
    message = claude.messages.create(
        model=OPUS, max_tokens=100, system="Be brief.", messages=ASK, stop_sequences=["END"]
    )
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Sunny."}]
    assert (message.model, message.stop_reason, message.usage.input_tokens) == (OPUS_ID, "end_turn", 10)
    assert [m["role"] for m in sent(provider)["messages"]] == ["system", "user"]
    assert (sent(provider)["model"], sent(provider)["stop"]) == (OPUS_ID, ["END"])


def test_a_message_is_streamed(claude: Anthropic, provider: FakeServer) -> None:
    """Word by word, with the whole message and its usage at the end; routing chooses the model."""
    provider.steps.append("Sunny and warm.")
    with claude.messages.stream(model="smart-spawn/auto:low", max_tokens=100, messages=ASK) as stream:
        assert list(stream.text_stream) == ["Sunny ", "and ", "warm."]
        message = stream.get_final_message()
    assert message.model == sent(provider)["model"]
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 4)


@pytest.mark.parametrize("stream", [False, True])
def test_tools_are_called_through_messages(claude: Anthropic, provider: FakeServer, stream: bool) -> None:
    """Calls arrive with their ids, and their results, a picture among them, reach the model under the same ids."""
    provider.steps.append(calling("I look.", *CALLS, stream=stream))
    asked: Any = {"model": OPUS, "max_tokens": 100, "tools": [TOOL]}
    if stream:
        with claude.messages.stream(**asked, messages=ASK) as streaming:
            message = streaming.get_final_message()
    else:
        message = claude.messages.create(**asked, messages=ASK)
    assert message.stop_reason == "tool_use"
    used = [(b.id, b.name, b.input) for b in message.content if b.type == "tool_use"]
    assert used == list(CALLS)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    results: Any = [
        {"type": "tool_result", "tool_use_id": "call_paris", "content": "rain"},
        {"type": "tool_result", "tool_use_id": "call_rome", "content": [picture]},
    ]
    turns: Any = [
        *ASK,
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": results},
    ]
    claude.messages.create(**asked, messages=turns)
    messages = sent(provider)["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "tool", "user"]
    assert messages[1]["content"] == "I look."
    assert [c["id"] for c in messages[1]["tool_calls"]] == ["call_paris", "call_rome"]
    assert [m["tool_call_id"] for m in messages[2:4]] == ["call_paris", "call_rome"]
    assert messages[4]["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PNG}"
    assert sent(provider)["tools"][0]["function"]["name"] == "weather"


def test_failures_are_those_of_the_sdk(claude: Anthropic, provider: FakeServer) -> None:
    """Each failure is raised as the type that programs catch, with our code in its details."""
    with pytest.raises(anthropic.NotFoundError) as unknown:
        claude.messages.create(model="claude-none-9", max_tokens=9, messages=ASK)
    assert (unknown.value.type, unknown.value.error_code) == ("not_found_error", "UNKNOWN_MODEL")
    server_tool: Any = {"type": "web_search_20250305", "name": "web_search"}
    with pytest.raises(anthropic.BadRequestError, match=r"tools\[0\]\.type"):
        claude.messages.create(model=OPUS, max_tokens=9, messages=ASK, tools=[server_tool])
    with pytest.raises(anthropic.RateLimitError):
        claude.messages.create(
            model=OPUS, max_tokens=9, messages=[{"role": "user", "content": "[fail: 429]"}]
        )
    provider.steps.append(BREAKING_OFF)
    said: list[str] = []
    with (
        pytest.raises(anthropic.APIStatusError) as broken,
        claude.messages.stream(model=OPUS, max_tokens=9, messages=ASK) as stream,
    ):
        said.extend(stream.text_stream)
    assert said == ["Half a"]
    assert (broken.value.type, broken.value.error_code) == ("api_error", "PROVIDER_ERROR")


def test_tokens_are_estimated(claude: Anthropic) -> None:
    """Clients ask before they send; a longer prompt counts more."""
    counts = [
        claude.messages.count_tokens(model=OPUS, messages=[{"role": "user", "content": text}]).input_tokens
        for text in ("Hi", "Hi " * 1_000)
    ]
    assert 0 < counts[0] < 100
    assert 700 < counts[1] < 2_000


def test_a_response_is_answered(gpt: OpenAI, provider: FakeServer) -> None:
    """With instructions, a picture, and an answer that satisfies a schema."""
    provider.steps.append('{"city": "Rome", "degrees": 31}')
    content: Any = [
        {"type": "input_text", "text": "Which city?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
    ]
    response = gpt.responses.parse(
        model=OPUS_ID,
        instructions="Be brief.",
        input=[{"role": "user", "content": content}],
        text_format=Weather,
    )
    assert response.output_parsed == Weather(city="Rome", degrees=31)
    assert (response.model, response.status) == (OPUS_ID, "completed")
    assert [m["role"] for m in sent(provider)["messages"]] == ["system", "user"]
    assert sent(provider)["response_format"]["json_schema"]["name"] == "Weather"
    assert sent(provider)["messages"][1]["content"][1]["type"] == "image_url"


def test_a_response_is_streamed(gpt: OpenAI, provider: FakeServer) -> None:
    """Word by word, with the whole response at the end; routing chooses the model."""
    provider.steps.append("Sunny and warm.")
    with gpt.responses.stream(model="smart-spawn/auto:low", input="The weather?") as stream:
        words = [found.delta for found in stream if found.type == "response.output_text.delta"]
        response = stream.get_final_response()
    assert words == ["Sunny ", "and ", "warm."]
    assert response.output_text == "Sunny and warm."
    assert response.usage is not None
    assert response.usage.output_tokens == 4


@pytest.mark.parametrize("stream", [False, True])
def test_functions_are_called_through_responses(gpt: OpenAI, provider: FakeServer, stream: bool) -> None:
    """Calls arrive with their ids, and what came of them reaches the model under the same ids."""
    provider.steps.append(calling("I look.", *CALLS, stream=stream))
    asked: Any = {"model": OPUS_ID, "tools": [FUNCTION]}
    if stream:
        with gpt.responses.stream(**asked, input=ASK) as streaming:
            output = streaming.get_final_response().output
    else:
        output = gpt.responses.create(**asked, input=ASK).output
    called = [(i.call_id, i.name) for i in output if i.type == "function_call"]
    assert called == [("call_paris", "weather"), ("call_rome", "weather")]
    results = [{"type": "function_call_output", "call_id": id_, "output": "rain"} for id_, _ in called]
    turns: Any = [*ASK, *(item.to_dict() for item in output), *results]
    gpt.responses.create(**asked, input=turns)
    messages = sent(provider)["messages"]
    assert [m["role"] for m in messages] == ["user", "assistant", "tool", "tool"]
    assert [m["tool_call_id"] for m in messages[2:]] == ["call_paris", "call_rome"]


def test_failures_of_responses_are_those_of_the_sdk(gpt: OpenAI, provider: FakeServer) -> None:
    """What is not kept is said at once; a stream that breaks off ends as failed."""
    with pytest.raises(openai.BadRequestError, match="previous_response_id"):
        gpt.responses.create(model=OPUS_ID, input="x", previous_response_id="resp_1")
    with pytest.raises(openai.NotFoundError):
        gpt.responses.create(model="no/body", input="x")
    provider.steps.append(BREAKING_OFF)
    events = list(gpt.responses.create(model=OPUS_ID, input="x", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.code == "server_error"


def test_a_client_that_reads_no_further_ends_the_call(claude: Anthropic, provider: FakeServer) -> None:
    """The provider's stream is broken off when the client goes away."""
    before = provider.broken_off
    parts = tuple(event(chunk({"content": "again "})) for _ in range(2_000))
    provider.steps.append(Reply(content_type="text/event-stream", parts=parts, part_delay_s=0.01))
    with claude.messages.stream(model=OPUS, max_tokens=9, messages=ASK) as stream:
        assert next(iter(stream.text_stream)) == "again "
    deadline = time.monotonic() + 10
    while provider.broken_off == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert provider.broken_off == before + 1
