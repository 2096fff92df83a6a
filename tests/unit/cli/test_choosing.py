"""`route`, `explain`, `replay`: a choice on the command line."""

from __future__ import annotations

import pytest

from smart_spawn.cli.fields import routing_fields, spawning_fields
from smart_spawn.routing.request import MAX_TASK_CHARS, RouteRequest
from smart_spawn.spawn.request import SpawnRequest
from tests.unit.cli.conftest import Cli

TASK = "Refactor this Python function to use asyncio"


def test_a_choice_fits_one_screen_and_says_why(cli: Cli) -> None:
    """People get the model, reason, price, cost, evidence, fallbacks and the age of the data, in 24 lines."""
    answer = cli("route", TASK)
    assert answer.code == 0
    assert answer.out.startswith("acme/good-1\n")
    for word in (
        "confidence",
        "USD per million tokens",
        "for this task",
        "fallbacks",
        "lmarena_coding",
        "ago",
    ):
        assert word in answer.out
    assert len(answer.out.splitlines()) <= 24
    assert answer.err == ""


def test_json_is_the_routing_decision_and_nothing_else(cli: Cli) -> None:
    """Programs read one document in the shape of `POST /route`."""
    decision = cli("route", TASK, "--budget", "low", "--json").json
    assert decision["selected"]["model"] == "acme/cheap-1"
    assert {"id", "confidence", "rejected", "catalogVersion", "alternatives"} <= decision.keys()


def test_several_models_come_in_the_shape_of_recommend(cli: Cli) -> None:
    """`--count` answers a ranked list."""
    answer = cli("route", TASK, "--count", "2", "--budget", "any", "--json").json
    assert [row["model"]["id"] for row in answer["data"]] == ["acme/good-1", "zeta/eyes-1"]
    assert "zeta/eyes-1" in cli("route", TASK, "--count", "2", "--budget", "any").out


def test_a_decision_can_be_explained_and_replayed_later(cli: Cli) -> None:
    """The id that `route` prints leads back to the reasons, and the same inputs to the same answer."""
    decision = cli("route", TASK, "--json").json
    explained = cli("explain", decision["id"])
    assert "acme/good-1" in explained.out
    assert "ruled out" in explained.out
    assert cli("explain", decision["id"], "--json").json["selected"] == decision["selected"]
    replayed = cli("replay", decision["id"])
    assert replayed.code == 0
    assert "the same" in replayed.out
    assert cli("replay", decision["id"], "--json").json["same"] is True


def test_verbose_lists_who_stayed_and_who_was_ruled_out(cli: Cli) -> None:
    """`--verbose` names every candidate, and every rejected model with its filter."""
    answer = cli("route", TASK, "--verbose")
    rejected = next(line for line in answer.out.splitlines() if line.startswith("zeta/eyes-1"))
    assert rejected.split() == ["zeta/eyes-1", "budget"]


@pytest.mark.parametrize("task", [b"Refactor this Python function", b"\xef\xbb\xbfRefactor this\r\n"])
def test_a_dash_reads_the_task_from_a_pipe(cli: Cli, task: bytes) -> None:
    """Long tasks come through standard input, a byte order mark notwithstanding."""
    decision = cli("route", "-", "--json", stdin=task).json
    assert decision["task"]["characters"] == len(task.decode("utf-8-sig"))


