"""The scripted provider does exactly what its script says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smart_spawn.errors import Overloaded, TimedOut
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.ports import Message, ModelCall, Usage


def call(model_id: str = "a/b", timeout_s: float = 5) -> ModelCall:
    return ModelCall(
        model_id=model_id, messages=(Message(role="user", content="12345"),), timeout_s=timeout_s
    )


async def test_one_queue_serves_all_models_in_order() -> None:
    """Answers and failures come in their turn, then the default."""
    fake = FakeProvider(["one", Overloaded("busy")], default="default")
    assert (await fake.complete(call("a/b"))).text == "one"
    with pytest.raises(Overloaded):
        await fake.complete(call("c/d"))
    assert (await fake.complete(call("a/b"))).text == "default"
    assert [c.model_id for c in fake.calls] == ["a/b", "c/d", "a/b"]


async def test_each_model_can_have_a_queue_of_its_own() -> None:
    """Queues by model do not mix."""
    fake = FakeProvider({"a/b": ["from a"], "c/d": ["from c"]})
    fake.add("more from c", model_id="c/d")
    assert (await fake.complete(call("c/d"))).text == "from c"
    assert (await fake.complete(call("a/b"))).text == "from a"
    assert (await fake.complete(call("c/d"))).text == "more from c"


async def test_usage_is_the_same_every_time() -> None:
    """Four characters are a token, rounded up; a script may say otherwise."""
    exact = Usage(prompt_tokens=7, completion_tokens=8)
    fake = FakeProvider(["12345", Scripted(text="x", usage=exact, cost_usd=Decimal("0.5"))])
    assert (await fake.complete(call())).usage == Usage(prompt_tokens=2, completion_tokens=2)
    second = await fake.complete(call())
    assert (second.usage, second.cost_usd) == (exact, Decimal("0.5"))


async def test_a_slow_script_runs_into_the_time_out() -> None:
    """A delay beyond the call's time-out is a time-out."""
    with pytest.raises(TimedOut):
        await FakeProvider([Scripted(text="late", delay_s=10)]).complete(call(timeout_s=0.05))
