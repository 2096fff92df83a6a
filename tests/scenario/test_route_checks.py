"""`smart-spawn check`: a team writes down what it expects, and notices when a refresh changes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.cli.boundary import carry_out
from smart_spawn.model import Listing
from tests.unit.builders import catalog, listing, reading

CODING = ("lmarena_coding", "lmarena_webdev", "livebench_coding", "livebench_agentic_coding")
ROUTES = """
- name: refactor
  task: Refactor this Python function to use asyncio
  category: coding
  budget: medium
  important: true
  expect:
    model_in: ["acme/*", beta/solid]
    not_model_in: [beta/cheap]
    provider_in: acme
    min_score: 60
    max_cost_usd: 0.1
    min_confidence: 0.5
- name: cheap
  category: coding
  budget: low
  expect: {model_in: [beta/cheap], category: coding}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)["data"]


Check = Callable[..., Answer]
Serve = Callable[[Catalog], None]

LISTINGS = (
    listing("acme/good", "3"),
    listing("beta/solid", "2"),
    listing("beta/cheap", "0.3"),
    listing("zeta/dear", "20"),
)
STRENGTH = {"acme/good": 1.4, "beta/solid": 1.0, "beta/cheap": 0.2, "zeta/dear": 1.9}


def shop(
    listings: Sequence[Listing] = LISTINGS, strength: Mapping[str, float] = STRENGTH, **options: Any
) -> Catalog:
    known = {m.id for m in listings}
    scores = {m: dict.fromkeys(CODING, z) for m, z in strength.items() if m in known}
    return catalog(listings, scores, **options)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Put a catalogue in the place of the packaged one; every command opens a home of its own."""

    def put(served: Catalog) -> None:
        monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", lambda: served.facts)

    put(shop())
    return put


@pytest.fixture
def check(serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return a function that checks `routes.yaml` with some options, each time in a home without a history."""
    (tmp_path / "routes.yaml").write_text(ROUTES)
    homes = iter(range(100))

    def call(*options: str, home: str | None = None) -> Answer:
        capsys.readouterr()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SMART_SPAWN_HOME", str(tmp_path / (home or f"home{next(homes)}")))
            code = carry_out(["check", str(tmp_path / "routes.yaml"), *options])
        printed = capsys.readouterr()
        return Answer(code=code, out=printed.out, err=printed.err)

    return call


def changed(model_id: str, **options: Any) -> tuple[Listing, ...]:
    """Return the same models with one listed anew."""
    price = options.pop("price", "3")
    return tuple(listing(model_id, price, **options) if m.id == model_id else m for m in LISTINGS)


def test_what_holds_is_exit_code_zero_and_a_line_a_route(check: Check) -> None:
    """Continuous integration stays green, and the log says what was chosen."""
    answer = check()
    assert answer.code == 0
    assert answer.out.startswith("ok    refactor: acme/good\nok    cheap: beta/cheap\n2 routes, 0 failed")
    assert answer.err == ""


@pytest.mark.parametrize(
    ("expect", "broken", "wanted", "found"),
    [
        ({"model_in": ["zeta/dear"]}, "model_in", "`zeta/dear`", "`acme/good`"),
        ({"not_model_in": ["acme/*"]}, "not_model_in", "none of `acme/*`", "`acme/good`"),
        ({"provider_in": ["beta", "zeta"]}, "provider_in", "one of `beta`, `zeta`", "`acme` (`acme/good`)"),
        ({"min_score": 99}, "min_score", "at least 99", "`acme/good`"),
        ({"max_cost_usd": 0.000001}, "max_cost_usd", "at most 1e-06 USD", "USD (`acme/good`)"),
        ({"category": "creative"}, "category", "`creative`", "`coding`"),
        ({"min_confidence": 1}, "min_confidence", "at least 1", "over `beta/solid`"),
    ],
)
def test_every_failure_says_what_was_chosen_instead_and_why(
    check: Check, tmp_path: Path, expect: dict[str, Any], broken: str, wanted: str, found: str
) -> None:
    """The log of a red build answers the question that follows: why this model, and what would change it."""
    routes = [{"name": "one", "category": "coding", "budget": "medium", "expect": expect}]
    (tmp_path / "routes.yaml").write_text(yaml.safe_dump(routes))
    answer = check("--json")
    (route,) = answer.data["routes"]
    (failure,) = route["failures"]
    assert answer.code == 1
    assert answer.data["failed"] == ["one"]
    assert failure["expectation"] == broken
    assert wanted in failure["wanted"]
    assert found in failure["found"]
    assert "leads beta/solid" in route["reason"]
    assert route["advice"]
    text = check().out
    assert f"FAIL  one: acme/good\n      {broken}: expected " in text


