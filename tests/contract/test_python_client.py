"""One program for both: what `SmartSpawn()` promises in this process, `SmartSpawn(url)` keeps over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import smart_spawn
from smart_spawn import Decision, FakeProvider, Settings, SmartSpawn, SpawnResult
from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn as App
from smart_spawn.client.local import Local
from smart_spawn.errors import (
    IdempotencyConflict,
    InvalidRequest,
    NoEligibleModel,
    NoModelInBudget,
    NotFound,
    ProviderError,
    Refused,
    RunNotCancellable,
    SmartSpawnError,
    TooLarge,
    UnknownModel,
)
from smart_spawn.providers.fake import Scripted
from tests.unit.api.conftest import small_facts

TASK = "Refactor this Python function to use asyncio"
STEPS = ["Read the report", "Say what it means"]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Smart Spawn as a program has it, and whoever answers model calls behind it."""

    ss: SmartSpawn
    chat: FakeProvider


@pytest.fixture(params=["in process", "remote"])
async def setting(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Setting]:
    """Open both kinds over the same small catalogue."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    settings, chat = Settings.model_validate({"home": tmp_path}), FakeProvider(default="8")
    if request.param == "in process":
        async with SmartSpawn(settings, chat=chat, in_memory=True) as ss:
            yield Setting(ss=ss, chat=chat)
        return
    async with App(settings, chat=chat, in_memory=True) as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with SmartSpawn("http://localhost", transport=transport) as ss:
            yield Setting(ss=ss, chat=chat)


@pytest.fixture
def ss(setting: Setting) -> SmartSpawn:
    """Return the program's end."""
    return setting.ss


@pytest.fixture
def chat(setting: Setting) -> FakeProvider:
    """Return the models' end."""
    return setting.chat


async def test_a_decision_says_what_a_program_needs(ss: SmartSpawn) -> None:
    """The choice, its price, how sure it is, why, and what to fall back on, by the same names."""
    decision = await ss.route(TASK, budget="any", min_capability=0)
    assert isinstance(decision, Decision)
    assert decision.id.startswith("dec_")
    assert (decision.model, decision.selected.model) == ("acme/strong", "acme/strong")
    assert decision.reasoning_effort in (None, "high", "low")
    assert decision.category == smart_spawn.Category.CODING
    assert 0.5 <= decision.confidence <= 1
    assert 50 < decision.score <= 100
    assert (decision.pricing.prompt, decision.pricing.completion) == (8.0, 40.0)
    assert decision.expected_cost_usd is not None
    assert decision.expected_cost_usd > 0
    assert decision.model.partition("/")[2] in decision.reason
    assert decision.fallbacks[0] == "acme/middle"
    assert decision.created_at.tzinfo is not None
    assert decision.json["selected"]["model"] == decision.model
    assert decision.json["catalogVersion"] == decision.catalog_version


async def test_a_decision_explains_itself_without_asking_again(ss: SmartSpawn) -> None:
    """The text that the service gives for its id is the text that the value gives."""
    decision = await ss.route(TASK, budget="any", context=["python"], min_capability=0)
    assert decision.explain() == await ss.explain(decision) == await ss.explain(decision.id)
    assert decision.explain().startswith("acme/strong")


async def test_a_past_decision_comes_back_and_replays(ss: SmartSpawn) -> None:
    """Looked up it is equal to what was answered; decided again it is the same."""
    decision = await ss.route(TASK, budget="low", min_capability=0)
    assert await ss.decision(decision.id) == decision
    replay = await ss.replay(decision)
    assert replay.same
    assert replay.again.model == decision.model


async def test_recommendations_are_walked_through(ss: SmartSpawn) -> None:
    """The most wanted first, with their rows, and the decision that stands behind them."""
    found = await ss.recommend(TASK, count=2, budget="any", min_capability=0, diversity="high")
    assert len(found) == 2
    assert [one.model.provider for one in found] == ["acme", "gamma"]
    assert found[0].model.pricing.prompt == 8.0
    assert (await ss.decision(found.decision_id)).model == found[0].model.id
    assert found.category == "coding"


async def test_the_catalogue_is_read(ss: SmartSpawn) -> None:
    """Lists, single models with their readings, comparisons, and how fresh it all is."""
    cheapest = await ss.models(sort="cost", limit=2)
    assert [model.id for model in cheapest] == ["beta/cheap:free", "beta/small"]
    assert [model.id for model in await ss.models(q="seer", category="vision", tier="standard")] == [
        "gamma/seer"
    ]
    model = await ss.model("acme/strong")
    assert model.context_length == 128_000
    assert {reading["benchmark"] for reading in model.readings} >= {"lmarena_coding"}
    both = await ss.compare("acme/strong", "acme/none")
    assert [model.id for model in both.models] == ["acme/strong"]
    assert both.missing == ["acme/none"]
    assert (await ss.status())["modelCount"] == 7


