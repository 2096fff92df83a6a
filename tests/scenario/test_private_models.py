"""Private models and own results through the app: ranked at once, checked row by row, never exported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.facts import Facts
from smart_spawn.catalog.packaged import redistributable
from smart_spawn.errors import InvalidRequest, NotFound, SettingsError
from smart_spawn.providers.registry import Providers
from smart_spawn.refresh import rebuild
from smart_spawn.routing.explain import explain
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.settings import Settings
from smart_spawn.sources.base import Batch, Measurement
from smart_spawn.surface import own
from smart_spawn.surface.models import model_row
from tests.unit.builders import NOW, TODAY, listing

NAMES = ("alpha-1", "beta-2", "gamma-3", "delta-4", "omega-5", "zeta-6")
BOARDS = ("livebench_coding", "livebench_agentic_coding", "lmarena_coding")
MODEL = {"provider": "lab", "pricing": {"prompt": 0.2, "completion": 0.8}, "contextLength": 64_000}


def public_facts() -> Facts:
    """Return a catalogue of six public models with three boards, as one that ships with the package."""
    rows = tuple(
        Measurement(
            source=board.partition("_")[0],
            benchmark=board,
            published_name=name,
            value=40.0 + 5 * at,
            unit="percent",
            edition="2026-06" if board.startswith("live") else "",
            published_on=TODAY,
        )
        for board in BOARDS
        for at, name in enumerate(NAMES)
    )
    batches = [
        Batch(source="openrouter", listings=tuple(listing(f"acme/{name}", "0.5") for name in NAMES)),
        Batch(source="livebench", measurements=tuple(r for r in rows if r.source == "livebench")),
        Batch(source="lmarena", measurements=tuple(r for r in rows if r.source == "lmarena")),
    ]
    return build_catalog(batches, weights=shipped_weights(), as_of=TODAY).facts


@pytest.fixture
def home(tmp_path: Path) -> Iterator[dict[str, Any]]:
    with patch("smart_spawn.app.shelf.packaged_facts", return_value=public_facts()):
        yield {
            "home": tmp_path / "home",
            "providers": {
                "hub": {"base_url": "http://127.0.0.1:9/v1"},
                "lab": {"base_url": "http://127.0.0.1:8/v1"},
            },
        }


@pytest.fixture
def app(home: dict[str, Any]) -> Iterator[SmartSpawn]:
    with SmartSpawn(Settings.model_validate(home), now=lambda: NOW) as opened:
        yield opened


def three_values(model: str = "own/wizard", value: float = 90.0) -> dict[str, Any]:
    return {"results": [{"model": model, "benchmark": board, "value": value} for board in BOARDS]}


def test_a_private_model_with_three_values_is_ranked_at_once(app: SmartSpawn) -> None:
    """Without a network and without a refresh it is chosen, with its own values as the evidence."""
    scales = {s.benchmark: s.mean for s in app.catalog.facts.scales}
    own.put_private_model(app, "own/wizard", MODEL)
    own.import_body(app, three_values())
    decision = app.decide(app.request(category="coding", budget="low"))
    assert decision.selected.model == "own/wizard"
    evidence = explain(decision, app.catalog, app.policy).evidence
    assert {e.reading.benchmark for e in evidence} == set(BOARDS)
    assert {e.reading.source for e in evidence} == {"own"}
    assert {s.benchmark: s.mean for s in app.catalog.facts.scales} == scales, (
        "own values do not move public scales"
    )
    assert "private" in model_row(app.catalog, "own/wizard")["tags"]
    assert Providers.of(app.settings, assigned=app._assigned).require("own/wizard").provider == "lab"


def test_the_version_holds_the_owners_part_and_can_be_rebuilt(app: SmartSpawn) -> None:
    """Taking the model away again is another version; the earlier one is rebuilt from its documents."""
    own.put_private_model(app, "own/wizard", MODEL)
    own.import_body(app, three_values())
    version = app.catalog.version
    own.remove_private_model(app, "own/wizard")
    assert app.catalog.listing("own/wizard") is None
    assert app.catalog.version != version
    assert rebuild(app.store, app.settings, version).version == version


def test_a_restart_serves_what_was_added(app: SmartSpawn, home: dict[str, Any]) -> None:
    """What the owner added is stored with the catalogue."""
    own.put_private_model(app, "own/wizard", MODEL)
    with SmartSpawn(Settings.model_validate(home), now=lambda: NOW) as again:
        assert again.catalog.version == app.catalog.version
        assert again.catalog.listing("own/wizard") is not None


def test_nothing_of_the_owner_is_exported(app: SmartSpawn) -> None:
    """The file that may be passed on has no private model, no own result, no own board."""
    own.put_private_model(app, "own/wizard", MODEL)
    own.import_body(app, three_values())
    own.import_body(app, five_of_my_eval())
    public = redistributable(app.catalog.facts)
    assert not [m for m in public.listings if m.private]
    assert not [r for r in public.readings if r.source == "own"]
    assert "own" not in {s.source for s in public.sources}
    assert "my_eval" not in {s.benchmark for s in public.scales} | {
        b for row in public.weights.values() for b in row
    }


def five_of_my_eval(count: int = 5) -> dict[str, Any]:
    rows = [{"model": f"acme/{name}", "value": 90 - 10 * at} for at, name in enumerate(NAMES[:count])]
    return {"benchmark": "My Eval", "categories": {"coding": 50}, "results": rows}


def test_an_own_board_counts_from_its_fifth_model_on(app: SmartSpawn) -> None:
    """Fewer are kept and say how many are missing; with five it has a scale, and its weight decides."""
    few = own.import_body(app, five_of_my_eval(4))["data"]["boards"][0]
    assert (few["benchmark"], few["counts"]) == ("my_eval", False)
    assert "4 of the 5 models" in few["note"]
    last = {"benchmark": "my_eval", "results": [{"model": "acme/omega-5", "value": 50}]}
    [board] = own.import_body(app, last)["data"]["boards"]
    assert board["counts"]
    assert app.decide(app.request(category="coding", budget="low")).selected.model == "acme/alpha-1"
    own.remove_board(app, "my_eval")
    assert app.decide(app.request(category="coding", budget="low")).selected.model == "acme/zeta-6"


def test_the_settings_go_before_the_weight_of_an_import(app: SmartSpawn, home: dict[str, Any]) -> None:
    """An owner's weight of zero takes the own board out; an unknown board is refused with the nearest known."""
    own.import_body(app, five_of_my_eval())
    off = Settings.model_validate({**home, "scoring": {"weights": {"coding": {"my_eval": 0}}}})
    with SmartSpawn(off, now=lambda: NOW) as again:
        assert again.decide(again.request(category="coding", budget="low")).selected.model == "acme/zeta-6"
    slip = Settings.model_validate({**home, "scoring": {"weights": {"coding": {"livebench_codng": 1}}}})
    with pytest.raises(SettingsError) as refused:
        SmartSpawn(slip, now=lambda: NOW).open()
    assert "`livebench_coding`" in refused.value.hint


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"model": "no-such-model", "value": 50}, "no model is known"),
        ({"model": "acme/beta-2", "value": 140}, "no percentage"),
        ({"model": "acme/beta-2", "value": 50, "unit": "elo"}, "measured in percent"),
        ({"model": "acme/beta-2", "value": 50, "edition": "1999"}, "no edition"),
        ({"model": "acme/beta-2", "value": "NaN"}, "not finite"),
        ({"model": "acme/beta-2", "value": 50, "lower": 60, "upper": 70}, "do not stand around"),
        ({"model": "acme/alpha-1", "value": 51}, "already"),
        ({"model": "acme/beta-2", "value": 50, "benchmark": "livebench_codng"}, "did you mean"),
    ],
)
def test_one_bad_row_imports_nothing(app: SmartSpawn, row: dict[str, Any], words: str) -> None:
    """Every bad row is named with its place, and the good one beside it is not stored."""
    good = {"model": "acme/alpha-1", "value": 50, "benchmark": "livebench_coding"}
    before = app.catalog.version
    with pytest.raises(InvalidRequest, match="nothing was imported") as refused:
        own.import_body(app, {"results": [good, {"benchmark": "livebench_coding", **row}]})
    [problem] = refused.value.details["problems"]
    assert problem["place"] == "results[1]"
    assert words in problem["problem"]
    assert app.store.own.values() == ()
    assert app.catalog.version == before


