"""What a run makes of a provider that fails: each row of the table, from a real server to the answer and the bill.

Two servers: one serves the two best models of the small catalogue, the other one the rest.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.providers.fake_server import FakeServer, Reply, Step, error_reply
from smart_spawn.settings import Settings
from tests.unit.api.conftest import small_facts

FIRST, SECOND, ELSEWHERE = "acme/strong", "acme/middle", "gamma/seer"
TASK = "Write a poem about a purple submarine"
BUSY_2_S = error_reply(429, "slow down", headers={"Retry-After": "2"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A service, and the server that fails."""

    http: httpx.AsyncClient
    failing: FakeServer
    other: FakeServer

    async def spawn(self, **more: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.http.post(
            "/api/spawn", json={"task": TASK, "budget": "any", "minCapability": 0, **more}, timeout=30
        )
        return answer.status_code, answer.json()

    @property
    def asked(self) -> list[str]:
        """The models that the failing server was asked for."""
        return [str(one.body["model"]) for one in self.failing.received]


@asynccontextmanager
async def place(home: Path, steps: list[Step], **provider: Any) -> AsyncIterator[Place]:
    async with (
        FakeServer(steps, default="from the first") as failing,
        FakeServer(default="elsewhere") as other,
    ):
        rows: Mapping[str, Any] = {
            "first": {"base_url": failing.base_url, "models": ["acme/*"], **provider},
            "second": {"base_url": other.base_url},
        }
        settings = Settings.model_validate({"home": home, "providers": rows})
        async with SmartSpawn(settings, in_memory=True) as app:
            transport = httpx.ASGITransport(app=create_app(app))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                yield Place(http=http, failing=failing, other=other)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)


SAME_AGAIN = [FIRST, FIRST]
NEXT = [FIRST, SECOND]
AGAIN_THEN_NEXT = [FIRST, FIRST, SECOND]
GONE = [FIRST]


@pytest.mark.parametrize(
    ("fault", "times", "asked", "answered", "doubted"),
    [
        # once more, where it may pass; when it does not, the next model of the same provider
        pytest.param("500", 1, SAME_AGAIN, FIRST, 0, id="500"),
        pytest.param("500", 2, AGAIN_THEN_NEXT, SECOND, 0, id="500-twice"),
        pytest.param("529", 1, SAME_AGAIN, FIRST, 0, id="529"),
        pytest.param("529", 2, AGAIN_THEN_NEXT, SECOND, 0, id="529-twice"),
        pytest.param("drop", 2, AGAIN_THEN_NEXT, SECOND, 2, id="hung-up-twice"),
        pytest.param("silence", 2, AGAIN_THEN_NEXT, SECOND, 2, id="silence-twice"),
        # the next model at once: the same would answer the same, and may have been paid
        pytest.param("empty", 1, NEXT, SECOND, 1, id="empty"),
        pytest.param("empty-text", 1, NEXT, SECOND, 1, id="empty-text"),
        pytest.param("html", 1, NEXT, SECOND, 1, id="html"),
        pytest.param("broken-json", 1, NEXT, SECOND, 1, id="broken-json"),
        pytest.param("wrong-json", 1, NEXT, SECOND, 1, id="wrong-json"),
        pytest.param("cut", 1, NEXT, SECOND, 1, id="cut"),
        pytest.param("cut-stream", 1, NEXT, SECOND, 1, id="cut-stream"),
        pytest.param("huge", 1, NEXT, SECOND, 1, id="5-MB"),
        pytest.param("refusal", 1, NEXT, SECOND, 1, id="refusal"),
        pytest.param("context", 1, NEXT, SECOND, 0, id="too-long"),
        pytest.param("404", 1, NEXT, SECOND, 0, id="not-served"),
        # another provider: this one refuses us, whatever the model
        pytest.param("401", 1, GONE, ELSEWHERE, 0, id="401"),
        pytest.param("402", 1, GONE, ELSEWHERE, 0, id="402"),
        pytest.param("quota", 1, GONE, ELSEWHERE, 0, id="quota"),
    ],
)
async def test_each_failure_has_its_outcome(
    tmp_path: Path, fault: str, times: int, asked: list[str], answered: str, doubted: int
) -> None:
    """The task is done by whom the table says, after as many calls, and what may have been billed is in doubt."""
    async with place(tmp_path, [fault] * times, timeout_s=1 if fault == "silence" else 20) as where:
        status, answer = await where.spawn()
    assert (status, answer["status"], answer["model"]) == (200, "succeeded", answered)
    assert where.asked == asked
    assert answer["output"] == ("elsewhere" if answered == ELSEWHERE else "from the first")
    first = answer["responses"][0]
    assert ("error" in first) is (answered != FIRST)
    worst = answer["cost"]["inDoubtUsd"]
    assert (worst > 0) is (doubted > 0)
    assert answer["cost"]["usd"] > 0