OPTIONS: list[tuple[list[str], dict[str, object]]] = [
    (["--budget", "low"], {"budget": "low"}),
    (["--category", "coding"], {"category": "coding"}),
    (["--weight", "coding=1.3", "--weight", "vision=0"], {"categoryWeights": {"coding": 1.3, "vision": 0}}),
    (["--weight", "coding=1.3,vision=2"], {"categoryWeights": {"coding": 1.3, "vision": 2}}),
    (["--min-capability", "55"], {"minCapability": 55}),
    (["--require", "json,vision"], {"require": ["json", "vision"]}),
    (["--min-context", "9000"], {"minContext": 9000}),
    (["--attach", "image"], {"attachments": [{"type": "image"}]}),
    (["--exclude", "a/b", "--exclude", "c/*"], {"exclude": ["a/b", "c/*"]}),
    (["--only", "a/*"], {"only": ["a/*"]}),
    (["--models", "a/b,c/d"], {"models": ["a/b", "c/d"]}),
    (["--pin", "a/b"], {"pin": "a/b"}),
    (["--context", "rust"], {"context": ["rust"]}),
    (["--deny-provider", "x"], {"dataPolicy": {"providers": {"deny": ["x"]}}}),
    (["--allow-provider", "x"], {"dataPolicy": {"providers": {"allow": ["x"]}}}),
    (["--region", "eu"], {"dataPolicy": {"regions": ["eu"]}}),
    (["--no-training"], {"dataPolicy": {"allowTraining": False}}),
    (["--zero-retention"], {"dataPolicy": {"zeroRetention": True}}),
    (["--session-id", "s"], {"sessionId": "s"}),
    (["--count", "3"], {"count": 3}),
    (["--diversity", "high"], {"diversity": "high"}),
    (["--no-explore"], {"explore": False}),
    (["--current", "acme/good-1"], {"current": "acme/good-1"}),
    (["--verbose"], {"verbose": True}),
]


@pytest.mark.parametrize(("words", "fields"), OPTIONS, ids=str)
def test_each_option_is_the_field_of_the_same_name(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], fields: dict[str, object]
) -> None:
    """What is typed arrives in the request, unchanged and without anything else."""
    seen = []

    def request(_app: object, **options: object) -> RouteRequest:
        seen.append(RouteRequest.of(options))
        raise KeyboardInterrupt

    monkeypatch.setattr("smart_spawn.app.SmartSpawn.request", request)
    assert cli("route", TASK, *words).code == 130
    assert seen == [RouteRequest.of({"task": TASK, **fields})]


def test_no_field_of_a_request_is_left_without_an_option() -> None:
    """A field that is added to requests gets an option, or is named here with the reason."""
    shared = {name for words, fields in OPTIONS for name in fields}
    spelled = {RouteRequest.model_fields[name].alias or name for name in RouteRequest.model_fields}
    assert spelled - shared == {"task"}
    own = {SpawnRequest.model_fields[name].alias for name in SpawnRequest.model_fields} - spelled
    given = spawning_fields("plan", 1.0, "1", "m/judge", 0.5, 1, True, "x", ["a"], "analyst", True)
    assert own - {"wait"} == given.keys()
    assert spawning_fields() == {}
    assert routing_fields() == {}


WRONG = [
    (["route", ""], 2, "`task` is empty"),
    (["route"], 2, "`task` is empty"),
    (["route", TASK, "--budget", "lwo"], 2, "one of: low, medium, high, any"),
    (["route", TASK, "--category", "codin"], 2, "one of: coding"),
    (["route", TASK, "--weight", "codin=1"], 2, "codin"),
    (["route", TASK, "--weight", "coding=-1"], 2, "greater than or equal to 0"),
    (["route", TASK, "--weight", "coding"], 2, "--weight coding=1.3"),
    (["route", TASK, "--weight", "coding=lots"], 2, "categoryWeights.coding"),
    (["route", TASK, "--pin", "acme/god-1"], 2, "did you mean `acme/good-1`"),
    (["route", TASK, "--require", "sight"], 2, "vision"),
    (["route", TASK, "--count", "6"], 2, "less than or equal to 5"),
    (["route", TASK, "--min-capability", "nan"], 2, "minCapability"),
    (["route", TASK, "--bugdet", "low"], 2, "smart-spawn route --help"),
    (["route", TASK, "and", "more"], 2, "smart-spawn route --help"),
    (["roote", TASK], 2, "smart-spawn --help"),
    (
        ["route", TASK, "--budget", "low", "--attach", "image"],
        3,
        "the cheapest budget that has one is `high`",
    ),
    (["route", TASK, "--exclude", "*"], 3, "no model satisfies the request"),
    (["explain", "dec_none"], 1, "there is no decision `dec_none`"),
    (["models", "acme/good-2"], 2, "did you mean `acme/good-1`"),
    (["models", "--limit", "0"], 2, "between 1 and 500"),
    (["models", "--tier", "cheap"], 2, "premium, standard, budget"),
    (["models", "--category", "cooking"], 2, "one of: coding"),
    (["models", "--sort", "name"], 2, "one of: score"),
    (["compare", "acme/good-1"], 2, "name two to five"),
    (["catalog", "unmatched", "--source", "openroutr"], 2, "one of: openrouter"),
    (["refresh", "--source", "openroutr"], 2, "one of: openrouter"),
    (["route", TASK, "--config", "absent.toml"], 2, "`absent.toml` does not exist"),
    (["catalog", "export", "absent/folder/file.gz"], 2, "cannot be written"),
]


