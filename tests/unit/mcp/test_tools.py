"""MCP: every tool through the protocol's own client, in memory."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import structlog
from mcp import Client, MCPError
from mcp.types import CallToolResult, TextContent

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import Refused
from smart_spawn.mcp.names import ARTIFACT, artifact_uri, parts_of
from smart_spawn.providers.fake import FakeProvider, Scripted
from smart_spawn.surface.caller import Caller
from tests.unit.mcp.conftest import Connect

TASK = "How many prime numbers are there below 20?"
PLAN = {"task": "1. Count the primes.\n2. Say how many.", "mode": "plan", "budget": "any"}


def words_of(answer: CallToolResult) -> str:
    """Return what a client without structured output would show."""
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text


def good(answer: CallToolResult) -> dict[str, Any]:
    """Return what a tool gave back."""
    assert not answer.is_error, words_of(answer)
    value: dict[str, Any] = answer.structured_content
    return value


def error_of(answer: CallToolResult) -> dict[str, Any]:
    """Return the error of a tool, which its text says too."""
    assert answer.is_error
    error: dict[str, Any] = answer.structured_content["error"]
    assert words_of(answer).startswith(f"{error['code']}: {error['message']}")
    return error


async def run_to_its_end(client: Client, **asked: Any) -> tuple[str, dict[str, Any]]:
    """Start a run and wait for its result."""
    run_id = good(await client.call_tool("smartspawn_run_create", asked))["run_id"]
    return run_id, good(await client.call_tool("smartspawn_run_result", {"run_id": run_id, "wait_s": 30}))


def objects_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield every schema of an object within a schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for each in schema.values():
            yield from objects_in(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from objects_in(each)


async def test_the_tools_are_those_that_published_clients_know(connect: Connect) -> None:
    """Their names are fixed, what they take is strict and flat, and what they give back is described."""
    async with connect() as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {
        "smartspawn_pick",
        "smartspawn_compare",
        "smartspawn_explain",
        "smartspawn_feedback",
        "smartspawn_health",
        "smartspawn_run_create",
        "smartspawn_run_status",
        "smartspawn_run_result",
        "smartspawn_run_cancel",
        "smartspawn_run_list",
        "smartspawn_artifact_get",
    }
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema is not None
        assert tool.output_schema["type"] == "object"
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert "$ref" not in json.dumps(schema)
        found = list(objects_in(tool.input_schema))
        assert found
        assert all(schema["additionalProperties"] is False for schema in found)
    created = tools["smartspawn_run_create"].input_schema
    assert set(created["properties"]) == {
        "task",
        "mode",
        "budget",
        "context",
        "collectiveCount",
        "role",
        "merge",
    }
    assert created["required"] == ["task", "mode"]


async def test_what_models_read_of_tools_is_never_data(connect: Connect, served: SmartSpawn) -> None:
    """Descriptions and schemas are the same whatever a source publishes or a caller sends."""
    async with connect() as client:
        before = await client.list_tools(cache_mode="bypass")
        await client.call_tool("smartspawn_pick", {"task": "zanzibar"})
        after = await client.list_tools(cache_mode="bypass")
    listed = after.model_dump_json()
    assert listed == before.model_dump_json()
    assert not any(listing.id in listed for listing in served.catalog.listings)
    assert "zanzibar" not in listed


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_choice_is_made_explained_and_compared(connect: Connect, mode: str) -> None:
    """As `/pick` answers, and the decision can be asked about; in both generations of the protocol."""
    async with connect(mode=mode) as client:
        picked = good(
            await client.call_tool(
                "smartspawn_pick",
                {"task": "Refactor this function", "budget": "medium", "context": "python, typescript"},
            )
        )
        assert picked["id"] == "acme/middle"
        assert picked["pricing"]["prompt"] == 2
        assert picked["contextTags"] == ["python", "typescript"]
        assert 0 <= picked["confidence"] <= 1

        explained = await client.call_tool("smartspawn_explain", {"decision_id": picked["decisionId"]})
        assert good(explained)["decision"]["selected"]["model"] == "acme/middle"
        assert words_of(explained) == explained.structured_content["explanation"]
        assert "acme/middle" in words_of(explained)

        compared = good(
            await client.call_tool(
                "smartspawn_compare", {"models": ["acme/strong", "openrouter/acme/middle", "no/such"]}
            )
        )
        assert [row["id"] for row in compared["models"]] == ["acme/strong", "acme/middle"]
        assert compared["missing"] == ["no/such"]


async def test_feedback_is_kept_and_learned_from(connect: Connect, served: SmartSpawn) -> None:
    """On a choice and on a run; a second vote replaces the first, and choosers know of it at once."""
    async with connect() as client:
        decision_id = good(await client.call_tool("smartspawn_pick", {"task": TASK, "budget": "any"}))[
            "decisionId"
        ]
        asked = {"decision_id": decision_id, "rating": 5, "comment": "fine"}
        first = good(await client.call_tool("smartspawn_feedback", asked))
        assert first["recorded"]
        assert (first["model"], first["rating"], first["replaced"]) == ("acme/strong", 5.0, False)
        before = served.learning.current()
        again = good(await client.call_tool("smartspawn_feedback", {"decision_id": decision_id, "rating": 2}))
        assert (again["rating"], again["replaced"]) == (2.0, True)
        assert served.learning.current() != before
        run_id, _ = await run_to_its_end(client, task=TASK, mode="single", budget="any")
        of_run = good(await client.call_tool("smartspawn_feedback", {"run_id": run_id, "outcome": "success"}))
        assert of_run["subject"] == run_id


async def test_health_says_what_works(connect: Connect) -> None:
    """With a catalogue and a database that can be written, choosing works; runs are carried out here."""
    async with connect() as client:
        health = good(await client.call_tool("smartspawn_health", {}))
    assert health["smart_spawn_api_reachable"]
    assert health["db_writable"]
    assert health["artifact_storage_writable"]
    assert health["worker_alive"]
    assert not health["openrouter_configured"]
    assert health["models"] == 7


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_run_is_started_watched_and_read(connect: Connect, mode: str, chat: FakeProvider) -> None:
    """Progress rises to 100 while the client waits; states and nodes have their published names."""
    chat.add(*[Scripted(text="8", delay_s=0.05)] * 2)
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with connect(mode=mode) as client:
        created = good(await client.call_tool("smartspawn_run_create", PLAN))
        assert set(created) == {"run_id", "status", "created_at", "warnings"}
        run_id = created["run_id"]
        asked = {"run_id": run_id, "wait_s": 30, "include_raw": True}
        result = good(await client.call_tool("smartspawn_run_result", asked, progress_callback=hear))
        status = good(await client.call_tool("smartspawn_run_status", {"run_id": run_id}))

    assert (result["status"], result["merged_output"]) == ("completed", "8")
    assert [line["node_id"] for line in result["artifacts"]] == ["step-1", "step-2", "merged"]
    assert {line["status"] for line in result["artifacts"]} == {"completed"}
    assert result["raw_outputs"] == [
        {"node_id": "step-1", "output": "8"},
        {"node_id": "step-2", "output": "8"},
    ]
    assert result["cost"]["completion_tokens"] == 2
    assert result["cost"]["usd_estimate"] > 0
    assert status["progress"] == {
        "total_nodes": 2,
        "done_nodes": 2,
        "running_nodes": 0,
        "failed_nodes": 0,
        "percent": 100,
    }
    assert (status["status"], status["last_event"]) == ("completed", "run completed")
    heard = [progress for progress, _, _ in told]
    assert heard == sorted(set(heard))
    assert told[-1][:2] == (100, 100)
    assert "2 of 2 nodes done" in str(told[-1][2])


@pytest.mark.parametrize("mode", ["single", "collective", "cascade", "plan", "swarm"])
async def test_every_mode_leaves_artifacts_behind(connect: Connect, mode: str) -> None:
    """Each node's answer and the merged one are read by tool and as resources, the same text."""
    async with connect() as client:
        run_id, result = await run_to_its_end(
            client, task=PLAN["task"], mode=mode, budget="any", collectiveCount=2
        )
        assert result["artifacts"][-1]["node_id"] == "merged"
        assert len(result["artifacts"]) >= 2
        for line in result["artifacts"]:
            found = await client.call_tool(
                "smartspawn_artifact_get", {"run_id": run_id, "node_id": line["node_id"]}
            )
            artifact = good(found)
            assert words_of(found) == artifact["content"] == "8"
            assert artifact["artifact_type"] == line["type"]
            assert artifact["metadata"]["bytes"] == 1
            (content,) = (await client.read_resource(line["path"])).contents
            assert getattr(content, "text", None) == "8"


