"""Logs under every policy, over three models: what is summed, compared, left out and suggested."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from smart_spawn.lab.call import LoggedCall
from smart_spawn.lab.policies import Prices
from tests.unit.builders import NOW, catalog, listing, price
from tests.unit.cli.conftest import Cli, cli, small_catalog

__all__ = ["cli", "small_catalog"]  # fixtures


def answer(model: str, prompt: int = 1_000, completion: int = 100, ask: str = "") -> dict[str, Any]:
    return {
        "model": model,
        "created": 1_790_000_000,
        "messages": [{"role": "user", "content": ask or "Write a Python function that parses a date"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
    }


def write(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_log_is_priced_under_every_policy(cli: Cli, tmp_path: Path) -> None:
    """The same tokens at each policy's model: 1,000 in and 100 out of a model of 3 and 15 USD cost 0.0045."""
    path = write(tmp_path / "log.jsonl", *[answer("acme/good-1")] * 3, answer("zeta/eyes-1"))
    found = cli("replay", path, "--json").json
    assert found["log"]["calls"] == found["log"]["comparedCalls"] == 4
    assert found["logged"]["costUsd"] == pytest.approx(3 * 0.0045 + 0.018)
    low = found["policies"]["low"]
    assert low["models"] == [{"model": "acme/cheap-1", "calls": 4}]
    assert low["costUsd"] == pytest.approx(4 * 0.0003)
    assert low["savedUsd"] == pytest.approx(found["logged"]["costUsd"] - 4 * 0.0003)
    assert found["policies"]["always-strongest"]["models"][0]["model"] == "zeta/eyes-1"
    assert found["policies"]["always-cheapest"]["models"][0]["model"] == "acme/cheap-1"
    assert found["policies"]["current"]["costUsd"] == found["policies"]["medium"]["costUsd"]


def test_disagreements_say_what_would_change(cli: Cli, tmp_path: Path) -> None:
    """Which model for which, how often, and what that costs and scores; agreement is no disagreement."""
    path = write(tmp_path / "log.jsonl", answer("acme/good-1"), answer("zeta/eyes-1"))
    found = cli("replay", path, "--json").json["disagreements"]
    assert (found["calls"], found["share"]) == (1, 0.5)
    row = found["top"][0]
    assert (row["category"], row["logged"], row["chosen"]) == ("coding", "zeta/eyes-1", "acme/good-1")
    assert row["scoreDifference"] > 0
    assert row["chosenUsd"] < row["loggedUsd"]


def test_the_frontier_and_the_suggestion_follow_from_the_sums(cli: Cli, tmp_path: Path) -> None:
    """Each further point costs more and scores better; the suggestion scores about as well as what was used."""
    path = write(tmp_path / "log.jsonl", *[answer("zeta/eyes-1")] * 5)
    found = cli("replay", path, "--json").json
    points = [(p["costUsdPerCall"], p["meanScore"]) for p in found["frontier"]]
    assert points == sorted(points)
    assert len({score for _, score in points}) == len(points)
    assert found["suggested"]["settings"] == {"default_budget": "medium"}
    assert "less" in found["suggested"]["why"]


def test_unknown_models_are_listed_and_compared_by_their_bill(cli: Cli, tmp_path: Path) -> None:
    """Nothing is guessed: without a price or a bill a call is counted and left out."""
    spend = {"spend": 0.5, "call_type": "acompletion", "startTime": "2026-11-20", "model": "own/secret-model"}
    path = write(
        tmp_path / "log.jsonl",
        spend | {"prompt_tokens": 10, "completion_tokens": 1},
        answer("own/secret-model"),
        {"model": "acme/good-1", "usage": {}},
    )
    log = cli("replay", path, "--json").json["log"]
    assert log["unknownModels"] == [{"model": "own/secret-model", "calls": 2}]
    assert (log["comparedCalls"], log["withoutPrice"], log["withoutTokens"]) == (1, 1, 1)


def test_images_and_long_prompts_limit_the_choice(cli: Cli, tmp_path: Path) -> None:
    """A call with an image goes to a model that sees; one that fits no window is unanswered, not free."""
    picture = answer("zeta/eyes-1")
    picture["messages"][0]["content"] = [{"type": "text", "text": "What is this?"}, {"type": "image_url"}]
    found = cli("replay", write(tmp_path / "a.jsonl", picture), "--json").json
    assert found["policies"]["any"]["models"][0]["model"] == "zeta/eyes-1"
    found = cli("replay", write(tmp_path / "b.jsonl", answer("acme/good-1", prompt=500_000)), "--json").json
    assert "medium" not in found["policies"]


def test_prompts_reach_no_output(cli: Cli, tmp_path: Path) -> None:
    """Neither screen, nor JSON, nor report holds a word of them."""
    path = write(tmp_path / "log.jsonl", answer("acme/good-1", ask="Refactor the zanzibar-canary parser"))
    report = tmp_path / "report.md"
    shown = [cli("replay", path, "--report", str(report)), cli("replay", path, "--json")]
    texts = [part for answer in shown for part in (answer.out, answer.err)] + [report.read_text()]
    assert all("canary" not in text for text in texts)
    assert "## Policies" in texts[-1]


def test_people_get_tables(cli: Cli, tmp_path: Path) -> None:
    """What was read and left out comes before the numbers."""
    body = json.dumps(answer("acme/good-1")) + "\nnot json\n"
    (tmp_path / "log.jsonl").write_text(body)
    out = cli("replay", str(tmp_path / "log.jsonl")).out
    assert out.index("1 not JSON") < out.index("always-strongest")
    assert "suggested: default_budget" in out


def test_a_log_without_calls_says_so(cli: Cli, tmp_path: Path) -> None:
    """One message with counts and the way out, whatever the file holds."""
    for body in ("", "hello\nworld\n", '{"a": 1}\n'):
        (tmp_path / "log.jsonl").write_text(body)
        answered = cli("replay", str(tmp_path / "log.jsonl"))
        assert answered.code == 2
        assert "no call was found" in answered.err
        assert "hint:" in answered.err
    assert cli("replay").code == 2
    assert "there is no file" in cli("replay", str(tmp_path / "missing.jsonl")).err


def test_stored_decisions_are_a_log_too(cli: Cli) -> None:
    """What this installation decided is replayed without a file."""
    cli("route", "Write a Python function", "--budget", "high", "--json")
    cli("route", "Write another Python function", "--budget", "low", "--json")
    found = cli("replay", "--stored", "--json").json
    assert found["log"]["formats"] == {"smart-spawn": 2}
    assert found["log"]["guessedAnswerTokens"] == 2
    assert found["logged"]["costUsd"] > 0


def test_prices_are_those_of_the_day() -> None:
    """Of the newest change before the call; before the first one is known, and without a date, today's."""
    held = catalog([listing("acme/good-1", "3")], {"acme/good-1": {"lmarena_overall": 1.0}})
    history = [(date(2026, 1, 1), price("10", "10")), (date(2026, 6, 1), price("5", "5"))]
    prices = Prices(catalog=held, history=lambda _: history, now=NOW)

    def cost(at: datetime | None) -> tuple[float | None, bool]:
        call = LoggedCall(format="openai", model="acme/good-1", at=at, prompt_tokens=1_000_000)
        return prices.cost_usd("acme/good-1", call, 0)

    assert cost(datetime(2026, 3, 1, tzinfo=UTC)) == (10.0, True)
    assert cost(datetime(2026, 6, 1, tzinfo=UTC)) == (5.0, True)
    assert cost(datetime(2025, 1, 1, tzinfo=UTC)) == (3.0, False)
    assert cost(None) == (3.0, False)
