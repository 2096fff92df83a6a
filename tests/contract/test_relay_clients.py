"""Every `RelayClient` keeps the same promises: chats are handed on as they are, and failures mean the same."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from smart_spawn.errors import (
    BadAnswer,
    Overloaded,
    ProviderError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from smart_spawn.providers import events, relaying
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.providers.fake_server import (
    FAULTS,
    FakeServer,
    Reply,
    Step,
    chunk,
    completion,
    event,
    json_reply,
    stream_reply,
)
from smart_spawn.providers.relaying import Relay
from smart_spawn.runs.ports import RelayCall, RelayClient
from tests.contract.test_chat_clients import KEY, PROMPT, asked, client_at, test_every_fault_has_its_type

MESSAGES = [{"role": "user", "content": PROMPT}]
CALL = RelayCall(model_id="vendor/model", body={"messages": MESSAGES}, timeout_s=5)
FAULT_TABLE = [
    row
    for row in test_every_fault_has_its_type.pytestmark[0].args[1]  # type: ignore[attr-defined]
    if row[0] not in ("huge", "length", "filtered", "refusal")  # answers here, or too long for a test
]
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}


async def whole(relay: Relay, call: RelayCall = CALL) -> dict[str, Any]:
    return await relay.complete(call)


async def streamed(relay: Relay, call: RelayCall = CALL) -> list[dict[str, Any]]:
    async with aclosing(relay.stream(call)) as chunks:
        return [chunk async for chunk in chunks]


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(c["delta"].get("content") or "" for each in chunks for c in each["choices"])


async def read(*pieces: bytes, done: bool = True) -> list[dict[str, Any]]:
    """Return the chunks of a stream that arrives in these pieces."""
    async with asked([stream_reply(*pieces, done=done)]) as (client, _):
        return await streamed(client.relaying)


@asynccontextmanager
async def fake_relay() -> AsyncIterator[RelayClient]:
    yield FakeProvider(["one two three"] * 2)


class _Real:
    def __init__(self, relay: Relay) -> None:
        self.relay = relay.complete
        self.relay_stream = relay.stream


@asynccontextmanager
async def real_relay() -> AsyncIterator[RelayClient]:
    async with asked(["one two three"] * 2) as (client, _):
        yield _Real(client.relaying)


@pytest.mark.parametrize("relay", [fake_relay, real_relay])
async def test_a_chat_is_answered_whole_and_in_parts(
    relay: Callable[[], AbstractAsyncContextManager[RelayClient]],
) -> None:
    """Both ways give the same text, a way of ending and the usage."""
    async with relay() as client:
        answer = await client.relay(CALL)
        chunks = [chunk async for chunk in client.relay_stream(CALL)]
    assert answer["choices"][0]["message"]["content"] == text_of(chunks) == "one two three"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"]["completion_tokens"] == chunks[-1]["usage"]["completion_tokens"] == 4


@pytest.mark.parametrize("way", [whole, streamed])
@pytest.mark.parametrize(("fault", "error", "status"), FAULT_TABLE)
async def test_every_fault_means_what_it_means_in_a_run(
    way: Callable[[Relay], Any],
    fault: str,
    error: type[ProviderError],
    status: int | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same table as for the other client, with neither key nor prompt in errors and logs."""
    caplog.set_level(logging.DEBUG)
    async with asked([fault]) as (client, server):
        with pytest.raises(ProviderError) as caught:
            await way(client.relaying)
    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.hint
    assert len(server.received) == 1
    shown = f"{caught.value}{caught.value.details}{caught.value.__cause__}{caplog.text}"
    assert KEY not in shown
    assert "submarine" not in shown


@pytest.mark.parametrize("fault", ["length", "refusal", "filtered"])
async def test_answers_that_the_protocol_knows_pass(fault: str) -> None:
    """A refusal, and an answer that was cut, are for the caller to read."""
    async with asked([fault]) as (client, _):
        answer = await whole(client.relaying)
    assert answer == json.loads(FAULTS[fault].body)


