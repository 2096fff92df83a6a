"""One chat completion through the gateway: who answers, what is handed on, what comes back."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from smart_spawn.app import SmartSpawn
from smart_spawn.app.dispatch import baseline
from smart_spawn.errors import NoEligibleModel, NoModelInBudget, NoProvider
from smart_spawn.gateway import Asker, Gateway
from smart_spawn.gateway.reading import read_ask
from smart_spawn.model import Budget
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.ports import Usage
from smart_spawn.settings import Settings
from smart_spawn.spawn.money import micro_usd
from smart_spawn.store.spawns import spawns
from tests.unit.gateway.conftest import NOBODY, content, said, streamed, whole


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


async def test_the_first_chunk_has_the_role(gateway: Gateway, provider: FakeProvider) -> None:
    """Clients take the role of the whole message from the first chunk."""
    provider.add(Scripted(text="hi"))
    answer = await streamed(gateway, said("Say hi"))
    chunks = [chunk async for chunk in answer.chunks if chunk]
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1


async def test_what_cannot_be_satisfied_says_so(gateway: Gateway) -> None:
    """A picture with tools at a low budget, and a conversation longer than any context, have no model."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    body = {"model": "auto:low", "messages": [{"role": "user", "content": [picture]}]}
    with pytest.raises(NoModelInBudget):
        await whole(gateway, body)
    with pytest.raises(NoEligibleModel):
        await whole(gateway, said("word " * 200_000))


async def test_a_picture_goes_to_a_model_that_sees(gateway: Gateway, provider: FakeProvider) -> None:
    """Whatever else is better, it must take what the request holds."""
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    text = {"type": "text", "text": "Refactor the code in this screenshot"}
    await whole(gateway, {"model": "auto:any", "messages": [{"role": "user", "content": [text, picture]}]})
    assert provider.relayed[0].model_id in ("acme/strong", "gamma/seer")


async def test_the_effort_of_the_choice_is_asked_for(gateway: Gateway, provider: FakeProvider) -> None:
    """The caller's own effort wins; a model that takes none gets none; a named model gets what was said."""
    for model in ("acme/strong", "auto:any", "acme/middle"):
        await whole(gateway, said("Prove it", model, reasoning_effort="low"))
    await whole(gateway, said("Prove it", "auto:low", reasoning_effort="low"))
    assert [call.reasoning_effort for call in provider.relayed] == ["low", "low", "low", None]
    assert provider.relayed[1].model_id == "acme/strong"


async def test_an_output_limit_is_no_larger_than_the_model_allows(
    gateway: Gateway, provider: FakeProvider
) -> None:
    """A limit of ours is sent only where one was asked for."""
    await whole(gateway, said("hi", "acme/middle", max_tokens=90_000))
    await whole(gateway, said("hi", "acme/middle"))
    assert [call.max_output_tokens for call in provider.relayed] == [16_000, None]


async def test_conversations_stay_where_leaving_gains_nothing(
    gateway: Gateway, app: SmartSpawn, provider: FakeProvider
) -> None:
    """A conversation is known by its beginning or its name; each caller has its own."""
    await whole(gateway, said("Write a poem"), Asker(session_id="s"))
    held = dict(app._sessions._held)
    await whole(gateway, said("Something else"), Asker(session_id="s"))
    assert app._sessions._held.keys() == held.keys()
    await whole(gateway, said("Write a poem"), NOBODY)
    later = [
        *said("Write a poem")["messages"],
        {"role": "assistant", "content": "..."},
        {"role": "user", "content": "x"},
    ]
    await whole(gateway, {"model": "auto", "messages": later}, NOBODY)
    assert len(app._sessions._held) == len(held) + 1
    assert not any("poem" in name for name in app._sessions._held)


async def test_what_was_done_is_logged_without_its_words(
    gateway: Gateway, app: SmartSpawn, provider: FakeProvider
) -> None:
    """The statistics learn model, category, budget, caller and cost of every chat."""
    answer = await whole(gateway, said("Refactor this Python function", "auto:low"), Asker(key="key_7"))
    stream = await streamed(gateway, said("Refactor that Python function", "auto:low"))
    assert [chunk async for chunk in stream.chunks]
    app.store.writer.flush()
    with app.store.database.read() as connection:
        rows = connection.execute(select(spawns).order_by(spawns.c.id)).all()
    assert [(row.caller, row.source, row.budget, row.mode) for row in rows] == [
        ("key_7", "gateway", str(Budget.LOW), "single"),
        ("local", "gateway", str(Budget.LOW), "single"),
    ]
    assert rows[0].model == answer.body["model"]
    assert rows[0].category == "coding"
    assert all(row.estimated and row.cost_micro_usd > 0 for row in rows)


async def test_a_chat_is_compared_with_the_best_at_any_price(
    app: SmartSpawn, gateway: Gateway, provider: FakeProvider
) -> None:
    """The same tokens at the baseline's list price; a model that its caller named is compared with itself."""
    provider.add(*[Scripted(text="done", usage=Usage(prompt_tokens=900_000, completion_tokens=100_000))] * 2)
    chosen = await whole(gateway, said("Write a sorting function in Rust", "smart-spawn/auto:low"))
    assert chosen.decision_id
    instead = baseline(*app.decision(chosen.decision_id), app.policy)
    named = await whole(gateway, said("Write a sorting function in Rust", instead.model_id))
    app.store.writer.flush()
    with app.store.database.read() as connection:
        rows = connection.execute(select(spawns).order_by(spawns.c.id)).all()
    assert [row.model for row in rows] == [chosen.body["model"], named.body["model"]]
    price = instead.price.cost_usd(prompt_tokens=900_000, completion_tokens=100_000, at=app.now())
    assert price is not None
    assert [row.baseline_micro_usd for row in rows] == [micro_usd(price)] * 2
    assert rows[0].cost_micro_usd < rows[0].baseline_micro_usd
    assert rows[1].cost_micro_usd == rows[1].baseline_micro_usd


async def test_without_a_provider_the_answer_says_what_is_missing(app: SmartSpawn, tmp_path: object) -> None:
    """Choosing works, calling needs somebody who serves the model."""
    settings = Settings.model_validate({"home": tmp_path})
    with SmartSpawn(settings, in_memory=True, now=app.now) as alone:
        gateway = Gateway(alone)
        with pytest.raises(NoProvider) as caught:
            await whole(gateway, said("hi"))
        gateway.close()
    assert "OPENROUTER_API_KEY" in caught.value.hint


async def test_only_models_that_can_be_called_are_chosen(tmp_path: object, app: SmartSpawn) -> None:
    """With one provider that serves a vendor, the choice is among that vendor's models."""
    settings = Settings.model_validate(
        {"home": tmp_path, "providers": {"lab": {"base_url": "http://127.0.0.1:9/v1", "models": ["beta/*"]}}}
    )
    with SmartSpawn(settings, in_memory=True, now=app.now) as alone:
        gateway = Gateway(alone)
        ask = read_ask(said("Refactor this Python function", "auto:any"), alone.catalog)
        chosen = gateway._choose(ask, NOBODY, alone.catalog)
        assert {rung.model_id.partition("/")[0] for rung in chosen.rungs} == {"beta"}
        gateway.close()
