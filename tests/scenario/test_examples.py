"""The examples run: each as a process of its own, against a service whose provider is scripted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_spawn.providers.fake_server import FakeServer, Received, Reply, completion, json_reply, streamed
from tests.contract.store.conftest import compiled_once
from tests.scenario.test_http_server import Service
from tests.unit.cli.test_services import in_a_thread

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
ANSWER = "It matches one or more a."
SAYS = {
    "in_process.py": ["effort: ", "; else ", ANSWER, "\ncost "],
    "remote_client.py": ["1 run.queued", "run.ended", "step-2 by ", ANSWER, "\ncost "],
    "openai_sdk.py": [f"{ANSWER}\nby ", ", sure to 0.", f"\n{ANSWER}\n"],
    "pydantic_ai_agent.py": ["test_memory_is_bounded", "2 requests, 1 tool calls"],
    "langchain_chain.py": [f"['{ANSWER}', '{ANSWER}']", f"\n{ANSWER}\n"],
    "smolagents_agent.py": ["Retries are not counted"],
}
"""What each must print."""


def acting(received: Received) -> Reply:
    """Answer as a model would: call the tool that there is, then say what it gave, by a tool if that is wanted."""
    messages, model = received.body["messages"], str(received.body["model"])
    tools = {tool["function"]["name"] for tool in received.body.get("tools", ())}
    acted = any(one["role"] == "assistant" for one in messages)
    said = str(messages[-1]["content"]) if acted else ""
    if tools and not said:
        return calling(model, min(tools - {"final_answer"}), {})
    if "final_answer" in tools:
        return calling(model, "final_answer", {"answer": said})
    text = said or ANSWER
    return (
        streamed(text, model=model)
        if received.body.get("stream")
        else json_reply(completion(text, model=model))
    )


def calling(model: str, name: str, arguments: dict[str, str]) -> Reply:
    """Answer with one tool call."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{name}", "type": "function", "function": function}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    return json_reply(completion("", model=model, choices=[choice]))


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Return what an example finds in its environment: a provider, and a service that has it too."""
    home = tmp_path_factory.mktemp("examples")
    with in_a_thread(FakeServer(default=acting)) as provider:
        settings = {
            **compiled_once(),
            "SMART_SPAWN_PROVIDERS__LOCAL__BASE_URL": provider.base_url,
            "SMART_SPAWN_PROVIDERS__LOCAL__API_KEY": "sk-test",
        }
        service = Service(home / "service", **settings)
        try:
            yield {**settings, "SMART_SPAWN_HOME": str(home / "own"), "SMART_SPAWN_URL": service.url}
        finally:
            service.stop()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path, environment: dict[str, str]) -> None:
    """It ends well, says nothing on standard error, and prints what it is about."""
    own = dict(environment)
    if path.name == "in_process.py":
        del own["SMART_SPAWN_URL"]
    answer = subprocess.run(
        [sys.executable, str(path)],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    for words in SAYS[path.name]:
        assert words in answer.stdout, answer.stdout
    assert answer.stderr == ""


def test_every_example_is_expected_and_told_of() -> None:
    """A new one says here what it prints, and stands in the list beside it."""
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in EXAMPLES} == set(SAYS)
    assert all(f"({name})" in listed for name in SAYS)
