"""Buying one answer: what is taken on the way is given back, however the purchase ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from smart_spawn.errors import Overloaded, StoreError
from smart_spawn.model import Price, Rates
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.runs.calling import Buying, Services
from smart_spawn.runs.journal import Begun, Claim, Later, RunCancelled
from smart_spawn.runs.lane import Lane
from smart_spawn.runs.patience import FAILURES_TO_OPEN
from smart_spawn.runs.ports import Message, ModelCall, Purchase

NOW = datetime(2026, 7, 4, 12, tzinfo=UTC)
PRICE = Price(base=Rates(prompt_usd_per_mtok=Decimal(1), completion_usd_per_mtok=Decimal(1)))
BEGUN = Begun(
    claim=Claim(run_id="run_1", execution=1, executor="me"),
    mode="any",
    request=b"{}",
    deadline_at=NOW + timedelta(hours=1),
    capped=True,
    allow_unknown_price=False,
    finished={},
    tries={},
    in_doubt_micro_usd={},
    said=frozenset(),
    kept=frozenset(),
)


class Refusing:
    """A journal that grants nothing."""

    def __init__(self, instead: Any) -> None:
        self.instead = instead
        self.asked = asyncio.Event()

    def open_call(self, claim: Claim, intent: Any) -> Any:
        self.asked.set()
        if isinstance(self.instead, Exception):
            raise self.instead
        return self.instead

    def settle(self, claim: Claim, bill: Any) -> None:
        pass


def services(journal: Any) -> Services:
    return Services(
        journal=journal,
        lane=Lane(1, temporary=lambda _: False),
        chat=FakeProvider(),
        clock=lambda: NOW,
        random=lambda: 0.0,
    )


@pytest.mark.parametrize("instead", [Later(wait_s=60), RunCancelled("stop"), StoreError("refused")])
async def test_a_probe_that_never_became_a_call_lets_the_next_one_try(instead: Any) -> None:
    """Whoever takes the probe of a closed model and is stopped before the call gives it back."""
    journal = Refusing(instead)
    own = services(journal)
    for _ in range(FAILURES_TO_OPEN):
        own.breakers.failed("p", "m", Overloaded("busy"), -1e9)
    call = ModelCall(model_id="m", messages=(Message(role="user", content="x"),), max_output_tokens=10)
    buying = Buying.of(own, BEGUN, "step", Purchase(call=call, price=PRICE, provider="p"))
    task = asyncio.create_task(buying.buy())
    async with asyncio.timeout(5):
        while not journal.asked.is_set():  # noqa: ASYNC110  # set in a thread
            await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(BaseException):  # noqa: B017  # however it ends
        await task
    assert own.breakers.refusal("p", "m", 0.0) is None
    own.lane.close()