async def test_a_result_without_an_end_shows_what_there_is(connect: Connect, chat: FakeProvider) -> None:
    """Without `wait_s` nobody waits, as published clients expect; there is no output yet."""
    chat.add(*[Scripted(text="late", delay_s=60)] * 4)
    async with connect() as client:
        run_id = good(
            await client.call_tool("smartspawn_run_create", {"task": TASK, "mode": "single", "budget": "any"})
        )["run_id"]
        result = good(await client.call_tool("smartspawn_run_result", {"run_id": run_id, "wait_s": 0.1}))
        assert result["status"] in ("queued", "running")
        assert result["merged_output"] is None
        assert (
            error_of(
                await client.call_tool("smartspawn_artifact_get", {"run_id": run_id, "node_id": "merged"})
            )["code"]
            == "NOT_FOUND"
        )

        canceled = good(await client.call_tool("smartspawn_run_cancel", {"run_id": run_id}))
        assert canceled == {"run_id": run_id, "status": "canceled"}
        result = good(await client.call_tool("smartspawn_run_result", {"run_id": run_id, "wait_s": 30}))
        assert result["status"] == "canceled"
        again = error_of(await client.call_tool("smartspawn_run_cancel", {"run_id": run_id}))
        assert again["code"] == "RUN_NOT_CANCELLABLE"


