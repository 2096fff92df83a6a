"""Every `ChatClient` keeps the same promises: the real client against a real server, and the fake."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from smart_spawn.errors import (
    AuthFailed,
    BadAnswer,
    BadRequest,
    ContextTooLong,
    ModelNotServed,
    Overloaded,
    PaymentRequired,
    ProviderError,
    RateLimited,
    Refused,
    TimedOut,
    Unreachable,
)
from smart_spawn.providers.fake import FakeProvider
from smart_spawn.providers.fake_server import (
    FAULTS,
    FakeServer,
    Received,
    Reply,
    Step,
    completion,
    error_reply,
    json_reply,
)
from smart_spawn.providers.openai_compatible import OpenAICompatible
from smart_spawn.runs.ports import ChatClient, Message, ModelCall, Usage
from smart_spawn.settings import ProviderSettings

KEY = "sk-canary-5e1f"
PROMPT = "canary prompt about a purple submarine"
CALL = ModelCall(model_id="vendor/model", messages=(Message(role="user", content=PROMPT),), timeout_s=5)


def settings(base_url: str, **options: object) -> ProviderSettings:
    return ProviderSettings.model_validate({"base_url": base_url, "api_key": SecretStr(KEY), **options})


@asynccontextmanager
async def client_at(base_url: str, name: str = "test", **options: object) -> AsyncIterator[OpenAICompatible]:
    client = OpenAICompatible(name, settings(base_url, **options), environ={})
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def asked(
    steps: Iterable[Step], name: str = "test", **options: object
) -> AsyncIterator[tuple[OpenAICompatible, FakeServer]]:
    async with FakeServer(steps) as server, client_at(server.base_url, name, **options) as client:
        yield client, server


@asynccontextmanager
async def fake_chat(text: str) -> AsyncIterator[ChatClient]:
    yield FakeProvider([text])


@asynccontextmanager
async def real_chat(text: str) -> AsyncIterator[ChatClient]:
    async with asked([text]) as (client, _):
        yield client


@pytest.mark.parametrize("chat", [fake_chat, real_chat])
async def test_an_answer_says_who_gave_it_and_what_it_used(
    chat: Callable[[str], AbstractAsyncContextManager[ChatClient]],
) -> None:
    """Text, provider, usage and the way it ended come with every answer, whoever gives it."""
    async with chat("forty-two") as client:
        answer = await client.complete(CALL)
    assert answer.text == "forty-two"
    assert answer.finish_reason == "stop"
    assert answer.model == "vendor/model"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert answer.usage.prompt_tokens == 10
    assert answer.latency_ms >= 0
    assert answer.raw_id


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("400", BadRequest, 400),
        ("401", AuthFailed, 401),
        ("402", PaymentRequired, 402),
        ("403", AuthFailed, 403),
        ("404", ModelNotServed, 404),
        ("422", BadRequest, 422),
        ("429", RateLimited, 429),
        ("500", Overloaded, 500),
        ("503", Overloaded, 503),
        ("529", Overloaded, 529),
        ("context", ContextTooLong, 400),
        ("context-phrase", ContextTooLong, 400),
        ("moderated", Refused, 403),
        ("quota", PaymentRequired, 429),
        ("redirect", BadAnswer, 307),
        ("error-in-200", RateLimited, 429),
        ("empty", BadAnswer, None),
        ("html", BadAnswer, None),
        ("broken-json", BadAnswer, None),
        ("wrong-json", BadAnswer, None),
        ("no-choices", BadAnswer, None),
        ("empty-text", BadAnswer, None),
        ("null-text", BadAnswer, None),
        ("length", BadAnswer, None),
        ("filtered", Refused, None),
        ("refusal", Refused, None),
        ("cut", BadAnswer, None),
        ("cut-stream", BadAnswer, None),
        ("drop", Unreachable, None),
        ("huge", BadAnswer, None),
    ],
)
async def test_every_fault_has_its_type(fault: str, error: type[ProviderError], status: int | None) -> None:
    """Whatever a provider does wrong becomes one typed error that names it and a way out, after one request."""
    async with asked([fault]) as (client, server):
        with pytest.raises(ProviderError) as caught:
            await client.complete(CALL)
    assert type(caught.value) is error
    assert caught.value.status == status
    assert caught.value.provider == "test"
    assert "`test`" in caught.value.message
    assert caught.value.hint
    assert len(server.received) == 1


def test_the_table_of_faults_is_complete() -> None:
    """A fault that the server can play is in the table above, or has a test of its own."""
    marks = test_every_fault_has_its_type.pytestmark  # type: ignore[attr-defined]
    assert {row[0] for row in marks[0].args[1]} | {"silence"} == set(FAULTS)


async def test_a_silent_provider_is_given_up_at_the_time_out() -> None:
    """A provider that says nothing costs the time-out and no more."""
    call = ModelCall(model_id="vendor/model", messages=CALL.messages, timeout_s=0.3)
    async with asked(["warm", "silence"]) as (client, _):
        await client.complete(CALL)  # the first call pays for the imports
        started = time.perf_counter()
        with pytest.raises(TimedOut):
            await client.complete(call)
    assert 0.25 < time.perf_counter() - started < 10


async def test_a_trickle_does_not_outlast_the_time_out() -> None:
    """The time-out bounds the whole call, so bytes that keep coming slowly do not stretch it."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except (ConnectionError, asyncio.CancelledError):
            writer.close()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_at(f"http://127.0.0.1:{port}/v1") as client:
        with pytest.raises(TimedOut):
            await client.complete(ModelCall(model_id="m", messages=CALL.messages, timeout_s=0.3))


