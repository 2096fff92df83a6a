"""What was learned and done, over HTTP: statistics, beliefs that explain themselves, votes that can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.store import RatingRow
from tests.unit.api.conftest import body_of
from tests.unit.api.test_callers import bearer
from tests.unit.builders import NOW

STRONG = "acme/strong"


async def told(http: httpx.AsyncClient, path: str, **query: Any) -> Any:
    """Ask for something that is shown."""
    answer = await http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return body_of(answer)["data"]


async def test_runs_log_themselves_once(
    served: SmartSpawn, http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """A run is in the statistics with its money, and what the gate found is a small vote."""
    provider.add(Scripted(text="An answer of some length."))
    result = await served.spawn("Refactor this Python function to use asyncio", budget="low")
    stats = await told(http, "/api/spawn-log/stats", days=7)
    assert stats["totalSpawns"] == 1
    assert stats["byModel"] == {result.outcome.model: 1}
    assert stats["byMode"] == {"single": 1}
    assert stats["byCategory"] == {"coding": 1}
    assert [day["date"] for day in stats["daily"]] == [NOW.date().isoformat()]
    assert {row.kind for row in served.store.ratings.standing()} <= {"gate"}
    served.spawn_log.ran(result.id, (await told_job(served, result.id)), result.outcome)
    assert (await told(http, "/api/spawn-log/stats"))["totalSpawns"] == 1


async def told_job(served: SmartSpawn, run_id: str) -> Any:
    """Return the job of a run, as a resumed execution reads it."""
    from smart_spawn.spawn.carry import from_request

    return from_request((await served.runs.get(run_id)).request)


async def test_a_cascade_counts_its_escalations_and_the_gate_is_judged(
    served: SmartSpawn, http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """An answer that the gate accepted and a person liked raises its precision."""
    provider.add(*[Scripted(text="42") for _ in range(6)])
    result = await served.spawn("What is 6 times 7? Answer with the number.", mode="cascade", budget="any")
    await served.rate(result, 5)
    stats = await told(http, "/spawn-log/stats")
    assert stats["cascade"]["total"] == 1
    assert stats["cascade"]["cheapOnly"] + stats["cascade"]["withPremium"] == 1
    assert stats["gate"]["judged"] == stats["gate"]["good"] == 1


async def test_what_was_done_elsewhere_is_logged_with_an_estimate(http: httpx.AsyncClient) -> None:
    """Costs follow from list prices, savings from the best model at any price; unknown models count without."""
    for model in ("openrouter/beta/small", "beta/small", "nobody/knows"):
        answer = await http.post("/spawn-log", json={"model": model, "category": "coding", "source": "agent"})
        assert body_of(answer) == {"data": {"logged": True}}
    stats = await told(http, "/spawn-log/stats")
    assert stats["byModel"] == {"beta/small": 2, "nobody/knows": 1}
    each = (1_000 * 0.1 + 700 * 0.5) / 1e6
    best = (1_000 * 8 + 700 * 40) / 1e6
    assert stats["totalEstimatedCost"] == pytest.approx(2 * each, rel=1e-2)
    assert stats["savings"] == pytest.approx(2 * (best - each), rel=1e-2)
    assert stats["saved"]["interval95"] == [pytest.approx(stats["savings"])] * 2
    assert stats["spend"]["unknownCost"] == 1
    assert stats["topModels"][0] == {
        "model": "beta/small",
        "count": 2,
        "avgCost": pytest.approx(each, rel=1e-2),
    }


async def test_a_key_sees_its_own_statistics(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """The owner sees what each key spent, others only themselves."""
    mine, yours = (served.keys.create(name, ["route"]) for name in ("mine", "yours"))
    owner = served.keys.create("owner", ["route", "admin"])
    for key, times in ((mine, 2), (yours, 1)):
        for _ in range(times):
            body = {"model": STRONG, "category": "coding"}
            await http.post("/spawn-log", json=body, headers=bearer(key.secret))
    own = body_of(await http.get("/spawn-log/stats", headers=bearer(mine.secret)))["data"]
    assert (own["totalSpawns"], list(own["spend"]["byKey"]), "gate" in own) == (2, [mine.row.id], False)
    every = body_of(await http.get("/spawn-log/stats", headers=bearer(owner.secret)))["data"]
    assert every["totalSpawns"] == 3
    assert sorted(every["spend"]["byKey"]) == sorted([mine.row.id, yours.row.id])


async def test_a_model_that_got_worse_is_named(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Nine good answers in ten until two weeks ago, and now failures: the alarm has the numbers."""
    for number in range(40):
        old = number < 28
        served.store.ratings.add(
            RatingRow(
                at=NOW - timedelta(days=40 if old else 3),
                voter="local",
                kind="outcome",
                model=STRONG,
                category="coding",
                value=4.1 if old else 2.0,
            )
        )
    (fallen,) = (await told(http, "/spawn-log/stats"))["drift"]
    assert fallen["model"] == STRONG
    assert fallen["before"] == {"outcomes": 28, "good": 28}
    assert "fell from 100% of 28 to 0% of 12" in fallen["sentence"]
    assert (await told(http, "/spawn-log/scores", minSamples=10)) == [
        {"model": STRONG, "category": "coding", "successRate": 0.7, "total": 40}
    ]
    assert (await told(http, "/spawn-log/scores", minSamples=41)) == []