def test_a_rehearsal_stores_nothing(app: SmartSpawn) -> None:
    """A dry run says what would be imported."""
    found = own.import_body(app, {**five_of_my_eval(), "dryRun": True})["data"]
    assert (found["accepted"], found["dryRun"], found["applied"]) == (5, True, False)
    assert app.store.own.boards() == ()


@pytest.mark.parametrize(
    ("model_id", "values", "words"),
    [
        ("own/wizard", {**MODEL, "baseUrl": "http://evil.test"}, "comes from the settings alone"),
        ("own/wizard", {**MODEL, "provider": "nobody"}, "no provider of the settings"),
        ("own/wizard", {**MODEL, "pricing": {"prompt": -1}}, "greater than or equal to 0"),
        ("own/wizard", {**MODEL, "colour": 1}, "unknown field"),
        ("acme/beta-2", MODEL, "is a public model"),
        ("wizard", MODEL, "no id for a model"),
        ("own/wizard", {**MODEL, "defaultEffort": "high"}, "not among"),
    ],
)
def test_a_private_model_that_cannot_work_is_refused(
    app: SmartSpawn, model_id: str, values: dict[str, Any], words: str
) -> None:
    """A caller can set no address, no unknown provider, no price below zero, and take no public model's place."""
    with pytest.raises(InvalidRequest, match=words):
        own.put_private_model(app, model_id, values)
    assert app.store.own.models() == {}


def test_what_is_not_there_cannot_be_removed(app: SmartSpawn) -> None:
    """The error lists what there is."""
    with pytest.raises(NotFound):
        own.remove_private_model(app, "own/nobody")
    with pytest.raises(NotFound):
        own.remove_board(app, "nothing")
