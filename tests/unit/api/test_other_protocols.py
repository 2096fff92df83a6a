"""`/v1/messages` and `/v1/responses` in process: who may ask, what comes back to the model, how errors look."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import RateLimited
from smart_spawn.providers.fake import FakeProvider, Scripted
from tests.unit.api.conftest import body_of
from tests.unit.gateway.completions import call

ASK = {"role": "user", "content": "What colour is the sky?"}
MESSAGE = {"model": "acme/strong", "max_tokens": 100, "messages": [ASK], "thinking": {"type": "adaptive"}}
RESPONSE = {"model": "acme/strong", "input": [ASK], "include": ["reasoning.encrypted_content"]}
DETAILS = [{"type": "reasoning.text", "text": "I had better look.", "signature": "sealed", "index": 0}]
LOOKING = Scripted(
    text="I look.",
    tool_calls=[call("call_1", "look", '{"at": "sky"}')],
    extra={"reasoning": "I had better look.", "reasoning_details": DETAILS},
)


def events_of(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the data of a stream of events, having held each to its name."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for frame in answer.text.split("\n\n"):
        if frame:
            name, data = frame.split("\n", 1)
            found.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
    return found


async def test_sealed_thinking_comes_back_to_its_model_through_messages(
    http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """The signature that the client returns unread is what the model wants back, unchanged."""
    provider.add(LOOKING)
    content = body_of(await http.post("/v1/messages", json=MESSAGE))["content"]
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use"]
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "blue"}
    turns = [ASK, {"role": "assistant", "content": content}, {"role": "user", "content": [result]}]
    assert (await http.post("/v1/messages", json={**MESSAGE, "messages": turns})).status_code == 200
    assert provider.relayed[1].body["messages"][1]["reasoning_details"] == DETAILS
    other = {**MESSAGE, "model": "acme/middle", "messages": turns}
    assert (await http.post("/v1/messages", json=other)).status_code == 200
    assert "reasoning_details" not in provider.relayed[2].body["messages"][1]


async def test_sealed_thinking_comes_back_to_its_model_through_responses(
    http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """The same with the encrypted content of an item."""
    provider.add(LOOKING)
    output = body_of(await http.post("/v1/responses", json=RESPONSE))["output"]
    assert [item["type"] for item in output] == ["reasoning", "message", "function_call"]
    result = {"type": "function_call_output", "call_id": "call_1", "output": "blue"}
    again = {**RESPONSE, "input": [ASK, *output, result]}
    assert (await http.post("/v1/responses", json=again)).status_code == 200
    assert provider.relayed[1].body["messages"][1]["reasoning_details"] == DETAILS


@pytest.mark.parametrize(
    ("path", "body", "last"),
    [("/v1/messages", MESSAGE, "message_stop"), ("/v1/responses", RESPONSE, "response.completed")],
)
async def test_streams_are_named_events_with_our_headers(
    http: httpx.AsyncClient, provider: FakeProvider, path: str, body: dict[str, Any], last: str
) -> None:
    """Every event has its name, and the answer says which decision it comes from; also below `/api`."""
    provider.add("one two", "one two")
    for prefix in ("", "/api"):
        answer = await http.post(prefix + path, json={**body, "stream": True})
        assert events_of(answer)[-1]["type"] == last
        assert answer.headers["x-smart-spawn-model"] == "acme/strong"
        assert answer.headers["x-smart-spawn-decision-id"]


async def test_a_stream_that_breaks_off_ends_with_an_error_of_its_protocol(
    http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """What was said stays said; nothing is repeated by another model."""
    broken = Scripted(text="Half a", breaks=RateLimited("slow down"))
    provider.add(broken, broken)
    events = events_of(await http.post("/v1/messages", json={**MESSAGE, "stream": True}))
    assert (events[-1]["type"], events[-1]["error"]["type"]) == ("error", "rate_limit_error")
    events = events_of(await http.post("/v1/responses", json={**RESPONSE, "stream": True}))
    assert events[-1]["type"] == "response.failed"
    assert events[-1]["response"]["error"]["code"] == "rate_limit_exceeded"


async def test_a_tool_call_that_cannot_be_read_is_the_providers_failure(
    http: httpx.AsyncClient, provider: FakeProvider
) -> None:
    """Nobody is told to carry out a tool with half of its arguments."""
    provider.add(Scripted(text="", tool_calls=[call("call_1", "look", '{"at": ')]))
    answer = await http.post("/v1/messages", json=MESSAGE)
    assert (answer.status_code, body_of(answer)["error"]["type"]) == (502, "api_error")


async def test_keys_are_taken_where_these_clients_put_them(
    served: SmartSpawn, http: httpx.AsyncClient
) -> None:
    """In `x-api-key` or as a bearer; without, or with one that may only choose, in the shape of the protocol."""
    may = served.keys.create("agent", ["execute"]).secret
    may_not = served.keys.create("reader", ["route"]).secret
    for headers in (
        {"x-api-key": may, "anthropic-version": "2023-06-01"},
        {"authorization": f"Bearer {may}"},
    ):
        assert (await http.post("/v1/messages", json=MESSAGE, headers=headers)).status_code == 200
        assert (await http.post("/v1/responses", json=RESPONSE, headers=headers)).status_code == 200
    for headers, status, kind in (
        ({}, 401, "authentication_error"),
        ({"x-api-key": "ss_wrong"}, 401, "authentication_error"),
        ({"x-api-key": may_not}, 403, "permission_error"),
    ):
        refused = await http.post("/v1/messages", json=MESSAGE, headers=headers)
        assert (refused.status_code, body_of(refused)["error"]["type"]) == (status, kind)
        assert body_of(refused)["type"] == "error"
        refused = await http.post("/v1/responses", json=RESPONSE, headers=headers)
        assert refused.status_code == status
        assert body_of(refused)["error"].keys() == {"message", "type", "param", "code"}
