"""What a Responses request may hold, as far as it can be served. Read 2026-11 in the types of OpenAI's SDK 3.54."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    """Some text of the caller."""

    text: str


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    """Some text of a model."""

    text: str


class Refusal(msgspec.Struct, tag_field="type", tag="refusal"):
    """What a model said instead of an answer."""

    refusal: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    """An image, by its address or with its bytes in the address."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    """A file with its bytes."""

    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None
    file_url: str | None = None


Content = InputText | OutputText | Refusal | InputImage | InputFile


class Message(msgspec.Struct, tag_field="type", tag="message"):
    """One turn of the conversation."""

    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[Content]


class FunctionCall(msgspec.Struct, tag_field="type", tag="function_call"):
    """A tool call that a model made."""

    call_id: str
    name: str
    arguments: str


class FunctionCallOutput(msgspec.Struct, tag_field="type", tag="function_call_output"):
    """What came of a tool call."""

    call_id: str
    output: str | list[InputText | OutputText | InputImage | InputFile]


class Reasoning(msgspec.Struct, tag_field="type", tag="reasoning"):
    """What a model thought; the encrypted content may be one of ours."""

    encrypted_content: str | None = None


Item = Message | FunctionCall | FunctionCallOutput | Reasoning


class Tool(msgspec.Struct):
    """A tool that the client carries out."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class AllowedTool(msgspec.Struct):
    """One of the tools that may be called."""

    type: str
    name: str | None = None


class ToolChoice(msgspec.Struct):
    """Which tools are called."""

    type: str
    name: str | None = None
    mode: Literal["auto", "required"] = "auto"
    tools: list[AllowedTool] | None = None


class ReasoningWish(msgspec.Struct):
    """How long the model thinks, and whether it tells about it."""

    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class Format(msgspec.Struct):
    """What the text has to be."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class TextWish(msgspec.Struct):
    """How the text is written."""

    format: Format | None = None
    verbosity: str | None = None


class ResponseRequest(msgspec.Struct):
    """The body of `POST /v1/responses`."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    input: str | Annotated[list[Item], msgspec.Meta(min_length=1)]
    instructions: str | None = None
    max_output_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning: ReasoningWish | None = None
    text: TextWish | None = None
    include: list[str] | None = None
    stream: bool | None = None
    metadata: dict[str, str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None
