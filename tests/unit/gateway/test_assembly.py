"""Putting a streamed answer together: one part at a time is handed on, and nothing is lost or doubled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_spawn.gateway.assembly import Assembly, Move, Part
from tests.unit.gateway.completions import call_deltas, cut

ARGUMENTS = ['{"x": 1}', "{}", '{"text": "} {"}', "[broken", ""]


@settings(deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.sampled_from(ARGUMENTS), st.lists(st.integers(0, 20), max_size=3)), max_size=4
    ),
    text=st.text("ab ", max_size=9),
    order=st.randoms(use_true_random=False),
)
def test_pieces_in_any_order_are_sorted(calls: list[tuple[str, list[int]]], text: str, order: Any) -> None:
    """However the pieces of calls and text are mixed, every part is opened, filled and closed before the next."""
    queues = [call_deltas(n, f"id-{n}", f"f{n}", cut(said, cuts)) for n, (said, cuts) in enumerate(calls)]
    queues.append([{"content": letter} for letter in text])
    assembly = Assembly("a", thinking=False)
    moves: list[Move] = []
    while any(queues):
        moves += assembly.feed(order.choice([queue for queue in queues if queue]).pop(0))
    moves += assembly.end()

    handed_on: list[list[str]] = []
    inside = False
    for move in moves:
        assert inside != (move.what == "open")
        inside = move.what != "close"
        if move.what == "open":
            assert move.part.number == len(handed_on)
            handed_on.append([])
        handed_on[-1].append(move.text)
    assert not inside
    assert ["".join(texts) for texts in handed_on] == [part.content for part in assembly.parts]
    found = {part.id: part.content for part in assembly.parts if part.kind == "tool"}
    assert found == {f"id-{n}": said for n, (said, _) in enumerate(calls)}
    assert "".join(part.content for part in assembly.parts if part.kind == "text") == text


def test_a_call_that_never_ends_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls whose pieces alternate cost no more than their length: whether one is whole is asked once."""
    asked: list[str] = []
    whole = Part.arguments

    def counted(part: Part) -> dict[str, Any] | None:
        asked.append(part.id)
        return whole(part)

    monkeypatch.setattr(Part, "arguments", counted)
    assembly = Assembly("a", thinking=False)
    deltas = [*call_deltas(0, "a", "f", ['{"x": "']), *call_deltas(1, "b", "g", ['{"y": "'])]
    pieces = [{"tool_calls": [{"index": n % 2, "function": {"arguments": "z"}}]} for n in range(1_000)]
    for delta in (*deltas, *pieces):
        for _ in assembly.feed(delta):
            pass
    assert asked == ["a"]
    assert assembly.parts[0].content.endswith("z" * 500)
