"""Where OpenAI-compatible servers differ in what a request says. One row a dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from smart_spawn.providers.cache_marks import without_marks
from smart_spawn.runs.ports import ModelCall, RelayCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of server wants to be asked."""

    name: str
    host: str = ""
    """The public host that speaks it; empty for the common form."""
    output_limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    nested_effort: bool = False
    """Whether the effort is `reasoning: {"effort": ...}` instead of `reasoning_effort`."""
    asks_for_cost: bool = False
    """Whether `usage: {"include": true}` makes it say what it billed."""

    passes_prompts_on: bool = False
    """Whether it hands prompts to other hosts, and takes a `provider` object that says to which."""
    knows_developers: bool = False
    """Whether a message may have the role `developer`, which elsewhere is `system`."""
    knows_cache_marks: bool = False
    """Whether parts of a message may say where a cached prompt ends (`cache_control`)."""

    def body(self, call: ModelCall, wire_name: str) -> dict[str, Any]:
        """Return the JSON body of a chat completion. What the call leaves open is left out."""
        body: dict[str, Any] = {
            "model": wire_name,
            "messages": [{"role": m.role, "content": m.content} for m in call.messages],
        }
        if call.max_output_tokens is not None:
            body[self.output_limit_field] = call.max_output_tokens
        if call.response_format is not None:
            body["response_format"] = dict(call.response_format)
        if call.reasoning_effort is not None:
            body |= self._effort(call.reasoning_effort)
        if self.asks_for_cost:
            body["usage"] = {"include": True}
        if self.passes_prompts_on and (limits := _host_limits(call)):
            body["provider"] = limits
        return body

    def relayed_body(self, call: RelayCall, wire_name: str, *, stream: bool) -> dict[str, Any]:
        """Return the caller's body as this server wants it: another model name, our limits, usage asked for."""
        body: dict[str, Any] = {**call.body, "model": wire_name}
        if not self.knows_developers:
            body["messages"] = [_as_system(message) for message in body["messages"]]
        if not self.knows_cache_marks:
            body["messages"] = [without_marks(message) for message in body["messages"]]
        if call.max_output_tokens is not None:
            body[self.output_limit_field] = call.max_output_tokens
        if call.reasoning_effort is not None:
            body |= self._effort(call.reasoning_effort, given=body.get("reasoning"))
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.asks_for_cost:
            body["usage"] = {"include": True}
        if self.passes_prompts_on and (limits := _host_limits(call)):
            given = body.get("provider")
            body["provider"] = {**(given if isinstance(given, dict) else {}), **limits}
        return body

    def _effort(self, effort: str, *, given: object = None) -> dict[str, Any]:
        if not self.nested_effort:
            return {"reasoning_effort": effort}
        return {"reasoning": {**(given if isinstance(given, dict) else {}), "effort": effort}}


def _as_system(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "role": "system"} if message.get("role") == "developer" else message


def _host_limits(call: ModelCall | RelayCall) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if call.only_hosts:
        limits["only"] = list(call.only_hosts)
    if call.deny_training:
        limits["data_collection"] = "deny"
    if call.zero_retention:
        limits["zdr"] = True
    return limits


COMMON = Dialect(name="common")
DIALECTS = (
    # openrouter.ai/docs: "Reasoning Tokens", "Usage Accounting", "Provider Routing", "Prompt Caching", read 2026-11
    Dialect(
        name="openrouter",
        host="openrouter.ai",
        nested_effort=True,
        asks_for_cost=True,
        passes_prompts_on=True,
        knows_developers=True,
        knows_cache_marks=True,
    ),
    # platform.openai.com: its reasoning models refuse `max_tokens`; other servers know only that one
    Dialect(
        name="openai",
        host="api.openai.com",
        output_limit_field="max_completion_tokens",
        knows_developers=True,
    ),
)


def dialect_of(provider: str, base_url: str) -> Dialect:
    """Return the dialect by the provider's name in the settings or by its host, else the common form.

    The name counts as well, so that a gateway in front of OpenRouter can be called `openrouter`.
    """
    host = urlsplit(base_url).hostname or ""
    for dialect in DIALECTS:
        if provider == dialect.name or host == dialect.host or host.endswith(f".{dialect.host}"):
            return dialect
    return COMMON