async def test_a_call_of_a_tool_is_an_answer() -> None:
    """No text is needed where a tool is called."""
    value = completion(None, finish_reason="tool_calls")
    value["choices"][0]["message"]["tool_calls"] = [TOOL_CALL]
    async with asked([json_reply(value)] * 2) as (client, _):
        assert await whole(client.relaying) == value
        (only,) = await streamed(client.relaying)  # this server does not stream; one chunk has it all
    assert only["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **TOOL_CALL}]
    assert only["choices"][0]["finish_reason"] == "tool_calls"


async def test_the_body_is_handed_on_as_it_is() -> None:
    """Members that nobody here knows arrive; model, limit, effort and streaming are put in."""
    body = {
        "messages": [{"role": "developer", "content": "be brief"}, *MESSAGES],
        "top_k": 3,
        "x": {"y": [None]},
    }
    call = RelayCall(model_id="vendor/model", body=body, max_output_tokens=9, reasoning_effort="low")
    async with asked(["ok", "ok"], model_names={"vendor/model": "local"}) as (client, server):
        await streamed(client.relaying, call)
        await whole(client.relaying, call)
    first, second = server.received
    assert first.target == "/v1/chat/completions"
    handed = {
        "messages": [{"role": "system", "content": "be brief"}, *MESSAGES],
        "model": "local",
        "max_tokens": 9,
        "reasoning_effort": "low",
        "top_k": 3,
        "x": {"y": [None]},
    }
    assert first.body == {**handed, "stream": True, "stream_options": {"include_usage": True}}
    assert second.body == handed
    assert first.headers["authorization"] == f"Bearer {KEY}"
    assert not {"cookie", "x-stainless-lang"} & set(first.headers)


async def test_a_caller_cannot_loosen_the_data_policy() -> None:
    """What OpenRouter is told about hosts is ours, whatever the body says; the rest of its wishes stays."""
    body = {"messages": MESSAGES, "provider": {"only": ["evil"], "data_collection": "allow", "sort": "price"}}
    call = RelayCall(model_id="v/m", body=body, only_hosts=("good",), deny_training=True, zero_retention=True)
    async with asked(["ok"], name="openrouter") as (client, server):
        await whole(client.relaying, call)
    provider = server.received[0].body["provider"]
    assert provider == {"only": ["good"], "data_collection": "deny", "zdr": True, "sort": "price"}


HELLO = event(chunk({"content": "héllo ☃"}))
STOP = event(chunk({}, finish_reason="stop"))


@pytest.mark.parametrize(
    "pieces",
    [
        [HELLO, STOP],
        [bytes([byte]) for byte in HELLO + STOP],
        [(HELLO + STOP).replace(b"\n", b"\r\n")],
        [bytes([byte]) for byte in (HELLO + STOP).replace(b"\n", b"\r\n")],
        [(HELLO + STOP).replace(b"\n", b"\r")],
        [b": OPENROUTER PROCESSING\n\n", b"id: 7\nevent: message\nretry: 10\n", HELLO, b"\n\n\n", STOP],
        [HELLO.replace(b'"choices"', b'\ndata: "choices"'), STOP],
        [HELLO.replace(b"data: ", b"data:"), STOP],
    ],
    ids=["plain", "bytes", "crlf", "crlf-bytes", "cr", "comments", "lines", "no-space"],
)
async def test_a_stream_reads_the_same_however_it_is_cut(pieces: list[bytes]) -> None:
    """Pieces, ends of lines, comments and other fields change nothing of what is said."""
    assert text_of(await read(*pieces)) == "héllo ☃"


async def test_the_last_event_needs_no_empty_line() -> None:
    """Servers that hang up after `[DONE]`, or after the last chunk, have said all."""
    assert text_of(await read(HELLO, STOP.rstrip(b"\n"), done=False)) == "héllo ☃"


async def test_half_a_character_is_shown_as_a_mark() -> None:
    """A surrogate pair that was cut between two chunks costs that character and not the answer."""
    halves = [event(chunk({"content": half})) for half in ("a\ud83d", "\ude00b")]
    assert text_of(await read(*halves, STOP)) == "a??b"


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (b'data: {"choices": [\n\n', BadAnswer),
        (b"data: " + b"[" * 100_000 + b"\n\n", BadAnswer),
        (b"data: 42\n\n", BadAnswer),
        (b"data: {}\n\n", BadAnswer),
        (b'data: {"choices": [3]}\n\n', BadAnswer),
        (b'data: {"choices": [{"delta": "x"}]}\n\n', BadAnswer),
        (b"data: \xff\xfe\n\n", BadAnswer),
        (event({"error": {"code": 429, "message": "busy"}}), RateLimited),
        (event({"error": {"code": "server_error", "message": "oops"}}), Overloaded),
        (event(chunk({}, choices=[{"delta": {}, "error": {"code": 502, "message": "x"}}])), Overloaded),
    ],
)
async def test_a_malformed_event_is_a_typed_error(bad: bytes, error: type[ProviderError]) -> None:
    """Whatever stands in an event, it ends as an error that names the provider, and what came before was given."""
    got = []
    async with asked([stream_reply(HELLO, bad)]) as (client, _):
        with pytest.raises(ProviderError) as caught:
            async for each in client.relaying.stream(CALL):
                got.append(each)
    assert type(caught.value) is error
    assert text_of(got) == "héllo ☃"


