"""Chat completions → responses, as OpenAI's own SDK reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from smart_spawn.errors import BadAnswer, RateLimited
from smart_spawn.gateway.responses import AskedResponse, ResponseStream, read_response_request, response_of
from smart_spawn.gateway.thinking import unpack
from tests.unit.gateway.completions import USAGE, call, call_deltas, chunk, completion, stream

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
DETAILS = [
    {"type": "reasoning.text", "text": "Let me", "index": 0},
    {"type": "reasoning.encrypted", "data": "zz"},
]


def asked(**fields: Any) -> AskedResponse:
    """Read a request with these fields."""
    return read_response_request({"model": "m", "input": "Hello", **fields})


def events_of(
    chunks: Iterable[dict[str, Any]], request: AskedResponse | None = None
) -> list[tuple[str, Any]]:
    """Return the events of a stream."""
    translator = ResponseStream(request or asked())
    return [*(event for found in chunks for event in translator.feed(found)), *translator.finish()]


def accumulated(events: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Have OpenAI's SDK put events together, having held each to its type; return the response of the last."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    data: dict[str, Any] = {}
    for number, (name, data) in enumerate(events):
        assert (name, number) == (data["type"], data["sequence_number"])
        state.handle_event(EVENTS.validate_python(data))
    response: dict[str, Any] = data["response"]
    return response


def whole(found: dict[str, Any]) -> Response:
    """Return a response as the SDK reads it, every field held to its type."""
    return Response.model_validate(found, strict=True)


def test_a_text_is_a_response() -> None:
    """Text, model, status and usage are where the SDK looks, and what was asked is repeated."""
    request = asked(instructions="Be brief.", metadata={"a": "b"}, temperature=0.5)
    response = whole(response_of(completion(content="Hello"), request))
    assert (response.output_text, response.model, response.status) == ("Hello", "acme/strong", "completed")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (100, 60)
    assert response.usage.output_tokens_details.reasoning_tokens == 12
    assert response.usage.total_tokens == 130
    assert (response.instructions, response.metadata, response.temperature) == ("Be brief.", {"a": "b"}, 0.5)


def test_calls_are_items_in_their_order() -> None:
    """Ids and arguments survive."""
    calls = [call("c_1", "look", '{"at": "x"}'), call("c_2", "look", "{}")]
    tools: list[Any] = [{"type": "function", "name": "look", "parameters": {}, "strict": None}]
    response = whole(
        response_of(completion("tool_calls", content="I look.", tool_calls=calls), asked(tools=tools))
    )
    assert [item.type for item in response.output] == ["message", "function_call", "function_call"]
    found = [(i.call_id, i.arguments, i.status) for i in response.output if i.type == "function_call"]
    assert found == [("c_1", '{"at": "x"}', "completed"), ("c_2", "{}", "completed")]
    assert len({item.id for item in response.output}) == 3


@pytest.mark.parametrize(
    ("finish", "status", "why"),
    [
        ("stop", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_what_was_cut_off_is_incomplete(finish: str, status: str, why: str | None) -> None:
    """Whole and streamed alike, in the response and in its last item."""
    for found in (
        response_of(completion(finish, content="x"), asked()),
        accumulated(events_of(stream([{"content": "x"}], finish))),
    ):
        response = whole(found)
        assert response.status == status
        assert (response.incomplete_details.reason if response.incomplete_details else None) == why
        assert response.output[-1].status == status  # type: ignore[union-attr]  # a message


def test_refusals_are_no_text() -> None:
    """They have a content of their own."""
    response = whole(response_of(completion(content=None, refusal="No."), asked()))
    assert response.output_text == ""
    assert response.output[0].to_dict()["content"] == [{"type": "refusal", "refusal": "No."}]


@pytest.mark.parametrize(("summary", "sealed"), [(True, True), (True, False), (False, True), (False, False)])
def test_thinking_is_told_or_sealed_as_wished(summary: bool, sealed: bool) -> None:
    """A summary to read, a sealed content to bring back, both or nothing; streamed and whole alike."""
    wishes: dict[str, Any] = {"reasoning": {"summary": "auto"}} if summary else {}
    if sealed:
        wishes["include"] = ["reasoning.encrypted_content"]
    request = asked(**wishes)
    message: dict[str, Any] = {"content": "Yes.", "reasoning": "Let me", "reasoning_details": DETAILS}
    found = response_of(completion(**message), request)
    assert accumulated(events_of(stream([message]), request)) == found
    items = whole(found).output
    if not summary and not sealed:
        assert [item.type for item in items] == ["message"]
        return
    thought = items[0]
    assert thought.type == "reasoning"
    assert [said.text for said in thought.summary] == (["Let me"] if summary else [])
    assert unpack(thought.encrypted_content) == (DETAILS if sealed else [])


def test_a_stream_has_the_order_of_the_protocol() -> None:
    """Created, then each item with its parts, then completed; numbered from 0."""
    deltas = [{"content": "I "}, {"content": "look."}, *call_deltas(0, "c_1", "look", ['{"at":', '"x"}'])]
    events = events_of(stream(deltas, "tool_calls"))
    assert [name for name, _ in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    response = whole(accumulated(events))
    assert response.output_text == "I look."
    assert response.usage is not None
    assert response.usage.input_tokens == 100


def test_streamed_refusals_have_their_events() -> None:
    """As a part of a message."""
    names = [name for name, _ in events_of(stream([{"refusal": "N"}, {"refusal": "o."}]))]
    assert names[3:8] == [
        "response.content_part.added",
        "response.refusal.delta",
        "response.refusal.delta",
        "response.refusal.done",
        "response.content_part.done",
    ]


def test_a_stream_without_any_word_is_a_whole_response() -> None:
    """Also nothing at all has a beginning and an end."""
    for chunks in ([], [chunk(None, usage=USAGE)]):
        response = whole(accumulated(events_of(chunks)))
        assert (response.output, response.status) == ([], "completed")


def test_a_failure_keeps_what_was_finished() -> None:
    """A stream that breaks off ends as failed, with the code that clients know and ours beside it."""
    translator = ResponseStream(asked())
    chunks = stream([{"content": "Hello"}, *call_deltas(0, "c", "f", ["{"])])[:-2]
    events = [event for found in chunks for event in translator.feed(found)]
    events.extend(translator.fail(RateLimited("slow down", provider="acme"), 429))
    response = whole(accumulated(events))
    assert (response.status, response.output_text) == ("failed", "Hello")
    assert response.error is not None
    assert (response.error.code, response.error.type) == ("rate_limit_exceeded", "PROVIDER_ERROR")
    assert [item.type for item in response.output] == ["message"]


def test_a_failure_before_the_beginning_is_an_error() -> None:
    """There is no response yet that could have failed."""
    (event,) = ResponseStream(asked()).fail(BadAnswer("no answer", hint="ask again"), 502)
    assert event[0] == "error"
    assert EVENTS.validate_python(event[1]).message == "no answer (hint: ask again)"