async def test_nobody_listening_is_unreachable() -> None:
    """A refused connection is not taken for a time-out, although the library below reports one."""
    async with FakeServer() as server:
        base_url = server.base_url
    async with client_at(base_url) as client:
        with pytest.raises(Unreachable) as caught:
            await client.complete(CALL)
    assert "providers.test.base_url" in caught.value.hint


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("nan", None), ("1e9", 86_400.0)],
)
async def test_retry_after_is_passed_on(header: str, seconds: float | None) -> None:
    """What the provider asks us to wait comes with the error, in seconds and within a day."""
    async with asked([error_reply(429, "busy", headers={"Retry-After": header})]) as (client, _):
        with pytest.raises(RateLimited) as caught:
            await client.complete(CALL)
    assert caught.value.retry_after_s == seconds


async def test_the_request_says_what_the_call_says() -> None:
    """Model name, messages, limits, effort and format arrive; the server's own model name is used."""
    call = ModelCall(
        model_id="vendor/model",
        messages=(Message(role="system", content="be brief"), Message(role="user", content="hi")),
        max_output_tokens=77,
        reasoning_effort="high",
        response_format={"type": "json_object"},
    )
    async with asked(["ok"], model_names={"vendor/model": "local-7b"}) as (client, server):
        await client.complete(call)
    received = server.received[0]
    assert received.target == "/v1/chat/completions"
    assert received.body == {
        "model": "local-7b",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "max_tokens": 77,
        "reasoning_effort": "high",
        "response_format": {"type": "json_object"},
    }


async def test_openrouter_is_asked_in_its_own_way_and_its_bill_is_believed() -> None:
    """OpenRouter gets its form of the effort, is asked for the cost, and the cost comes back exactly."""
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "cost": 0.00014,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    call = ModelCall(model_id="vendor/model", messages=CALL.messages, reasoning_effort="low")
    async with asked([json_reply(completion("ok", usage=usage))], name="openrouter") as (client, server):
        answer = await client.complete(call)
    assert server.received[0].body["reasoning"] == {"effort": "low"}
    assert server.received[0].body["usage"] == {"include": True}
    assert answer.cost_usd == Decimal("0.00014")
    assert answer.usage == Usage(
        prompt_tokens=100, completion_tokens=50, cached_tokens=40, reasoning_tokens=30
    )


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "many"}, {"prompt_tokens": -1}, "none"])
async def test_unreadable_usage_is_unknown_and_not_zero(usage: object) -> None:
    """A good text is kept when its accounting makes no sense; the usage is then unknown."""
    async with asked([json_reply(completion("fine", usage=usage))]) as (client, _):
        answer = await client.complete(CALL)
    assert (answer.text, answer.usage, answer.cost_usd) == ("fine", None, None)


async def test_text_in_parts_is_put_together() -> None:
    """An answer whose content is a list of parts reads as one text."""
    value = completion("x")
    value["choices"][0]["message"]["content"] = [
        {"type": "text", "text": "one "},
        {"type": "text", "text": "two"},
    ]
    async with asked([json_reply(value)]) as (client, _):
        assert (await client.complete(CALL)).text == "one two"