def test_the_one_change_that_would_have_made_the_wanted_model_win_is_told(
    check: Check, tmp_path: Path
) -> None:
    """A model beyond the budget wins with the next budget; one that a filter removed is named with the filter."""
    routes = [
        {"name": "dear", "category": "coding", "budget": "medium", "expect": {"model_in": ["zeta/dear"]}},
        {
            "name": "out",
            "category": "coding",
            "exclude": ["beta/solid"],
            "expect": {"model_in": ["beta/solid"]},
        },
    ]
    (tmp_path / "routes.yaml").write_text(yaml.safe_dump(routes))
    dear, out = check("--json").data["routes"]
    assert dear["advice"] == ["`zeta/dear` would have won with the budget `high`"]
    assert out["advice"] == ["`beta/solid` was removed by `exclude`"]


def test_a_typo_in_an_expected_id_fails_instead_of_holding_for_ever(check: Check, tmp_path: Path) -> None:
    """`not_model_in` with an id that never existed would always hold; the nearest ids are named."""
    routes = [{"name": "a", "category": "coding", "expect": {"not_model_in": ["acme/goood"]}}]
    (tmp_path / "routes.yaml").write_text(yaml.safe_dump(routes))
    answer = check()
    assert answer.code == 1
    assert "no catalogue has ever held; nearest: `acme/good`" in answer.out


def test_a_route_that_nothing_satisfies_fails_with_the_way_out(check: Check, tmp_path: Path) -> None:
    """A refusal is a failed route, not the end of the check."""
    routes = [
        {"name": "none", "category": "coding", "budget": "low", "minCapability": 80, "important": True},
        {"name": "some", "category": "coding", "expect": {"category": "coding"}},
    ]
    (tmp_path / "routes.yaml").write_text(yaml.safe_dump(routes))
    answer = check("--json")
    none, some = answer.data["routes"]
    assert answer.code == 1
    assert "no model fits the budget `low`" in none["failures"][0]["found"]
    assert none["model"] is None
    assert some["passed"]


def test_a_file_that_cannot_be_used_is_exit_code_two(check: Check, tmp_path: Path) -> None:
    """Wrong files are not failed routes: they are told apart by the exit code, with `--json` too."""
    (tmp_path / "routes.yaml").write_text("- name: a\n  tsak: b\n")
    answer = check("--json")
    assert answer.code == 2
    assert json.loads(answer.out)["error"]["hint"] == "did you mean `task`?"
    assert check("--lock", "no.lock").code == 2


def test_the_lock_file_is_sorted_small_and_written_only_when_asked(check: Check, tmp_path: Path) -> None:
    """It holds the important routes alone, equal bytes for equal choices, and no task text."""
    assert not (tmp_path / "routes.lock").exists()
    answer = check("--update")
    lock = tmp_path / "routes.lock"
    first = lock.read_bytes()
    locked = yaml.safe_load(first)
    assert answer.code == 0
    assert list(locked["routes"]) == ["refactor"]
    assert locked["routes"]["refactor"]["model"] == "acme/good"
    assert locked["catalog"]["version"] == shop().version
    assert b"asyncio" not in first
    written = lock.stat().st_mtime_ns
    assert check("--update").code == 0
    assert (lock.read_bytes(), lock.stat().st_mtime_ns) == (first, written)


def flipped(check: Check, serve: Serve, after: Catalog) -> dict[str, Any]:
    """Lock, refresh to another catalogue, check again, and return the one flip."""
    assert check("--update").code == 0
    serve(after)
    answer = check("--json")
    assert answer.code == 1
    (flip,) = answer.data["lock"]["flipped"]
    return dict(flip)


def test_a_price_that_leaves_the_budget_flips_the_route_and_is_named(check: Check, serve: Serve) -> None:
    """Old → new, and the price that did it."""
    flip = flipped(check, serve, shop(changed("acme/good", price="6")))
    assert (flip["name"], flip["old"], flip["new"]) == ("refactor", "acme/good", "beta/solid")
    assert "input price of acme/good: 3 → 6 USD per million tokens" in flip["causes"]
    assert "acme/good is now removed by `budget`" in flip["causes"]


def test_a_board_that_moved_is_named_with_both_values(check: Check, serve: Serve) -> None:
    """The reading that made the difference is in the report, beside both scores."""
    flip = flipped(check, serve, shop(strength={**STRENGTH, "acme/good": 0.5}))
    assert flip["new"] == "beta/solid"
    assert any(cause.startswith("score of acme/good: ") for cause in flip["causes"])
    assert "lmarena_coding of acme/good: 64 → 55" in flip["causes"]


def test_a_newcomer_and_a_model_that_left_are_told_apart(check: Check, serve: Serve) -> None:
    """A new model that wins was not there before; one that is gone has left."""
    more = (*LISTINGS, listing("nova/new", "1"))
    flip = flipped(check, serve, shop(more, {**STRENGTH, "nova/new": 2.4}))
    assert flip["new"] == "nova/new"
    assert any("nova/new scores" in c and "not among the next best" in c for c in flip["causes"])


def test_a_model_that_left_or_expired_is_told(check: Check, serve: Serve) -> None:
    """The reason is the listing, not the scores."""
    gone = flipped(check, serve, shop(tuple(m for m in LISTINGS if m.id != "acme/good")))
    assert gone["causes"] == ["acme/good has left the catalogue"]


