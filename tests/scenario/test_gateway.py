"""The service as clients of OpenAI's protocol see it: a real process, two scripted providers, official clients."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from smart_spawn.providers.fake_server import (
    FakeServer,
    Received,
    Reply,
    Step,
    chunk,
    completion,
    event,
    json_reply,
    stream_reply,
)
from tests.scenario.test_http_server import Service

Json = dict[str, Any]
SEVENTY = [event(chunk({"content": f"{n} "})) for n in range(70)]
STOP = event(chunk({}, finish_reason="stop"))
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Add two numbers.",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
            },
        },
    }
]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """A running service and where its two providers are expected."""

    def __init__(self, home: Path) -> None:
        self.ports = {"first": _free_port(), "second": _free_port()}
        serves = {"first": ["openai/*", "google/*", "z-ai/*", "x-ai/*", "meta/*"], "second": []}
        settings = {
            f"SMART_SPAWN_PROVIDERS__{name.upper()}__{key}": value
            for name, port in self.ports.items()
            for key, value in {
                "BASE_URL": f"http://127.0.0.1:{port}/v1",
                "MODELS": json.dumps(serves[name]),
            }.items()
        }
        self.service = Service(home, **settings, SMART_SPAWN_RUNS__WORKER="false")

    @property
    def url(self) -> str:
        """Where OpenAI's protocol is spoken."""
        return f"{self.service.url}/v1"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a service that all tests of this file share."""
    site = Site(tmp_path_factory.mktemp("gateway"))
    yield site
    site.service.close()


class Providers:
    """Both providers, answering by one script."""

    def __init__(self, servers: dict[str, FakeServer]) -> None:
        self.servers = servers

    def answer(self, with_: Step | Callable[[Received], Step]) -> None:
        """Answer with this from now on."""
        for server in self.servers.values():
            server.answer_with(with_)

    @property
    def received(self) -> list[Received]:
        """What arrived at either."""
        return [one for server in self.servers.values() for one in server.received]

    @property
    def broken_off(self) -> int:
        """How many answers were not waited for."""
        return sum(server.broken_off for server in self.servers.values())


@pytest.fixture
async def providers(site: Site) -> AsyncIterator[Providers]:
    """Return the providers, fresh for each test."""
    async with AsyncExitStack() as stack:
        servers = {
            name: await stack.enter_async_context(FakeServer(port=port)) for name, port in site.ports.items()
        }
        yield Providers(servers)


@pytest.fixture
async def client(site: Site, providers: Providers) -> AsyncIterator[AsyncOpenAI]:
    """Return the official client."""
    async with AsyncOpenAI(base_url=site.url, api_key="unused", max_retries=0, timeout=60) as client:
        yield client


async def until(met: Callable[[], bool], within_s: float) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(within_s):
        while not met():  # noqa: ASYNC110  # the other side keeps a list, not an event
            await asyncio.sleep(0.01)


async def test_the_official_client_chats_and_streams(client: AsyncOpenAI, providers: Providers) -> None:
    """Text, usage, the model that answered and our headers come as the client expects them."""
    providers.answer("forty two")
    ask: Any = {"model": "smart-spawn/auto", "messages": [{"role": "user", "content": "6 times 7?"}]}
    raw = await client.chat.completions.with_raw_response.create(**ask)
    answer = raw.parse()
    assert answer.choices[0].message.content == "forty two"
    assert answer.model == raw.headers["x-smart-spawn-model"]
    assert raw.headers["x-smart-spawn-decision-id"].startswith("dec_")
    assert 0 <= float(raw.headers["x-smart-spawn-confidence"]) <= 1
    assert float(raw.headers["x-smart-spawn-cost-usd"]) > 0
    text, usage = "", None
    async for part in await client.chat.completions.create(
        **ask, stream=True, stream_options={"include_usage": True}
    ):
        text += "".join(choice.delta.content or "" for choice in part.choices)
        usage = part.usage or usage
    assert text == "forty two"
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    listed = [model.id async for model in client.models.list()]
    assert listed[0] == "smart-spawn/auto"
    assert answer.model in listed


async def test_tools_pictures_and_schemas_reach_the_model(client: AsyncOpenAI, providers: Providers) -> None:
    """What the client's helpers send arrives, and what they expect comes back, whole and streamed."""
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2, "b": 2}'}}
    value = completion(None, finish_reason="tool_calls")
    value["choices"][0]["message"]["tool_calls"] = [call]
    providers.answer(json_reply(value))
    ask: Any = {"model": "auto:any", "messages": [{"role": "user", "content": "2 + 2?"}], "tools": TOOLS}
    answer = await client.chat.completions.create(**ask)
    assert answer.choices[0].message.tool_calls is not None
    assert answer.choices[0].message.tool_calls[0].id == "call_1"
    pieces = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "add", "arguments": ""}},
        *({"index": 0, "function": {"arguments": piece}} for piece in ('{"a": 2,', ' "b": 2}')),
    ]
    providers.answer(
        stream_reply(
            *(event(chunk({"tool_calls": [piece]})) for piece in pieces),
            event(chunk({}, finish_reason="tool_calls")),
        )
    )
    async with client.chat.completions.stream(**ask) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.tool_calls is not None
    assert json.loads(final.choices[0].message.tool_calls[0].function.arguments) == {"a": 2, "b": 2}
    providers.answer('{"colour": "black"}')
    schema: Json = {"type": "object", "properties": {"colour": {"type": "string"}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "colour", "schema": schema}}
    content: Any = [
        {"type": "text", "text": "Which colour?"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
    ]
    seen = await client.chat.completions.create(
        model="auto:any",
        messages=[{"role": "user", "content": content}],
        response_format=form,
        seed=7,
        stop=["\n\n"],
        user="somebody",
        extra_body={"top_k": 3},
    )
    assert json.loads(seen.choices[0].message.content or "") == {"colour": "black"}
    body = next(one.body for one in providers.received if one.body["messages"][0]["content"] == content)
    assert (body["seed"], body["stop"], body["user"], body["top_k"]) == (7, ["\n\n"], "somebody", 3)
    assert body["response_format"]["json_schema"]["schema"] == schema


async def test_errors_are_those_that_the_client_knows(client: AsyncOpenAI, providers: Providers) -> None:
    """An unknown model, a wrong body and a provider's refusal are raised as the client's own types."""
    messages: Any = [{"role": "user", "content": "hi"}]
    with pytest.raises(openai.NotFoundError) as unknown:
        await client.chat.completions.create(model="openai/gpt-5.22", messages=messages)
    assert unknown.value.code == "model_not_found"
    assert "did you mean" in unknown.value.message
    with pytest.raises(openai.BadRequestError) as wrong:
        await client.chat.completions.create(model="auto", messages=messages, n=2)
    assert wrong.value.param == "n"
    providers.answer("400")
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="auto", messages=messages)


async def test_curl_reads_a_stream(site: Site, providers: Providers) -> None:
    """Without any client, the stream is plain server-sent events that end with `[DONE]`."""
    providers.answer("one two")
    body = json.dumps({"model": "auto", "stream": True, "messages": [{"role": "user", "content": "count"}]})
    curl = await asyncio.create_subprocess_exec(
        "curl", "-sN", f"{site.url}/chat/completions", "-d", body, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(curl.communicate(), 60)
    lines = [line for line in out.decode().split("\n\n") if line]
    assert all(line.startswith("data: ") for line in lines)
    assert lines[-1] == "data: [DONE]"
    chunks = [json.loads(line[6:]) for line in lines[:-1]]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks) == "one two"
    assert not any("usage" in c for c in chunks)


@pytest.mark.parametrize(
    ("reply", "stream"),
    [
        (stream_reply(*SEVENTY[:3], STOP, part_delay_s=20), True),
        (stream_reply(*SEVENTY, part_delay_s=0.05), True),
        (Reply(delay_s=60), True),
        (Reply(delay_s=60), False),
    ],
    ids=["silent-stream", "busy-stream", "before-the-first-word", "whole"],
)
async def test_a_client_that_goes_away_ends_the_call(
    site: Site, providers: Providers, reply: Reply, stream: bool
) -> None:
    """The provider's call is closed within a second of the client's hanging up, at whatever point."""
    providers.answer(reply)
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": "go on"}]}
    async with httpx.AsyncClient(timeout=60) as http:

        async def read() -> None:
            async with http.stream("POST", f"{site.url}/chat/completions", json=body) as answer:
                async for _ in answer.aiter_raw():
                    pass

        reading = asyncio.create_task(read())
        await until(lambda: bool(providers.received), 30)
        await asyncio.sleep(0.2)
        assert not providers.broken_off
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    loop = asyncio.get_running_loop()
    hung_up_s = loop.time()
    await until(lambda: providers.broken_off == 1, 30)
    assert loop.time() - hung_up_s < (
        1.0 if os.environ.get("STRICT_TIMES") else 5.0
    )  # others use this machine


