"""The turns of a Messages request → the messages of a chat completion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from smart_spawn.gateway.fields import refused
from smart_spawn.gateway.messages.shapes import (
    Base64,
    Block,
    Document,
    Excerpts,
    Image,
    Message,
    MessageRequest,
    PlainText,
    SearchResult,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)
from smart_spawn.gateway.thinking import unpack
from smart_spawn.providers.cache_marks import MARK

ChatPart = dict[str, Any]
ChatMessage = dict[str, Any]


def chat_messages(request: MessageRequest) -> list[ChatMessage]:
    """Return the conversation, the system prompt first. Raises InvalidRequest, naming the field."""
    told: list[ChatMessage] = []
    if request.system:
        told.append(_system(_blocks(request.system)))
    for number, message in enumerate(request.messages):
        blocks = _blocks(message.content)
        _check_roles(blocks, message, f"messages[{number}]")
        if message.role == "assistant":
            told.append(_assistant(blocks))
        elif message.role == "system":
            told.append(_system(blocks))
        else:
            told.extend(_user(blocks))
    return told


def _blocks(content: str | Sequence[Block]) -> Sequence[Block]:
    return [Text(text=content)] if isinstance(content, str) else content


def _check_roles(blocks: Iterable[Block], message: Message, place: str) -> None:
    """Refuse blocks that cannot come from whoever is said to have sent them."""
    own = {
        "assistant": (ToolUse, Thinking, Text),
        "user": (ToolResult, Image, Document, SearchResult, Text),
        "system": (Text,),
    }[message.role]
    for number, block in enumerate(blocks):
        kind = block.__struct_config__.tag
        if not isinstance(block, own) and kind != "redacted_thinking":
            raise refused(
                f"{place}.content[{number}]",
                f"is a `{kind}` in a turn of the role `{message.role}`",
                hint="tool calls and thinking are the assistant's; results, images and documents are the user's",
            )
        if isinstance(block, (Document, SearchResult)) and block.citations and block.citations.enabled:
            raise refused(
                f"{place}.content[{number}].citations",
                "cannot be served: other models do not point into documents",
                hint="leave `citations` out",
            )


def _system(blocks: Iterable[Block]) -> ChatMessage:
    """One text, which is the form that every server takes; parts where they carry marks for a prompt cache."""
    texts = [block for block in blocks if isinstance(block, Text)]
    if any(text.cache_control for text in texts):
        return {"role": "system", "content": [_text(text.text, text.cache_control) for text in texts]}
    return {"role": "system", "content": "\n\n".join(text.text for text in texts)}


def _assistant(blocks: Iterable[Block]) -> ChatMessage:
    """One assistant turn. Chat completions know one text and then the calls, in their order."""
    text, calls, details = [], [], []
    for block in blocks:
        if isinstance(block, Text):
            text.append(block.text)
        elif isinstance(block, ToolUse):
            arguments = msgspec.json.encode(block.input).decode()
            calls.append(
                {
                    "id": block.id,
                    "type": "function",
                    "function": {"name": block.name, "arguments": arguments},
                }
            )
        elif isinstance(block, Thinking):
            details.extend(
                unpack(block.signature)
            )  # thinking that others signed is of no use to anybody else
    message: ChatMessage = {"role": "assistant", "content": "".join(text) or (None if calls else "")}
    if calls:
        message["tool_calls"] = calls
    if details:
        message["reasoning_details"] = details
    return message


def _user(blocks: Iterable[Block]) -> list[ChatMessage]:
    """One user turn: results of tools, which have to follow their calls at once, then all the rest."""
    results: list[ChatMessage] = []
    shown: list[ChatPart] = []
    said: list[ChatPart] = []
    for block in blocks:
        if isinstance(block, ToolResult):
            text, rest = _result(block)
            results.append({"role": "tool", "tool_call_id": block.tool_use_id, "content": text})
            shown.extend(rest)
        else:
            said.extend(_parts(block))
    rest = [*shown, *said]
    if rest or not results:
        results.append({"role": "user", "content": _content(rest)})
    return results


def _result(result: ToolResult) -> tuple[str, list[ChatPart]]:
    """Return a result's text, and what a chat completion cannot hold in it: images and files follow it."""
    if result.content is None or isinstance(result.content, str):
        parts = [_text(result.content or "")]
    else:
        parts = [part for block in result.content for part in _parts(block)]
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    if result.is_error and not text.lower().startswith("error"):
        text = f"Error: {text}"
    others = [part for part in parts if part["type"] != "text"]
    if not others:
        return text, []
    note = f"Of the result of the tool call {result.tool_use_id}:"
    return text or "The result follows.", [_text(note), *others]


def _parts(block: Block) -> list[ChatPart]:
    match block:
        case Text():
            return [_text(block.text, block.cache_control)]
        case Image():
            return [_image(block)]
        case SearchResult():
            found = "\n".join(text.text for text in block.content)
            return [_text(f"{block.title}\n{block.source}\n{found}")]
        case Document():
            return _document(block)
    return []


def _image(image: Image) -> ChatPart:
    source = image.source
    url = f"data:{source.media_type};base64,{source.data}" if isinstance(source, Base64) else source.url
    return {"type": "image_url", "image_url": {"url": url}}


def _document(document: Document) -> list[ChatPart]:
    heading = [_text(text) for text in (document.title, document.context) if text]
    match document.source:
        case Base64(media_type=kind, data=data):
            name = document.title or "document.pdf"
            file = {"filename": name, "file_data": f"data:{kind};base64,{data}"}
            return [*heading[bool(document.title) :], {"type": "file", "file": file}]
        case PlainText(data=text):
            return [*heading, _text(text)]
        case Excerpts(content=content):
            return [*heading, *(part for block in _blocks(content) for part in _parts(block))]


def _text(text: str, cache_mark: Mapping[str, Any] | None = None) -> ChatPart:
    return {"type": "text", "text": text, **({MARK: cache_mark} if cache_mark else {})}


def _content(parts: list[ChatPart]) -> str | list[ChatPart]:
    """Return one text as it is: it is the form that every server takes."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts
