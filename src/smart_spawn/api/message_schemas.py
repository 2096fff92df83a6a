"""The shapes of Anthropic's Messages protocol, as far as we read or write them. Bodies and answers may hold more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Open(BaseModel):
    """A shape of somebody else's: members that are not named here pass through."""

    model_config = ConfigDict(extra="allow")


class MessageTurn(_Open):
    """One turn of a conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | list[dict[str, Any]]


class MessageTool(_Open):
    """A tool that the client carries out."""

    name: Annotated[str, Field(min_length=1)]
    description: str | None = None
    input_schema: dict[str, Any]


class CountBody(_Open):
    """A message of which the tokens shall be counted."""

    model: Annotated[str, Field(min_length=1, description="as for chats; a name of Anthropic's is found too")]
    messages: Annotated[list[MessageTurn], Field(min_length=1)]
    system: str | list[dict[str, Any]] | None = None
    tools: list[MessageTool] | None = None


class MessageBody(CountBody):
    """A message, as Anthropic's protocol asks for it."""

    max_tokens: Annotated[int, Field(ge=1)]
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    thinking: dict[str, Any] | None = None
    tool_choice: dict[str, Any] | None = None


class MessageUsage(BaseModel):
    """What an answer took, in tokens. What came from a cache is counted apart."""

    input_tokens: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int
    output_tokens: int
    output_tokens_details: dict[str, int]


class MessageAnswer(BaseModel):
    """A message. With `stream` the answer is server-sent events, from `message_start` to `message_stop`."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[dict[str, Any]]
    stop_reason: Literal["end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"]
    stop_sequence: str | None
    stop_details: dict[str, Any] | None
    usage: MessageUsage


class CountAnswer(BaseModel):
    """An estimate of the tokens of a prompt."""

    input_tokens: int


class MessageProblem(BaseModel):
    """What went wrong, as Anthropic writes it; `details.error_code` is our code."""

    type: str
    message: str
    details: dict[str, Any]


class MessageErrorAnswer(BaseModel):
    """Every error below `/v1/messages` has this shape."""

    type: Literal["error"]
    error: MessageProblem


SHAPES: tuple[type[BaseModel], ...] = (MessageBody, MessageAnswer, CountBody, CountAnswer, MessageErrorAnswer)
