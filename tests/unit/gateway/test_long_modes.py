"""Cascade, collective and swarm as chat completions."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import BudgetExceeded, InvalidRequest, Overloaded
from smart_spawn.gateway import Asker, Gateway, long_modes
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.engine import KeyCap
from tests.unit.gateway.conftest import content, said, streamed, whole

TOOL = {"type": "function", "function": {"name": "add"}}


@pytest.fixture(autouse=True)
async def _closed(app: SmartSpawn):  # type: ignore[no-untyped-def]
    """End what carries the runs out, on the loop that it began on."""
    yield
    await app.runs.close()


@pytest.mark.parametrize("mode", ["cascade", "collective", "swarm"])
async def test_a_run_is_shown_as_one_answer(gateway: Gateway, provider: FakeProvider, mode: str) -> None:
    """The answer is an ordinary completion of the model whose text it is, with the bill of all calls."""
    provider.default = "Paris"
    answer = await whole(gateway, said("What is the capital of France?", f"{mode}:any"))
    assert content(answer) == "Paris"
    assert answer.body["model"] == answer.headers["x-smart-spawn-model"]
    assert answer.body["model"] in {call.model_id for call in provider.calls}
    assert float(answer.headers["x-smart-spawn-cost-usd"]) == answer.body["usage"]["cost"] > 0


async def test_a_stream_shows_signs_of_life_and_then_the_text(
    gateway: Gateway, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the models work nothing can be shown, so the caller hears that somebody is there."""
    monkeypatch.setattr(long_modes, "ALIVE_S", 0.05)
    provider.add(*[Scripted(text="word " * 100, delay_s=0.3) for _ in range(5)])
    answer = await streamed(
        gateway, said("Write about it", "cascade", stream_options={"include_usage": True})
    )
    chunks = [chunk async for chunk in answer.chunks]
    shown = [chunk for chunk in chunks if chunk]
    assert chunks[0] is None
    texts = [c["delta"].get("content", "") for chunk in shown for c in chunk["choices"]]
    assert "".join(texts).split() == ["word"] * 100
    assert shown[-1]["usage"]["completion_tokens"] > 0
    assert shown[-2]["choices"][0]["finish_reason"] == "stop"


async def test_the_conversation_is_told_beside_the_task(gateway: Gateway, provider: FakeProvider) -> None:
    """What was said before reaches every model; what is asked now is the task."""
    provider.default = "Vienna"
    messages = [
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "We speak about Austria."},
        {"role": "assistant", "content": "Good."},
        {"role": "user", "content": "What is its capital?"},
    ]
    await whole(gateway, {"model": "collective", "messages": messages})
    for call in provider.calls:
        assert call.messages[-1].content == "What is its capital?"
        assert "Answer in one word." in call.messages[0].content
        assert "We speak about Austria." in call.messages[0].content


@pytest.mark.parametrize(
    "more",
    [
        {"tools": [TOOL]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}
            ]
        },
        {"messages": [{"role": "system", "content": "Hello"}]},
    ],
)
async def test_what_several_models_cannot_take_is_refused(gateway: Gateway, more: dict[str, object]) -> None:
    """Tools and pictures are for one model; the message says which name to use."""
    with pytest.raises(InvalidRequest):
        await whole(gateway, said("hi", "cascade") | more)


async def test_a_failure_is_raised_whole_and_streamed(gateway: Gateway, provider: FakeProvider) -> None:
    """A run that fails is an error, before or in the middle of the stream."""
    provider.add(*[Overloaded("x", retry_after_s=0) for _ in range(60)])
    with pytest.raises(Overloaded):
        await whole(gateway, said("hi", "cascade"))
    answer = await streamed(gateway, said("hi", "cascade"))
    with pytest.raises(Overloaded):
        [chunk async for chunk in answer.chunks]


async def test_a_cap_of_the_key_holds_for_runs_too(gateway: Gateway, provider: FakeProvider) -> None:
    """A key without money gets no run."""
    with pytest.raises(BudgetExceeded):
        await whole(
            gateway,
            said("hi", "cascade"),
            Asker(key_cap=KeyCap(key="key_1", cap_usd=Decimal("0.000001"))),
        )
    assert not provider.calls


async def test_who_goes_away_cancels_the_run(
    gateway: Gateway, app: SmartSpawn, provider: FakeProvider
) -> None:
    """Nobody pays for an answer that nobody waits for."""
    provider.add(*[Scripted(text="late", delay_s=30) for _ in range(9)])
    answer = await streamed(gateway, said("hi", "cascade"))
    async with asyncio.timeout(20):
        while not provider.calls:  # noqa: ASYNC110  # it keeps a list, not an event
            await asyncio.sleep(0.01)
        await answer.chunks.aclose()
        while True:
            (run,) = await app.runs.list()
            if run.status == "cancelled":
                break
            await asyncio.sleep(0.01)
