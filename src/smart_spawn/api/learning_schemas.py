"""The shapes of what is learned: votes, beliefs, statistics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from smart_spawn.api.schemas import _Shape
from smart_spawn.model import Category


class RecordedVote(_Shape):
    """A vote that was stored, and what it was counted for."""

    recorded: Literal[True]
    model: str
    category: Category
    rating: float | Literal["success", "failure"]


class FeedbackVote(RecordedVote):
    """A vote on a decision or run."""

    subject: Annotated[str, Field(description="the decision or run")]
    replaced: Annotated[bool, Field(description="an earlier vote of the same key counts no more")]


class FeedbackAnswer(_Shape):
    """The answer of `/feedback`."""

    data: FeedbackVote


class OutcomeAnswer(_Shape):
    """The answer of `/spawn-log/outcome`."""

    data: RecordedVote


SHAPES: tuple[type[BaseModel], ...] = (FeedbackAnswer, OutcomeAnswer)
