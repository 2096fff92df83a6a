"""The body of a chat completion → what is asked, and what a model must be able to do to answer it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.classify.ask import newest_ask
from smart_spawn.errors import InvalidRequest
from smart_spawn.gateway.names import Wanted, wanted
from smart_spawn.gateway.shapes import Json
from smart_spawn.model import Requirement
from smart_spawn.providers.cache_marks import without_marks
from smart_spawn.routing.request import MAX_TASK_CHARS

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
PICTURES = frozenset({"image_url", "input_image", "image"})
KINDS = {"input_audio": "audio", "file": "file", "video_url": "video"}
"""Parts of a message → the kind of attachment that they are, beside pictures."""
CHARS_PER_TOKEN = 3.8
IMAGE_TOKENS = 1_100
"""Of one picture, usually."""
MOST_IMAGE_TOKENS = 16_384
"""Of one picture, at the very most: what a cost cap counts with."""
MAX_OUTPUT_FIELDS = ("max_completion_tokens", "max_tokens")
OURS = frozenset(
    {"model", "stream", "stream_options", "n", "reasoning_effort", *MAX_OUTPUT_FIELDS}
    # They would lead the prompt, or the bill, elsewhere than to the model that was decided on.
    | {"models", "route", "preset", "base_url", "api_base", "api_key"}
)
"""Members that are not handed on as they are. Everything else is, known to us or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request, read."""

    wanted: Wanted
    body: Json
    """What is handed on to whichever model it will be."""
    task: str
    """The newest thing that a person asked for; empty where no words were said."""
    images: bool
    """Whether it came with a picture."""
    require: frozenset[Requirement]
    attachments: tuple[str, ...]
    """Kinds of things beside pictures, anywhere in the conversation."""
    prompt_tokens: int
    """Estimated, of everything."""
    most_prompt_tokens: int
    """What it cannot exceed."""
    max_output_tokens: int | None
    effort: str | None
    stream: bool
    include_usage: bool
    waits_for_tools: bool
    """Whether it hands in what tools gave that the model had called."""
    opening: str
    """What tells this conversation from others: all up to its first ask."""

    @property
    def messages(self) -> Sequence[Json]:
        """The conversation, oldest first."""
        return self.body["messages"]  # type: ignore[no-any-return]  # as `read_ask` checked


def read_ask(body: Mapping[str, Any], catalog: Catalog) -> Ask:
    """Check a body as far as routing and money need it. Raises InvalidRequest naming the field, UnknownModel.

    What is left unchecked is the provider's to judge.
    """
    name = _model(body)
    messages = _messages(body)
    _one_answer(body)
    stream = _switch(body, "stream")
    options = body.get("stream_options")
    pictures = _pictures(messages)
    handed_on = {key: value for key, value in body.items() if key not in OURS}
    size = _encoded_size(handed_on) - sum(map(len, pictures))
    return Ask(
        wanted=wanted(name, catalog),
        body=handed_on,
        task=_bounded(newest_ask(messages)),
        images=bool(_of_kind(_newest_said(messages), PICTURES)),
        require=_requirements(body, bool(pictures)),
        attachments=tuple({kind for message in messages for kind in _kinds(message)}),
        prompt_tokens=math.ceil(size / CHARS_PER_TOKEN) + IMAGE_TOKENS * len(pictures),
        most_prompt_tokens=size + MOST_IMAGE_TOKENS * len(pictures),
        max_output_tokens=_output_limit(body),
        effort=_effort(body),
        stream=stream,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
        waits_for_tools=messages[-1]["role"] in ("tool", "function") or bool(messages[-1].get("tool_calls")),
        opening=_opening(messages),
    )


def parts_of(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the parts of a message's content; none where it is plain text."""
    content = message.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, its parts joined."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in parts_of(message) if isinstance(part.get("text"), str))


def kind_of(part: Mapping[str, Any]) -> str:
    """Return the type of a part; empty where it has none."""
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""


def _model(body: Mapping[str, Any]) -> str:
    name = body.get("model")
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequest(
            "`model` is missing",
            hint="`smart-spawn/auto` chooses one; `/v1/models` lists the others",
            details={"field": "model"},
            code="MISSING_PARAM",
        )
    return name.strip()


