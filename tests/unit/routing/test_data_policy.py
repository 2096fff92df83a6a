"""Data policy: where a prompt may go, decided before anything leaves."""

from __future__ import annotations

from typing import Any

import pytest

from smart_spawn.errors import NoEligibleModel, NoModelInBudget
from smart_spawn.model import DeclaredPolicy
from smart_spawn.routing.data_policy import admitted, published_hosts
from smart_spawn.routing.policy import OwnHost, RoutingPolicy
from smart_spawn.routing.request import DataPolicy, RouteRequest
from smart_spawn.routing.route import route
from tests.unit.builders import NOW, catalog, listing

OPEN = RoutingPolicy()


def wanted(**options: Any) -> DataPolicy:
    return DataPolicy.model_validate(options)


def test_a_model_stays_while_one_host_satisfies_the_policy() -> None:
    """Several companies run an open model: a call is limited to those that the policy admits."""
    model = listing("moonshotai/kimi-k2.6")
    everywhere = admitted(model, wanted(), OPEN)
    european = admitted(model, wanted(regions=["EU"]), OPEN)
    assert not everywhere.limited
    assert european.limited
    assert 0 < len(european.hosts) < len(everywhere.hosts)
    regions = {published_hosts().hosts[slug].region for slug in european.hosts}
    assert "US" not in regions
    assert "CN" not in regions


def test_a_host_that_trains_on_prompts_is_left_out_on_request() -> None:
    """The vendor's own service may train where other hosts of the same model do not."""
    hosts = admitted(listing("deepseek/deepseek-v4-pro"), wanted(allowTraining=False), OPEN).hosts
    assert hosts
    assert "deepseek" not in hosts


@pytest.mark.parametrize("options", [{"allowTraining": False}, {"zeroRetention": True}, {"regions": ["EU"]}])
def test_unknown_is_not_a_promise(options: dict[str, Any]) -> None:
    """A host that publishes nothing satisfies no policy that asks for something."""
    assert admitted(listing("nobody/knows"), wanted(**options), OPEN).hosts == ()
    assert admitted(listing("nobody/knows"), wanted(), OPEN).hosts == ("nobody",)


def test_what_the_owner_declares_about_an_own_server_counts() -> None:
    """A server in the owner's cellar has the policy that its owner states, not the vendor's."""
    cellar = OwnHost(name="cellar", models=("acme/*",), region="eu", trains=False, retains=False)
    policy = RoutingPolicy(own_hosts=(cellar,))
    strict = wanted(regions=["EU"], zeroRetention=True, allowTraining=False)
    assert admitted(listing("acme/one"), strict, policy).hosts == ("cellar",)
    assert admitted(listing("other/two"), strict, policy).hosts == ()


def test_the_owners_denials_hold_for_every_request() -> None:
    """What the owner forbids in the settings no request can allow."""
    shop = catalog(
        [listing("acme/one"), listing("bolt/two")],
        {"acme/one": {"lmarena_coding": 1.5}, "bolt/two": {"lmarena_coding": 0.1}},
    )
    decision = route(
        RouteRequest.of(category="coding"),
        shop,
        at=NOW,
        decision_id="dec",
        policy=RoutingPolicy(deny_providers=("acme",)),
    )
    assert decision.selected.model == "bolt/two"
    assert decision.rejected["dataPolicy"] == 1
    with pytest.raises((NoEligibleModel, NoModelInBudget)):
        route(
            RouteRequest.of(category="coding", only=["acme/one"]),
            shop,
            at=NOW,
            decision_id="dec",
            policy=RoutingPolicy(deny_providers=("acme",)),
        )


def test_a_private_models_own_declaration_counts() -> None:
    """What the owner says about one model beats what is known of its vendor."""
    declared = DeclaredPolicy(trains_on_prompts=False, retains_prompts=False, region="de")
    private = listing("deepseek/mine", private=True, served_by="cellar", declared=declared)
    strict = wanted(regions=["EU"], zeroRetention=True, allowTraining=False)
    assert admitted(private, strict, OPEN).hosts == ("cellar",)
    assert admitted(private, wanted(regions=["US"]), OPEN).hosts == ()