async def test_a_run_that_failed_says_why(connect: Connect, chat: FakeProvider) -> None:
    """The result of a failed run is no error of the tool: it carries the run's own."""
    chat.add(*[Refused("no", provider="fake")] * 20)
    async with connect() as client:
        _, result = await run_to_its_end(client, task=TASK, mode="single", budget="any")
    assert (result["status"], result["merged_output"]) == ("failed", None)
    assert result["error"]["code"] == "PROVIDER_ERROR"
    assert "PROVIDER_ERROR" in result["summary"]


async def test_runs_are_listed_by_their_published_states(connect: Connect, chat: FakeProvider) -> None:
    """Newest first; whatever did not succeed, and was not stopped, is `failed`."""
    async with connect() as client:
        done = [(await run_to_its_end(client, task=TASK, mode="single", budget="any"))[0] for _ in range(3)]
        chat.add(*[Refused("no", provider="fake")] * 20)
        lost, _ = await run_to_its_end(client, task=TASK, mode="single", budget="any")

        async def ids(**asked: Any) -> list[str]:
            return [
                row["run_id"] for row in good(await client.call_tool("smartspawn_run_list", asked))["runs"]
            ]

        assert await ids() == [lost, *reversed(done)]
        assert await ids(status="completed", limit=2) == [done[2], done[1]]
        assert await ids(status="failed") == [lost]
        assert await ids(status="canceled") == []