async def test_retry_after_is_waited_for(tmp_path: Path) -> None:
    """A provider that asks for two seconds is asked again after two seconds, and its answer is taken."""
    async with place(tmp_path, [BUSY_2_S]) as where:
        began = time.monotonic()
        status, answer = await where.spawn()
        took_s = time.monotonic() - began
    assert (status, answer["model"], where.asked) == (200, FIRST, SAME_AGAIN)
    assert took_s >= 2
    assert answer["cost"]["inDoubtUsd"] == 0


async def test_a_provider_that_asks_for_too_long_is_left_for_the_next(tmp_path: Path) -> None:
    """Nobody waits a minute for one model while another can answer now."""
    patience = error_reply(429, "slow down", headers={"Retry-After": "60"})
    async with place(tmp_path, [patience]) as where:
        began = time.monotonic()
        status, answer = await where.spawn()
    assert (status, answer["model"], where.asked) == (200, SECOND, NEXT)
    assert time.monotonic() - began < 20


async def test_a_bad_request_ends_the_run(tmp_path: Path) -> None:
    """Nobody else would take it either: one call, and the error says what to check."""
    async with place(tmp_path, ["400"]) as where:
        status, answer = await where.spawn()
    assert status == 502
    assert answer["error"]["code"] == "PROVIDER_ERROR"
    assert answer["error"]["hint"]
    assert (where.asked, len(where.other.received)) == (GONE, 0)


async def test_a_long_answer_within_the_limit_is_an_answer(tmp_path: Path) -> None:
    """Four megabytes are read, kept and returned; they are not a failure."""
    text = "word and word, " * 260_000
    async with place(tmp_path, [text]) as where:
        status, answer = await where.spawn()
    assert (status, answer["model"]) == (200, FIRST)
    assert answer["output"] == text


@pytest.mark.parametrize("exclude", [[ELSEWHERE], ["gamma/*"]])
async def test_fallbacks_keep_every_constraint(tmp_path: Path, exclude: list[str]) -> None:
    """What was excluded is not asked however many others fail; a required capability holds for the last one too."""
    async with place(tmp_path, ["500"] * 8) as where:
        where.other.steps.extend(["500"] * 20)
        status, answer = await where.spawn(exclude=exclude, require=["functionCalling"])
    assert status == 502
    tried = {attempt["model"] for attempt in answer["error"]["details"]["attempts"]}
    assert tried
    assert tried.isdisjoint({ELSEWHERE, "beta/small"})


async def test_every_mode_outlives_a_provider_in_trouble(tmp_path: Path) -> None:
    """A cascade, a collective and a swarm each end with an answer while one of two providers fails all calls."""
    steps: list[Step] = [Reply(status=500)] * 100
    for mode in ("cascade", "collective", "swarm", "plan"):
        async with place(tmp_path, steps, max_retries=0) as where:
            status, answer = await where.spawn(mode=mode, count=3, task="Look at it, then tell about it")
        assert (status, answer["status"]) == (200, "succeeded"), answer
        assert "elsewhere" in answer["output"]