def test_an_expired_model_is_told(check: Check, serve: Serve) -> None:
    """A listing whose last day has passed is no candidate, and the filter is named."""
    flip = flipped(check, serve, shop(changed("acme/good", expires_on=date(2026, 1, 1))))
    assert flip["causes"] == ["acme/good is now removed by `alive`"]


def test_another_effort_of_the_same_model_is_a_flip(check: Check, serve: Serve) -> None:
    """Effort is part of what was chosen: it decides the cost."""
    can = {"supported_efforts": ("high", "low"), "default_effort": "low"}
    more = [reading("acme/good", board, 2.2, effort="high") for board in CODING]
    flip = flipped(check, serve, shop(changed("acme/good", can=can), readings=more))
    assert (flip["old"], flip["new"]) == ("acme/good", "acme/good (high effort)")


def test_a_flip_is_accepted_by_update_and_then_quiet(check: Check, serve: Serve, tmp_path: Path) -> None:
    """The hint is the command that accepts; afterwards the check is green again."""
    assert check("--update").code == 0
    serve(shop(changed("acme/good", price="6")))
    (tmp_path / "routes.yaml").write_text(ROUTES.replace("provider_in: acme", "provider_in: [acme, beta]"))
    refused = check()
    assert refused.code == 1
    assert "FLIP  refactor: acme/good → beta/solid" in refused.out
    assert "--update" in refused.err
    accepted = check("--update")
    assert accepted.code == 0
    assert "accepted  refactor: acme/good → beta/solid" in accepted.out
    assert check().code == 0


def test_data_that_flips_nothing_keeps_the_check_green(check: Check, serve: Serve) -> None:
    """Scores and versions may change every hour; only another choice is news."""
    assert check("--update").code == 0
    serve(shop(strength={**STRENGTH, "acme/good": 1.45}))
    assert check().code == 0


def test_an_important_route_that_was_never_locked_fails_until_it_is(check: Check, tmp_path: Path) -> None:
    """A new route is accepted by a person, like a flip; one that was removed is only a note."""
    assert check("--update").code == 0
    (tmp_path / "routes.yaml").write_text(ROUTES.replace("name: refactor", "name: renamed"))
    answer = check()
    assert answer.code == 1
    assert "FLIP  renamed: not locked → acme/good" in answer.out
    assert "`refactor`, which is no important route any more" in answer.err


def test_a_changed_question_is_not_taken_for_changed_data(check: Check, tmp_path: Path) -> None:
    """When the entry itself asks for something else, the report says so first."""
    assert check("--update").code == 0
    (tmp_path / "routes.yaml").write_text(
        ROUTES.replace("budget: medium", "budget: any").replace("acme/*", "zeta/*").replace("acme", "zeta")
    )
    (flip,) = check("--json").data["lock"]["flipped"]
    assert flip["causes"][0] == "the route asks for something else than when it was locked"


def test_a_refused_route_keeps_what_was_locked(check: Check, serve: Serve, tmp_path: Path) -> None:
    """`--update` while nothing satisfies a route does not forget what it was."""
    assert check("--update").code == 0
    serve(shop((listing("zeta/dear", "20"),)))
    assert check("--update").code == 1
    assert (
        yaml.safe_load((tmp_path / "routes.lock").read_text())["routes"]["refactor"]["model"] == "acme/good"
    )


def test_an_earlier_catalogue_can_be_checked_by_its_version(check: Check, serve: Serve) -> None:
    """A stored version answers what held then; one that is not stored is named."""
    assert check(home="kept").code == 0
    earlier = shop().version
    later = catalog(
        changed("acme/good", price="6"), {m: dict.fromkeys(CODING, z) for m, z in STRENGTH.items()}
    )
    serve(later)
    assert check(home="fresh").code == 1
    assert check("--catalog", earlier, home="kept").code == 0
    assert check("--catalog", "0123456789abcdef", home="kept").code == 1


@pytest.mark.parametrize(
    "lock", ["", "[]", "routes: 3", "format: 2\nroutes: {}", "{routes: {a: {model: x}}}", "\x00"]
)
def test_a_damaged_lock_file_is_refused_with_the_command_that_writes_it(
    check: Check, tmp_path: Path, lock: str
) -> None:
    """Half a lock file must not pass for an empty one."""
    (tmp_path / "routes.lock").write_text(lock)
    answer = check()
    assert answer.code == 2
    assert "routes.lock" in answer.err


def test_a_check_leaves_no_decisions_behind(check: Check, tmp_path: Path) -> None:
    """Expectations are not traffic: nothing of them is in the log of decisions."""
    from smart_spawn.app import SmartSpawn
    from smart_spawn.settings import Settings

    assert check(home="kept").code == 0
    with SmartSpawn(Settings(home=tmp_path / "kept")) as app:
        assert app.store.decisions.recent() == ()


def test_the_example_holds_over_the_packaged_catalogue(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the guide tells to try works offline."""
    monkeypatch.setenv("SMART_SPAWN_HOME", str(tmp_path))
    assert carry_out(["check", str(root / "examples" / "routes.yaml")]) == 0, capsys.readouterr().out
