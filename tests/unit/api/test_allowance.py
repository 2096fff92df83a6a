"""How many requests a key may send."""

from __future__ import annotations

import httpx
import pytest

from smart_spawn.api.allowance import Allowance
from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import TooManyRequests
from tests.unit.api.conftest import body_of
from tests.unit.api.test_callers import bearer


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_key_sends_so_many_and_then_as_they_flow_in() -> None:
    """A minute's worth at once, then one in its time; who waits longer saves up no more than a minute's worth."""
    clock = Clock()
    allowance = Allowance(60, clock=clock)
    for _ in range(60):
        allowance.take("one")
    with pytest.raises(TooManyRequests) as refused:
        allowance.take("one")
    assert refused.value.retry_after_s == pytest.approx(1)
    allowance.take("two")
    clock.now_s += 1
    allowance.take("one")
    clock.now_s += 3600
    for _ in range(60):
        allowance.take("one")
    with pytest.raises(TooManyRequests):
        allowance.take("one")


def test_no_limit_is_no_limit() -> None:
    """`None` lets everything pass and keeps nothing."""
    allowance = Allowance(None)
    for _ in range(10_000):
        allowance.take("one")
    assert not allowance._left


async def test_a_key_that_sends_too_much_is_told_when_to_come_back(served: SmartSpawn) -> None:
    """429 with `Retry-After` and our code; other keys go on; without keys on loopback there is no limit."""
    server = served.settings.server.model_copy(update={"max_requests_per_minute": 3})
    served.settings = served.settings.model_copy(update={"server": server})
    transport = httpx.ASGITransport(app=create_app(served))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for _ in range(10):
            assert (await http.get("/api/pick?task=x")).status_code == 200
        one, two = (bearer(served.keys.create(name, ["route"]).secret) for name in ("one", "two"))
        answers = [await http.get("/api/pick?task=x", headers=one) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert body_of(answers[-1])["error"]["code"] == "RATE_LIMITED"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        assert (await http.get("/api/pick?task=x", headers=two)).status_code == 200
        chat = await http.post("/v1/chat/completions", json={}, headers=one)
        assert (chat.status_code, chat.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert (await http.get("/health")).status_code == 200