async def test_a_belief_explains_itself(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Prior, votes, result and spread in one line; a model without votes is what its benchmarks promise."""
    decision = await served.route(category="coding", pin=STRONG, budget="any")
    await served.rate(decision, 5)
    belief = (await told(http, f"/api/beliefs/{STRONG}"))["categories"]["coding"]
    assert belief["votes"] == 1
    assert belief["sentence"].startswith(f"prior {belief['prior']:.0f}, 1 rating averaging 5.0 -> ")
    assert belief["sentence"].endswith("+- 11.4")
    assert belief["points"] == pytest.approx((belief["belief"] - belief["prior"]) / 0.6, abs=0.02)
    quiet = (await told(http, "/beliefs/beta/cheap"))["categories"]["coding"]
    assert (quiet["votes"], quiet["points"], quiet["spread"]) == (0, 0, 12)
    assert [row["model"] for row in await told(http, "/beliefs")] == [STRONG]
    missing = await http.get("/beliefs/acme/stronk")
    assert (missing.status_code, body_of(missing)["error"]["code"]) == (404, "UNKNOWN_MODEL")


Reverse = dict[str, Any]


@pytest.mark.parametrize(
    "named", [{"voter": "local"}, {"day": NOW.date().isoformat()}, {"since": NOW.isoformat()}], ids=str
)
async def test_votes_are_reversed_and_restored(
    served: SmartSpawn, http: httpx.AsyncClient, named: Reverse
) -> None:
    """What was believed before is believed again after undoing, to the byte."""
    decision = await served.route(category="coding", budget="any")
    await served.rate(decision, 1)
    voted = served.learning.current().version
    act = body_of(await http.post("/api/feedback/reverse", json=named))["data"]
    assert act["votes"] == 1
    assert served.learning.current().version == "none"
    undone = body_of(await http.post("/feedback/undo", json={"act": act["act"]}))["data"]
    assert (undone["what"], undone["votes"]) == ("undo", 1)
    assert served.learning.current().version == voted
    assert (await http.post("/feedback/undo", json={"act": act["act"]})).status_code == 404
    assert [row["what"] for row in await told(http, "/feedback/acts")] == ["reverse", "undo"]


async def test_votes_are_exported_and_imported_once(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Pages hold every vote; an import of the same adds nothing, and one wrong vote adds none of its company."""
    for rating in (5, 4, 3):
        await served.rate(await served.route(category="coding"), rating)
    first = body_of(await http.get("/feedback/votes", params={"limit": 2}))
    rest = body_of(await http.get("/feedback/votes", params={"after": first["meta"]["next"]}))
    votes = [*first["data"], *rest["data"]]
    assert [vote["value"] for vote in votes] == [5, 4, 3]
    again = body_of(await http.post("/feedback/votes", json={"votes": votes}))["data"]
    assert again == {"added": 0, "known": 3, "reversed": 0}
    wrong = [{**votes[0], "subject": "dec_x"}, {**votes[0], "value": 9}]
    refused = await http.post("/feedback/votes", json={"votes": wrong})
    assert refused.status_code == 400
    assert len(list(served.store.ratings.standing())) == 3


async def test_only_the_owner_handles_votes(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Exports hold what others said, and reversals change what everybody gets."""
    secret = served.keys.create("user", ["route", "execute"]).secret
    calls: list[Callable[..., Any]] = [
        lambda **o: http.get("/feedback/votes", **o),
        lambda **o: http.get("/api/feedback/acts/", **o),
        lambda **o: http.post("/feedback/reverse", json={"voter": "local"}, **o),
        lambda **o: http.post("/api/feedback/undo", json={"act": 1}, **o),
        lambda **o: http.post("/feedback/votes", json={"votes": []}, **o),
    ]
    for call in calls:
        assert (await call(headers=bearer(secret))).status_code == 403


async def test_nobody_named_reverses_nothing(http: httpx.AsyncClient) -> None:
    """An empty reversal would take everything."""
    answer = await http.post("/feedback/reverse", json={})
    assert (answer.status_code, body_of(answer)["error"]["code"]) == (400, "MISSING_PARAM")
