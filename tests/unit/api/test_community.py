"""Others: reports that must be asked for, limits, and signed files between installations."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import Forbidden, InvalidRequest
from smart_spawn.settings import Settings
from smart_spawn.surface.community import accepted_json, published_json
from tests.unit.api.conftest import body_of, small_facts
from tests.unit.api.test_callers import bearer
from tests.unit.builders import NOW

REPORT = {"model": "acme/strong", "category": "coding", "rating": 2, "instanceId": "laptop"}


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmartSpawn]:
    """Return a Smart Spawn that listens to others."""
    monkeypatch.setattr("smart_spawn.app.shelf.packaged_facts", small_facts)
    community = {"enabled": True, "reports_per_day": 3}
    settings = Settings.model_validate({"home": tmp_path, "community": community})
    with SmartSpawn(settings, in_memory=True, now=lambda: NOW) as app:
        yield app


@pytest.fixture
def api(served: SmartSpawn) -> FastAPI:
    """Return its HTTP service."""
    return create_app(served)


async def test_reports_are_taken_only_where_the_owner_wants_them(served: SmartSpawn) -> None:
    """By default nobody is listened to, and the answer says how that is changed."""
    quiet = SmartSpawn(Settings(home=served.settings.home), in_memory=True)
    with quiet, pytest.raises(Forbidden, match="takes no reports") as refused:
        quiet.community.report("acme/strong", "coding", 5, "x")
    assert "community.enabled" in refused.value.hint


async def test_reports_add_up_under_pseudonyms(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Scores show what was said by how many; the word of a reporter is nowhere in the store."""
    for rating, who in ((2, "laptop"), (5, "laptop"), (5, "phone")):
        answer = await http.post("/community/report", json={**REPORT, "rating": rating, "instanceId": who})
        assert answer.status_code == 200
    (row,) = body_of(await http.get("/api/community/scores?category=coding&minRatings=3"))["data"]
    assert row == {
        "model": "acme/strong",
        "category": "coding",
        "totalRatings": 3,
        "avgRating": 4.0,
        "contributors": 2,
    }
    assert body_of(await http.get("/community/scores?minRatings=4"))["data"] == []
    assert not any("laptop" in report.contributor for report in served.store.community.reports())


async def test_a_key_has_a_daily_limit(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Inventing instances does not get around it; another key still may."""
    first, second = (bearer(served.keys.create(name, ["route"]).secret) for name in ("a", "b"))
    for number in range(3):
        answer = await http.post(
            "/community/report", json={**REPORT, "instanceId": f"i{number}"}, headers=first
        )
        assert answer.status_code == 200
    late = await http.post("/community/report", json=REPORT, headers=first)
    assert (late.status_code, body_of(late)["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(late.headers["retry-after"]) > 60
    assert (await http.post("/community/report", json=REPORT, headers=second)).status_code == 200


async def learned(served: SmartSpawn, votes: int = 4) -> dict[str, Any]:
    """Vote a few times, and return what is published."""
    for _ in range(votes):
        await served.rate(await served.route(category="coding", budget="any", pin="acme/strong"), 5)
    return json.loads(json.dumps(published_json(served)))  # type: ignore[no-any-return]  # as a file holds it


async def test_posteriors_travel_signed_and_without_votes(served: SmartSpawn, tmp_path: Path) -> None:
    """Another installation that trusts the key takes them in as one voice; the key is its owner's alone."""
    document = await learned(served)
    ((model, category, rating, votes),) = document["posteriors"]
    assert (model, category, votes) == ("acme/strong", "coding", 4)
    assert 1 <= rating <= 5
    assert not {"voter", "comment", "dec_"} & set(json.dumps(document).split('"'))
    assert stat.S_IMODE((tmp_path / "community.key").stat().st_mode) == 0o600

    settings = Settings.model_validate({"home": tmp_path / "other", "community": {"enabled": True}})
    with SmartSpawn(settings, in_memory=True, now=lambda: NOW) as other:
        with pytest.raises(Forbidden, match="nobody trusts"):
            accepted_json(other, document, [])
        told = accepted_json(other, document, [document["publicKey"]])["data"]
        assert (told["posteriors"], told["counts"]) == (1, True)
        assert other.learning.current().community.cells == (("acme/strong", "coding"),)
        again = accepted_json(other, document, [document["publicKey"]])["data"]
        assert again["posteriors"] == 1
        older = {**document, "at": "2020-01-01T00:00:00+00:00"}
        with pytest.raises(InvalidRequest, match="signature does not fit"):
            accepted_json(other, older, [document["publicKey"]])


@pytest.mark.parametrize("change", ["rating", "model", "signature", "publicKey", "gone", "format"])
async def test_an_altered_file_is_refused(served: SmartSpawn, change: str) -> None:
    """Whatever was changed, nothing of it is taken in."""
    document = await learned(served)
    key = document["publicKey"]
    if change == "gone":
        del document["signature"]
    elif change in ("rating", "model"):
        document["posteriors"][0][2 if change == "rating" else 0] = 1.0 if change == "rating" else "x/y"
    else:
        document[change] = "00" * 32
    with pytest.raises(InvalidRequest):
        accepted_json(served, document, [key, "00" * 32])
    assert served.store.community.posteriors() == []


async def test_little_known_models_are_not_published(served: SmartSpawn) -> None:
    """What a single person said stays here."""
    assert (await learned(served, votes=2))["posteriors"] == []
