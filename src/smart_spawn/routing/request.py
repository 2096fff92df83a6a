"""What a caller can ask for, checked once. The same value serves HTTP, command line and Python.

Field names are snake_case in Python and camelCase in JSON; both are accepted, unknown ones are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel
from rapidfuzz import process
from rapidfuzz.distance import OSA

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import Budget, Category, Requirement, bare_id

MAX_IDS = 10_000
"""The longest list of model ids that is read."""
MAX_TASK_CHARS = 200_000
LONGEST_SHOWN = 80
"""Characters of a wrong value that a message repeats."""
CUT = "…"

Diversity = Literal["low", "medium", "high"]
ModelId = Annotated[str, Field(min_length=1, max_length=200)]
ModelIds = Annotated[tuple[ModelId, ...], Field(max_length=MAX_IDS)]
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
MAX_CONTEXT_TAGS = 50
MAX_TAG_CHARS = 64
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG_CHARS)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
"""Of a vendor, host or region. The bounds also make pydantic refuse half surrogate pairs, which no JSON can hold."""


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, use_enum_values=False
    )


class Attachment(_Body):
    """Something that comes with the task: an image asks for vision."""

    type: Literal["image", "audio", "video", "file", "text"]


class ProviderPolicy(_Body):
    """Which vendors or providers may see the prompt."""

    allow: Annotated[tuple[Name, ...], Field(max_length=200)] = ()
    deny: Annotated[tuple[Name, ...], Field(max_length=200)] = ()


class DataPolicy(_Body):
    """What may happen to the prompt. It beats every other wish, `pin` included."""

    allow_training: bool = True
    zero_retention: bool = False
    regions: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    providers: ProviderPolicy = ProviderPolicy()


class RouteRequest(_Body):
    """One question to the router: the task, and the limits within which a model may do it."""

    task: str = ""
    category: Category | None = None
    category_weights: Mapping[Category, Weight] = Field(default_factory=dict)
    budget: Budget = Budget.MEDIUM
    min_capability: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 40.0
    require: frozenset[Requirement] = frozenset()
    min_context: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=100)] = ()
    exclude: ModelIds = ()
    only: ModelIds = ()
    models: ModelIds = ()
    pin: ModelId | None = None
    context: Annotated[tuple[Tag, ...], Field(max_length=MAX_CONTEXT_TAGS)] = ()
    data_policy: DataPolicy = DataPolicy()
    session_id: Annotated[str, Field(max_length=200)] | None = None
    count: Annotated[int, Field(ge=1, le=5)] = 1
    diversity: Diversity = "medium"
    explore: bool = True
    current: ModelId | None = None
    verbose: bool = False

    @field_validator("context", mode="before")
    @classmethod
    def _tags_of_a_text(cls, given: Any) -> Any:
        return tags_of(given) if isinstance(given, str) else () if given is None else given

    @field_validator("exclude", "only", "models")
    @classmethod
    def _bare(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(bare_id, ids))

    @field_validator("pin", "current")
    @classmethod
    def _bare_name(cls, name: str | None) -> str | None:
        return None if name is None else bare_id(name)

    @classmethod
    def of(cls, values: Mapping[str, Any] | None = None, /, **options: Any) -> Self:
        """Check what a caller gave. Raises InvalidRequest, naming the field and what would have been right."""
        try:
            request = cls.model_validate({**(values or {}), **options})
        except ValidationError as error:
            raise invalid(error, cls) from None
        if len(request.task) > MAX_TASK_CHARS:
            raise TooLarge(
                f"`task` is {len(request.task):,} characters; the limit is {MAX_TASK_CHARS:,}",
                hint="send the part that says what to do, or a summary of the material",
            )
        if request.category is None and not request.task.strip():
            raise InvalidRequest(
                "`task` is empty", hint="say what to do, or name a `category`", code="MISSING_PARAM"
            )
        return request


def tags_of(text: str) -> tuple[str, ...]:
    """Return the tags in a text that separates them by commas, as many and as long as a request may have."""
    tags = [tag.strip()[:MAX_TAG_CHARS] for tag in text.split(",")]
    return tuple(tag for tag in tags if tag)[:MAX_CONTEXT_TAGS]


def invalid(error: ValidationError, body: type[BaseModel]) -> InvalidRequest:
    """Say in one line what is wrong with a request, with the valid values or the nearest known field."""
    first = error.errors(include_url=False)[0]
    path = [str(part)[:LONGEST_SHOWN] for part in first["loc"] if part != "[key]"]
    dotted = ".".join(path) or "body"
    if first["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in body.model_fields.items()]
        nearest = process.extractOne(path[-1], known, scorer=OSA.normalized_similarity, score_cutoff=0.5)
        return InvalidRequest(
            f"unknown field `{dotted}`",
            hint=f"did you mean `{nearest[0]}`?" if nearest else f"known fields: {', '.join(known)}",
            details={"field": dotted, "known": known},
        )
    if first["type"] in ("enum", "literal_error"):
        valid = str(first.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "")
        return InvalidRequest(
            f"`{_shown(first['input'], str)}` is not a valid `{dotted}`",
            hint=f"one of: {valid}",
            details={"field": dotted, "valid": valid.split(", ")},
        )
    if first["type"] == "missing":
        return InvalidRequest(
            f"`{dotted}` is missing", hint="give it", details={"field": dotted}, code="MISSING_PARAM"
        )
    # The task itself is never repeated: messages end up in logs.
    given = "" if path[:1] == ["task"] else _shown(first.get("input"), repr)
    wrong = first["msg"][:1].lower() + first["msg"][1:]
    wrong = wrong.replace("tuple", "list").replace(" after validation", "")
    return InvalidRequest(
        f"`{dotted}` is wrong: {wrong}",
        hint="" if not given or given.endswith(CUT) else f"it was {given}",
        details={"field": dotted},
    )


def _shown(value: object, spell: Callable[[object], str]) -> str:
    """Return what was given, cut to a length that fits a message."""
    try:
        text = spell(value)
    except ValueError:  # Python spells no integer of more than 4,300 digits
        return f"a number of thousands of digits{CUT}"
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + CUT