async def test_roles_and_merging_reach_the_models(connect: Connect, chat: FakeProvider) -> None:
    """A persona and a style are in the prompt; where a style can do nothing, the answer warns."""
    async with connect() as client:
        await run_to_its_end(
            client,
            task=TASK,
            mode="single",
            budget="any",
            role={"persona": "data-scientist", "guardrails": ["concise"]},
            merge={"style": "decision"},
        )
        prompt = "\n".join(message.content for message in chat.calls[-1].messages)
        warned = good(
            await client.call_tool("smartspawn_run_create", {**PLAN, "merge": {"style": "concise"}})
        )
    assert "one clear decision" in prompt
    assert len(chat.calls[-1].messages) > 1
    assert "`merge.style` has no effect in mode `plan`" in warned["warnings"]


RUN = {"task": "x", "mode": "single"}


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "said"),
    [
        ("smartspawn_pick", {}, "MISSING_PARAM", "`task`"),
        ("smartspawn_pick", {"task": ""}, "INVALID_PARAM", "`task`"),
        ("smartspawn_pick", {"task": "  "}, "MISSING_PARAM", "`task`"),
        ("smartspawn_pick", {"task": 5}, "INVALID_PARAM", "`task`"),
        ("smartspawn_pick", {"task": None}, "INVALID_PARAM", "`task`"),
        ("smartspawn_pick", {"task": "x" * 200_001}, "INVALID_PARAM", "200000"),
        ("smartspawn_pick", {"task": "x", "budget": "tiny"}, "INVALID_PARAM", "`tiny`"),
        ("smartspawn_pick", {"task": "x", "bugdet": "low"}, "INVALID_PARAM", "`bugdet`"),
        ("smartspawn_pick", {"task": "x", "exclude": ["acme/strnog"]}, "UNKNOWN_MODEL", "acme/strnog"),
        ("smartspawn_pick", {"task": "x", "exclude": "acme/strong"}, "INVALID_PARAM", "`exclude`"),
        ("smartspawn_pick", {"task": "x", "min_context": "1000"}, "INVALID_PARAM", "`min_context`"),
        ("smartspawn_pick", {"task": "x", "min_context": 10**9}, "INVALID_PARAM", "`min_context`"),
        ("smartspawn_pick", {"task": "x", "require": ["telepathy"]}, "INVALID_PARAM", "telepathy"),
        ("smartspawn_pick", {"task": "x", "only": ["gamma/unpriced"]}, "NO_MODEL_IN_BUDGET", "`any`"),
        ("smartspawn_pick", {"task": "x", "min_context": 90_000_000}, "NO_ELIGIBLE_MODEL", "no model"),
        ("smartspawn_compare", {"models": ["acme/strong"]}, "INVALID_PARAM", "`models`"),
        ("smartspawn_compare", {"models": ["no/one", "no/two"]}, "UNKNOWN_MODEL", "no/one"),
        ("smartspawn_explain", {"decision_id": "dec_none"}, "NOT_FOUND", "dec_none"),
        ("smartspawn_explain", {"decisionId": "dec_none"}, "MISSING_PARAM", "decision_id"),
        ("smartspawn_feedback", {"rating": 5}, "MISSING_PARAM", "`decisionId`"),
        ("smartspawn_feedback", {"decision_id": "dec_none"}, "MISSING_PARAM", "`rating`"),
        ("smartspawn_feedback", {"decision_id": "dec_none", "rating": 5}, "NOT_FOUND", "dec_none"),
        ("smartspawn_feedback", {"run_id": "run_none", "outcome": "success"}, "NOT_FOUND", "run_none"),
        ("smartspawn_feedback", {"decision_id": "dec_none", "rating": 6}, "INVALID_PARAM", "`rating`"),
        ("smartspawn_feedback", {"decision_id": "dec_none", "rating": "5"}, "INVALID_PARAM", "`rating`"),
        (
            "smartspawn_feedback",
            {"decision_id": "x", "run_id": "y", "rating": 5},
            "INVALID_PARAM",
            "together",
        ),
        ("smartspawn_feedback", {"decision_id": "x", "outcome": "maybe"}, "INVALID_PARAM", "maybe"),
        ("smartspawn_health", {"deep": True}, "INVALID_PARAM", "`deep`"),
        ("smartspawn_run_create", {"task": "x"}, "MISSING_PARAM", "`mode`"),
        ("smartspawn_run_create", {**RUN, "mode": "parallel"}, "INVALID_PARAM", "collective"),
        ("smartspawn_run_create", {**RUN, "collectiveCount": 9}, "INVALID_PARAM", "`collectiveCount`"),
        ("smartspawn_run_create", {**RUN, "collective_count": 2}, "INVALID_PARAM", "`collectiveCount`"),
        ("smartspawn_run_create", {**RUN, "role": {"person": "x"}}, "INVALID_PARAM", "person"),
        ("smartspawn_run_create", {**RUN, "merge": {"style": "loud"}}, "INVALID_PARAM", "loud"),
        ("smartspawn_run_status", {"run_id": "run_none"}, "NOT_FOUND", "run_none"),
        ("smartspawn_run_result", {"run_id": "run_none", "wait_s": 1}, "NOT_FOUND", "run_none"),
        ("smartspawn_run_result", {"run_id": "run_none", "wait_s": 10_000}, "INVALID_PARAM", "`wait_s`"),
        (
            "smartspawn_run_result",
            {"run_id": "run_none", "include_raw": "yes"},
            "INVALID_PARAM",
            "include_raw",
        ),
        ("smartspawn_run_cancel", {"run_id": "run_none"}, "NOT_FOUND", "run_none"),
        ("smartspawn_run_list", {"status": "succeeded"}, "INVALID_PARAM", "completed"),
        ("smartspawn_run_list", {"limit": 0}, "INVALID_PARAM", "`limit`"),
        ("smartspawn_artifact_get", {"run_id": "run_none"}, "MISSING_PARAM", "`node_id`"),
    ],
)
async def test_bad_input_is_named(
    connect: Connect, chat: FakeProvider, tool: str, arguments: dict[str, Any], code: str, said: str
) -> None:
    """Every wrong argument is an error of the tool: our code, what was wrong, the way out. Nobody is called."""
    async with connect() as client:
        error = error_of(await client.call_tool(tool, arguments))
    assert error["code"] == code
    assert said in f"{error['message']} {error['hint']} {json.dumps(error['details'])}"
    assert not chat.calls