async def test_a_task_is_planned_without_a_model(ss: SmartSpawn, chat: FakeProvider) -> None:
    """Sequences, graphs, dry runs and roles are the JSON of their routes; nobody is called."""
    assert (await ss.decompose(TASK, steps=STEPS, min_capability=0))["totalSteps"] == 2
    assert (await ss.swarm(TASK, steps=STEPS, min_capability=0))["dag"]["totalWaves"] == 1
    planned = await ss.dry_run(TASK, mode="plan", steps=STEPS, min_capability=0)
    assert (planned["dryRun"], planned["dag"]["totalTasks"]) == (True, 2)
    with pytest.raises(InvalidRequest):
        await ss.dry_run(TASK, mode="single")
    assert (await ss.role_blocks())["counts"]["personas"] > 0
    assert (await ss.compose_role(TASK, persona="software-engineer"))["hasRole"]
    assert not chat.calls


async def test_a_task_is_done(ss: SmartSpawn) -> None:
    """The text, the bill, each call and the decision, by the same names."""
    result = await ss.spawn(TASK, budget="low", min_capability=0, max_cost_usd="0.05")
    assert isinstance(result, SpawnResult)
    assert (result.output, result.status, result.mode) == ("8", "succeeded", "single")
    assert result.decision.model == result.model == result.responses[0].model
    assert result.responses[0].output == "8"
    assert result.cost.usd is not None
    assert 0 < result.cost.usd < 0.05
    assert result.cost.source == "list-price"
    assert result.usage is not None
    assert result.usage.total_tokens > 0
    assert result.json["routingDecision"]["id"] == result.decision.id
    assert await ss.explain(result) == result.decision.explain()


async def test_a_collective_says_how_far_it_agreed(ss: SmartSpawn) -> None:
    """What belongs to a mode is there as the API shows it."""
    result = await ss.spawn("How many?", mode="collective", count=3, diversity="high", budget="any")
    assert result.consensus is not None
    assert result.consensus["agreement"] == 1
    assert len(result.responses) == 3


async def test_a_plan_leaves_artifacts(ss: SmartSpawn) -> None:
    """They are in the result, and each can be read by its step."""
    result = await ss.spawn(TASK, mode="plan", steps=STEPS, budget="any", min_capability=0)
    assert [one.step for one in result.artifacts] == ["step-1", "step-2"]
    assert (await ss.runs.artifact(result, "step-2")).content == "8"
    with pytest.raises(NotFound):
        await ss.runs.artifact(result, "nowhere")


async def test_a_run_is_started_watched_and_read(ss: SmartSpawn) -> None:
    """Submitting does not wait; events come in order to the end; the result is what waiting would have given."""
    run_id = await ss.runs.submit(TASK, budget="low", min_capability=0)
    numbers, names = [], []
    async for event in ss.runs.events(run_id):
        numbers.append(event.number)
        names.append(event.name)
    assert numbers == list(range(1, len(numbers) + 1))
    assert (names[0], names[-1]) == ("run.queued", "run.ended")
    assert [event.number async for event in ss.runs.events(run_id, after=2)] == numbers[2:]
    assert [event.number async for event in ss.runs.events(run_id, after=len(numbers))] == []
    run = await ss.runs.get(run_id)
    assert run.ended
    assert (run.status, run.output, run.progress["percent"]) == ("succeeded", "8", 100)
    assert run.decision is not None
    assert (await ss.runs.result(run)).decision == run.decision
    assert [row.id for row in await ss.runs.list(status="succeeded", limit=1)] == [run_id]


async def test_the_same_key_is_the_same_run(ss: SmartSpawn, chat: FakeProvider) -> None:
    """Asked twice under one key a task is paid once; another task under that key is a conflict."""
    first = await ss.spawn(TASK, budget="low", min_capability=0, idempotency_key="one")
    second = await ss.spawn(TASK, budget="low", min_capability=0, idempotency_key="one")
    assert (second.id, len(chat.calls)) == (first.id, 1)
    with pytest.raises(IdempotencyConflict):
        await ss.spawn("another", budget="low", min_capability=0, idempotency_key="one")
    await ss.spawn(TASK, budget="low", min_capability=0)
    assert len(chat.calls) == 2


async def test_a_run_is_cancelled(ss: SmartSpawn, chat: FakeProvider) -> None:
    """It stops, stays cancelled, and a second time there is nothing to stop."""
    chat.add(*[Scripted(text="late", delay_s=60)] * 4)
    run_id = await ss.runs.submit(TASK, budget="low", min_capability=0)
    assert (await ss.runs.cancel(run_id)).cancel_requested
    result = await ss.runs.result(run_id)
    assert (result.status, result.output) == ("cancelled", "")
    with pytest.raises(RunNotCancellable):
        await ss.runs.cancel(run_id)


