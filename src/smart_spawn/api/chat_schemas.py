"""The shapes of OpenAI's protocol, as far as we read or write them. Bodies and answers may hold more."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Open(BaseModel):
    """A shape of somebody else's: members that are not named here pass through."""

    model_config = ConfigDict(extra="allow")


class ChatMessage(_Open):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Any] | None = None
    """Parts are the provider's to judge."""


class ChatBody(_Open):
    """A chat completion, as OpenAI's protocol asks for it."""

    model: Annotated[
        str,
        Field(min_length=1, description="`smart-spawn/auto`, one of the others, or an id of the catalogue"),
    ]
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Literal[1] | None = None


class ChatAnswer(_Open):
    """A chat completion. With `stream` the answer is server-sent events of `chat.completion.chunk` objects."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None


class ChatModel(BaseModel):
    """A name that `model` may have."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ChatModelsAnswer(BaseModel):
    """What `/v1/models` answers: our own names first, then the models that can be called."""

    object: Literal["list"]
    data: list[ChatModel]


class ChatProblem(BaseModel):
    """What went wrong, as OpenAI writes it."""

    message: str
    type: str
    param: str | None
    code: str | None


class ChatErrorAnswer(BaseModel):
    """Every error below `/v1` has this shape."""

    error: ChatProblem


SHAPES: tuple[type[BaseModel], ...] = (ChatBody, ChatAnswer, ChatModel, ChatModelsAnswer, ChatErrorAnswer)
