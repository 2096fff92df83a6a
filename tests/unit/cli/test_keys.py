"""Keys on the command line: what they cost, and what is given back of it."""

from __future__ import annotations

import pytest

from smart_spawn.app.smart_spawn import utc_now
from smart_spawn.settings import Settings
from smart_spawn.store import open_store
from smart_spawn.store.keys import purse_key
from tests.unit.cli.conftest import Cli


@pytest.fixture
def broken_off(cli: Cli) -> str:
    """Return the id of a key with a call of 0.9 USD that broke off, under a cap of one dollar a month."""
    made = cli("keys", "create", "agent", "--scope", "execute", "--cap-usd", "1", "--monthly", "--json")
    key: str = made.json["data"]["id"]
    with open_store(Settings()) as store:
        assert store.purses.reserve(purse_key(key, "month", utc_now()), 900_000, cap=1_000_000) is None
    return key


def test_what_was_not_billed_is_given_back(cli: Cli, broken_off: str) -> None:
    """The rest counts on, as `keys list` shows."""
    assert cli("keys", "show", broken_off, "--json").json["data"]["spentUsd"] == 0.9
    answer = cli("keys", "credit", broken_off, "0.65", "--json")
    assert (answer.code, answer.json["data"]["spentUsd"]) == (0, 0.25)
    assert "0.25" in cli("keys", "list").out


@pytest.mark.parametrize("amount", ["0.91", "0", "nan", "inf", "1e300", "-0.1"])
def test_no_more_is_given_back_than_counts(cli: Cli, broken_off: str, amount: str) -> None:
    """Nothing changes, and the message says what counts."""
    answer = cli("keys", "credit", broken_off, "--", amount)
    assert answer.code != 0
    assert cli("keys", "show", broken_off, "--json").json["data"]["spentUsd"] == 0.9


def test_a_key_that_is_not_there_is_named(cli: Cli) -> None:
    """As everywhere."""
    answer = cli("keys", "credit", "key_none", "1")
    assert answer.code != 0
    assert "key_none" in answer.err