async def test_only_our_own_headers_and_key_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that the OpenAI library reads by itself give nothing to a provider that is not OpenAI."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-private")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-private")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Private: yes")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    async with asked(["ok", "ok"]) as (client, server):
        await client.complete(CALL)
        keyless = OpenAICompatible("local", ProviderSettings(base_url=server.base_url), environ={})
        await keyless.complete(CALL)
        await keyless.close()
    with_key, without_key = server.received
    assert with_key.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in without_key.headers
    allowed = {"host", "authorization", "content-type", "content-length", "accept", "accept-encoding"}
    assert set(with_key.headers) <= allowed | {"user-agent", "connection", "x-stainless-raw-response"}


async def test_a_redirect_takes_the_key_nowhere() -> None:
    """The target of a redirect never hears from us."""
    async with FakeServer(["stolen"]) as thief:
        away = Reply(status=307, headers={"Location": f"{thief.base_url}/chat/completions"})
        async with asked([away]) as (client, _):
            with pytest.raises(BadAnswer) as caught:
                await client.complete(CALL)
    assert not thief.received
    assert "base_url" in caught.value.hint


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """`HTTP_PROXY` carries the call, and `NO_PROXY` keeps it from doing so."""
    for name in ("http_proxy", "no_proxy", "NO_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    async with FakeServer(default="through the proxy") as proxy, FakeServer(default="direct") as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        async with client_at("http://provider.invalid/v1") as client:
            assert (await client.complete(CALL)).text == "through the proxy"
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        async with client_at(server.base_url) as client:
            assert (await client.complete(CALL)).text == "direct"
    assert proxy.received[0].target == "http://provider.invalid/v1/chat/completions"


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"silence", "huge"}))
async def test_neither_key_nor_prompt_leaves_by_an_error_or_a_log(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs at the lowest level and every face of an error are free of the key and the prompt."""
    caplog.set_level(logging.DEBUG)
    async with asked([fault]) as (client, _):
        with pytest.raises(ProviderError) as caught:
            await client.complete(CALL)
    shown = f"{caught.value}{caught.value!r}{caught.value.details}{caught.value.__cause__}{caplog.text}"
    assert KEY not in shown
    assert "submarine" not in shown


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 200])
async def test_a_provider_that_repeats_key_and_prompt_is_not_quoted(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider's own words may hold what we sent, so only short codes are passed on."""
    caplog.set_level(logging.DEBUG)
    echo = error_reply(
        418,
        f"{KEY} asked {PROMPT}",
        http_status=status,
        type=KEY,
        metadata={"flagged_input": PROMPT, "reasons": []},
    )
    async with asked([echo]) as (client, _):
        with pytest.raises(ProviderError) as caught:
            await client.complete(CALL)
    shown = f"{caught.value}{caught.value!r}{caught.value.details}{caplog.text}"
    assert KEY not in shown
    assert "submarine" not in shown


async def test_a_cancelled_call_leaves_nothing_open() -> None:
    """Cancelling a call frees its connection, and the client goes on working."""
    async with asked(["warm", "silence", "after"]) as (client, server):
        await client.complete(CALL)
        task = asyncio.create_task(client.complete(CALL))
        async with asyncio.timeout(5):
            while len(server.received) < 2:  # noqa: ASYNC110  # the server keeps a list, not an event
                await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await client.complete(CALL)).text == "after"


async def test_a_private_certificate_authority_is_trusted_through_ssl_cert_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An unknown certificate is refused with the way out, and following it makes the call work."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    async with FakeServer(["over https"], tls=tls) as server:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        async with client_at(server.base_url) as client:
            with pytest.raises(Unreachable) as caught:
                await client.complete(CALL)
        assert "SSL_CERT_FILE" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        async with client_at(server.base_url) as client:
            assert (await client.complete(CALL)).text == "over https"


async def test_many_calls_share_one_client() -> None:
    """Forty calls at once all get their own answer."""

    def echo(received: Received) -> str:
        return str(received.body["messages"][0]["content"])

    calls = [
        ModelCall(model_id="v/m", messages=(Message(role="user", content=f"question {n}"),))
        for n in range(40)
    ]
    async with FakeServer(default=echo) as server, client_at(server.base_url) as client:
        answers = await asyncio.gather(*map(client.complete, calls))
    assert [answer.text for answer in answers] == [f"question {n}" for n in range(40)]
