"""What steps return and raise survives the journal unchanged."""

from decimal import Decimal

import pytest

from smart_spawn.errors import BudgetExceeded, NoCatalog, RateLimited, StepFailed
from smart_spawn.runs.ports import ModelAnswer, Purchased, Usage
from smart_spawn.runs.wire import error_from_json, error_to_json, from_json, to_json


def test_errors_keep_their_type_and_all_that_retrying_looks_at() -> None:
    """A rate limit read back is a rate limit, with its wait."""
    error = RateLimited(
        "slow", provider="p", model="m", status=429, retry_after_s=2, hint="wait", details={"a": 1}
    )
    again = error_from_json(error_to_json(error))
    assert isinstance(again, RateLimited)
    assert vars(again) == vars(error)


def test_a_cap_read_back_is_a_cap() -> None:
    """BudgetExceeded decides how a run ends, so it must come back as itself."""
    again = error_from_json(error_to_json(BudgetExceeded("no money", hint="more", details={"leftUsd": "0"})))
    assert isinstance(again, BudgetExceeded)
    assert (again.hint, again.details) == ("more", {"leftUsd": "0"})


def test_errors_from_elsewhere_become_failed_steps() -> None:
    """What was raised outside of runs keeps its words."""
    again = error_from_json(error_to_json(NoCatalog("none", hint="refresh")))
    assert isinstance(again, StepFailed)
    assert (again.message, again.hint) == ("none", "refresh")


def test_a_purchase_comes_back_as_it_was() -> None:
    """Answer, money and failure of a call survive to the last digit."""
    answer = ModelAnswer(
        text="é\0x",
        finish_reason="stop",
        usage=Usage(prompt_tokens=1, completion_tokens=2),
        cost_usd=Decimal("0.10"),
        model="m",
        provider="p",
        latency_ms=1.5,
    )
    done = Purchased(step="s", model="m", provider="p", answer=answer, cost_usd=Decimal("0.10"), tries=1)
    assert from_json(to_json(done, "s"), Purchased) == done
    failed = Purchased(step="s", model="m", provider="p", error=RateLimited("slow", retry_after_s=3))
    again = from_json(to_json(failed, "s"), Purchased)
    assert isinstance(again.error, RateLimited)
    assert again.error.retry_after_s == 3


def test_what_json_cannot_hold_is_refused_by_name() -> None:
    """A step that returns an object is told so when it happens, not after the crash."""
    with pytest.raises(StepFailed, match="step `s` returned a `object`"):
        to_json(object(), "s")
