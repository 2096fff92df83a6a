"""Small ladders and runs in this process, for tests of modes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from smart_spawn.model import Price, Rates
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.spawn.inline import InlineCtx
from smart_spawn.spawn.money import Purse
from smart_spawn.spawn.outcome import Attempt, Rung

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def price(prompt: str, completion: str) -> Price:
    return Price(base=Rates(prompt_usd_per_mtok=Decimal(prompt), completion_usd_per_mtok=Decimal(completion)))


def rung(model_id: str, prior: float = 0.7, cost: float | None = 0.001, **options: Any) -> Rung:
    values: dict[str, Any] = {
        "model_id": model_id,
        "provider": "fake",
        "price": price("1", "2"),
        "prior": prior,
        "expected_cost_usd": cost,
        "retries": 0,
    }
    return Rung(**(values | options))


async def no_sleep(seconds: float) -> None:
    """Pass the time at once."""


def context(chat: FakeProvider, *, cap_usd: str | None = None, **options: Any) -> InlineCtx:
    cap = None if cap_usd is None else int(Decimal(cap_usd) * 1_000_000)
    return InlineCtx(
        chat=chat,
        clock=lambda: NOW,
        random=lambda: 0.5,
        sleep=no_sleep,
        purse=Purse(cap_micro_usd=cap),
        **options,
    )


def models(attempts: Sequence[Attempt]) -> list[str]:
    return [attempt.model for attempt in attempts]
