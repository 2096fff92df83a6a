"""A provider's limits in the settings hold for chats."""

from __future__ import annotations

import pytest

from smart_spawn.errors import RateLimited
from smart_spawn.gateway import Gateway
from smart_spawn.gateway.limits import Limits
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.runs.journal import CallLimits
from tests.unit.gateway.conftest import said, streamed, whole


def test_calls_at_once_are_counted_until_they_end() -> None:
    """A place is free again when its call has ended, once, however often that is said."""
    limits = Limits({"lab": CallLimits(at_once=2)})
    first, _ = limits.take("lab", "m", 0.0), limits.take("lab", "m", 0.0)
    with pytest.raises(RateLimited):
        limits.take("lab", "m", 0.0)
    first.hand_back()
    first.hand_back()
    limits.take("lab", "m", 0.0)
    with pytest.raises(RateLimited):
        limits.take("lab", "m", 0.0)
    limits.take("other", "m", 0.0)


def test_calls_of_a_minute_are_counted() -> None:
    """The refusal says when the oldest call leaves the minute."""
    limits = Limits({"lab": CallLimits(per_minute=2)})
    for now_s in (10.0, 30.0):
        limits.take("lab", "m", now_s).hand_back()
    with pytest.raises(RateLimited) as caught:
        limits.take("lab", "m", 50.0)
    assert caught.value.retry_after_s == 20.0
    limits.take("lab", "m", 70.0)


async def test_every_way_of_ending_frees_its_place(gateway: Gateway, provider: FakeProvider) -> None:
    """Whole answers, streams read to the end, streams closed before, and failures all give their place back."""
    limits = gateway._calling.limits = Limits({"fake": CallLimits(at_once=1)})
    await whole(gateway, said("one"))
    stream = await streamed(gateway, said("two"))
    with pytest.raises(RateLimited):
        limits.take("fake", "m", 0.0)
    assert [chunk async for chunk in stream.chunks]
    unread = await streamed(gateway, said("three"))
    await unread.chunks.aclose()
    provider.add(RateLimited("x", retry_after_s=99))
    await whole(gateway, said("four"))
    assert limits.under_way == {"fake": 0}
