"""Votes over HTTP: what they do to the next choice, who may give them, and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.feedback import Beliefs
from smart_spawn.providers.fake import FakeProvider, Scripted
from tests.unit.api.conftest import body_of
from tests.unit.api.test_callers import bearer

CODING = {"category": "coding", "budget": "any"}


async def picked(http: httpx.AsyncClient, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask which model codes best."""
    answer = await http.post("/api/pick", json=CODING, headers=headers or {})
    data: dict[str, Any] = body_of(answer)["data"]
    return data


async def test_a_vote_changes_the_next_choice_and_leaves_the_past_alone(
    served: SmartSpawn, http: httpx.AsyncClient
) -> None:
    """Bad ratings turn the choice; the decisions before and after are both made again to the byte."""
    first = await picked(http)
    for _ in range(2):
        answer = await http.post("/feedback", json={"decisionId": first["decisionId"], "rating": 1})
        assert body_of(answer)["data"]["model"] == first["id"] == "acme/strong"
    assert body_of(answer)["data"]["replaced"] is True
    for rating in (1, 1, 1):
        other = await served.route(category="coding", budget="any", pin="acme/strong")
        await served.rate(other, rating)
    second = await picked(http)
    assert (second["id"], second["personalScore"]) == ("acme/middle", None)
    pinned = await served.route(category="coding", budget="any", pin="acme/strong")
    assert pinned.beliefs_version != "none"
    await served.rate(pinned.id, "success", comment="better now")
    for decision in (first["decisionId"], second["decisionId"], pinned.id):
        replayed = body_of(await http.post(f"/api/decisions/{decision}/replay"))
        assert replayed["same"] is True, replayed
    explained = (await http.get(f"/api/decisions/{pinned.id}/explain")).text
    assert "feedback, of votes here" in explained


async def test_no_request_waits_for_beliefs_to_be_written(
    served: SmartSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Votes alone write none; the first decision that follows from them has the writer's thread do it, once."""
    encode, by = Beliefs.encode, list[str]()

    def noted(beliefs: Beliefs) -> bytes:
        by.append(threading.current_thread().name)
        return encode(beliefs)

    monkeypatch.setattr(Beliefs, "encode", noted)
    first = await served.route(category="coding", budget="any")
    for rating in (2, 3, 4):
        await served.rate(first, rating)
    served.store.writer.flush()
    assert by == []
    for _ in range(3):
        again = await served.route(category="coding", budget="any")
    assert served.store.beliefs.get(again.beliefs_version) is not None
    assert by == ["store-writer"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": "good"}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"rating": True}, "rating"),
        ({"outcome": "meh"}, "outcome"),
        ({}, "`rating` or `outcome` is missing"),
        ({"rating": 4, "outcome": "success"}, "do not go together"),
        ({"rating": 4, "runId": "run_1"}, "do not go together"),
        ({"rating": 4, "comment": "x" * 2_001}, "comment"),
        ({"rating": 4, "stars": 4}, "unknown field"),
    ],
    ids=str,
)
async def test_a_wrong_vote_is_refused_and_counts_nothing(
    served: SmartSpawn, http: httpx.AsyncClient, wrong: dict[str, Any], message: str
) -> None:
    """The field is named, and nothing was stored."""
    decision = (await picked(http))["decisionId"]
    answer = await http.post("/api/feedback", json={"decisionId": decision, **wrong})
    assert answer.status_code == 400
    assert message in body_of(answer)["error"]["message"]
    assert served.store.ratings.version() == (0, 0)


async def test_votes_on_nothing_and_floods_of_text_are_refused(http: httpx.AsyncClient) -> None:
    """Ids that nobody gave out, and bodies of megabytes, get an answer that says so."""
    for subject, status in (("dec_" + "0" * 24, 404), ("run_" + "0" * 24, 404), ("nonsense", 400)):
        field = "runId" if subject.startswith("run") else "decisionId"
        assert (await http.post("/feedback", json={field: subject, "rating": 3})).status_code == status
    big = await http.post("/feedback", json={"decisionId": "dec_1", "rating": 3, "comment": "x" * 5_000_000})
    assert big.status_code == 413
    raw = await http.post("/feedback", content=b'{"decisionId": "dec_1", "rating": NaN}')
    assert raw.status_code == 400


async def test_a_decision_of_another_key_cannot_be_voted_on(
    served: SmartSpawn, http: httpx.AsyncClient
) -> None:
    """Only who asked, or the owner, says how it turned out; each has one vote."""
    mine, yours = (bearer(served.keys.create(name, ["route"]).secret) for name in ("mine", "yours"))
    owner = bearer(served.keys.create("owner", ["route", "admin"]).secret)
    decision = (await picked(http, mine))["decisionId"]
    vote = {"decisionId": decision, "rating": 2}
    refused = await http.post("/feedback", json=vote, headers=yours)
    assert (refused.status_code, body_of(refused)["error"]["code"]) == (403, "FORBIDDEN")
    for headers in (mine, owner):
        assert (await http.post("/feedback", json=vote, headers=headers)).status_code == 200
    assert len({row.voter for row in served.store.ratings.standing()}) == 2


async def test_a_run_is_judged_by_the_model_that_answered(
    served: SmartSpawn, http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """A vote on a run goes to the model whose text it is, and to nobody while it still runs."""
    provider.add(Scripted(text="done"))
    result = await served.spawn("Write a haiku about rain", budget="low")
    vote = await served.rate(result, 5)
    assert (vote.row.model, vote.row.subject) == (result.outcome.model, result.id)
    told = await http.post("/feedback", json={"runId": result.id, "outcome": "failure", "source": "agent"})
    assert body_of(told)["data"]["rating"] == "failure"
    assert sorted(row.kind for row in served.store.ratings.standing()) == ["gate", "plugin"]


async def test_votes_on_unknown_models_are_kept(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """They change nothing now; `openrouter/` in front is dropped, and tags may come in one text."""
    body = {"model": "openrouter/new/model", "category": "coding", "rating": 4, "context": "rust, unheard-of"}
    answer = await http.post("/spawn-log/outcome", json=body)
    assert body_of(answer)["data"] == {
        "recorded": True,
        "model": "new/model",
        "category": "coding",
        "rating": 4,
    }
    (row,) = served.store.ratings.standing()
    assert (row.model, row.tags, row.kind) == ("new/model", "systems", "plugin")
    decision = await served.route(category="coding")
    assert decision.beliefs_version == "none"


async def test_another_process_sees_votes_at_its_next_look(served: SmartSpawn) -> None:
    """One small query tells; what was believed before is still there for the decisions that used it."""
    other = SmartSpawn(served.settings, now=served.now)
    other._store, other._log = served.store, served.log  # another process that shares the database
    other._shelf.open(served.store)
    other.learning.open(served.store)
    assert other.decide(other.request(category="coding")).beliefs_version == "none"
    await served.rate(await served.route(category="coding"), 5)
    assert other.check_for_newer_votes() is True
    assert other.check_for_newer_votes() is False
    mine, theirs = (app.decide(app.request(category="coding")) for app in (served, other))
    assert mine.beliefs_version == theirs.beliefs_version != "none"
    assert mine.result() == theirs.result()
