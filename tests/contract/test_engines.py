"""Every engine keeps the same promises: tasks in memory, and dbos on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine, text

from smart_spawn.errors import (
    BadAnswer,
    BudgetExceeded,
    IdempotencyConflict,
    InvalidRequest,
    NotFound,
    Overloaded,
    RateLimited,
    RunNotCancellable,
    SmartSpawnError,
    StepFailed,
    TimedOut,
    TooLarge,
)
from smart_spawn.model import Mode
from smart_spawn.runs.engine import KeyCap, RunCost, RunSpec
from smart_spawn.runs.ports import Ctx, Ended, Purchase, Purchased
from smart_spawn.runs.wire import rebuilt
from smart_spawn.settings import Settings
from smart_spawn.spawn.carry import Job, to_request
from smart_spawn.spawn.outcome import Rung, SpawnOutcome
from smart_spawn.spawn.plan import Step as PlanStep
from smart_spawn.spawn.swarm import StepWork
from tests.contract.engines import LIMITED, PRICE, Bench, answer, opened, purchase, worst_usd

pytestmark = pytest.mark.asyncio(loop_scope="module")
FOREVER_S = 30.0


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=["memory", pytest.param("dbos-sqlite"), pytest.param("dbos-postgresql")],
)
async def bench(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Bench]:
    """Open each engine once; tests share it, as users of a service do."""
    home = tmp_path_factory.mktemp("runs")
    values: dict[str, Any] = {"home": home, "providers": {"limited": LIMITED}, "max_parallel_steps": 4}
    if request.param == "dbos-postgresql":
        admin: Engine = request.getfixturevalue("postgresql_admin")
        values["database_url"] = _own_database(admin)
    async with opened(request.param, Settings(**values)) as bench:
        yield bench


def _own_database(admin: Engine) -> str:
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS engines WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE engines"))
    return admin.url.set(drivername="postgresql", database="engines").render_as_string(hide_password=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A result with types that plain JSON does not have."""

    price: Decimal
    at: datetime
    tags: tuple[str, ...]


async def value(result: object) -> object:
    return result


# -- steps ------------------------------------------------------------------------------------------------------


async def test_a_run_tells_its_whole_story(bench: Bench) -> None:
    """Outcome, steps, progress and events without gaps are there when a run has ended."""

    async def script(ctx: Ctx) -> Ended:
        first = await ctx.step("first", value, 20)
        bought = await ctx.call("second", purchase())
        await ctx.emit("half-way", {"first": first})
        return Ended(outcome={"first": first, "text": bought.answer.text if bought.answer else None})

    run = await bench.run(script)
    assert (run.status, run.outcome, run.executions) == ("succeeded", {"first": 20, "text": "ok"}, 1)
    assert (run.progress.total, run.progress.done) == (2, 2)
    assert [(step.name, step.state) for step in await bench.engine.steps(run.id)] == [
        ("first", "succeeded"),
        ("second", "succeeded"),
    ]
    events = await bench.engine.events(run.id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.name for event in events] == [
        "run.queued",
        "run.started",
        *["step.started", "step.ended"] * 2,
        "half-way",
        "run.ended",
    ]
    assert [event.number for event in await bench.engine.events(run.id, after=5)] == [6, 7, 8]


async def test_results_keep_their_types(bench: Bench) -> None:
    """A step gives back the dataclass that it was given, rebuilt from what was stored."""
    note = Note(price=Decimal("0.1"), at=datetime.fromisoformat("2026-07-04T12:00:00+00:00"), tags=("a", "b"))
    got: list[object] = []

    async def script(ctx: Ctx) -> Ended:
        got.append(await ctx.step("note", value, note, returns=Note))
        return Ended()

    await bench.run(script)
    assert got == [note]


