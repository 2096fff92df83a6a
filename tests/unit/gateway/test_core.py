"""One chat completion through the gateway: who answers, what is handed on, what comes back."""

from __future__ import annotations

from smart_spawn.gateway import Gateway
from smart_spawn.providers.fake import FakeProvider
from tests.unit.gateway.conftest import content, said, streamed, whole


async def test_auto_is_answered_by_the_chosen_model(gateway: Gateway, provider: FakeProvider) -> None:
    """The answer is an ordinary completion of the model that was decided on, and its headers say so."""
    provider.add("4")
    answer = await whole(gateway, said("What is 2 + 2?", "smart-spawn/auto:low"))
    assert content(answer) == "4"
    assert answer.body["model"] == answer.headers["x-smart-spawn-model"] == provider.relayed[0].model_id
    assert answer.headers["x-smart-spawn-decision-id"] == answer.decision_id


async def test_a_stream_is_the_same_answer_in_parts(gateway: Gateway, provider: FakeProvider) -> None:
    """Put together, the chunks are the text; the usage comes last, and only where it was asked for."""
    provider.add("one two three", "one two three")
    for asks in (False, True):
        body = said("Count to three", stream_options={"include_usage": asks})
        answer = await streamed(gateway, body)
        chunks = [chunk async for chunk in answer.chunks if chunk is not None]
        texts = [c["delta"].get("content") or "" for chunk in chunks for c in chunk["choices"]]
        assert "".join(texts) == "one two three"
        assert [bool(chunk.get("usage")) for chunk in chunks].count(True) == asks
        assert {chunk["model"] for chunk in chunks} == {answer.headers["x-smart-spawn-model"]}
