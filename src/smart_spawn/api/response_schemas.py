"""The shapes of OpenAI's Responses protocol, as far as we read or write them. Bodies and answers may hold more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Open(BaseModel):
    """A shape of somebody else's: members that are not named here pass through."""

    model_config = ConfigDict(extra="allow")


class ResponseBody(_Open):
    """A response, as OpenAI's protocol asks for it."""

    model: Annotated[str, Field(min_length=1, description="as for chats")]
    input: str | Annotated[list[dict[str, Any]], Field(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["auto", "none", "required"] | dict[str, Any] | None = None
    text: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    stream: bool | None = None


class ResponseAnswer(_Open):
    """A response. With `stream` the answer is server-sent events, from `response.created` to `response.completed`."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["completed", "incomplete"]
    model: str
    output: list[dict[str, Any]]
    usage: dict[str, Any]


SHAPES: tuple[type[BaseModel], ...] = (ResponseBody, ResponseAnswer)