async def test_an_interrupted_run_goes_on_where_it_was(bench: Bench) -> None:
    """Finished steps, calls and failures are read back; the call under way is made again and known to be in doubt."""
    made: list[str] = []
    got: list[tuple[str, str, str | None]] = []
    bench.chat.add(answer("first"), model_id="resume/a")
    bench.chat.add(BadAnswer("empty"), model_id="resume/b")
    bench.chat.add(answer("never seen", delay_s=FOREVER_S), answer("third"), model_id="resume/c")

    async def note(name: str) -> str:
        made.append(name)
        return name

    async def failing() -> None:
        made.append("failing")
        raise StepFailed("no use", hint="none")

    async def script(ctx: Ctx) -> Ended:
        await ctx.emit("begun")
        step = await ctx.step("step", note, "step")
        with pytest.raises(StepFailed, match="no use"):
            await ctx.step("failing", failing)
        first = await ctx.call("a", purchase("resume/a"))
        second = await ctx.call("b", purchase("resume/b"))
        await ctx.artifact("a", "kept")
        third = await ctx.call("c", purchase("resume/c"))
        got.append((step, _text(first), _text(third)))
        assert isinstance(second.error, BadAnswer)
        return Ended(outcome={"tries": third.tries})

    run_id = await bench.submit(script)
    await bench.until(lambda: bool(bench.chat.under_way))
    await bench.engine.executions.stop()
    bench.store.roster.requeue(bench.engine.executor.id, [run_id])
    run = await bench.engine.wait(run_id, 20)
    assert (run.status, run.executions) == ("succeeded", 2)
    assert got == [("step", "first", "third")]
    assert made == ["step", "failing"]
    assert run.outcome == {"tries": 2}
    assert run.cost.in_doubt_usd == 2 * worst_usd()  # the bad answer and the interrupted call
    assert run.cost.reserved_usd == 0
    names = [event.name for event in await bench.engine.events(run_id)]
    assert names.count("begun") == names.count("artifact") == 1
    assert "run.interrupted" in names
    assert "run.resumed" in names


async def test_steps_that_end_in_another_order_keep_their_own_results(bench: Bench) -> None:
    """After a crash every parallel step gets its own result, whatever order they ended in the first time."""
    again = False
    got: list[object] = []

    async def late(number: int) -> int:
        await asyncio.sleep(0 if again else 0.01 * (8 - number))
        return number

    async def script(ctx: Ctx) -> Ended:
        async def branch(number: int) -> list[int]:
            one = await ctx.step(f"{number}/one", late, number)
            if again and number % 2:  # a choice that differs from the first time shifts nobody else's steps
                await ctx.step(f"{number}/extra", value, None)
            return [one, await ctx.step(f"{number}/two", late, number * 10)]

        order = range(7, -1, -1) if again else range(8)
        results = await ctx.parallel(*(lambda n=n: branch(n) for n in order))
        if not again:
            await asyncio.sleep(FOREVER_S)
        got.append(sorted(map(str, results)))
        return Ended()

    run_id = await bench.submit(script)
    await bench.until(lambda: sum(step.state == "succeeded" for step in bench.store.runs.steps(run_id)) == 16)
    again = True
    await bench.engine.executions.stop()
    bench.store.roster.requeue(bench.engine.executor.id, [run_id])
    assert (await bench.engine.wait(run_id, 20)).status == "succeeded"
    assert got == [sorted(str([n, n * 10]) for n in range(8))]


async def test_a_failed_branch_settles_at_once_and_disturbs_no_other(bench: Bench) -> None:
    """Its error is there while the others still run; they give their results in the order asked for."""
    seen: list[str] = []

    async def script(ctx: Ctx) -> Ended:
        async def fails() -> str:
            try:
                await ctx.step("fails", _raise, StepFailed("broken"))
            finally:
                seen.append("failed")
            return ""

        async def works() -> str:
            await ctx.step("works", asyncio.sleep, 0.1)
            seen.append("worked")
            return "worked"

        first, second = await ctx.parallel(works, fails)
        return Ended(outcome={"first": first, "second": str(second)})

    run = await bench.run(script)
    assert seen == ["failed", "worked"]
    assert run.outcome == {"first": "worked", "second": "broken"}


async def _raise(error: Exception) -> None:
    raise error


async def test_what_a_mode_raises_ends_its_run(bench: Bench) -> None:
    """Our own errors are shown with code and hint; a fault shows no more than its kind."""
    ours = await bench.run(lambda ctx: _raise_from(StepFailed("no plan", hint="write one")))
    assert ours.status == "failed"
    assert ours.error is not None
    assert (ours.error["code"], ours.error["message"], ours.error["hint"]) == (
        "STEP_FAILED",
        "no plan",
        "write one",
    )
    fault = await bench.run(lambda ctx: _raise_from(KeyError("secret canary")))
    assert fault.status == "failed"
    assert fault.error is not None
    assert "KeyError" in fault.error["message"]
    assert "canary" not in str(fault)


async def _raise_from(error: Exception) -> Ended:
    raise error


async def test_names_that_could_not_be_told_apart_are_refused(bench: Bench) -> None:
    """One name twice, a step inside a step, and names that are none end the run with the reason."""

    async def twice(ctx: Ctx) -> Ended:
        await ctx.step("same", value, 1)
        await ctx.step("same", value, 2)
        return Ended()

    async def nested(ctx: Ctx) -> Ended:
        await ctx.step("outer", ctx.step, "inner", value, 1)
        return Ended()

    async def unprintable(ctx: Ctx) -> Ended:
        await ctx.step("a\nb", value, 1)
        return Ended()

    for script, why in ((twice, "used twice"), (nested, "inside"), (unprintable, "no name")):
        run = await bench.run(script)
        assert run.status == "failed"
        assert run.error is not None
        assert why in run.error["message"]


async def test_no_more_steps_are_under_way_than_allowed(bench: Bench) -> None:
    """Of many branches only as many calls are made at once as the settings say."""
    bench.chat.most_at_once = 0
    bench.chat.add(*(answer(delay_s=0.05) for _ in range(12)), model_id="many/m")

    async def script(ctx: Ctx) -> Ended:
        await ctx.parallel(*(lambda n=n: ctx.call(f"c{n}", purchase("many/m")) for n in range(12)))
        return Ended()

    assert (await bench.run(script)).status == "succeeded"
    assert 1 < bench.chat.most_at_once <= 4


# -- calls and money --------------------------------------------------------------------------------------------


def _text(bought: Purchased) -> str:
    return bought.answer.text if bought.answer else ""


async def _bought(bench: Bench, *purchases: Purchase, **spec: Any) -> tuple[list[Purchased], RunCost]:
    got: list[Purchased] = []

    async def script(ctx: Ctx) -> Ended:
        for number, each in enumerate(purchases):
            got.append(await ctx.call(f"c{number}", each))
        return Ended()

    run = await bench.run(script, **spec)
    return got, run.cost


async def test_the_providers_bill_counts_before_the_list_price(bench: Bench) -> None:
    """A reported cost is taken as it is, else tokens are priced; what nobody can price stays in doubt."""
    bench.chat.add(answer(cost="0.0123"), answer(tokens=7), model_id="bill/m")
    (reported, listed), cost = await _bought(bench, purchase("bill/m"), purchase("bill/m"))
    assert (reported.cost_usd, reported.cost_source) == (Decimal("0.0123"), "provider")
    assert (listed.cost_usd, listed.cost_source) == (Decimal("0.007"), "list-price")
    assert (cost.spent_usd, cost.in_doubt_usd, cost.reserved_usd) == (
        Decimal("0.0193"),
        Decimal(0),
        Decimal(0),
    )