def _messages(body: Mapping[str, Any]) -> list[Json]:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest(
            "`messages` is missing or empty",
            hint='send at least one message: `{"role": "user", "content": "..."}`',
            details={"field": "messages"},
            code="MISSING_PARAM",
        )
    for at, message in enumerate(messages):
        if not isinstance(message, dict):
            raise _wrong(f"messages.{at}", "is no object")
        role = message.get("role")
        if not isinstance(role, str) or role not in ROLES:
            raise _wrong(f"messages.{at}.role", "is no role", hint=f"one of: {', '.join(sorted(ROLES))}")
        content = message.get("content")
        if not (content is None or isinstance(content, (str, list))):
            raise _wrong(f"messages.{at}.content", "is neither a text nor a list of parts")
    return messages


def _one_answer(body: Mapping[str, Any]) -> None:
    n = body.get("n")
    if n is not None and (n != 1 or isinstance(n, bool)):
        raise _wrong(
            "n", "is not 1", hint="one answer is given; `smart-spawn/collective` asks several models"
        )


def _switch(body: Mapping[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "is neither true nor false")
    return bool(value)


def _output_limit(body: Mapping[str, Any]) -> int | None:
    for name in MAX_OUTPUT_FIELDS:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 100_000_000:
            raise _wrong(name, "is no positive number of tokens")
        return value
    return None


def _effort(body: Mapping[str, Any]) -> str | None:
    effort = body.get("reasoning_effort")
    if effort is not None and not (isinstance(effort, str) and 0 < len(effort) <= 20):
        raise _wrong("reasoning_effort", "is no effort", hint="such as `low`, `medium` or `high`")
    return effort


def _requirements(body: Mapping[str, Any], pictures: bool) -> frozenset[Requirement]:
    needs: set[Requirement] = set()
    if pictures:
        needs.add("vision")
    if body.get("tools") or body.get("functions"):
        needs.add("functionCalling")
    wanted_format = body.get("response_format")
    if isinstance(wanted_format, dict) and wanted_format.get("type") in ("json_object", "json_schema"):
        needs.add("json")
    return frozenset(needs)


def _of_kind(message: Mapping[str, Any], kinds: frozenset[str]) -> list[Mapping[str, Any]]:
    return [part for part in parts_of(message) if kind_of(part) in kinds]


def _pictures(messages: Sequence[Json]) -> list[str]:
    """Return the addresses of all pictures; those within the body are as long as the pictures."""
    found = []
    for message in messages:
        for part in _of_kind(message, PICTURES):
            address = part.get("image_url")
            address = address.get("url") if isinstance(address, dict) else address
            found.append(address if isinstance(address, str) else "")
    return found


def _kinds(message: Mapping[str, Any]) -> list[str]:
    return [KINDS[kind_of(part)] for part in parts_of(message) if kind_of(part) in KINDS]


def _newest_said(messages: Sequence[Json]) -> Json:
    return next((message for message in reversed(messages) if message["role"] == "user"), messages[-1])


def _opening(messages: Sequence[Json]) -> str:
    first = next((at for at, message in enumerate(messages) if message["role"] == "user"), len(messages) - 1)
    # without the marks of a prompt cache, which clients put elsewhere from turn to turn
    kept = [(message["role"], without_marks(message).get("content")) for message in messages[: first + 1]]
    return msgspec.json.encode(kept).decode()


def _encoded_size(body: Json) -> int:
    """Return the bytes of a body as it is sent. Raises InvalidRequest for what no JSON can hold."""
    try:
        return len(msgspec.json.encode(body))
    except (RecursionError, UnicodeEncodeError):
        raise InvalidRequest(
            "the body is nested too deeply or holds half a character",
            hint="send plain JSON",
            code="INVALID_BODY",
        ) from None


def _bounded(task: str) -> str:
    """Keep both ends of a text that is longer than a task may be."""
    if len(task) <= MAX_TASK_CHARS:
        return task
    half = MAX_TASK_CHARS // 2
    return task[:half] + task[-half:]


def _wrong(field: str, what: str, *, hint: str = "") -> InvalidRequest:
    return InvalidRequest(f"`{field}` {what}", hint=hint, details={"field": field})