async def test_a_stream_that_ends_too_early_is_no_answer() -> None:
    """A connection that closes too early and a stream that says nothing are failures; cut at the limit is not."""
    with pytest.raises(BadAnswer):
        await read(HELLO, done=False)
    with pytest.raises(BadAnswer):
        await read(STOP)
    with pytest.raises(Refused):
        await read(event(chunk({}, finish_reason="content_filter")))
    assert await read(event(chunk({}, finish_reason="length")))


async def test_events_and_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event, a stream and an answer without end are given up at a limit."""
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 10_000)
    monkeypatch.setattr(events, "MAX_STREAM_BYTES", 30_000)
    monkeypatch.setattr(relaying, "MAX_ANSWER_BYTES", 20_000)
    long = event(chunk({"content": "x" * 9_000}))
    for pieces in ([b"data: ", b"x" * 11_000], [b"data: x\n"] * 4_000, [long] * 4):
        with pytest.raises(BadAnswer) as caught:
            await read(*pieces)
        assert "more than" in caught.value.message
    async with asked([json_reply(completion("x" * 21_000))]) as (client, _):
        with pytest.raises(BadAnswer):
            await whole(client.relaying)


async def test_silence_is_given_up_and_a_slow_stream_is_not() -> None:
    """The time-out of a stream is for each silence; a whole answer has it once."""
    call = RelayCall(model_id="v/m", body=CALL.body, timeout_s=0.5)
    slow = stream_reply(*[event(chunk({"content": "x"}))] * 8, STOP, part_delay_s=0.1)
    mute = stream_reply(event(chunk({"content": "x"})), STOP, part_delay_s=30)
    async with asked(["warm", slow, mute, "silence"]) as (client, _):
        await whole(client.relaying)
        assert text_of(await streamed(client.relaying, call)) == "x" * 8
        with pytest.raises(TimedOut):
            await streamed(client.relaying, call)
        with pytest.raises(TimedOut):
            await whole(client.relaying, call)


async def test_nobody_listening_is_unreachable() -> None:
    """A refused connection is named as such."""
    async with FakeServer() as server:
        base_url = server.base_url
    async with client_at(base_url) as client:
        with pytest.raises(Unreachable):
            await whole(client.relaying)


async def test_a_compressed_answer_is_refused() -> None:
    """Nobody asked for compression, so what unfolds from it is not counted and not read."""
    reply = Reply(body=b"x", headers={"Content-Encoding": "gzip"})
    async with asked([reply]) as (client, _):
        with pytest.raises(BadAnswer):
            await whole(client.relaying)


@pytest.mark.parametrize("step", ["silence", stream_reply(HELLO, STOP, part_delay_s=3600)])
async def test_who_goes_away_hangs_up(step: Step) -> None:
    """A cancelled call and a closed stream close the connection at once, and the client goes on working."""
    async with asked(["warm", step, "after"]) as (client, server):
        await whole(client.relaying)
        task = asyncio.create_task(streamed(client.relaying))
        async with asyncio.timeout(5):
            while len(server.received) < 2:  # noqa: ASYNC110  # the server keeps a list, not an event
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(5):
            while not server.broken_off:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)
        assert (await whole(client.relaying))["choices"][0]["message"]["content"] == "after"


async def test_the_environment_says_how_to_get_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Proxy variables and the certificate file count here as for every other call."""
    for name in ("http_proxy", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with FakeServer(default="through the proxy") as proxy, FakeServer(default="direct") as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        async with client_at("http://provider.invalid/v1") as client:
            assert text_of(await streamed(client.relaying)) == "through the proxy"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with client_at(server.base_url) as client:
            assert text_of(await streamed(client.relaying)) == "direct"
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    async with FakeServer(["over https"], tls=tls) as secure:
        async with client_at(secure.base_url) as client:
            with pytest.raises(Unreachable) as caught:
                await whole(client.relaying)
        assert "SSL_CERT_FILE" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        async with client_at(secure.base_url) as client:
            assert text_of(await streamed(client.relaying)) == "over https"


async def test_many_streams_at_once_keep_apart() -> None:
    """A hundred streams over one client each get their own words."""
    async with (
        FakeServer(default=lambda received: str(received.body["messages"][0]["content"])) as server,
        client_at(server.base_url) as client,
    ):
        calls = [
            RelayCall(model_id="v/m", body={"messages": [{"content": f"words of {n}"}]}) for n in range(100)
        ]
        answers = await asyncio.gather(*(streamed(client.relaying, call) for call in calls))
    assert [text_of(answer) for answer in answers] == [f"words of {n}" for n in range(100)]


def test_the_table_of_faults_is_shared() -> None:
    """Nothing of the other client's table is missing here without a test of its own."""
    covered = {row[0] for row in FAULT_TABLE} | {"length", "filtered", "refusal", "huge", "silence"}
    assert covered == set(FAULTS)
