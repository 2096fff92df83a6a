"""What holds for every message: nothing said is lost on the way, and how an answer was cut does not show."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.gateway.messages import message_of, read_message_request
from tests.unit.gateway.completions import call, call_deltas, completion, cut, stream
from tests.unit.gateway.test_messages_answering import accumulated, asked, events_of

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
SAID = TEXT.filter(bool)
INPUT = st.dictionaries(
    SAID, st.one_of(TEXT, st.integers(-9, 9), st.none(), st.lists(TEXT, max_size=2)), max_size=3
)
NAME = st.sampled_from(["look", "search", "run"])
CALLS = st.lists(st.tuples(NAME, INPUT), max_size=3)
CUTS = st.lists(st.integers(0, 60), max_size=4)


@settings(deadline=None)
@given(text=SAID, thought=TEXT, calls=CALLS, cuts=CUTS)
def test_any_chunking_gives_the_same_message(
    text: str, thought: str, calls: list[tuple[str, dict[str, Any]]], cuts: list[int]
) -> None:
    """Whole, or streamed in whatever pieces: the message is the same."""
    written = [(f"toolu_{n}", name, json.dumps(input_)) for n, (name, input_) in enumerate(calls)]
    finish = "tool_calls" if calls else "stop"
    whole = completion(finish, content=text, reasoning=thought, tool_calls=[call(*said) for said in written])
    deltas: list[dict[str, Any]] = [
        *({"reasoning": piece} for piece in cut(thought, cuts)),
        *({"content": piece} for piece in cut(text, cuts)),
    ]
    for n, (id_, name, arguments) in enumerate(written):
        deltas += call_deltas(n, id_, name, cut(arguments, cuts))
    request = asked(thinking=True)
    assert accumulated(events_of(stream(deltas, finish), request)) == message_of(whole, request)


@settings(deadline=None)
@given(text=TEXT, calls=CALLS, results=st.lists(SAID, min_size=3, max_size=3))
def test_an_answer_sent_back_keeps_text_ids_and_order(
    text: str, calls: list[tuple[str, dict[str, Any]]], results: list[str]
) -> None:
    """A message that the client returns with results becomes the completion it was made of."""
    made = [call(f"id-{n}", name, json.dumps(input_)) for n, (name, input_) in enumerate(calls)]
    message = message_of(completion(content=text, tool_calls=made), asked())
    answers = [
        {"type": "tool_result", "tool_use_id": said["id"], "content": result}
        for said, result in zip(made, results, strict=False)
    ]
    turns = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": message["content"]},
        {"role": "user", "content": [*answers, {"type": "text", "text": "Go on."}]},
    ]
    back = read_message_request({"model": "m", "max_tokens": 9, "messages": turns}).chat["messages"]
    assert (back[1]["content"] or "") == text
    sent = [(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in made]
    returned = [
        (c["id"], c["function"]["name"], json.loads(c["function"]["arguments"]))
        for c in back[1].get("tool_calls", [])
    ]
    assert returned == sent
    assert [(m["tool_call_id"], m["content"]) for m in back[2:-1]] == [
        (said["id"], result) for said, result in zip(made, results, strict=False)
    ]
    assert back[-1] == {"role": "user", "content": "Go on."}