async def test_whoever_stops_waiting_stops_the_run(ss: SmartSpawn, chat: FakeProvider) -> None:
    """A program that is interrupted does not go on paying."""
    chat.add(*[Scripted(text="late", delay_s=60)] * 4)
    waiting = asyncio.create_task(ss.spawn(TASK, budget="low", min_capability=0))
    async with asyncio.timeout(30):
        while not chat.calls:  # noqa: ASYNC110  # a provider tells nobody
            await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        (row,) = await ss.runs.list()
        assert [event.name async for event in ss.runs.events(row)][-1] == "run.ended"
    assert (await ss.runs.get(row)).status == "cancelled"


async def test_what_was_done_is_rated(ss: SmartSpawn) -> None:
    """A result, a run, a decision or an id takes stars or one word; a second rating replaces the first."""
    result = await ss.spawn(TASK, budget="low", min_capability=0)
    vote = await ss.rate(result, 5, comment="just right")
    assert (vote.subject, vote.model, vote.category) == (result.id, result.model, "coding")
    assert (vote.rating, vote.replaced) == (5.0, False)
    assert (await ss.rate(result.id, 2)).replaced
    assert (await ss.rate(await ss.runs.get(result), "success")).rating == "success"
    decision = await ss.route(TASK, budget="any", min_capability=0)
    assert (await ss.rate(decision, 4.5)).model == decision.model
    found = await ss.recommend(TASK, count=2, budget="any", min_capability=0)
    assert (await ss.rate(found, 2)).subject == found.decision_id
    for wrong in (0, 6, "great"):
        with pytest.raises(InvalidRequest):
            await ss.rate(decision, wrong)
    for nobody in ("dec_0", "run_0"):
        with pytest.raises(NotFound):
            await ss.rate(nobody, 5)


async def test_ratings_change_what_is_chosen(ss: SmartSpawn) -> None:
    """Whoever rates one choice badly and another well gets the other, and the decision says which beliefs it used."""
    first = await ss.route(TASK, budget="any", min_capability=0)
    for _ in range(25):
        await ss.rate(await ss.route(TASK, budget="any", min_capability=0, only=["acme/middle"]), 5)
        await ss.rate(await ss.route(TASK, budget="any", min_capability=0, only=[first.model]), 1)
    later = await ss.route(TASK, budget="any", min_capability=0)
    assert (first.model, later.model) == ("acme/strong", "acme/middle")
    assert later.beliefs_version != first.beliefs_version


FAILURES: list[tuple[dict[str, Any], type[SmartSpawnError], dict[str, Any]]] = [
    ({"task": ""}, InvalidRequest, {"code": "MISSING_PARAM"}),
    ({"bugdet": "low"}, InvalidRequest, {"code": "INVALID_PARAM"}),
    ({"budget": "cheap"}, InvalidRequest, {"code": "INVALID_PARAM"}),
    ({"task": "x" * 200_001}, TooLarge, {}),
    ({"only": ["acme/strnog"]}, UnknownModel, {"model_id": "acme/strnog", "nearest": ("acme/strong",)}),
    ({"require": ["vision"], "budget": "low"}, NoModelInBudget, {"cheapest_budget": "medium"}),
    ({"min_context": 10_000_000, "budget": "any"}, NoEligibleModel, {}),
]


@pytest.mark.parametrize(("options", "kind", "says"), FAILURES)
async def test_a_refusal_is_the_same_exception(
    ss: SmartSpawn, options: dict[str, Any], kind: type[SmartSpawnError], says: dict[str, Any]
) -> None:
    """Type, code, words, way out and details do not depend on where the work is done."""
    with pytest.raises(kind) as stopped:
        await ss.route(**{"task": TASK, "min_capability": 0, **options})
    error = stopped.value
    assert type(error) is kind
    assert {name: getattr(error, name) for name in says} == says
    assert error.message
    assert error.hint
    if isinstance(error, NoModelInBudget | NoEligibleModel):
        assert error.rejected
        assert error.rejected == error.details["rejected"]


async def test_what_is_not_there_is_not_found(ss: SmartSpawn) -> None:
    """Decisions, runs and models by ids that never were."""
    with pytest.raises(NotFound):
        await ss.decision("dec_0")
    with pytest.raises(NotFound):
        await ss.explain("..")
    with pytest.raises(NotFound):
        await ss.runs.get("run_0")
    with pytest.raises(NotFound):
        async for _ in ss.runs.events("run_0"):
            pass
    with pytest.raises(UnknownModel) as stopped:
        await ss.model("acme/strnog")
    assert "acme/strong" in stopped.value.nearest
    with pytest.raises(SmartSpawnError):
        await ss.model("")
    with pytest.raises(InvalidRequest):
        await ss.models(sort="beauty")
    with pytest.raises(InvalidRequest):
        await ss.models(limit=0)
    with pytest.raises(InvalidRequest):
        await ss.models(category="coking")
    with pytest.raises(InvalidRequest):
        await ss.runs.list(status="lost")


