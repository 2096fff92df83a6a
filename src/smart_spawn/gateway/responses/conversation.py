"""The items of a Responses request → the messages of a chat completion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from smart_spawn.gateway.fields import refused
from smart_spawn.gateway.responses.shapes import (
    Content,
    FunctionCall,
    FunctionCallOutput,
    InputFile,
    InputImage,
    InputText,
    Item,
    Message,
    OutputText,
    Reasoning,
    Refusal,
)
from smart_spawn.gateway.thinking import unpack

ChatPart = dict[str, Any]
ChatMessage = dict[str, Any]


def chat_messages(instructions: str | None, items: str | Sequence[Item]) -> list[ChatMessage]:
    """Return the conversation, the instructions first. Raises InvalidRequest, naming the field."""
    conversation = Conversation()
    if instructions:
        conversation.told.append({"role": "system", "content": instructions})
    if isinstance(items, str):
        return [*conversation.told, {"role": "user", "content": items}]
    for number, item in enumerate(items):
        conversation.add(item, f"input[{number}]")
    return conversation.end()


class Conversation:
    """Gathers what the items of one turn are together: a text and its calls are one message."""

    def __init__(self) -> None:
        self.told: list[ChatMessage] = []
        self._thoughts: list[dict[str, Any]] = []
        self._shown: list[ChatPart] = []

    def add(self, item: Item, place: str) -> None:
        """Take the next item. Raises InvalidRequest."""
        if not isinstance(item, FunctionCallOutput):
            self._show()
        match item:
            case Reasoning():
                self._thoughts.extend(unpack(item.encrypted_content))
            case FunctionCall():
                function = {"name": item.name, "arguments": item.arguments}
                call = {"id": item.call_id, "type": "function", "function": function}
                self._turn(joins=True).setdefault("tool_calls", []).append(call)
            case FunctionCallOutput():
                self._result(item, place)
            case Message(role="assistant"):
                turn = self._turn(joins=False)
                turn["content"] = (turn["content"] or "") + _plain(item.content, place)
            case Message():
                role = "user" if item.role == "user" else "system"  # few servers know `developer`
                plain = role == "system"
                content = _plain(item.content, place) if plain else _content(_parts(item.content, place))
                self.told.append({"role": role, "content": content})

    def end(self) -> list[ChatMessage]:
        """Return the whole conversation."""
        self._show()
        return self.told

    def _turn(self, *, joins: bool) -> ChatMessage:
        """Return the assistant's turn that goes on: the last one where it has calls or the new item is a call."""
        last = self.told[-1] if self.told else {}
        if last.get("role") != "assistant" or not (joins or "tool_calls" in last):
            last = {"role": "assistant", "content": None}
            self.told.append(last)
        if self._thoughts:
            last["reasoning_details"] = [*last.get("reasoning_details", ()), *self._thoughts]
            self._thoughts = []
        return last

    def _result(self, item: FunctionCallOutput, place: str) -> None:
        parts = _parts(item.output, place, field="output")
        text = "\n".join(part["text"] for part in parts if part["type"] == "text")
        others = [part for part in parts if part["type"] != "text"]
        if others:
            note = {"type": "text", "text": f"Of the result of the tool call {item.call_id}:"}
            self._shown.extend([note, *others])
            text = text or "The result follows."
        self.told.append({"role": "tool", "tool_call_id": item.call_id, "content": text})

    def _show(self) -> None:
        """Put what results showed after the last of them: a chat completion's results are text."""
        if self._shown:
            self.told.append({"role": "user", "content": self._shown})
            self._shown = []


def _parts(content: str | Sequence[Content], place: str, field: str = "content") -> list[ChatPart]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [_part(part, f"{place}.{field}[{number}]") for number, part in enumerate(content)]


def _part(part: Content, place: str) -> ChatPart:
    match part:
        case InputText(text=text) | OutputText(text=text) | Refusal(refusal=text):
            return {"type": "text", "text": text}
        case InputImage():
            return _image(part, place)
        case InputFile():
            return _file(part, place)


def _image(image: InputImage, place: str) -> ChatPart:
    if not image.image_url:
        raise refused(
            f"{place}.image_url",
            "is missing",
            hint="no files are kept here; send the image itself as a data URL",
        )
    detail = {"detail": image.detail} if image.detail not in (None, "auto") else {}
    return {"type": "image_url", "image_url": {"url": image.image_url, **detail}}


def _file(file: InputFile, place: str) -> ChatPart:
    if not file.file_data:
        raise refused(
            f"{place}.file_data", "is missing", hint="no files are kept or fetched here; send the file itself"
        )
    return {"type": "file", "file": {"filename": file.filename or "file", "file_data": file.file_data}}


def _plain(content: str | Sequence[Content], place: str) -> str:
    """Return content as one text. Raises InvalidRequest where it is more than text."""
    parts = _parts(content, place)
    for number, part in enumerate(parts):
        if part["type"] != "text":
            raise refused(
                f"{place}.content[{number}]",
                "is no text",
                hint="images and files are sent in the role `user`, or in the output of a call",
            )
    return "".join(part["text"] for part in parts)


def _content(parts: list[ChatPart]) -> str | list[ChatPart]:
    """Return one text as it is: it is the form that every server takes."""
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts
