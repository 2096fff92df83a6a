"""Single mode: candidates in order, failures by the table, money and time kept within their limits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from smart_spawn.errors import (
    AuthFailed,
    BadAnswer,
    BadRequest,
    BudgetExceeded,
    ContextTooLong,
    ModelNotServed,
    NoProvider,
    Overloaded,
    PaymentRequired,
    ProviderError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from smart_spawn.model import Mode, Price, Rates
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.runs.ports import Usage
from smart_spawn.spawn.calls import MAX_OUTPUT_TOKENS, MIN_OUTPUT_TOKENS
from smart_spawn.spawn.carry import Job, carry
from smart_spawn.spawn.inline import InlineCtx
from smart_spawn.spawn.money import Purse
from smart_spawn.spawn.outcome import Baseline, Rung, SpawnOutcome
from smart_spawn.spawn.plan import Step
from smart_spawn.spawn.swarm import StepWork

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHEAP = Price(base=Rates(prompt_usd_per_mtok=Decimal("1"), completion_usd_per_mtok=Decimal("2")))
DEAR = Price(base=Rates(prompt_usd_per_mtok=Decimal("10"), completion_usd_per_mtok=Decimal("40")))
USAGE = Usage(prompt_tokens=1000, completion_tokens=500)


def rung(model_id: str = "a/first", **options: Any) -> Rung:
    values: dict[str, Any] = {"model_id": model_id, "provider": "p", "price": CHEAP}
    return Rung(**(values | options))


LADDER = [rung("a/first"), rung("b/second"), rung("c/third", provider="q")]


async def nobody(job: Job, steps: Sequence[Step]) -> list[StepWork]:
    """Stand in for the routing of planned steps, which single mode has not."""
    return []


async def run(
    chat: FakeProvider,
    ladder: list[Rung] | None = None,
    waits: list[float] | None = None,
    *,
    cap_usd: str | None = None,
    may_be_unknown: bool = True,
    baseline: Baseline | None = None,
) -> SpawnOutcome:
    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    ctx = InlineCtx(
        chat=chat,
        clock=lambda: NOW,
        random=lambda: 0.5,
        sleep=sleep,
        purse=Purse(cap_micro_usd=None if cap_usd is None else int(Decimal(cap_usd) * 1_000_000)),
        allow_unknown_price=may_be_unknown,
    )
    job = Job(mode=Mode.SINGLE, task="say something", rungs=tuple(ladder or LADDER), baseline=baseline)
    return await carry(ctx, job, nobody)


def models(outcome: SpawnOutcome) -> list[str]:
    return [attempt.model for attempt in outcome.responses]


async def test_the_first_candidate_does_the_task() -> None:
    """One call, the task as the only message, and its text is the output."""
    chat = FakeProvider(["done"])
    outcome = await run(chat)
    assert (outcome.status, outcome.output, outcome.model) == ("succeeded", "done", "a/first")
    assert outcome.error is None
    assert [(m.role, m.content) for m in chat.calls[0].messages] == [("user", "say something")]
    outcome.raise_failure()  # nothing to raise


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        pytest.param(RateLimited("x"), ["a/first", "a/first"], id="rate limited: once more"),
        pytest.param(Overloaded("x"), ["a/first", "a/first"], id="overloaded: once more"),
        pytest.param(TimedOut("x"), ["a/first", "a/first"], id="timed out: once more"),
        pytest.param(Unreachable("x"), ["a/first", "a/first"], id="unreachable: once more"),
        pytest.param(BadAnswer("x"), ["a/first", "b/second"], id="bad answer: the next model"),
        pytest.param(ContextTooLong("x"), ["a/first", "b/second"], id="context too long: the next model"),
        pytest.param(Refused("x"), ["a/first", "b/second"], id="refused: the next model"),
        pytest.param(ModelNotServed("x"), ["a/first", "b/second"], id="not served: the next model"),
        pytest.param(NoProvider("x"), ["a/first", "b/second"], id="no provider: the next model"),
        pytest.param(AuthFailed("x"), ["a/first", "c/third"], id="key refused: another provider"),
        pytest.param(PaymentRequired("x"), ["a/first", "c/third"], id="no credit: another provider"),
        pytest.param(BadRequest("x"), ["a/first"], id="bad request: stop"),
    ],
)
async def test_what_follows_a_failure(error: ProviderError, asked: list[str]) -> None:
    """Each type of failure leads where the table says, and nowhere else."""
    chat = FakeProvider([error, "done"])
    outcome = await run(chat)
    assert [call.model_id for call in chat.calls] == asked
    assert outcome.status == ("failed" if isinstance(error, BadRequest) and len(asked) == 1 else "succeeded")


async def test_a_failure_that_lasts_is_tried_twice_and_then_left() -> None:
    """The retry is one; after it the next candidate has its turn, and both candidates are on record."""
    chat = FakeProvider({"a/first": [Overloaded("x"), Overloaded("x")], "b/second": ["done"]})
    outcome = await run(chat)
    assert [call.model_id for call in chat.calls] == ["a/first", "a/first", "b/second"]
    assert [type(a.error) for a in outcome.responses] == [Overloaded, type(None)]
    assert outcome.model == "b/second"


async def test_when_nobody_can_the_last_error_tells_of_all_attempts() -> None:
    """The outcome fails with the last provider's error, which lists who was asked."""
    chat = FakeProvider([Refused("no"), ContextTooLong("too long"), BadAnswer("nothing")])
    outcome = await run(chat)
    assert (outcome.status, outcome.output, outcome.model) == ("failed", "", None)
    with pytest.raises(BadAnswer) as caught:
        outcome.raise_failure()
    assert [a["model"] for a in caught.value.details["attempts"]] == ["a/first", "b/second", "c/third"]
    assert [a["error"] for a in caught.value.details["attempts"]] == [
        "Refused",
        "ContextTooLong",
        "BadAnswer",
    ]


async def test_a_refused_key_without_another_provider_ends_the_run() -> None:
    """The other models of the provider that refused our key are not tried."""
    chat = FakeProvider([AuthFailed("bad key")])
    outcome = await run(chat, [rung("a/first"), rung("b/second")])
    assert len(chat.calls) == 1
    assert isinstance(outcome.error, AuthFailed)


async def test_a_missing_provider_is_the_error_only_when_nothing_else_went_wrong() -> None:
    """`NO_PROVIDER` is said when nobody was called; a call that failed tells more."""
    alone = await run(FakeProvider([NoProvider("a"), NoProvider("b"), NoProvider("c")]))
    assert isinstance(alone.error, NoProvider)
    mixed = await run(FakeProvider([Refused("no"), NoProvider("b"), NoProvider("c")]))
    assert isinstance(mixed.error, Refused)


@pytest.mark.parametrize(
    ("retry_after_s", "ladder", "waited", "asked"),
    [
        pytest.param(3.0, LADDER, [3.0], ["a/first", "a/first"], id="as asked"),
        pytest.param(None, LADDER, [0.75], ["a/first", "a/first"], id="half a second and a random part"),
        pytest.param(30.0, LADDER, [], ["a/first", "b/second"], id="too long while others are left"),
        pytest.param(30.0, LADDER[:1], [30.0], ["a/first", "a/first"], id="long, but nobody else is left"),
        pytest.param(90.0, LADDER[:1], [], ["a/first"], id="too long for anybody"),
    ],
)
async def test_retry_after_is_honoured_where_it_fits(
    retry_after_s: float | None, ladder: list[Rung], waited: list[float], asked: list[str]
) -> None:
    """What the provider asks for is waited for, unless another candidate is there, or it is more than a minute."""
    chat = FakeProvider([RateLimited("busy", retry_after_s=retry_after_s), "done"])
    waits: list[float] = []
    await run(chat, ladder, waits)
    assert waits == waited
    assert [call.model_id for call in chat.calls] == asked


async def test_the_bill_of_the_provider_beats_the_list_price() -> None:
    """A reported cost is the cost; the list price of the same tokens stands beside it."""
    chat = FakeProvider([Scripted(text="done", usage=USAGE, cost_usd=Decimal("0.0015"))])
    cost = (await run(chat)).cost
    assert (cost.usd, cost.source, cost.estimated_usd) == (Decimal("0.0015"), "provider", Decimal("0.002"))


async def test_without_a_bill_the_list_price_counts() -> None:
    """1,000 tokens at 1 USD and 500 at 2 USD per million are 0.002 USD; the baseline is dearer."""
    chat = FakeProvider([Scripted(text="done", usage=USAGE)])
    cost = (await run(chat, baseline=Baseline(model_id="z/dear", price=DEAR))).cost
    assert (cost.usd, cost.source) == (Decimal("0.002"), "list-price")
    assert (cost.baseline, cost.baseline_usd, cost.saved_usd) == ("z/dear", Decimal("0.03"), Decimal("0.028"))


async def test_an_unknown_cost_is_not_zero() -> None:
    """Without bill and price the cost is unknown, nothing was saved, and a warning says so."""
    chat = FakeProvider([Scripted(text="done", usage=USAGE)])
    outcome = await run(
        chat,
        [rung(price=Price())],
        baseline=Baseline(model_id="z/dear", price=DEAR),
        cap_usd="5",
    )
    assert (outcome.cost.usd, outcome.cost.source, outcome.cost.saved_usd) == (None, "unknown", None)
    assert "no known price" in outcome.warnings[0]


async def test_a_model_without_a_price_is_not_called_under_the_callers_cap() -> None:
    """A cap that cannot be kept is a refusal, before anything is spent."""
    chat = FakeProvider(["done"])
    outcome = await run(chat, [rung(price=Price())], cap_usd="1", may_be_unknown=False)
    assert outcome.status == "budget_exceeded"
    assert not chat.calls


async def test_a_worst_case_above_the_cap_is_refused_before_the_call() -> None:
    """When not even a short answer fits the cap, nobody is called."""
    chat = FakeProvider(["done"])
    outcome = await run(chat, cap_usd="0.0001")
    assert outcome.status == "budget_exceeded"
    assert not chat.calls
    with pytest.raises(BudgetExceeded, match="maxCostUsd"):
        outcome.raise_failure()


async def test_a_cheaper_candidate_runs_where_the_first_is_too_dear() -> None:
    """The cap passes over a dear model and takes the next one that fits."""
    chat = FakeProvider(["done"])
    outcome = await run(chat, [rung("a/dear", price=DEAR), rung("b/cheap")], cap_usd="0.01")
    assert [call.model_id for call in chat.calls] == ["b/cheap"]
    assert outcome.status == "succeeded"


async def test_a_tight_cap_shortens_the_answer_it_allows() -> None:
    """The output limit sent to the model is what the cap pays for, and the worst case stays below it."""
    chat = FakeProvider(["done"])
    await run(chat, cap_usd="0.01")
    room = chat.calls[0].max_output_tokens
    assert room is not None
    assert MIN_OUTPUT_TOKENS < room < MAX_OUTPUT_TOKENS
    assert room * 2 <= 10_000  # micro-USD at 2 USD per million tokens


async def test_calls_in_doubt_count_against_the_cap() -> None:
    """A call that timed out may be billed, so the retry has to fit beside it."""
    chat = FakeProvider([TimedOut("x"), "done"])
    outcome = await run(chat, LADDER[:1], cap_usd="0.004")
    assert len(chat.calls) == 1
    assert isinstance(outcome.error, TimedOut)
    assert Decimal(0) < outcome.cost.in_doubt_usd <= Decimal("0.004")


async def test_calls_that_were_turned_away_cost_nothing() -> None:
    """A rate limit is not billed: its reservation is free again for the retry."""
    chat = FakeProvider([RateLimited("x"), "done"])
    outcome = await run(chat, LADDER[:1], cap_usd="0.004")
    assert outcome.status == "succeeded"
    assert outcome.cost.in_doubt_usd == 0


async def test_an_effort_goes_only_to_a_model_that_takes_one() -> None:
    """`supports_effort` decides whether the effort is sent."""
    chat = FakeProvider()
    await run(chat, [rung(effort="high", supports_effort=True)])
    await run(chat, [rung(effort="high", supports_effort=False)])
    assert [call.reasoning_effort for call in chat.calls] == ["high", None]


async def test_a_cut_answer_is_given_with_a_warning() -> None:
    """Where nobody gives a whole one, text that stopped at the limit is an answer, and says that it is cut."""
    outcome = await run(FakeProvider([Scripted(text="half of", finish_reason="length")] * 3))
    assert outcome.output == "half of"
    assert "cut off" in outcome.warnings[0]