async def test_what_may_pass_is_tried_again_and_the_rest_is_not(bench: Bench) -> None:
    """An overloaded provider is asked once more, within patience; a bad answer is not bought twice."""
    bench.chat.add(Overloaded("busy", retry_after_s=0.01), answer("late"), model_id="retry/a")
    bench.chat.add(RateLimited("wait", retry_after_s=60), model_id="retry/b")
    bench.chat.add(BadAnswer("empty"), model_id="retry/c")
    (a, b, c), cost = await _bought(bench, *(purchase(f"retry/{name}") for name in "abc"))
    assert (_text(a), a.tries, a.in_doubt_usd) == ("late", 2, Decimal(0))
    assert isinstance(b.error, RateLimited)
    assert (b.tries, b.error.retry_after_s) == (1, 60)
    assert isinstance(c.error, BadAnswer)
    assert (c.tries, c.in_doubt_usd) == (1, worst_usd())
    assert cost.in_doubt_usd == worst_usd()


async def test_a_model_that_is_down_is_left_alone_and_retries_are_limited(bench: Bench) -> None:
    """Of 40 calls to a provider in trouble at most a few are tried again, and a broken model is not called at all."""
    bench.chat.add(*(Overloaded("busy", retry_after_s=0) for _ in range(200)), model_id="down/m")
    before = len(bench.chat.calls)
    got, cost = await _bought(bench, *(purchase("down/m", provider="down") for _ in range(40)))
    assert all(isinstance(each.error, Overloaded) for each in got)
    assert got[-1].tries == 0
    assert len(bench.chat.calls) - before == 5  # failures in a row until it was left alone
    assert (cost.spent_usd, cost.in_doubt_usd) == (Decimal(0), Decimal(0))
    many = [f"many-down/{number}" for number in range(40)]
    for model in many:
        bench.chat.add(*(Overloaded("busy", retry_after_s=0) for _ in range(2)), model_id=model)
    got, _ = await _bought(bench, *(purchase(model, provider="down-2") for model in many))
    assert 40 < sum(each.tries for each in got) <= 40 + 10 + 4  # ten saved up, and a tenth of the calls


async def test_a_cap_is_never_exceeded_by_parallel_calls(bench: Bench) -> None:
    """Of 50 calls against a cap that pays for 20, 20 are made; the others cost nothing and say why."""
    bench.chat.add(*(answer(tokens=100, delay_s=0.002) for _ in range(50)), model_id="cap/m")
    got: list[Purchased | SmartSpawnError] = []

    async def script(ctx: Ctx) -> Ended:
        got.extend(await ctx.parallel(*(lambda n=n: ctx.call(f"c{n}", purchase("cap/m")) for n in range(50))))
        assert await ctx.left_usd() is not None
        raise BudgetExceeded("nothing is left", hint="raise the cap")

    run = await bench.run(script, cap_usd=20 * worst_usd())
    assert run.status == "budget_exceeded"
    bought = [each for each in got if isinstance(each, Purchased)]
    assert len(bought) == 50
    answered = [each for each in bought if each.answer]
    assert len(answered) == 20
    assert all(
        isinstance(each.error, BudgetExceeded) and each.tries == 0 for each in bought if not each.answer
    )
    assert run.cost.spent_usd + run.cost.in_doubt_usd <= 20 * worst_usd()


async def test_a_call_is_made_smaller_where_the_cap_is_short(bench: Bench) -> None:
    """With a smallest useful length, the output shrinks to what the cap pays for, and no further."""
    got, _ = await _bought(bench, purchase(tokens=100, min_output_tokens=40), cap_usd=worst_usd(60))
    assert got[0].answer is not None
    assert got[0].max_output_tokens is not None
    assert 55 <= got[0].max_output_tokens <= 60
    refused, _ = await _bought(bench, purchase(tokens=100, min_output_tokens=80), cap_usd=worst_usd(60))
    assert isinstance(refused[0].error, BudgetExceeded)


