"""Votes as JSON: what callers send, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    ValidationError,
    field_validator,
)
from pydantic.alias_generators import to_camel

from smart_spawn.app import SmartSpawn
from smart_spawn.app.voting import LONGEST_COMMENT, Rating, Vote
from smart_spawn.errors import InvalidRequest
from smart_spawn.feedback.outcome import BEST, WORST
from smart_spawn.model import Category, bare_id
from smart_spawn.routing.request import ModelId, Tag, invalid
from smart_spawn.surface.caller import LOCAL, Caller

SubjectId = Annotated[str, Field(min_length=1, max_length=100)]
Stars = Annotated[StrictFloat, Field(ge=WORST, le=BEST, allow_inf_nan=False, description="5 is the best")]


def _words(value: Any) -> Any:
    """Read tags that come in one text, separated by commas, as published clients send them."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Tags = Annotated[tuple[Tag, ...], BeforeValidator(_words), Field(max_length=50)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class FeedbackBody(_Body):
    """What `POST /feedback` takes: a decision or a run, and either a rating or an outcome."""

    decision_id: SubjectId | None = None
    run_id: SubjectId | None = None
    rating: Stars | None = None
    outcome: Literal["success", "failure"] | None = None
    comment: Annotated[str | None, Field(max_length=LONGEST_COMMENT)] = None
    source: Annotated[
        Literal["person", "agent"],
        Field(description="`agent`: what a program saw of its own work; it counts less"),
    ] = "person"


class _OfModel(_Body):
    model: ModelId
    category: Category
    context: Tags = ()

    @field_validator("model")
    @classmethod
    def _bare(cls, model: str) -> str:
        return bare_id(model)


class OutcomeBody(_OfModel):
    """What `POST /spawn-log/outcome` takes."""

    rating: Stars


class SpawnLogBody(_OfModel):
    """What `POST /spawn-log` takes."""

    budget: Annotated[str, Field(max_length=16)] = ""
    mode: Annotated[str, Field(max_length=32)] = "single"
    role: Annotated[str | None, Field(max_length=200)] = None
    source: Annotated[str, Field(max_length=64)] = ""


def checked(values: Mapping[str, Any], kind: type[BaseModel]) -> Any:
    """Check what a caller sent. Raises InvalidRequest, naming the field."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise invalid(error, kind) from None


def feedback_json(app: SmartSpawn, values: Mapping[str, Any], caller: Caller = LOCAL) -> dict[str, Any]:
    """Store a vote on a decision or run, and say what it was counted for.

    Raises InvalidRequest, NotFound, Forbidden for a decision or run of another key.
    """
    body: FeedbackBody = checked(values, FeedbackBody)
    subject: str = _one_of(decisionId=body.decision_id, runId=body.run_id)
    rating: Rating = _one_of(rating=body.rating, outcome=body.outcome)
    vote = app.vote(
        subject,
        rating,
        comment=body.comment,
        voter=caller.key,
        of_others=caller.sees_only is None,
        seen_by_agent=body.source == "agent",
    )
    return {"data": {**_vote_json(vote), "subject": subject, "replaced": vote.replaced}}


def outcome_json(app: SmartSpawn, values: Mapping[str, Any], caller: Caller = LOCAL) -> dict[str, Any]:
    """Store what a program says of a model. Raises InvalidRequest."""
    body: OutcomeBody = checked(values, OutcomeBody)
    vote = app.voting.vote_on_model(
        body.model, str(body.category), body.rating, context=body.context, voter=caller.key
    )
    app.check_for_newer_votes()
    return {"data": _vote_json(vote)}


def logged_json(app: SmartSpawn, values: Mapping[str, Any], caller: Caller = LOCAL) -> dict[str, Any]:
    """Log what somebody did without us. Raises InvalidRequest."""
    body: SpawnLogBody = checked(values, SpawnLogBody)
    logged = app.spawn_log.reported(
        body.model,
        str(body.category),
        app.catalog,
        budget=body.budget,
        mode=body.mode,
        role=body.role,
        source=body.source,
        context=body.context,
        caller=caller.key,
    )
    return {"data": {"logged": logged}}


def _vote_json(vote: Vote) -> dict[str, Any]:
    return {
        "recorded": True,
        "model": vote.row.model,
        "category": vote.row.category,
        "rating": vote.rating if isinstance(vote.rating, str) else float(vote.rating),
    }


def _one_of(**given: Any) -> Any:
    """Return the one value that was given. Raises InvalidRequest for none or several."""
    names = " or ".join(f"`{name}`" for name in given)
    found = [value for value in given.values() if value is not None]
    if not found:
        raise InvalidRequest(f"{names} is missing", hint=f"send {names}", code="MISSING_PARAM")
    if len(found) > 1:
        raise InvalidRequest(f"{names.replace(' or ', ' and ')} do not go together", hint="send one of them")
    return found[0]