async def test_a_failed_run_raises_what_stopped_it(ss: SmartSpawn, chat: FakeProvider) -> None:
    """The error says which run it was and what was tried, and the run can be looked up."""
    chat.add(*[Refused("no", provider="fake")] * 20)
    with pytest.raises(ProviderError) as stopped:
        await ss.spawn(TASK, budget="low", min_capability=0)
    assert {one["error"] for one in stopped.value.details["attempts"]} == {"Refused"}
    run = await ss.runs.get(stopped.value.details["runId"])
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == stopped.value.code
    with pytest.raises(ProviderError) as again:
        await ss.runs.result(run)
    assert (str(again.value), again.value.details) == (str(stopped.value), stopped.value.details)


async def test_options_with_a_method_of_their_own_are_refused(ss: SmartSpawn, chat: FakeProvider) -> None:
    """`wait` and `dry_run` would change what comes back."""
    tried: list[dict[str, Any]] = [{"wait": False}, {"dry_run": True}]
    for options in tried:
        with pytest.raises(InvalidRequest) as stopped:
            await ss.spawn(TASK, **options)
        assert "ss." in stopped.value.hint
    assert not chat.calls


def test_both_doors_have_every_method() -> None:
    """The two implementations offer the same methods, so that no program works with one alone."""
    from smart_spawn.client.door import Door
    from smart_spawn.client.remote import Remote

    promised = {name for name in vars(Door) if not name.startswith("_")}
    for kind in (Local, Remote):
        assert {name for name in dir(kind) if not name.startswith("_")} >= promised


class Lossy(httpx.AsyncBaseTransport):
    """A network that loses the first answer to each kind of request, after the service has done its work."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.lost: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Let the service answer, and the caller hear nothing of it the first time."""
        answer = await self._inner.handle_async_request(request)
        kind = f"{request.method} {request.url.path.split('/')[2]}"
        if kind not in self.lost:
            self.lost.add(kind)
            await answer.aclose()
            raise httpx.ReadError("the connection was cut", request=request)
        return answer


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Open what a service serves."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    settings = Settings.model_validate({"home": tmp_path})
    async with App(settings, chat=FakeProvider(default="8"), in_memory=True) as served:
        yield served


async def test_a_lost_answer_is_not_paid_again(app: App) -> None:
    """The service did the work, the answer never came, the same call asks again: one run, one bill, one vote."""
    lossy = Lossy(httpx.ASGITransport(app=create_app(app)))
    async with SmartSpawn("http://localhost", transport=lossy) as ss:
        result = await ss.spawn(TASK, budget="low", min_capability=0)
        assert result.output == "8"
        assert len(await ss.runs.list()) == 1
        await ss.rate(result, 5)
    assert lossy.lost >= {"POST spawn", "GET runs", "POST feedback"}
    assert isinstance(app.chat, FakeProvider)
    assert len(app.chat.calls) == 1


async def test_a_service_with_keys_asks_for_one(app: App) -> None:
    """None and a wrong one are refused, one without the scope may choose and not spend, a good one does all."""
    transport = httpx.ASGITransport(app=create_app(app))
    chooser = app.keys.create("chooser", ["route"]).secret
    spender = app.keys.create("spender", ["route", "execute"]).secret
    for wrong in (None, "ss_wrong"):
        async with SmartSpawn("http://localhost", api_key=wrong, transport=transport) as ss:
            with pytest.raises(smart_spawn.Unauthorized):
                await ss.route(TASK)
    async with SmartSpawn("http://localhost", api_key=chooser, transport=transport) as ss:
        decision = await ss.route(TASK, min_capability=0)
        with pytest.raises(smart_spawn.Forbidden) as stopped:
            await ss.spawn(TASK, min_capability=0)
        assert stopped.value.details == {"needs": "execute"}
        assert (await ss.rate(decision, 4)).rating == 4
    async with SmartSpawn("http://localhost", api_key=spender, transport=transport) as ss:
        assert (await ss.spawn(TASK, budget="low", min_capability=0)).output == "8"
        with pytest.raises(smart_spawn.Forbidden):
            await ss.rate(decision, 1)


async def test_many_ask_at_once(app: App) -> None:
    """A hundred tasks through one client: each gets its own answer."""
    transport = httpx.ASGITransport(app=create_app(app))
    async with SmartSpawn("http://localhost", transport=transport) as ss:
        results = await asyncio.gather(
            *(ss.spawn(f"Count to {number}", budget="low", min_capability=0) for number in range(100))
        )
        assert len({result.id for result in results}) == 100
        assert {result.output for result in results} == {"8"}