async def test_runs_of_one_key_share_its_cap(bench: Bench) -> None:
    """What one run of a key has spent, another of the same key cannot spend again."""
    cap = KeyCap(key="key-1", cap_usd=worst_usd() * 3 / 2)
    bench.chat.add(answer(tokens=100), answer(tokens=100), model_id="key/m")
    (first,), _ = await _bought(bench, purchase("key/m"), key_cap=cap)
    (second,), _ = await _bought(bench, purchase("key/m"), key_cap=cap)
    assert first.answer is not None
    assert isinstance(second.error, BudgetExceeded)


async def test_a_model_without_a_price_is_refused_under_a_cap(bench: Bench) -> None:
    """Unknown is never taken for free, unless the owner says that it does not count."""
    from smart_spawn.model import Price

    unpriced = purchase(price=Price())
    (refused,), _ = await _bought(bench, unpriced, cap_usd=Decimal(1))
    (allowed,), _ = await _bought(bench, unpriced, cap_usd=Decimal(1), allow_unknown_price=True)
    assert isinstance(refused.error, BudgetExceeded)
    assert allowed.answer is not None


async def test_a_providers_limits_hold_for_all_runs_together(bench: Bench) -> None:
    """Two runs at once make no more calls at a time, nor in a minute, than the provider allows."""
    bench.chat.most_at_once = 0
    bench.chat.add(*(answer(delay_s=0.05) for _ in range(6)), model_id="limit/m")

    async def script(ctx: Ctx) -> Ended:
        calls = (lambda n=n: ctx.call(f"c{n}", purchase("limit/m", provider="limited")) for n in range(3))
        await ctx.parallel(*calls)
        return Ended()

    runs = [await bench.submit(script) for _ in range(2)]
    await bench.until(
        lambda: sum(s.state == "succeeded" for run in runs for s in bench.store.runs.steps(run)) == 5
    )
    assert bench.chat.most_at_once <= 2
    await asyncio.sleep(0.3)
    made = sum(call.model_id == "limit/m" for call in bench.chat.calls)
    assert made == 5  # the sixth waits for the minute to pass
    for run in runs:
        if (await bench.engine.status(run)).status == "running":
            await bench.engine.cancel(run)


# -- stopping ---------------------------------------------------------------------------------------------------


async def test_cancelling_reaches_calls_and_the_runs_below(bench: Bench) -> None:
    """A call under way is broken off and in doubt, a child run ends too, and nothing is left running."""
    bench.chat.add(*(answer(delay_s=FOREVER_S) for _ in range(3)), model_id="cancel/m")

    async def child(ctx: Ctx) -> Ended:
        await ctx.call("c", purchase("cancel/m"))
        return Ended()

    async def parent(ctx: Ctx) -> Ended:
        await bench.submit(child, parent=ctx.run_id)
        await ctx.parallel(*(lambda n=n: ctx.call(f"c{n}", purchase("cancel/m")) for n in range(2)))
        return Ended()

    run_id = await bench.submit(parent, cap_usd=Decimal(100))
    await bench.until(lambda: bench.chat.under_way == 3)
    children = [line.id for line in await bench.engine.list(limit=2) if line.id != run_id]
    assert (await bench.engine.cancel(run_id)).cancel_requested
    for each in (run_id, *children):
        run = await bench.engine.wait(each, 10)
        assert (run.status, run.cost.reserved_usd) == ("cancelled", Decimal(0))
        assert run.cost.in_doubt_usd > 0
    assert bench.chat.under_way == 0
    with pytest.raises(RunNotCancellable):
        await bench.engine.cancel(run_id)


async def test_a_run_that_fails_stops_the_runs_that_it_started(bench: Bench) -> None:
    """Nothing is left running, and paid, below a run that has ended without success."""
    children: list[str] = []

    async def child(ctx: Ctx) -> Ended:
        await asyncio.sleep(FOREVER_S)
        return Ended()

    async def parent(ctx: Ctx) -> Ended:
        children.append(await bench.submit(child, parent=ctx.run_id))
        await bench.until(lambda: bench.store.runs.status(children[0]) == "running")
        raise StepFailed("no use")

    assert (await bench.run(parent)).status == "failed"
    assert (await bench.engine.wait(children[0], 10)).status == "cancelled"