async def test_what_there_is_not_is_an_error_of_the_protocol(connect: Connect) -> None:
    """An unknown tool or resource says what there is instead."""
    async with connect() as client:
        with pytest.raises(MCPError, match="smartspawn_fly") as unknown:
            await client.call_tool("smartspawn_fly", {})
        assert "smartspawn_pick" in unknown.value.data["hint"]
        for uri in (
            "smartspawn://decisions/dec_none",
            "smartspawn://runs/run_none",
            "smartspawn://runs/run_none/artifacts/merged",
            "smartspawn://else",
            "file:///etc/passwd",
        ):
            with pytest.raises(MCPError) as missing:
                await client.read_resource(uri)
            assert missing.value.data["error"]["code"] == "NOT_FOUND"


async def test_resources_are_listed_and_read(connect: Connect) -> None:
    """Decisions and runs are read by their ids, as the HTTP API shows them."""
    async with connect() as client:
        templates = {t.uri_template for t in (await client.list_resource_templates()).resource_templates}
        assert templates == {
            "smartspawn://decisions/{id}",
            "smartspawn://runs/{run_id}",
            "smartspawn://runs/{run_id}/artifacts/{node_id}",
        }
        (status,) = (await client.list_resources()).resources
        decision_id = good(await client.call_tool("smartspawn_pick", {"task": TASK}))["decisionId"]
        run_id, _ = await run_to_its_end(client, task=TASK, mode="single", budget="any")

        async def read(uri: str) -> Any:
            (content,) = (await client.read_resource(uri)).contents
            assert content.mime_type == "application/json"
            return json.loads(getattr(content, "text", ""))

        assert (await read(str(status.uri)))["data"]["modelCount"] == 7
        assert (await read(f"smartspawn://decisions/{decision_id}"))["id"] == decision_id
        run = await read(f"smartspawn://runs/{run_id}")
        assert (run["id"], run["status"]) == (run_id, "succeeded")


