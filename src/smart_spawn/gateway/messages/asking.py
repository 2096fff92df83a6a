"""A Messages request → the body of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smart_spawn.gateway.fields import passed_on, read_shape, refuse_what_is_set, refused
from smart_spawn.gateway.messages.conversation import chat_messages
from smart_spawn.gateway.messages.shapes import JsonFormat, MessageRequest, Tool, ToolChoice

GUIDE = "a body as in Anthropic's Messages API; docs/guides/gateway.md lists what is served"
NOT_SERVED: Mapping[str, str] = {
    "container": "containers run at Anthropic",
    "mcp_servers": "nobody here calls MCP servers for a model",
    "thread": "no conversation is kept here; send all of it in `messages`",
    "inference_geo": "where a model runs is not promised here; `data_policy` in the settings limits it",
}
"""Fields that change what is done, or where, and that no other provider knows → why."""
HARMLESS: Mapping[str, tuple[Any, ...]] = {"inference_geo": ("global",)}
IGNORED = {
    "betas",  # what they switch on is either served anyway or refused by its own field
    "billing_policy",  # who pays Anthropic
    "cache_control",  # of a whole request: where its marks go is left to Anthropic; those of texts are sent on
    "compaction",  # only for conversations that are near a limit; the client does it then
    "context_management",  # as above
    "diagnostics",  # reports on Anthropic's cache
    "fallback_credit_token",  # Anthropic's money
    "fallbacks",  # the router has its own
    "service_tier",  # Anthropic's capacity
    "speed",  # as above
    "user_profile_id",  # whom Anthropic knows
    "workspace_id",  # as above
}
"""Fields without which the answer is as good. They are not sent on: other providers refuse what they do not know."""
THINKING_SHARES = ((0.65, "high"), (0.35, "medium"), (0.0, "low"))
"""Share of `max_tokens` that is meant for thinking → effort; half way between the 0.8, 0.5 and 0.2 for which these
efforts stand at OpenRouter (its guide "Reasoning Tokens", read 2026-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedMessage:
    """One Messages request, translated, and what its answer needs to know of it."""

    chat: dict[str, Any]
    """The body of a chat completion."""
    stream: bool = False
    stop_sequences: Sequence[str] = ()
    thinking: bool = False
    """Whether the client wants to see the thinking."""


def read_message_request(body: Mapping[str, Any]) -> AskedMessage:
    """Read the body of `POST /v1/messages`. Raises InvalidRequest, naming the field that cannot be served."""
    refuse_what_is_set(body, NOT_SERVED, HARMLESS)
    request = read_shape(body, MessageRequest, guide=GUIDE)
    stream = bool(request.stream)
    chat: dict[str, Any] = {
        **passed_on(body, MessageRequest, {*NOT_SERVED, *IGNORED}),
        "model": request.model,
        "messages": chat_messages(request),
        "max_tokens": request.max_tokens,
        **_tools(request.tools, request.tool_choice),
        **_effort(request),
        **_format(request),
    }
    if request.stop_sequences:
        chat["stop"] = list(request.stop_sequences)
    if request.metadata and request.metadata.user_id:
        chat["user"] = request.metadata.user_id
    if stream:
        chat |= {"stream": True, "stream_options": {"include_usage": True}}
    return AskedMessage(
        chat=chat,
        stream=stream,
        stop_sequences=request.stop_sequences or (),
        thinking=_shows_thinking(request),
    )


def _tools(tools: Sequence[Tool] | None, choice: ToolChoice | None) -> dict[str, Any]:
    if not tools:
        return {}
    return {"tools": [_tool(tool, number) for number, tool in enumerate(tools)], **_choice(choice)}


def _tool(tool: Tool, number: int) -> dict[str, Any]:
    if tool.type not in (None, "custom"):
        raise refused(
            f"tools[{number}].type",
            f"is `{tool.type}`, which only Anthropic's own models and servers know",
            hint="send a tool with an `input_schema`, and carry it out yourself",
        )
    if tool.input_schema is None:
        raise refused(
            f"tools[{number}].input_schema", "is missing", hint="describe the input by a JSON schema"
        )
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice | None) -> dict[str, Any]:
    if choice is None:
        return {}
    chosen: dict[str, Any] = {}
    if choice.type == "tool":
        if not choice.name:
            raise refused("tool_choice.name", "is missing", hint="name the tool that is to be called")
        chosen["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
    else:
        chosen["tool_choice"] = {"any": "required"}.get(choice.type, choice.type)
    if choice.disable_parallel_tool_use is not None and choice.type != "none":
        chosen["parallel_tool_calls"] = not choice.disable_parallel_tool_use
    return chosen


def _effort(request: MessageRequest) -> dict[str, Any]:
    """How long the model shall think: what is said outright, else the share of the tokens meant for it."""
    if request.output_config and request.output_config.effort:
        return {"reasoning_effort": request.output_config.effort}
    wish = request.thinking
    if wish is None or wish.type != "enabled" or wish.budget_tokens is None:
        return {}
    share = wish.budget_tokens / request.max_tokens
    return {"reasoning_effort": next(effort for least, effort in THINKING_SHARES if share >= least)}


def _format(request: MessageRequest) -> dict[str, Any]:
    wanted: JsonFormat | None = (
        request.output_config and request.output_config.format
    ) or request.output_format
    if wanted is None:
        return {}
    schema = {"name": "answer", "schema": wanted.schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _shows_thinking(request: MessageRequest) -> bool:
    wish = request.thinking
    return wish is not None and wish.type != "disabled" and wish.display != "omitted"
