"""What a chat completion says, read with the care that answers of many different servers need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one answer took. All are counts of tokens; what the server did not say is zero."""

    prompt: int = 0
    """All that was read, cached or not."""
    completion: int = 0
    """All that was written, thinking included."""
    cached: int = 0
    """The part of the prompt that came out of a cache."""
    cache_written: int = 0
    """The part of the prompt that was put into a cache."""
    reasoning: int = 0
    """The part of the completion that was thinking."""

    @classmethod
    def of(cls, usage: object) -> Self:
        """Read the `usage` of a completion or chunk."""
        prompt, completion = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
        read, written = _part(usage, "prompt_tokens_details"), _part(usage, "completion_tokens_details")
        cached = min(_count(read, "cached_tokens"), prompt)
        return cls(
            prompt=prompt,
            completion=completion,
            cached=cached,
            cache_written=min(_count(read, "cache_write_tokens"), prompt - cached),
            reasoning=min(_count(written, "reasoning_tokens"), completion),
        )


def choice_of(completion: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one choice of a completion or chunk; empty where there is none, as in the chunk of the usage."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def text_of(content: object) -> str:
    """Return the text of a message's content, which may come in parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def thinking_of(message: Mapping[str, Any]) -> str:
    """Return what a model says of its thinking: `reasoning` or `reasoning_content`, by the kind of server."""
    for name in ("reasoning", "reasoning_content"):
        if isinstance(found := message.get(name), str) and found:
            return found
    return "".join(
        text
        for detail in details_of(message)
        for name in ("text", "summary")
        if isinstance(text := detail.get(name), str)
    )


def details_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the signed or encrypted pieces of thinking, which a model wants back unchanged."""
    found = message.get("reasoning_details")
    return [detail for detail in found if isinstance(detail, dict)] if isinstance(found, list) else []


def _part(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _count(value: object, name: str) -> int:
    found = _part(value, name)
    return max(found, 0) if isinstance(found, int) and not isinstance(found, bool) else 0
