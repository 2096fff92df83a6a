"""One call that a log tells of, whoever wrote the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from smart_spawn.model import Category

Format = Literal["smart-spawn", "openrouter", "litellm", "openai", "openai-batch", "claude-code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedCall:
    """What was asked of which model, with how many tokens. `None` is unknown."""

    format: Format
    model: str
    """As the log spells it."""
    at: datetime | None = None
    task: str = ""
    """The newest ask, cut; never kept, never shown."""
    category: Category | None = None
    """Where the log says it."""
    prompt_tokens: int | None = None
    cached_tokens: int = 0
    """The part of the prompt that was read from a cache."""
    completion_tokens: int | None = None
    cost_usd: float | None = None
    """As the log says it was billed."""
    calls: int = 1
    """A line may tell of a whole day: tokens and cost are then of all its calls together."""
    images: bool = False
    tools: bool = False
