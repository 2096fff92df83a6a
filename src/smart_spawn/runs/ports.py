"""What running a task asks of the outside: somebody who answers a model call.

The shapes stand here, with no import of spawn or providers, because both sides need them: a mode calls a
`ChatClient`, a provider implements it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from smart_spawn.model import Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of the conversation that a model gets."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of one model, in the catalogue's words; the provider translates it."""

    model_id: str
    messages: tuple[Message, ...]
    max_output_tokens: int | None = None
    """Thinking included. `None` leaves the length to the provider."""
    reasoning_effort: Effort | None = None
    """`None` says nothing about it, for models that take no effort."""
    response_format: Mapping[str, Any] | None = None
    """As in the OpenAI protocol, e.g. `{"type": "json_object"}`."""
    timeout_s: float = 120.0
    """The longest that the whole call may take, connecting and reading together."""
    only_hosts: tuple[str, ...] = ()
    """Where the data policy allows the prompt to go, for a provider that passes prompts on; empty is anywhere."""
    deny_training: bool = False
    zero_retention: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens that one or more calls used."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """The part of `prompt_tokens` read from the provider's cache."""
    reasoning_tokens: int = 0
    """The part of `completion_tokens` spent on thinking."""

    def __add__(self, other: Usage) -> Usage:
        """Return the tokens of both together."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What a model answered. The text is never empty: an empty answer is a BadAnswer."""

    text: str
    finish_reason: str
    """`stop` when it came to its end, `length` when it was cut at the limit."""
    usage: Usage | None
    """`None` when the provider did not say."""
    cost_usd: Decimal | None
    """What the provider says it billed; `None` when it does not say."""
    model: str
    """The model that answered, in the provider's words."""
    provider: str
    """The name of the provider in the settings."""
    latency_ms: float
    raw_id: str | None = None
    """The provider's own id of the answer, to look it up there."""


class ChatClient(Protocol):
    """Somebody who can have a model answer."""

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Return the model's answer, after one try. Raises ProviderError; its type tells what may help."""
        ...