@pytest.mark.parametrize(("words", "code", "says"), WRONG, ids=lambda value: str(value)[:50])
def test_wrong_use_is_one_clear_error(cli: Cli, words: list[str], code: int, says: str) -> None:
    """Cause and way out on standard error, nothing on standard output, the exit code of the contract."""
    answer = cli(*words)
    assert answer.code == code
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert says in answer.err
    assert len(answer.err.splitlines()) <= 2
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(("words", "code", "says"), WRONG, ids=lambda value: str(value)[:50])
def test_programs_get_the_same_error_as_json(cli: Cli, words: list[str], code: int, says: str) -> None:
    """With `--json` the error is the one document on standard output, in the shape of every surface."""
    answer = cli(*words, "--json")
    assert answer.code == code
    error = answer.json["error"]
    assert {"code", "message", "hint", "details"} == error.keys()
    assert says in f"{error['message']}\n{error['hint']}"


BAD_TASKS = [
    (b"", "`task` is empty"),
    (b" \n\t ", "`task` is empty"),
    (b"x" * (MAX_TASK_CHARS + 1), "200,001"),
    (b"x" * (4 * MAX_TASK_CHARS + 1), "longer than 200,000"),
    (b"\x89PNG\r\n\x1a\n", "is not UTF-8 text"),
    (b"text and \x00 bytes", "not text"),
]


@pytest.mark.parametrize(("body", "says"), BAD_TASKS, ids=[says for _, says in BAD_TASKS])
def test_a_pipe_with_nothing_too_much_or_no_text_is_refused(cli: Cli, body: bytes, says: str) -> None:
    """Whatever is piped in: one error, and never more is read than may be."""
    answer = cli("route", "-", stdin=body)
    assert answer.code == 2
    assert says in answer.err


def test_a_task_of_the_longest_length_is_read(cli: Cli) -> None:
    """The limit itself is allowed, in characters and not in bytes."""
    body = ("é" * MAX_TASK_CHARS).encode()
    assert cli("route", "-", "--json", stdin=body).json["task"]["characters"] == MAX_TASK_CHARS


def test_bytes_that_are_no_text_in_an_argument_are_refused(cli: Cli) -> None:
    """A shell may hand over anything; what cannot be decoded is not sent on."""
    assert "not text" in cli("route", "caf\udce9").err


def test_an_unexpected_failure_is_one_line_with_the_way_to_report_it(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours shows no trace-back unless `--debug` asks for it."""

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr("smart_spawn.app.SmartSpawn.decide", fail)
    answer = cli("route", TASK)
    assert answer.code == 1
    assert "unexpected ZeroDivisionError: by accident" in answer.err
    assert "--debug" in answer.err
    assert "Traceback" not in answer.err
    assert "Traceback" in cli("route", TASK, "--debug").err
    assert cli("route", TASK, "--json").json["error"]["code"] == "INTERNAL"


def test_a_wrong_setting_is_named_with_the_nearest_key(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are read the same way by every command."""
    monkeypatch.setenv("SMART_SPAWN_PROT", "3001")
    answer = cli("route", TASK)
    assert answer.code == 2
    assert "port" in answer.err


def test_the_owners_defaults_hold(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings say what a request means when nothing is said."""
    monkeypatch.setenv("SMART_SPAWN_DEFAULT_BUDGET", "low")
    assert cli("route", TASK, "--json").json["budget"] == "low"
    assert cli("route", TASK, "--budget", "any", "--json").json["budget"] == "any"
