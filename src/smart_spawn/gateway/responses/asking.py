"""A Responses request → the body of a chat completion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smart_spawn.gateway.fields import passed_on, read_shape, refuse_what_is_set, refused
from smart_spawn.gateway.responses.conversation import chat_messages
from smart_spawn.gateway.responses.shapes import Format, ResponseRequest, Tool, ToolChoice

GUIDE = "a body as in OpenAI's Responses API; docs/guides/gateway.md lists what is served"
SEALED = "reasoning.encrypted_content"
NOT_SERVED: Mapping[str, str] = {
    "previous_response_id": "no response is kept here; send the whole conversation in `input`",
    "conversation": "no conversation is kept here; send all of it in `input`",
    "prompt": "prompt templates are kept at OpenAI; send `instructions` and `input`",
    "background": "an answer is given at once; `POST /api/spawn` with `wait: false` starts a run that is kept",
    "moderation": "OpenAI's moderation does not see this",
    "top_logprobs": "few models tell probabilities of tokens",
}
"""Fields that change what is done, and that only OpenAI can do → why."""
IGNORED = {
    "access_programs",  # what OpenAI lets whom do
    "background_options",  # refused with `background`
    "context_management",  # only for conversations that are near a limit; the client does it then
    "image",  # how OpenAI squeezes pictures
    "max_tool_calls",  # counts calls of tools that OpenAI carries out
    "prompt_cache_key",  # a hint to OpenAI's cache; an answer is right without it
    "prompt_cache_options",  # as above
    "prompt_cache_retention",  # as above
    "safety_identifier",  # whom OpenAI may block
    "store",  # nothing is kept, and the answer says so
    "stream_options",  # padding against eavesdroppers between OpenAI and its caller
    "truncation",  # a conversation that is too long is an error, whatever is asked for
}
"""Fields without which the answer is as good. They are not sent on: other providers refuse what they do not know."""
ECHOED = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "user",
)
"""Fields of the request that a response repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedResponse:
    """One Responses request, translated, and what its answer needs to know of it."""

    chat: dict[str, Any]
    """The body of a chat completion."""
    stream: bool = False
    summary: bool = False
    """Whether the client wants to read the thinking."""
    sealed: bool = False
    """Whether the client takes the signed thinking along and brings it back."""
    echo: Mapping[str, Any] = field(default_factory=dict)
    """What the response repeats of the request."""


def read_response_request(body: Mapping[str, Any]) -> AskedResponse:
    """Read the body of `POST /v1/responses`. Raises InvalidRequest, naming the field that cannot be served."""
    refuse_what_is_set(body, NOT_SERVED, {})
    request = read_shape(_with_types(body), ResponseRequest, guide=GUIDE)
    stream = bool(request.stream)
    chat: dict[str, Any] = {
        **passed_on(body, ResponseRequest, {*NOT_SERVED, *IGNORED}),
        "model": request.model,
        "messages": chat_messages(request.instructions, request.input),
        **_tools(request),
        **_format(request.text.format if request.text else None),
    }
    wishes = {
        "max_completion_tokens": request.max_output_tokens,
        "reasoning_effort": request.reasoning and request.reasoning.effort,
        "verbosity": request.text and request.text.verbosity,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "user": request.user,
    }
    chat |= {name: value for name, value in wishes.items() if value is not None}
    if stream:
        chat |= {"stream": True, "stream_options": {"include_usage": True}}
    return AskedResponse(
        chat=chat,
        stream=stream,
        summary=bool(request.reasoning and (request.reasoning.summary or request.reasoning.generate_summary)),
        sealed=SEALED in _included(request),
        echo=_echo(body, request),
    )


def _with_types(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say of every item what it is: messages may leave it out."""
    items = body.get("input")
    if not isinstance(items, list):
        return body
    typed = [{"type": "message", **i} if isinstance(i, dict) and "type" not in i else i for i in items]
    return {**body, "input": typed}


def _included(request: ResponseRequest) -> Sequence[str]:
    wanted = request.include or ()
    if "message.output_text.logprobs" in wanted:
        raise refused(
            "include", f"cannot be served: {NOT_SERVED['top_logprobs']}", hint="leave the logprobs out"
        )
    return wanted


def _tools(request: ResponseRequest) -> dict[str, Any]:
    if not request.tools:
        return {}
    tools = [_tool(tool, number) for number, tool in enumerate(request.tools)]
    chosen: dict[str, Any] = {}
    choice = request.tool_choice
    if isinstance(choice, ToolChoice):
        tools, chosen["tool_choice"] = _chosen(choice, tools)
    elif choice is not None:
        chosen["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        chosen["parallel_tool_calls"] = request.parallel_tool_calls
    return {"tools": tools, **chosen}


def _tool(tool: Tool, number: int) -> dict[str, Any]:
    if tool.type != "function":
        raise refused(
            f"tools[{number}].type",
            f"is `{tool.type}`, which only OpenAI's own models and servers know",
            hint="send tools of the type `function`, and carry them out yourself",
        )
    if not tool.name:
        raise refused(f"tools[{number}].name", "is missing", hint="name the function")
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.parameters or {"type": "object"}}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _chosen(choice: ToolChoice, tools: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Any]:
    """Return the tools that may be called, and the choice among them."""
    if choice.type == "function" and choice.name:
        return tools, {"type": "function", "function": {"name": choice.name}}
    if choice.type == "allowed_tools" and choice.tools:
        names = {tool.name for tool in choice.tools}
        allowed = [tool for tool in tools if tool["function"]["name"] in names]
        if allowed:
            return allowed, choice.mode
    raise refused(
        "tool_choice",
        f"of the type `{choice.type}` cannot be served as it is",
        hint='send "auto", "none", "required", the name of a function, or `allowed_tools` that are among `tools`',
    )


def _format(wanted: Format | None) -> dict[str, Any]:
    if wanted is None or wanted.type == "text":
        return {}
    if wanted.type == "json_object":
        return {"response_format": {"type": "json_object"}}
    if wanted.schema is None:
        raise refused("text.format.schema", "is missing", hint="send the JSON schema of the answer")
    schema: dict[str, Any] = {"name": wanted.name or "answer", "schema": wanted.schema}
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    if wanted.description is not None:
        schema["description"] = wanted.description
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def _echo(body: Mapping[str, Any], request: ResponseRequest) -> dict[str, Any]:
    reasoning = request.reasoning
    return {
        **{name: body.get(name) for name in ECHOED},
        "metadata": request.metadata or {},
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "reasoning": {
            "effort": reasoning and reasoning.effort,
            "summary": reasoning and (reasoning.summary or reasoning.generate_summary),
        },
        "text": {"format": {"type": "text"}, **(body.get("text") or {})},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
    }
