"""When a model fails: who comes next, and from when on nobody does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import (
    AuthFailed,
    BadAnswer,
    BadRequest,
    BudgetExceeded,
    Overloaded,
    ProviderError,
    RateLimited,
    TimedOut,
)
from smart_spawn.gateway import Asker, Gateway
from smart_spawn.gateway.shapes import Json
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.engine import KeyCap
from smart_spawn.runs.patience import FAILURES_TO_OPEN
from smart_spawn.runs.ports import Usage
from tests.unit.gateway.conftest import content, said, streamed, whole

ASK = "Refactor this Python function to use asyncio"
KEY = Asker(key_cap=KeyCap(key="key_1", cap_usd=Decimal("0.5")))
THOUSAND = Usage(prompt_tokens=1_000, completion_tokens=1_000)
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}


async def first_choice(gateway: Gateway, provider: FakeProvider) -> str:
    """Return the model that is chosen while all is well."""
    answer = await whole(gateway, said(ASK))
    provider.relayed.clear()
    return str(answer.body["model"])


def asked(provider: FakeProvider) -> list[str]:
    return [call.model_id for call in provider.relayed]


@pytest.mark.parametrize("error", [Overloaded("x"), BadAnswer("x"), TimedOut("x"), RateLimited("x")])
async def test_the_next_candidate_answers(
    gateway: Gateway, provider: FakeProvider, error: ProviderError
) -> None:
    """A failure before the first word is not seen by the caller: another model answers, and the answer says which."""
    chosen = await first_choice(gateway, provider)
    provider.add(error, model_id=chosen)
    answer = await whole(gateway, said(ASK))
    assert asked(provider) == [chosen, answer.body["model"]]
    assert answer.headers["x-smart-spawn-model"] == answer.body["model"] != chosen


async def test_a_stream_falls_back_before_its_first_word(gateway: Gateway, provider: FakeProvider) -> None:
    """A stream that breaks before there is anything to show is begun anew elsewhere."""
    chosen = await first_choice(gateway, provider)
    provider.add(Scripted(text="", breaks=BadAnswer("cut off")), model_id=chosen)
    answer = await streamed(gateway, said(ASK))
    texts = [c["choices"][0]["delta"].get("content", "") async for c in answer.chunks if c]
    assert "".join(texts) == provider.default
    assert answer.headers["x-smart-spawn-model"] != chosen


async def test_after_the_first_word_nothing_is_repeated(gateway: Gateway, provider: FakeProvider) -> None:
    """What was shown stays; the failure is raised, and nobody else is asked."""
    chosen = await first_choice(gateway, provider)
    provider.add(Scripted(text="half an", breaks=BadAnswer("cut off")), model_id=chosen)
    answer = await streamed(gateway, said(ASK))
    texts = []
    with pytest.raises(BadAnswer):
        async for chunk in answer.chunks:
            texts.append((chunk or {"choices": [{"delta": {}}]})["choices"][0]["delta"].get("content", ""))
    assert "".join(texts) == "half an"
    assert asked(provider) == [chosen]


async def test_a_bad_request_is_tried_once(gateway: Gateway, provider: FakeProvider) -> None:
    """What one provider does not accept, the caller has to put right."""
    provider.add(BadRequest("no"))
    with pytest.raises(BadRequest):
        await whole(gateway, said(ASK))
    assert len(provider.relayed) == 1


async def test_a_refused_key_closes_the_provider(gateway: Gateway, provider: FakeProvider) -> None:
    """Other models of a provider that does not know us are not worth a call."""
    provider.add(AuthFailed("who?"))
    with pytest.raises(AuthFailed):
        await whole(gateway, said(ASK))
    assert len(provider.relayed) == 1


async def test_one_named_model_has_no_substitute(gateway: Gateway, provider: FakeProvider) -> None:
    """Who names a model gets that model or an error, after a second try where that may help."""
    provider.add(Overloaded("x", retry_after_s=0), Overloaded("x", retry_after_s=0))
    with pytest.raises(Overloaded):
        await whole(gateway, said(ASK, "acme/middle"))
    assert asked(provider) == ["acme/middle", "acme/middle"]


async def test_a_model_that_keeps_failing_is_left_alone(gateway: Gateway, provider: FakeProvider) -> None:
    """After some failures in a row nobody waits for it any more."""
    chosen = await first_choice(gateway, provider)
    provider.add(*[Overloaded("x") for _ in range(FAILURES_TO_OPEN)], model_id=chosen)
    for number in range(FAILURES_TO_OPEN + 1):
        await whole(gateway, said(f"{ASK} {number}"))
    assert asked(provider).count(chosen) == FAILURES_TO_OPEN


def tool_turn(ask: str) -> list[Json]:
    """Return a conversation that hands in what a tool gave."""
    return [
        {"role": "user", "content": ask},
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning": "private"},
        {"role": "tool", "tool_call_id": "call_1", "content": "4"},
    ]


async def test_a_model_that_waits_for_tools_stays(gateway: Gateway, provider: FakeProvider) -> None:
    """While a tool loop is open the model of the conversation goes on, though another would be chosen now."""
    chosen = await first_choice(gateway, provider)
    provider.add(Overloaded("x"), model_id=chosen)
    provider.default = "fine"
    first = await whole(gateway, said(ASK, tools=[{"type": "function", "function": {"name": "add"}}]))
    other = first.body["model"]
    assert other != chosen
    body = {
        "model": "auto",
        "messages": tool_turn(ASK),
        "tools": [{"type": "function", "function": {"name": "add"}}],
    }
    assert (await whole(gateway, body)).body["model"] == other


async def test_a_tool_loop_survives_its_model(gateway: Gateway, provider: FakeProvider) -> None:
    """When the model of a loop fails for good, another takes over, without the reasoning of the first."""
    tools = [{"type": "function", "function": {"name": "add"}}]
    provider.add(Scripted(text="", tool_calls=[CALL], extra={"reasoning": "private"}))
    first = await whole(gateway, said(ASK, tools=tools))
    chosen = first.body["model"]
    provider.add(*[Overloaded("x", retry_after_s=0) for _ in range(2)], model_id=chosen)
    provider.add("done")
    messages = [
        {"role": "user", "content": ASK},
        first.body["choices"][0]["message"],
        {"role": "tool", "tool_call_id": "call_1", "content": "4"},
    ]
    answer = await whole(gateway, {"model": "auto", "messages": messages, "tools": tools})
    assert answer.body["model"] != chosen
    handed = [call.body["messages"][1] for call in list(provider.relayed)[1:]]
    assert handed[-3]["reasoning"] == "private"  # the author, twice
    assert "reasoning" not in handed[-1]
    assert handed[-1]["tool_calls"] == [CALL]


async def test_what_a_key_spends_is_counted(
    gateway: Gateway, app: SmartSpawn, provider: FakeProvider
) -> None:
    """The provider's bill counts under the key's cap, streamed or not; the header says it."""
    provider.add(*[Scripted(text="fine", cost_usd=Decimal("0.01"), usage=THOUSAND) for _ in range(2)])
    answer = await whole(gateway, said(ASK), KEY)
    assert answer.headers["x-smart-spawn-cost-usd"] == "0.01"
    assert answer.body["usage"]["cost"] == 0.01
    stream = await streamed(gateway, said(ASK, stream_options={"include_usage": True}), KEY)
    last = [chunk async for chunk in stream.chunks if chunk][-1]
    assert last["usage"]["cost"] == 0.01
    assert app.store.keys.spent_usd("key_1") == Decimal("0.02")


async def test_without_a_bill_the_list_price_counts(gateway: Gateway, provider: FakeProvider) -> None:
    """`acme/middle` costs 2 and 10 USD per million tokens."""
    provider.add(Scripted(text="fine", usage=THOUSAND))
    answer = await whole(gateway, said(ASK, "acme/middle"))
    assert answer.headers["x-smart-spawn-cost-usd"] == "0.012"


async def test_a_stream_that_breaks_off_stays_counted(
    gateway: Gateway, app: SmartSpawn, provider: FakeProvider
) -> None:
    """Nobody knows what it cost, so its worst case stays set aside; what was refused gives its money back."""
    provider.add(Scripted(text="half", breaks=BadAnswer("cut off")))
    stream = await streamed(gateway, said(ASK, "acme/middle", max_tokens=2_000), KEY)
    with pytest.raises(BadAnswer):
        [chunk async for chunk in stream.chunks]
    held = app.store.keys.spent_usd("key_1")
    assert Decimal("0.02") <= held < Decimal("0.022")
    provider.add(BadRequest("no"))
    with pytest.raises(BadRequest):
        await whole(gateway, said(ASK, "acme/middle", max_tokens=2_000), KEY)
    assert app.store.keys.spent_usd("key_1") == held


async def test_a_cap_shortens_answers_and_then_refuses(gateway: Gateway, provider: FakeProvider) -> None:
    """What is left pays for fewer tokens, down to a thousand; below that nobody is called."""

    def key(usd: str) -> Asker:
        return Asker(key_cap=KeyCap(key=f"key_{usd}", cap_usd=Decimal(usd)))

    await whole(gateway, said(ASK, "acme/middle"), key("0.05"))
    limit = provider.relayed[-1].max_output_tokens
    assert limit is not None
    assert 4_000 < limit < 5_000  # five cents at 10 USD per million tokens
    with pytest.raises(BudgetExceeded):
        await whole(gateway, said(ASK, "acme/middle"), key("0.005"))
    assert len(provider.relayed) == 1


async def test_an_unknown_price_cannot_be_capped(gateway: Gateway, provider: FakeProvider) -> None:
    """Under a cap, a model that nobody can price is refused; without one it answers."""
    with pytest.raises(BudgetExceeded):
        await whole(gateway, said(ASK, "gamma/unpriced"), KEY)
    answer = await whole(gateway, said(ASK, "gamma/unpriced"))
    assert content(answer) == provider.default
    assert "x-smart-spawn-cost-usd" not in answer.headers


async def test_a_reader_who_goes_away_ends_the_call(gateway: Gateway, provider: FakeProvider) -> None:
    """Closing the chunks closes the provider's stream, whether or not a chunk was read."""
    closed = []

    async def endless(call: object):  # type: ignore[no-untyped-def]
        try:
            while True:
                yield {"choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}]}
        finally:
            closed.append(call)

    provider.relay_stream = endless  # type: ignore[method-assign]
    unread = await streamed(gateway, said(ASK))
    await unread.chunks.aclose()
    begun = await streamed(gateway, said(ASK))
    async for _ in begun.chunks:
        break
    await begun.chunks.aclose()
    assert len(closed) == 2
