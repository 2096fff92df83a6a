"""What a Messages request may hold, as far as it can be served. Read 2026-11 in the types of Anthropic's SDK 2.14."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec


class Text(msgspec.Struct, tag_field="type", tag="text"):
    """Some text."""

    text: str
    cache_control: dict[str, Any] | None = None
    """A mark for the prompt cache: all up to here is worth keeping."""


class Base64(msgspec.Struct, tag_field="type", tag="base64"):
    """The bytes of an image or a document."""

    media_type: str
    data: str


class Url(msgspec.Struct, tag_field="type", tag="url"):
    """Where an image is."""

    url: str


class PlainText(msgspec.Struct, tag_field="type", tag="text"):
    """A document that is text."""

    data: str


class Image(msgspec.Struct, tag_field="type", tag="image"):
    """An image."""

    source: Base64 | Url


class Excerpts(msgspec.Struct, tag_field="type", tag="content"):
    """A document that the client took apart."""

    content: str | list[Text | Image]


class Citations(msgspec.Struct):
    """Whether answers shall point into a document."""

    enabled: bool = False


class Document(msgspec.Struct, tag_field="type", tag="document"):
    """A PDF or a text."""

    source: Base64 | PlainText | Excerpts
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None


class SearchResult(msgspec.Struct, tag_field="type", tag="search_result"):
    """Something that the client found."""

    title: str
    source: str
    content: list[Text]
    citations: Citations | None = None


class ToolResult(msgspec.Struct, tag_field="type", tag="tool_result"):
    """What came of a tool call."""

    tool_use_id: str
    content: str | list[Text | Image | Document | SearchResult] | None = None
    is_error: bool | None = None


class ToolUse(msgspec.Struct, tag_field="type", tag="tool_use"):
    """A tool call."""

    id: str
    name: str
    input: dict[str, Any]


class Thinking(msgspec.Struct, tag_field="type", tag="thinking"):
    """What a model thought; the signature may be one of ours."""

    thinking: str = ""
    signature: str | None = None


class RedactedThinking(msgspec.Struct, tag_field="type", tag="redacted_thinking"):
    """What a model thought, readable by its maker alone."""


Block = Text | Image | Document | SearchResult | ToolResult | ToolUse | Thinking | RedactedThinking


class Message(msgspec.Struct):
    """One turn of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(msgspec.Struct):
    """A tool that the client carries out."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    strict: bool | None = None


class ToolChoice(msgspec.Struct):
    """Whether tools are called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingWish(msgspec.Struct):
    """Whether the model thinks first, and for how long."""

    type: Literal["enabled", "disabled", "adaptive", "between_tools"]
    budget_tokens: int | None = None
    display: Literal["summarized", "omitted"] | None = None


class JsonFormat(msgspec.Struct):
    """A JSON schema that the answer has to satisfy."""

    type: Literal["json_schema"]
    schema: dict[str, Any]


class OutputConfig(msgspec.Struct):
    """How much effort goes into the answer, and its format."""

    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: JsonFormat | None = None


class Metadata(msgspec.Struct):
    """On whose behalf the request is sent."""

    user_id: str | None = None


class MessageRequest(msgspec.Struct):
    """The body of `POST /v1/messages`."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    messages: Annotated[list[Message], msgspec.Meta(min_length=1)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1)]
    system: str | list[Text] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    thinking: ThinkingWish | None = None
    output_config: OutputConfig | None = None
    output_format: JsonFormat | None = None
    metadata: Metadata | None = None
