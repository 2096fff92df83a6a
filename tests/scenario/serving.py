"""A running service with a scripted provider behind it, shared by the tests of clients that people use."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smart_spawn.providers.fake_server import (
    FakeServer,
    Received,
    Step,
    chunk,
    completion,
    event,
    json_reply,
    stream_reply,
)
from tests.scenario.test_http_server import Service

Call = tuple[str, str, Mapping[str, Any]]
"""Id, name and arguments of a tool call."""


@contextmanager
def running(home: Path) -> Iterator[tuple[Service, FakeServer]]:
    """Start a provider and a service that knows no other. What the provider is to say goes into its `steps`."""
    loop = asyncio.new_event_loop()
    provider = FakeServer(default=_by_marker)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(provider.__aenter__(), loop).result(30)
    service = Service(
        home,
        SMART_SPAWN_RUNS__WORKER="false",
        SMART_SPAWN_PROVIDERS__LAB__BASE_URL=provider.base_url,
        SMART_SPAWN_PROVIDERS__LAB__MAX_RETRIES="0",
    )
    try:
        yield service, provider
    finally:
        service.close()
        asyncio.run_coroutine_threadsafe(provider.__aexit__(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def _by_marker(received: Received) -> Step:
    """Fail as the prompt asks for it, so that a failure does not depend on how often somebody tries."""
    said = json.dumps(received.body)
    return next((fault for fault in ("429", "503", "context") if f"[fail: {fault}]" in said), "Hello.")


def calling(text: str, *calls: Call, stream: bool) -> Step:
    """Answer with a text and tool calls, whole or streamed with arguments in pieces."""
    written = [(id_, name, json.dumps(arguments)) for id_, name, arguments in calls]
    if not stream:
        message = {
            "role": "assistant",
            "content": text,
            "tool_calls": [
                {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
                for id_, name, arguments in written
            ],
        }
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return json_reply(completion(text, choices=[choice]))
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text}]
    for index, (id_, name, arguments) in enumerate(written):
        head = {"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}
        pieces = [arguments[at : at + 4] for at in range(0, len(arguments), 4)]
        deltas.append({"tool_calls": [head]})
        deltas += [{"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces]
    usage = completion(text)["usage"]
    return stream_reply(
        *(event(chunk(delta)) for delta in deltas),
        event(chunk({}, finish_reason="tool_calls")),
        event(chunk({}, choices=[], usage=usage)),
    )
