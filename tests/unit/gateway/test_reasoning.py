"""Reasoning goes back to the model that wrote it, and to nobody else."""

from __future__ import annotations

import pytest

from smart_spawn.gateway.reasoning import PRIVATE, Authors, Mark, for_reader
from smart_spawn.gateway.shapes import Json

A, B = ("one", "acme/strong"), ("one", "beta/cheap")
ASKED = {"role": "user", "content": "2 + 2?"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
SEAL = {"google": {"thought_signature": "c2VhbA=="}}


def answer(text: str, **more: object) -> Json:
    return {"role": "assistant", "content": text, **more}


def written(*answers: tuple[Json, tuple[str, str]]) -> Authors:
    authors = Authors()
    for message, author in answers:
        authors.wrote(author, Mark.of(message, after=ASKED).digest())
    return authors


def test_an_author_gets_its_own_reasoning_back() -> None:
    """Within one model, signatures make the conversation whole."""
    mine = answer("4", reasoning_details=[{"type": "reasoning.encrypted", "data": "x"}])
    assert for_reader([ASKED, mine], A, written((mine, A))) == [ASKED, mine]


@pytest.mark.parametrize("name", sorted(PRIVATE))
def test_nobody_else_gets_it(name: str) -> None:
    """Another model gets the text alone, whatever the reasoning is called."""
    mine = answer("4", **{name: "secret"})
    assert for_reader([ASKED, mine], B, written((mine, A))) == [ASKED, answer("4")]


def test_seals_inside_calls_and_parts_are_taken_out_too() -> None:
    """Providers hide them in calls of tools and in parts of the content; the calls themselves stay."""
    mine = {
        "role": "assistant",
        "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "4"}],
        "tool_calls": [{**CALL, "extra_content": SEAL}],
    }
    assert for_reader([ASKED, mine], B, written((mine, A)))[1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "4"}], "tool_calls": [CALL]}
    ]


def test_each_answer_counts_by_itself() -> None:
    """After a change and back, a model gets what it wrote and not what the other one did."""
    mine, others = answer("one", reasoning="a"), answer("two", reasoning="b")
    seen = for_reader([ASKED, mine, ASKED, others], A, written((mine, A), (others, B)))
    assert seen == [ASKED, mine, ASKED, answer("two")]


def test_where_two_models_said_the_same_nobody_is_the_author() -> None:
    """The same words to the same question tell nothing; to another question they do."""
    done = answer("Done.", reasoning="a")
    authors = written((done, A))
    authors.wrote(B, Mark.of(done, after={"role": "user", "content": "Go on"}).digest())
    assert authors.of(done, after=ASKED) == A
    authors.wrote(B, Mark.of(done, after=ASKED).digest())
    assert authors.of(done, after=ASKED) is None


def test_what_nobody_is_known_to_have_written_goes_to_nobody() -> None:
    """After a restart, or when a client changed the text, reasoning is left out rather than given away."""
    assert for_reader([answer("4", reasoning="a")], A, Authors()) == [answer("4")]


def test_a_streamed_answer_has_the_mark_of_the_whole() -> None:
    """Whoever streamed an answer is known as its author when it comes back in one piece."""
    mark = Mark(after=ASKED)
    for delta in (
        {"content": "o"},
        {"content": "ne"},
        {"tool_calls": [{"index": 0, **CALL}]},
        {"tool_calls": [{"index": 0}]},
    ):
        mark.add(delta)
    assert mark.digest() == Mark.of(answer("one", tool_calls=[CALL]), after=ASKED).digest()


def test_memory_is_bounded() -> None:
    """The oldest authors are forgotten."""
    authors = Authors(limit=2)
    for text in ("a", "b", "c"):
        authors.wrote(A, Mark.of(answer(text), after=ASKED).digest())
    assert [authors.of(answer(text), after=ASKED) for text in ("a", "b", "c")] == [None, A, A]