async def test_a_key_may_do_what_it_is_for_and_sees_its_own(connect: Connect, served: SmartSpawn) -> None:
    """A key for choosing starts nothing; the runs of another key are not there for it, in no tool and no resource."""
    reader = Caller.of(served.keys.create("reader", ["route"]).row)
    one = Caller.of(served.keys.create("one", ["route", "execute"]).row)
    two = Caller.of(served.keys.create("two", ["route", "execute"]).row)
    async with connect(one) as client:
        run_id, _ = await run_to_its_end(client, task=TASK, mode="single", budget="any")
    async with connect(reader) as client:
        assert not (await client.call_tool("smartspawn_pick", {"task": TASK})).is_error
        refused = error_of(await client.call_tool("smartspawn_run_create", {"task": TASK, "mode": "single"}))
        assert (refused["code"], refused["details"]) == ("FORBIDDEN", {"needs": "execute"})
    async with connect(one) as client:
        own = good(await client.call_tool("smartspawn_pick", {"task": TASK}))["decisionId"]
        vote = {"decision_id": own, "rating": 4}
        assert good(await client.call_tool("smartspawn_feedback", vote))["recorded"]
    async with connect(two) as client:
        assert error_of(await client.call_tool("smartspawn_feedback", vote))["code"] == "FORBIDDEN"
        assert good(await client.call_tool("smartspawn_run_list", {}))["runs"] == []
        for tool, more in (
            ("smartspawn_run_status", {}),
            ("smartspawn_run_result", {}),
            ("smartspawn_run_cancel", {}),
            ("smartspawn_artifact_get", {"node_id": "merged"}),
        ):
            hidden = error_of(await client.call_tool(tool, {"run_id": run_id, **more}))
            assert hidden["code"] == "NOT_FOUND"
        for uri in (f"smartspawn://runs/{run_id}", artifact_uri(run_id, "merged")):
            with pytest.raises(MCPError):
                await client.read_resource(uri)


async def test_neither_prompts_nor_answers_are_logged(
    connect: Connect, chat: FakeProvider, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever goes well or wrong, the log has names, codes and times alone."""
    canary, secret = "zanzibar-canary", "kilimanjaro-canary"
    chat.default = secret
    caplog.set_level(logging.DEBUG, logger="smart_spawn")
    with structlog.testing.capture_logs() as events:
        async with connect() as client:
            _, result = await run_to_its_end(client, task=canary, mode="single", budget="any")
            assert result["merged_output"] == secret
            await client.call_tool("smartspawn_pick", {"task": canary, "wrong": canary})
            await client.call_tool("smartspawn_pick", {"task": [canary]})
    assert {
        "event": "tool",
        "log_level": "info",
        "tool": "smartspawn_pick",
        "code": "INVALID_PARAM",
    }.items() <= ({key: value for key, value in events[-1].items() if key != "ms"}).items()
    said = json.dumps(events, default=str) + caplog.text + "".join(capfd.readouterr())
    assert canary not in said
    assert secret not in said


async def test_a_fault_of_ours_tells_nothing_but_that(
    connect: Connect, served: SmartSpawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns that it was us; the trace stays in the log."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("inner secret")

    monkeypatch.setattr(served, "decide", broken)
    async with connect() as client:
        answer = await client.call_tool("smartspawn_pick", {"task": "x"})
    assert error_of(answer)["code"] == "INTERNAL"
    assert "secret" not in words_of(answer)


@pytest.mark.parametrize("node_id", ["merged", "step-1", "a/b c?d#é", "%2F"])
def test_addresses_hold_any_id(node_id: str) -> None:
    """What an address was made of can be read back from it."""
    assert parts_of(artifact_uri("run_1", node_id), ARTIFACT) == {"run_id": "run_1", "node_id": node_id}