async def test_a_heartbeat_leaves_runs_alone_that_have_just_begun(bench: Bench) -> None:
    """What is begun while the heartbeat looks for strays is no stray: each run is begun once."""
    done = asyncio.Event()

    async def beat() -> None:
        while not done.is_set():
            await bench.engine._beat()

    async def script(ctx: Ctx) -> Ended:
        await ctx.step("short", value, 1)
        return Ended()

    beating = asyncio.create_task(beat())
    runs = [await bench.submit(script) for _ in range(30)]
    ended = [await bench.engine.wait(run_id, 20) for run_id in runs]
    done.set()
    await beating
    assert {(run.status, run.executions) for run in ended} == {("succeeded", 1)}


async def test_what_the_database_lost_hold_of_is_begun_again(bench: Bench) -> None:
    """A run that is entered as ours while nobody carries it out goes back to the queue with the next heartbeat."""
    begun: list[int] = []

    async def script(ctx: Ctx) -> Ended:
        begun.append(1)
        await asyncio.sleep(FOREVER_S if len(begun) == 1 else 0)
        return Ended()

    run_id = await bench.submit(script)
    await bench.until(lambda: bool(begun))
    await bench.engine.executions.stop()
    await bench.engine._beat()
    run = await bench.engine.wait(run_id, 10)
    assert (run.status, run.executions) == ("succeeded", 2)


async def test_a_deadline_ends_a_run_and_what_it_waits_for(bench: Bench) -> None:
    """The run is `timed_out` in time; the call under way is broken off and its worst case stays counted."""
    bench.chat.add(answer(delay_s=FOREVER_S), model_id="late/m")
    run = await bench.run(lambda ctx: _call_and_end(ctx, "late/m"), timeout_s=2.5)
    assert run.status == "timed_out"
    assert run.error is not None
    assert run.error["code"] == "TIMEOUT"
    assert run.ended_at is not None
    assert (run.ended_at - run.deadline_at).total_seconds() < 5
    assert run.cost.in_doubt_usd == worst_usd()


async def _call_and_end(ctx: Ctx, model: str) -> Ended:
    await ctx.call("c", purchase(model))
    return Ended()


async def test_a_call_that_times_out_is_in_doubt_and_the_run_goes_on(bench: Bench) -> None:
    """A provider's silence is a failure of that call, which may have been billed."""
    bench.chat.add(TimedOut("silence"), TimedOut("silence"), model_id="silent/m")
    (bought,), _ = await _bought(bench, purchase("silent/m", patience_s=2))
    assert isinstance(bought.error, TimedOut)
    assert (bought.tries, bought.in_doubt_usd) == (2, 2 * worst_usd())


# -- submitting and watching ------------------------------------------------------------------------------------


async def test_the_same_key_gives_the_same_run(bench: Bench) -> None:
    """A request sent twice is run once; another request under the key is refused and names the first."""
    spec = RunSpec(mode="scripted", request={"script": "same"}, timeout_s=30)
    bench.scripts["same"] = lambda ctx: _end()
    first = await bench.engine.submit(spec, idempotency_key="k1")
    assert await bench.engine.submit(spec, idempotency_key="k1") == first
    other = RunSpec(mode="scripted", request={"script": "other"}, timeout_s=30)
    with pytest.raises(IdempotencyConflict) as refused:
        await bench.engine.submit(other, idempotency_key="k1")
    assert refused.value.details["runId"] == first
    apart = RunSpec(mode="scripted", request={"script": "same"}, timeout_s=30, key_cap=KeyCap(key="key-2"))
    assert (
        await bench.engine.submit(apart, idempotency_key="k1") != first
    )  # another caller's key is another key


async def _end() -> Ended:
    return Ended()


