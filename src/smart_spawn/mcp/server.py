"""The MCP server over one `SmartSpawn`: tools and resources in the protocol's own words.

Only this module, `http.py` once it is asked, and `stdio.py` load the library: it costs half a second and 26 MB.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import anyio.to_thread
import mcp_types as types
import structlog
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from smart_spawn import __version__
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import NotFound, SmartSpawnError
from smart_spawn.mcp import names, runs
from smart_spawn.mcp.answers import Answer
from smart_spawn.mcp.arguments import ArtifactArguments
from smart_spawn.mcp.call import Call, Tool
from smart_spawn.mcp.schemas import input_schema, output_schema
from smart_spawn.mcp.tools import INSTRUCTIONS, TOOLS
from smart_spawn.surface.caller import LOCAL, Caller, Scope, require
from smart_spawn.surface.decisions import decision_json
from smart_spawn.surface.failures import error_json
from smart_spawn.surface.runs import run_json, visible_run
from smart_spawn.surface.status import status_json

log = structlog.get_logger("smart_spawn.mcp")

Context = ServerRequestContext[Any, Any]
JSON, TEXT = "application/json", "text/plain"


def mcp_server(app: SmartSpawn, caller_of: Callable[[Any], Caller] = lambda _: LOCAL) -> Server[Any]:
    """Return the server of an open `SmartSpawn`. `caller_of` tells who sent an HTTP request."""
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its warnings may repeat what clients sent
    return _Served(app, caller_of).server()


class _Served:
    """Answers the requests of the protocol."""

    def __init__(self, app: SmartSpawn, caller_of: Callable[[Any], Caller]) -> None:
        self._app = app
        self._caller_of = caller_of
        self._tools = {tool.name: tool for tool in TOOLS}
        self._listed = types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    def server(self) -> Server[Any]:
        """Return the library's server with our handlers."""
        schemas = {tool.name: tool.input_schema for tool in self._listed.tools}
        return Server(
            "smart-spawn",
            version=__version__,
            title="Smart Spawn",
            instructions=INSTRUCTIONS,
            cache_hints={"tools/list": CacheHint(ttl_ms=3_600_000)},
            get_tool_input_schema=schemas.get,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read_resource,
        )

    async def _list_tools(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return self._listed

    async def _call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        tool = self._tools.get(params.name)
        if tool is None:
            raise MCPError(
                types.INVALID_PARAMS,
                f"there is no tool `{params.name[:80]}`",
                {"hint": f"the tools are: {', '.join(self._tools)}"},
            )
        began, code = time.perf_counter(), "ok"
        try:
            caller = self._caller_of(ctx.request)
            require(caller, tool.needs)
            call = Call(app=self._app, caller=caller, tell=_Teller(ctx))
            return _good(await tool.carry_out(call, tool.takes.read(params.arguments)))
        except SmartSpawnError as error:
            code = error.code
            return _failed(error)
        except Exception:
            code = "INTERNAL"
            log.exception("tool failed", tool=tool.name)
            return _failed(_ours())
        finally:
            log.info("tool", tool=tool.name, code=code, ms=round((time.perf_counter() - began) * 1000, 2))

    async def _list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        status = types.Resource(
            uri=names.STATUS,
            name="status",
            title="The state of the catalogue",
            description="How fresh the catalogue is, source by source.",
            mime_type=JSON,
        )
        return types.ListResourcesResult(resources=[status])

    async def _list_templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        return types.ListResourceTemplatesResult(
            resource_templates=[
                _template(names.DECISION, "decision", "A routing decision, with its evidence.", JSON),
                _template(names.RUN, "run", "A run as it stands: nodes, progress, cost, answer.", JSON),
                _template(
                    names.ARTIFACT,
                    "artifact",
                    "What a node of a run left behind; `merged` is the answer.",
                    TEXT,
                ),
            ]
        )

    async def _read_resource(
        self, ctx: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        try:
            text, kind = await self._resource(self._caller_of(ctx.request), uri)
        except SmartSpawnError as error:
            log.info("resource", code=error.code)
            raise MCPError(
                types.INVALID_PARAMS, str(error), {"uri": uri[:500], **error_json(error)}
            ) from None
        log.info("resource", code="ok")
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=uri, mime_type=kind, text=text)]
        )

    async def _resource(self, caller: Caller, uri: str) -> tuple[str, str]:
        """Return a resource's text and type. Raises NotFound, Forbidden."""
        app = self._app
        if uri == names.STATUS:
            require(caller, "route")
            return _json(await anyio.to_thread.run_sync(status_json, app)), JSON
        if found := names.parts_of(uri, names.DECISION):
            require(caller, "route")
            decision, catalog = await anyio.to_thread.run_sync(app.decision, found["id"])
            return _json(decision_json(decision, catalog, app.policy, verbose=False)), JSON
        needs: Scope = "execute"
        if found := names.parts_of(uri, names.RUN):
            require(caller, needs)
            run = await visible_run(app, caller, found["run_id"])
            return _json(run_json(await app.view(run.id), app.policy)), JSON
        if found := names.parts_of(uri, names.ARTIFACT):
            require(caller, needs)
            call = Call(app=app, caller=caller, tell=_silent)
            return (await runs.artifact(call, ArtifactArguments.read(found))).content, TEXT
        raise NotFound(
            f"there is no resource `{uri[:200]}`",
            hint=f"addresses look like {names.DECISION}, {names.RUN} and {names.ARTIFACT}",
        )


class _Teller:
    """Tells a client that asked for it how far a call is. What it tells always rises, as the protocol demands."""

    def __init__(self, ctx: Context) -> None:
        self._session = ctx.session
        self._told = 0.0

    async def __call__(self, percent: float, words: str) -> None:
        """Tell how far it is, of 100."""
        if self._told >= 100:
            return
        self._told = 100.0 if percent >= 100 else max(percent, self._told + (100 - self._told) / 100)
        await self._session.report_progress(self._told, 100, words)


async def _silent(percent: float, words: str) -> None:
    """Tell nobody."""


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(tool.takes),
        output_schema=output_schema(tool.gives),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads_only,
            destructive_hint=tool.destroys,
            idempotent_hint=tool.reads_only,
            open_world_hint=tool.spends,
        ),
    )


def _template(uri: str, name: str, description: str, kind: str) -> types.ResourceTemplate:
    return types.ResourceTemplate(uri_template=uri, name=name, description=description, mime_type=kind)


def _good(answer: Answer) -> types.CallToolResult:
    value = answer.model_dump(mode="json", exclude_unset=True)
    text = _json(value) if answer.text is None else answer.text
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=value)


def _failed(error: SmartSpawnError) -> types.CallToolResult:
    """Show an error to the model that asked, which can then ask better: code, message and the way out."""
    value = error_json(error)
    return types.CallToolResult(
        content=[types.TextContent(text=f"{error.code}: {error}")], structured_content=value, is_error=True
    )


def _ours() -> SmartSpawnError:
    return SmartSpawnError(
        "the call failed; the fault is ours", hint="the log has the details; please report it"
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
