"""Chat completions → messages, as Anthropic's own SDK reads them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from anthropic._models import construct_type
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from smart_spawn.errors import BadAnswer, NoModelInBudget, RateLimited
from smart_spawn.gateway.messages import AskedMessage, MessageStream, message_error, message_of
from smart_spawn.gateway.thinking import unpack
from tests.unit.gateway.completions import USAGE, call, call_deltas, chunk, completion, stream

EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
DETAILS = [
    {"type": "reasoning.text", "text": "Let me", "index": 0},
    {"type": "reasoning.encrypted", "data": "zz"},
]


def asked(**fields: Any) -> AskedMessage:
    """Return a request of which nothing but these fields matters."""
    return AskedMessage(chat={}, **fields)


def events_of(chunks: Iterable[dict[str, Any]], request: AskedMessage | None = None) -> list[tuple[str, Any]]:
    """Return the events of a stream."""
    translator = MessageStream(request or asked())
    return [*(event for found in chunks for event in translator.feed(found)), *translator.finish()]


def accumulated(events: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Put events together as Anthropic's SDK does, having held each to its type."""
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for name, data in events:
        assert name == data["type"]
        EVENTS.validate_python(data)
        event: Any = construct_type(type_=RawMessageStreamEvent, value=data)
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    found: dict[str, Any] = snapshot.to_dict()
    return found


def test_a_text_is_a_message() -> None:
    """Text, model, stop reason and usage are where the SDK looks; cached tokens are counted apart."""
    message = Message.model_validate(message_of(completion(content="Hello"), asked()), strict=True)
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Hello"}]
    assert (message.id, message.model, message.stop_reason) == ("msg_gen-1", "acme/strong", "end_turn")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (
        30,
        60,
        10,
    )
    assert usage.output_tokens == 30
    assert usage.output_tokens_details is not None
    assert usage.output_tokens_details.thinking_tokens == 12


def test_calls_are_blocks_in_their_order() -> None:
    """Ids and arguments survive, and the stop reason says that tools are to be used, even if the server did not."""
    calls = [call("toolu_1", "look", '{"at": "x"}'), call("call_2", "look", "")]
    message = message_of(completion(content="I look.", tool_calls=calls), asked())
    assert message["content"] == [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "x"}},
        {"type": "tool_use", "id": "call_2", "name": "look", "input": {}},
    ]
    assert message["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("finish", "message", "extra", "reason", "sequence"),
    [
        ("stop", {"content": "x"}, {}, "end_turn", None),
        ("length", {"content": "x"}, {}, "max_tokens", None),
        ("tool_calls", {"tool_calls": [call("c", "f", "{}")]}, {}, "tool_use", None),
        ("content_filter", {"content": "x"}, {}, "refusal", None),
        ("stop", {"refusal": "No."}, {}, "refusal", None),
        ("stop", {"content": "x"}, {"stop_reason": "END"}, "stop_sequence", "END"),
        ("stop", {"content": "x"}, {"stop_reason": 128_009}, "end_turn", None),
        ("eos", {"content": "x"}, {}, "end_turn", None),
    ],
)
def test_stop_reasons_are_translated(
    finish: str, message: dict[str, Any], extra: dict[str, Any], reason: str, sequence: str | None
) -> None:
    """Whole and streamed alike; a stop sequence is named where the server says which it was."""
    request = asked(stop_sequences=["END"])
    whole = completion(finish, **message)
    whole["choices"][0] |= extra
    found = message_of(whole, request)
    assert (found["stop_reason"], found["stop_sequence"]) == (reason, sequence)
    streamed = accumulated(events_of(stream([message], finish, **extra), request))
    assert (streamed["stop_reason"], streamed["stop_sequence"]) == (reason, sequence)


def test_arguments_that_are_no_object_are_a_bad_answer() -> None:
    """Nobody shall carry out a tool with made-up arguments; what was cut off at the limit is left out."""
    for arguments in ('{"at": ', "[1]", "null", "x"):
        broken = {"content": None, "tool_calls": [call("c", "look", arguments)]}
        with pytest.raises(BadAnswer, match="look"):
            message_of(completion("tool_calls", **broken), asked())
    cut_off = message_of(completion("length", tool_calls=[call("c", "look", '{"at": ')]), asked())
    assert (cut_off["content"], cut_off["stop_reason"]) == ([], "max_tokens")


def test_thinking_is_shown_when_wanted_and_comes_back_unchanged() -> None:
    """Its signature holds what the model wants back; without the wish it stays hidden."""
    message: dict[str, Any] = {"content": "Yes.", "reasoning": "Let me", "reasoning_details": DETAILS}
    shown = message_of(completion(**message), asked(thinking=True))
    assert [block["type"] for block in shown["content"]] == ["thinking", "text"]
    assert shown["content"][0]["thinking"] == "Let me"
    assert unpack(shown["content"][0]["signature"]) == DETAILS
    assert [block["type"] for block in message_of(completion(**message), asked())["content"]] == ["text"]


