"""The ladder: whose model is served in which stage, what is told, and what earns the next one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.surface.stages import LEAST_DIFFERENT, stages_json
from tests.unit.api.conftest import body_of

OWN, OURS = "beta/cheap", "acme/strong"
ASKED = {"category": "coding", "budget": "any", "current": OWN}


def staged(served: SmartSpawn, stage: str, **stages: str) -> None:
    """Set the stage of routing."""
    routing = served.settings.routing.model_copy(update={"stage": stage, "stages": stages})
    served.settings = served.settings.model_copy(update={"routing": routing})


@pytest.mark.parametrize(
    ("stage", "model", "told"),
    [("active", OURS, False), ("advise", OWN, True), ("shadow", OWN, False)],
)
async def test_each_stage_serves_and_tells_what_it_should(
    served: SmartSpawn, http: httpx.AsyncClient, stage: str, model: str, told: bool
) -> None:
    """A shadow is silent in the answer; the decision knows, and is made again to the byte."""
    staged(served, stage)
    data = body_of(await http.post("/pick", json=ASKED))["data"]
    assert data["id"] == model
    assert (data.get("advised") == OURS, OURS in str(data.get("warnings", ""))) == (told, told)
    decision = body_of(await http.get(f"/decisions/{data['decisionId']}"))
    assert decision["stage"] == stage
    assert (decision.get("advised") or {}).get("model") == (None if stage == "active" else OURS)
    again = body_of(await http.post(f"/decisions/{data['decisionId']}/replay"))
    assert again["same"] is True


async def test_a_stage_may_be_that_of_one_caller(served: SmartSpawn) -> None:
    """Settings by key beat the one for all."""
    staged(served, "shadow", key_trusted="active")
    wanted = served.request(**ASKED)
    assert served.decide(wanted, caller="key_trusted").selected.model == OURS
    assert served.decide(wanted, caller="key_other").selected.model == OWN


@pytest.mark.parametrize("wish", [{"exclude": [OWN]}, {"require": ["vision"]}, {"current": "gone/model"}])
async def test_what_cannot_serve_is_not_served(served: SmartSpawn, wish: dict[str, Any]) -> None:
    """Constraints hold in every stage, and the decision says why the own model was left out."""
    staged(served, "shadow")
    decision = served.decide(served.request(**{**ASKED, **wish}))
    assert decision.selected.model == OURS
    assert any("does not satisfy the request" in text for text in decision.warnings)


async def test_without_a_current_model_nothing_changes(served: SmartSpawn) -> None:
    """The stage is about the caller's own model; who names none gets the choice."""
    staged(served, "shadow")
    decision = served.decide(served.request(category="coding", budget="any"))
    assert (decision.selected.model, decision.stage, decision.advised) == (OURS, "active", None)


async def test_wins_earn_the_next_stage(served: SmartSpawn) -> None:
    """A better choice, often enough, earns the next stage; agreement alone earns nothing."""
    staged(served, "shadow")
    for _ in range(LEAST_DIFFERENT):
        served.decide(served.request(**ASKED))
        served.decide(served.request(**{**ASKED, "current": OURS}), caller="key_a")
    keyed, local = stages_json(served)["data"]
    assert (local["caller"], local["differing"], local["earned"]) == ("local", LEAST_DIFFERENT, "advise")
    assert local["winRate"] > 0.5
    assert local["advisedUsd"] > local["ownUsd"]
    assert (keyed["differing"], keyed["winRate"], keyed["earned"]) == (0, None, None)
