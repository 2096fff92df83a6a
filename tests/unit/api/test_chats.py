"""`/v1` over HTTP: headers, events, errors and keys, as clients of OpenAI's protocol read them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import BadAnswer, BadRequest, ContextTooLong, Overloaded, ProviderError, RateLimited
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.settings import Settings
from tests.unit.api.conftest import body_of
from tests.unit.builders import NOW

CHAT = "/v1/chat/completions"
MESSAGES = [{"role": "user", "content": "Refactor this Python function to use asyncio"}]
ASK: dict[str, Any] = {"model": "auto", "messages": MESSAGES}


def problem(answer: httpx.Response) -> dict[str, Any]:
    """Return the error of an answer, which must have OpenAI's shape."""
    error: dict[str, Any] = body_of(answer)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize("path", [CHAT, f"/api{CHAT}", f"{CHAT}/"])
async def test_the_routes_answer_with_and_without_our_prefix(http: httpx.AsyncClient, path: str) -> None:
    """Clients put what they like before and after `/v1`."""
    answer = await http.post(path, json=ASK)
    assert answer.status_code == 200
    assert answer.headers["x-smart-spawn-model"] == body_of(answer)["model"]


async def test_a_stream_is_server_sent_events(http: httpx.AsyncClient, provider: FakeProvider) -> None:
    """Each event holds a chunk, the last word is `[DONE]`, and the headers say who answers."""
    provider.add("one two")
    answer = await http.post(CHAT, json={**ASK, "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-smart-spawn-decision-id"].startswith("dec_")
    *events, last, end = answer.text.split("\n\n")
    assert (last, end) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert {chunk["model"] for chunk in chunks} == {answer.headers["x-smart-spawn-model"]}


async def test_a_stream_that_breaks_ends_with_an_error_event(
    http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """The error has the shape of every other, and nothing says that the answer is done."""
    provider.add(Scripted(text="half", breaks=BadAnswer("it broke", hint="try again")))
    answer = await http.post(CHAT, json={**ASK, "stream": True})
    last = answer.text.strip().split("\n\n")[-1]
    assert json.loads(last.removeprefix("data: ")) == {
        "error": {
            "message": "it broke (try again)",
            "type": "server_error",
            "param": None,
            "code": "PROVIDER_ERROR",
        }
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (BadRequest("x"), 400, "PROVIDER_ERROR"),
        (ContextTooLong("x"), 400, "context_length_exceeded"),
        (RateLimited("x", retry_after_s=20), 429, "rate_limit_exceeded"),
        (Overloaded("x", retry_after_s=20), 502, "PROVIDER_ERROR"),
    ],
)
async def test_failures_of_providers_have_the_status_that_clients_act_on(
    http: httpx.AsyncClient, provider: FakeProvider, error: ProviderError, status: int, code: str
) -> None:
    """What the caller can put right is 400, what may pass is 429 or 502, with the time to wait."""
    provider.add(error)
    answer = await http.post(CHAT, json={**ASK, "model": "acme/strong"})
    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    assert answer.headers.get("retry-after") == (None if error.retry_after_s is None else "20")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "kind"),
    [
        ("POST", CHAT, {"model": "auto"}, 400, "invalid_request_error"),
        ("POST", CHAT, {**ASK, "model": "no/body"}, 404, "invalid_request_error"),
        ("POST", CHAT, {**ASK, "pad": "x" * 300_000}, 413, "invalid_request_error"),
        ("GET", CHAT, None, 405, "invalid_request_error"),
        ("GET", "/v1/nothing", None, 404, "invalid_request_error"),
        ("GET", "/v1/models/no/body", None, 404, "invalid_request_error"),
        (
            "POST",
            CHAT,
            {"model": "cascade", "messages": [{"role": "system", "content": "x"}]},
            400,
            "invalid_request_error",
        ),
    ],
)
async def test_every_refusal_has_the_shape_of_openai(
    http: httpx.AsyncClient, method: str, path: str, body: object, status: int, kind: str
) -> None:
    """Also those that come from the gate and from the framework."""
    answer = await http.request(method, path, json=body)
    assert answer.status_code == status
    assert problem(answer)["type"] == kind


async def test_keys_open_chats_by_their_scope(http: httpx.AsyncClient, served: SmartSpawn) -> None:
    """No key is 401, a key for choosing lists models and cannot chat, one without money is told so."""
    chooser = served.keys.create("chooser", ["route"]).secret
    poor = served.keys.create("poor", ["execute"], cap_usd=Decimal("0.000001")).secret
    agent = served.keys.create("agent", ["execute"], cap_usd=Decimal(1)).secret

    def bearer(secret: str) -> dict[str, str]:
        return {"authorization": f"Bearer {secret}"}

    nobody = await http.post(CHAT, json=ASK)
    assert (nobody.status_code, problem(nobody)["code"]) == (401, "invalid_api_key")
    assert (await http.get("/v1/models", headers=bearer(chooser))).status_code == 200
    refused = await http.post(CHAT, json=ASK, headers=bearer(chooser))
    assert (refused.status_code, problem(refused)["type"]) == (403, "permission_error")
    broke = await http.post(CHAT, json={**ASK, "model": "acme/strong"}, headers=bearer(poor))
    assert (broke.status_code, problem(broke)["code"]) == (402, "insufficient_quota")
    answer = await http.post(CHAT, json=ASK, headers=bearer(agent))
    assert answer.status_code == 200
    (row,) = [row for row in served.keys.all() if row.name == "agent"]
    assert served.store.keys.spent_usd(row.id) > 0


async def test_a_client_that_sends_too_slowly_is_not_waited_for(
    tmp_path: Path, provider: FakeProvider, served: SmartSpawn
) -> None:
    """A body must arrive in time, though the answer may take long."""
    settings = Settings.model_validate({"home": tmp_path, "server": {"request_timeout_s": 0.1}})
    with SmartSpawn(settings, chat=provider, in_memory=True, now=lambda: NOW) as app:
        transport = httpx.ASGITransport(app=create_app(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:

            async def slow() -> AsyncIterator[bytes]:
                yield b'{"model": '
                await asyncio.sleep(5)

            late = await http.post(CHAT, content=slow())
            assert (late.status_code, problem(late)["code"]) == (504, "TIMEOUT")
            provider.add(Scripted(text="slow", delay_s=0.4))
            assert (await http.post(CHAT, json=ASK)).status_code == 200
