"""Reservations: what is counted is never less than what can be billed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_spawn.errors import BudgetExceeded
from smart_spawn.model import Price, PriceOverride, Rates
from smart_spawn.runs.ports import Message
from smart_spawn.spawn.money import (
    Purse,
    micro_usd,
    most_prompt_tokens,
    output_that_fits,
    worst_case_micro_usd,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
rates = st.decimals(min_value=0, max_value=500, places=4)
prices = st.builds(
    lambda prompt, completion, reasoning, request: Price(
        base=Rates(
            prompt_usd_per_mtok=prompt, completion_usd_per_mtok=completion, reasoning_usd_per_mtok=reasoning
        ),
        request_usd=request,
    ),
    rates,
    rates,
    st.none() | rates,
    st.none() | st.decimals(min_value=0, max_value=1, places=6),
)
tokens = st.integers(min_value=0, max_value=200_000)


def test_amounts_are_rounded_up() -> None:
    """A fraction of a millionth of a dollar counts as a whole one."""
    assert micro_usd(Decimal("0.0000001")) == 1
    assert micro_usd(Decimal("1.5")) == 1_500_000
    assert micro_usd(Decimal(0)) == 0


@given(price=prices, prompt=tokens, output=tokens, share=st.floats(0, 1), used=st.floats(0, 1))
def test_no_call_costs_more_than_its_worst_case(
    price: Price, prompt: int, output: int, share: float, used: float
) -> None:
    """Whatever part of the output is used, and whatever part of that is thinking, the worst case covers it."""
    worst = worst_case_micro_usd(price, prompt_tokens=prompt, max_output_tokens=output, at=NOW)
    completion = int(output * used)
    actual = price.cost_usd(
        prompt_tokens=prompt, completion_tokens=completion, reasoning_tokens=int(completion * share), at=NOW
    )
    assert worst is not None
    assert actual is not None
    assert micro_usd(actual) <= worst


@given(price=prices, prompt=tokens, most=st.integers(1, 200_000), left=st.integers(0, 10_000_000))
def test_the_output_that_fits_does_fit(price: Price, prompt: int, most: int, left: int) -> None:
    """The output limit derived from the money left never costs more than that, nor exceeds the model's own."""
    fitting = output_that_fits(price, left, prompt_tokens=prompt, most=most, at=NOW)
    worst = worst_case_micro_usd(price, prompt_tokens=prompt, max_output_tokens=fitting, at=NOW)
    assert worst is not None
    assert 0 <= fitting <= most
    assert fitting == 0 or worst <= left


def test_long_prompts_are_priced_at_their_own_rates() -> None:
    """The worst case uses the rates that hold for a prompt of this length."""
    price = Price(
        base=Rates(prompt_usd_per_mtok=Decimal(1), completion_usd_per_mtok=Decimal(2)),
        overrides=(PriceOverride(rates=Rates(prompt_usd_per_mtok=Decimal(3)), min_prompt_tokens=200_000),),
    )
    short = worst_case_micro_usd(price, prompt_tokens=200_000, max_output_tokens=0, at=NOW)
    long = worst_case_micro_usd(price, prompt_tokens=200_001, max_output_tokens=0, at=NOW)
    assert (short, long) == (200_000, 600_003)


def test_an_unknown_price_has_no_worst_case() -> None:
    """Unknown is not free."""
    assert worst_case_micro_usd(Price(), prompt_tokens=1, max_output_tokens=1, at=NOW) is None


@pytest.mark.parametrize("text", ["plain words", "日本語のテキスト", "🦜🦜🦜", "\ud800"])
def test_a_prompt_never_has_more_tokens_than_bytes(text: str) -> None:
    """The count covers every script, also half a surrogate pair."""
    counted = most_prompt_tokens([Message(role="user", content=text)])
    assert counted >= len(text.encode("utf-8", "replace"))


def test_a_purse_holds_what_is_reserved_until_it_is_settled() -> None:
    """Reserve 600, pay 200: 800 of 1,000 are left; a bill that nobody knows stays reserved."""
    purse = Purse(cap_micro_usd=1000).reserve(600)
    assert purse.left_micro_usd == 400
    assert purse.settle(600, 200).left_micro_usd == 800
    assert purse.settle(600, 0).left_micro_usd == 1000
    assert purse.settle(600, None).left_micro_usd == 400


def test_what_does_not_fit_is_refused_with_the_figures() -> None:
    """The message names the worst case and what is left, in USD without an exponent."""
    with pytest.raises(BudgetExceeded) as caught:
        Purse(cap_micro_usd=10).reserve(11)
    assert "0.000011 USD" in caught.value.message
    assert "maxCostUsd" in caught.value.hint


def test_without_a_cap_everything_fits() -> None:
    """No limit is no limit."""
    assert Purse().reserve(10**12).left_micro_usd is None


@given(steps=st.lists(st.tuples(st.integers(0, 500), st.none() | st.floats(0, 1)), max_size=30))
def test_a_run_never_spends_more_than_its_cap(steps: list[tuple[int, float | None]]) -> None:
    """Whatever is reserved and settled in whatever order, spent and held together stay below the cap."""
    purse = Purse(cap_micro_usd=1000)
    for amount, share in steps:
        try:
            purse = purse.reserve(amount)
        except BudgetExceeded:
            continue
        purse = purse.settle(amount, None if share is None else int(amount * share))
        assert purse.spent_micro_usd + purse.held_micro_usd <= 1000
