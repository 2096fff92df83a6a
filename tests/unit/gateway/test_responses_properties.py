"""What holds for every response: nothing said is lost on the way, and how an answer was cut does not show."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.gateway.responses import read_response_request, response_of
from smart_spawn.gateway.thinking import merged, pack, unpack
from tests.unit.gateway.completions import call, call_deltas, completion, cut, stream
from tests.unit.gateway.test_responses_answering import accumulated, asked, events_of

TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
SAID = TEXT.filter(bool)
CALLS = st.lists(
    st.tuples(st.sampled_from(["look", "run"]), st.sampled_from(["{}", '{"a": [1, "}"]}'])), max_size=3
)
CUTS = st.lists(st.integers(0, 60), max_size=4)


@settings(deadline=None)
@given(text=SAID, thought=TEXT, calls=CALLS, cuts=CUTS)
def test_any_chunking_gives_the_same_response(
    text: str, thought: str, calls: list[tuple[str, str]], cuts: list[int]
) -> None:
    """Whole, or streamed in whatever pieces: the response is the same."""
    written = [(f"c_{n}", name, arguments) for n, (name, arguments) in enumerate(calls)]
    finish = "tool_calls" if calls else "stop"
    whole = completion(finish, content=text, reasoning=thought, tool_calls=[call(*said) for said in written])
    deltas: list[dict[str, Any]] = [
        *({"reasoning": piece} for piece in cut(thought, cuts)),
        *({"content": piece} for piece in cut(text, cuts)),
    ]
    for n, (id_, name, arguments) in enumerate(written):
        deltas += call_deltas(n, id_, name, cut(arguments, cuts))
    request = asked(reasoning={"summary": "auto"})
    assert accumulated(events_of(stream(deltas, finish), request)) == response_of(whole, request)


@settings(deadline=None)
@given(text=TEXT, calls=CALLS, results=st.lists(SAID, min_size=3, max_size=3))
def test_an_answer_sent_back_keeps_text_ids_and_order(
    text: str, calls: list[tuple[str, str]], results: list[str]
) -> None:
    """A response that the client returns with results becomes the completion it was made of."""
    made = [call(f"id-{n}", name, arguments) for n, (name, arguments) in enumerate(calls)]
    output = response_of(completion(content=text, tool_calls=made), asked())["output"]
    answers = [
        {"type": "function_call_output", "call_id": said["id"], "output": result}
        for said, result in zip(made, results, strict=False)
    ]
    items = [{"role": "user", "content": "Hello"}, *output, *answers, {"role": "user", "content": "Go on."}]
    back = read_response_request({"model": "m", "input": items}).chat["messages"]
    turn = back[1] if text or made else {}
    assert (turn.get("content") or "") == text
    assert turn.get("tool_calls", []) == made
    assert [m["content"] for m in back if m["role"] == "tool"] == results[: len(made)]
    assert back[-1] == {"role": "user", "content": "Go on."}


DETAIL = st.fixed_dictionaries(
    {"type": st.sampled_from(["reasoning.text", "reasoning.encrypted"]), "text": TEXT}
)


@settings(deadline=None)
@given(details=st.lists(DETAIL, max_size=4))
def test_packed_thinking_comes_back_unchanged(details: list[dict[str, Any]]) -> None:
    """Whatever a model wants back, it gets."""
    assert unpack(pack(details)) == details


@settings(deadline=None)
@given(text=st.text(max_size=60))
def test_texts_that_are_not_ours_unpack_to_nothing(text: str) -> None:
    """A signature that is cut, changed or made up is no error."""
    for found in (text, f"ss1.{text}"):
        assert unpack(found) == []


@settings(deadline=None)
@given(text=SAID, cuts=CUTS)
def test_pieces_of_thinking_are_put_together(text: str, cuts: list[int]) -> None:
    """A detail that arrives in pieces is one detail, its signature beside its text."""
    pieces = [{"type": "reasoning.text", "index": 0, "text": piece} for piece in cut(text, cuts)]
    signed = [*pieces, {"type": "reasoning.text", "index": 0, "signature": "s"}]
    assert merged(signed) == [{"type": "reasoning.text", "index": 0, "text": text, "signature": "s"}]