async def test_a_stream_that_breaks_ends_with_an_error(client: AsyncOpenAI, providers: Providers) -> None:
    """After the first word nobody takes over: the client's own error, and no word twice."""
    providers.answer(stream_reply(*SEVENTY[:5], b"data: {broken\n\n"))
    words = []
    with pytest.raises(openai.APIError) as caught:
        async for part in await client.chat.completions.create(
            model="auto", messages=[{"role": "user", "content": "count"}], stream=True
        ):
            words.append(part.choices[0].delta.content)
    assert words == ["0 ", "1 ", "2 ", "3 ", "4 "]
    assert caught.value.code == "PROVIDER_ERROR"
    assert len(providers.received) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"model": "auto", "messages": [{"role": "user", "content": "\\ud83d"}]}', 400),
        (b'{"model": "auto", "messages": ' + b"[" * 100_000, 400),
        (b'{"model": "auto", "messages": [{"role": "user", "content": "' + b"x" * (1 << 20) + b'"}]}', 413),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b"", 400),
    ],
    ids=["surrogate", "deep", "long", "binary", "list", "empty"],
)
async def test_bad_bodies_are_refused_in_words(
    site: Site, providers: Providers, body: bytes, status: int
) -> None:
    """Whatever is sent, the answer is an error in OpenAI's shape, and nobody is called."""
    async with httpx.AsyncClient(timeout=60) as http:
        answer = await http.post(f"{site.url}/chat/completions", content=body)
    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"message", "type", "param", "code"}
    assert not providers.received


def conversation_fault(messages: list[Json]) -> str:
    """Say what a strict provider would refuse in a conversation; empty when all is well."""
    waiting: list[str] = []
    for at, message in enumerate(messages):
        role = message["role"]
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                return f"result of nobody's call at {at}"
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            return f"calls without results before {at}"
        if role == "assistant":
            waiting = [call["id"] for call in message.get("tool_calls") or ()]
            if not waiting and not message.get("content"):
                return f"empty answer at {at}"
        elif role == "system" and at:
            return f"system message at {at}"
    return "calls without results at the end" if waiting else ""


class Agent:
    """A model that calls tools: each ask takes two calls one after the other, then an answer."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.sealed_for_others: list[str] = []

    def __call__(self, received: Received) -> Step:
        """Answer as a provider does that checks what it gets."""
        body = received.body
        messages = body["messages"]
        if fault := conversation_fault(messages):
            self.faults.append(fault)
            return "400"
        for message in messages:
            seal = message.get("reasoning_details")
            if seal and seal[0]["data"] != body["model"]:
                self.sealed_for_others.append(f"{seal[0]['data']} -> {body['model']}")
        asked_at = max(at for at, message in enumerate(messages) if message["role"] == "user")
        results = sum(message["role"] == "tool" for message in messages[asked_at:])
        sealed: Json = {"reasoning_details": [{"type": "reasoning.encrypted", "data": body["model"]}]}
        if results < 2:
            call = {
                "id": f"call_{len(messages)}",
                "type": "function",
                "function": {"name": "add", "arguments": f'{{"a": {results}, "b": 1}}'},
            }
            deltas: list[Json] = [
                {**sealed, "content": "Let me see. "},
                {"tool_calls": [{"index": 0, **call}]},
            ]
            end = "tool_calls"
        else:
            deltas, end = [{"content": "The answer "}, {**sealed, "content": f"is {results}."}], "stop"
        return stream_reply(
            *(event(chunk(delta, model="theirs")) for delta in deltas),
            event(chunk({}, finish_reason=end)),
            event(chunk({}, choices=[], usage={"prompt_tokens": 100, "completion_tokens": 9})),
        )


async def test_thirty_turns_with_tools_survive_a_provider(client: AsyncOpenAI, providers: Providers) -> None:
    """Every turn is valid for whoever gets it; the model stays while tools are at work, and seals stay too."""
    agent = Agent()
    providers.answer(agent)
    messages: list[Any] = [{"role": "system", "content": "You add numbers with your tool."}]
    models: list[str] = []
    for turn in range(30):
        if turn % 3 == 0:
            messages.append({"role": "user", "content": f"Add 1 to {turn} in Python, please."})
        if turn == 13:  # in the middle of a loop
            down = next(name for name, server in providers.servers.items() if server.received)
            providers.servers[down].answer_with("503")
        stream = client.chat.completions.stream(model="smart-spawn/auto:any", messages=messages, tools=TOOLS)
        async with stream as parts:
            final = await parts.get_final_completion()
        models.append(final.model)
        message = final.choices[0].message
        messages.append(message.model_dump(exclude_none=True, exclude={"parsed"}))
        for call in message.tool_calls or ():
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "1"})
    assert agent.faults == []
    assert agent.sealed_for_others == []
    assert len(set(models[:13])) == 1
    assert len(set(models[13:])) == 1
    assert models[12] != models[13]
    assert messages[-1]["content"] == "The answer is 2."


async def test_the_llm_command_line_works(site: Site, providers: Providers, tmp_path: Path) -> None:
    """`llm` needs the address and a model's name, and no more."""
    providers.answer("a haiku")
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: ours\n  model_name: smart-spawn/auto\n  api_base: {site.url}\n  api_key_name: ours\n",
        encoding="utf-8",
    )
    environment = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
    llm = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "llm", "-m", "ours", "--key", "x", "write a haiku",
        env=environment, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(llm.communicate(), 120)
    assert out.decode().strip() == "a haiku"
