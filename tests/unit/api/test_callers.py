"""Keys: who may ask what, once there is one."""

from __future__ import annotations

from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import InvalidRequest, NotFound
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.surface.caller import Caller, needed_scope
from smart_spawn.surface.keys import key_json
from tests.unit.api.conftest import body_of


def bearer(secret: str) -> dict[str, str]:
    """Return the header that carries a secret."""
    return {"authorization": f"Bearer {secret}"}


async def test_without_keys_everybody_on_loopback_may_ask(http: httpx.AsyncClient) -> None:
    """A service that only this machine reaches needs no set-up."""
    assert (await http.get("/api/pick?task=x")).status_code == 200


async def test_with_a_key_others_are_refused(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Nothing but health answers without a known secret; both usual headers carry it."""
    secret = served.keys.create("laptop", ["route"]).secret
    for headers in ({}, bearer("ss_wrong"), {"x-api-key": "ss_wrong"}, {"authorization": f"Basic {secret}"}):
        refused = await http.get("/api/pick?task=x", headers=headers)
        assert (refused.status_code, body_of(refused)["error"]["code"]) == (401, "UNAUTHORIZED")
        assert refused.headers["www-authenticate"] == "Bearer"
    assert (await http.get("/health")).status_code == 200
    assert (await http.get("/api/pick?task=x", headers=bearer(secret))).status_code == 200
    assert (await http.get("/api/status", headers={"x-api-key": secret})).status_code == 200


async def test_a_scope_that_is_lacking_is_named(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """A key for choosing neither spends money nor changes what others get."""
    secret = served.keys.create("laptop", ["route"]).secret
    for path, needs in (
        ("/api/spawn", "execute"),
        ("/refresh", "admin"),
        ("/api/catalog/rollback/", "admin"),
    ):
        refused = await http.post(path, json={"task": "x"}, headers=bearer(secret))
        assert refused.status_code == 403
        assert body_of(refused)["error"]["details"] == {"needs": needs}


async def test_a_revoked_key_opens_nothing(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Revoking holds at once here, and in other processes at their next look."""
    other = SmartSpawn(served.settings, now=served.now)
    other._store = served.store  # another process that shares the database
    kept, gone = served.keys.create("kept", ["route"]), served.keys.create("gone", ["route"])
    assert set(other.keys.active) == {kept.row.secret_sha256, gone.row.secret_sha256}
    served.keys.revoke(gone.row.id)
    assert (await http.get("/api/status", headers=bearer(gone.secret))).status_code == 401
    assert other.keys.check_for_newer()
    assert other.keys.find(gone.secret) is None
    assert other.keys.find(kept.secret) == kept.row


async def test_a_wide_address_never_opens_without_a_key(served: SmartSpawn) -> None:
    """Revoking the last key does not let the whole network in."""
    settings = served.settings.model_copy(update={"host": "192.0.2.1"})
    wide = SmartSpawn(settings, in_memory=True, now=served.now)
    api: FastAPI = create_app(wide)
    transport = httpx.ASGITransport(app=api)
    with wide:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            assert (await http.get("/api/status")).status_code == 401
            secret = wide.keys.create("laptop", ["route"]).secret
            assert (await http.get("/api/status", headers=bearer(secret))).status_code == 200


async def test_the_cap_of_a_key_holds_over_its_runs(
    served: SmartSpawn, http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """What was spent with a key is shown with it, and beyond its cap nothing is called."""
    provider.add(Scripted(text="done", cost_usd=Decimal("0.01")))
    rich = served.keys.create("rich", ["execute"], cap_usd=Decimal(1))
    poor = served.keys.create("poor", ["execute"], cap_usd=Decimal("0.0000001"))
    done = await http.post("/api/spawn", json={"task": "x"}, headers=bearer(rich.secret))
    paid = {"task": "x", "only": ["acme/middle"]}
    refused = await http.post("/api/spawn", json=paid, headers=bearer(poor.secret))
    assert done.status_code == 200
    assert key_json(served, rich.row)["spentUsd"] == 0.01
    assert (refused.status_code, body_of(refused)["error"]["code"]) == (402, "BUDGET_EXCEEDED")
    assert key_json(served, poor.row)["spentUsd"] == 0


async def test_a_key_sees_its_own_runs_only(served: SmartSpawn, http: httpx.AsyncClient) -> None:
    """Those of others are not there for it, also not to be cancelled; the owner's key sees all."""
    keys = {
        "one": bearer(served.keys.create("one", ["execute"]).secret),
        "two": bearer(served.keys.create("two", ["execute"], cap_usd=Decimal(1), cap_period="month").secret),
        "owner": bearer(served.keys.create("owner", ["execute", "admin"]).secret),
    }
    found = {}
    for name in ("one", "two"):
        body = {"task": "x", "budget": "any", "minCapability": 0}
        found[name] = body_of(await http.post("/api/spawn", json=body, headers=keys[name]))["id"]

    async def seen(name: str) -> set[str]:
        return {row["id"] for row in body_of(await http.get("/api/runs", headers=keys[name]))["data"]}

    assert await seen("one") == {found["one"]}
    assert await seen("two") == {found["two"]}
    assert await seen("owner") == set(found.values())
    for path, method in (("", "GET"), ("/events", "GET"), ("/artifacts/x", "GET"), ("/cancel", "POST")):
        hidden = await http.request(method, f"/api/runs/{found['two']}{path}", headers=keys["one"])
        assert (hidden.status_code, body_of(hidden)["error"]["code"]) == (404, "NOT_FOUND")
    assert (await http.get(f"/api/runs/{found['two']}", headers=keys["two"])).status_code == 200


def test_a_secret_is_never_stored(served: SmartSpawn) -> None:
    """Only its hash is, and the secret has 256 random bits."""
    new = served.keys.create("laptop", ["route", "admin"])
    assert new.secret.startswith("ss_")
    assert len(new.secret) >= 46
    assert new.secret not in repr(served.keys.all())
    assert served.keys.get(new.row.id).scopes == {"route", "admin"}


@pytest.mark.parametrize(
    ("name", "scopes"), [("", ["route"]), ("a\nb", ["route"]), ("a", ["all"]), ("a", [])]
)
def test_what_cannot_be_a_key_is_said(served: SmartSpawn, name: str, scopes: list[str]) -> None:
    """A mistyped scope must not make a key that can do less, or more, than was meant."""
    with pytest.raises(InvalidRequest):
        served.keys.create(name, scopes)
    with pytest.raises(NotFound):
        served.keys.revoke("key_0")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/models", "route"),
        ("GET", "/metrics", "admin"),
        ("GET", "/private-models", "route"),
        ("PUT", "/api/private-models/own/x", "admin"),
        ("GET", "/api/runs", "execute"),
        ("POST", "/v1/chat/completions", "execute"),
        ("GET", "/v1/models", "route"),
        ("POST", "/feedback", "route"),
    ],
)
def test_what_costs_or_changes_needs_more(method: str, path: str, scope: str) -> None:
    """Reading is cheap, money is `execute`, the owner's work is `admin`."""
    assert needed_scope(method, path) == scope


def test_a_cap_is_counted_by_key_or_by_month(served: SmartSpawn) -> None:
    """Runs of a key share one purse; a monthly cap has a new one every month."""
    total = Caller.of(served.keys.create("a", ["execute"]).row)
    monthly = Caller.of(served.keys.create("b", ["execute"], cap_period="month").row)
    at = served.now()
    assert (purse := total.key_cap(at)) is not None
    assert purse.key == total.key
    assert (purse := monthly.key_cap(at)) is not None
    assert purse.key == f"{monthly.key}:{at:%Y-%m}"