def test_a_stream_has_the_order_of_the_protocol() -> None:
    """Start, blocks one after the other, the reason with the usage, stop."""
    deltas = [{"content": "I "}, {"content": "look."}, *call_deltas(0, "toolu_1", "look", ['{"at":', '"x"}'])]
    events = events_of(stream(deltas, "tool_calls"))
    assert [name for name, _ in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    message = accumulated(events)
    assert message["content"][1] == {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "look",
        "input": {"at": "x"},
    }
    assert message["stop_reason"] == "tool_use"
    assert message["usage"]["input_tokens"] == 30


def test_streamed_thinking_is_signed_before_its_block_ends() -> None:
    """Thinking comes before the text, in a block of its own."""
    deltas: list[dict[str, Any]] = [
        {"reasoning": "Let ", "reasoning_details": [{"type": "reasoning.text", "text": "Let ", "index": 0}]},
        {"reasoning": "me", "reasoning_details": [{"type": "reasoning.text", "text": "me", "index": 0}]},
        {"reasoning_details": [{"type": "reasoning.encrypted", "data": "zz"}]},
        {"content": "Yes."},
    ]
    message = accumulated(events_of(stream(deltas), asked(thinking=True)))
    assert [block["type"] for block in message["content"]] == ["thinking", "text"]
    assert message["content"][0]["thinking"] == "Let me"
    assert unpack(message["content"][0]["signature"]) == DETAILS
    hidden = accumulated(events_of(stream(deltas)))
    assert [block["type"] for block in hidden["content"]] == ["text"]


def test_mixed_pieces_of_parallel_calls_are_sorted() -> None:
    """The first call streams as it comes, the second waits for its turn; nothing is lost."""
    one, two = call_deltas(0, "a", "f", ['{"x":', "1}"]), call_deltas(1, "b", "g", ['{"y":', "2}"])
    mixed = [delta for pair in zip(one, two, strict=True) for delta in pair]
    message = accumulated(events_of(stream(mixed, "tool_calls")))
    assert [(block["id"], block["input"]) for block in message["content"]] == [
        ("a", {"x": 1}),
        ("b", {"y": 2}),
    ]


def test_calls_of_careless_servers_are_told_apart() -> None:
    """Every call numbered 0, ids or names missing or late, arguments as an object: all are understood."""
    deltas = [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}]},
        {"tool_calls": [{"index": 0, "id": "b", "function": {"name": "g", "arguments": '{"y": 2}'}}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {"tool_calls": [{"index": 1, "function": {"name": "h"}}]},
    ]
    message = accumulated(events_of(stream(deltas, "tool_calls")))
    assert [(block["name"], block["input"]) for block in message["content"]] == [
        ("f", {"x": 1}),
        ("g", {"y": 2}),
        ("h", {}),
    ]
    assert len({block["id"] for block in message["content"]}) == 3


def test_text_after_a_call_is_a_block_of_its_own() -> None:
    """Interleaved text and calls keep their order."""
    deltas = [{"content": "One."}, *call_deltas(0, "a", "f", ["{}"]), {"content": "Two."}]
    message = accumulated(events_of(stream(deltas, "tool_calls")))
    assert [block["type"] for block in message["content"]] == ["text", "tool_use", "text"]


def test_a_stream_without_any_word_is_a_whole_message() -> None:
    """Also nothing at all has a beginning and an end."""
    for chunks in ([], [chunk(None, usage=USAGE)]):
        message = accumulated(events_of(chunks))
        assert (message["content"], message["stop_reason"]) == ([], "end_turn")


def test_a_failure_has_its_event() -> None:
    """An error ends the stream in the protocol's own shape."""
    (event,) = MessageStream(asked()).fail(RateLimited("slow down", provider="acme"), 429)
    assert event[0] == "error"
    assert event[1]["error"]["type"] == "rate_limit_error"


def test_errors_carry_our_code_where_sdks_look() -> None:
    """Type by status; message with the way out; code and details beside it."""
    body = message_error(NoModelInBudget("low", "medium", {"budget": 4}), 402)
    assert body["type"] == "error"
    assert body["error"]["type"] == "billing_error"
    assert "hint: the cheapest budget" in body["error"]["message"]
    assert body["error"]["details"]["error_code"] == "NO_MODEL_IN_BUDGET"
    assert body["error"]["details"]["cheapestBudget"] == "medium"
    assert [message_error(BadAnswer("x"), status)["error"]["type"] for status in (400, 409, 502)] == [
        "invalid_request_error",
        "invalid_request_error",
        "api_error",
    ]