async def test_runs_are_listed_newest_first(bench: Bench) -> None:
    """Pages follow one another without gaps, and a status selects."""
    ids = [(await bench.run(lambda ctx: _end())).id for _ in range(3)]
    first = await bench.engine.list(limit=2)
    assert [line.id for line in first] == [ids[2], ids[1]]
    then = await bench.engine.list(limit=1, before=first[-1].id, status="succeeded")
    assert [line.id for line in then] == [ids[0]]


async def test_artifacts_outlive_the_run(bench: Bench) -> None:
    """A text is kept once a step and found again by it; a step without one says so."""

    async def script(ctx: Ctx) -> Ended:
        await ctx.artifact("draft", "first", model="vendor/model", name="draft.md")
        await ctx.artifact("draft", "second")
        return Ended()

    run = await bench.run(script)
    kept = await bench.engine.artifact(run.id, "draft")
    assert (kept.content, kept.name, kept.model) == ("first", "draft.md", "vendor/model")
    assert [each.step for each in await bench.engine.artifacts(run.id)] == ["draft"]
    with pytest.raises(NotFound):
        await bench.engine.artifact(run.id, "other")


async def test_what_makes_no_sense_is_refused_before_it_is_stored(bench: Bench) -> None:
    """Unknown modes, runs and parents, endless nesting and huge requests get one clear error each."""
    with pytest.raises(InvalidRequest, match="no mode `mystery`"):
        await bench.engine.submit(RunSpec(mode="mystery", request={}))
    with pytest.raises(TooLarge):
        await bench.engine.submit(RunSpec(mode="scripted", request={"text": "x" * 4_000_001}))
    with pytest.raises(NotFound):
        await bench.engine.submit(RunSpec(mode="scripted", request={}, parent="run_none"))
    with pytest.raises(InvalidRequest, match="idempotency key"):
        await bench.engine.submit(RunSpec(mode="scripted", request={}), idempotency_key="x" * 256)
    for ask in (bench.engine.status, bench.engine.cancel, bench.engine.steps, bench.engine.events):
        with pytest.raises(NotFound):
            await ask("run_none")


async def test_runs_start_runs_only_so_deep(bench: Bench) -> None:
    """The sixth generation is refused, and a child spends from the caps of all above it."""
    depths: list[str] = []

    async def script(ctx: Ctx) -> Ended:
        try:
            child = await bench.submit(script, parent=ctx.run_id)
        except InvalidRequest as error:
            depths.append(error.message)
            bought = await ctx.call("c", purchase())
            return Ended(outcome={"refused": isinstance(bought.error, BudgetExceeded)})
        below = await bench.engine.wait(child, 20)
        return Ended(outcome=below.outcome or {})

    run = await bench.run(script, cap_usd=worst_usd() / 2)
    assert depths == ["runs are nested 5 deep at most"]
    assert run.outcome == {"refused": True}


@pytest.mark.parametrize("mode", Mode)
async def test_every_mode_is_carried_out_alike(bench: Bench, mode: Mode) -> None:
    """Each mode ends with the models' answer, every call on its bill, whatever carries it out."""
    rungs = tuple(
        Rung(model_id=f"vendor/{n}", provider="fake", price=PRICE, prior=0.7, expected_cost_usd=n)
        for n in (1, 2, 3)
    )
    steps = (PlanStep(id="a", task="look"), PlanStep(id="b", task="tell", depends_on=("a",)))
    works = tuple(StepWork(step=step, ladder=rungs) for step in steps)
    job = Job(mode=mode, task="Which is it?", rungs=rungs, works=works, decision_id="dec_1")
    spec = RunSpec(mode=str(mode), request=to_request(job), cap_usd=Decimal(1000), timeout_s=30)
    run = await bench.engine.wait(await bench.engine.submit(spec), 20)
    assert run.status == "succeeded", run.error
    outcome = rebuilt(run.outcome, SpawnOutcome)
    assert (outcome.mode, outcome.output) == (mode, "ok")
    assert outcome.cost.usd == run.cost.spent_usd
    assert [a.step for a in outcome.responses]
