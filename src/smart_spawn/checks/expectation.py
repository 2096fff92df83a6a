"""The file of expectations: a list of requests, each with what must hold of the choice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel, to_snake
from rapidfuzz import process
from rapidfuzz.distance import OSA

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import Category, bare_id
from smart_spawn.routing.request import ModelId, RouteRequest, invalid

MAX_ROUTES = 10_000
MAX_NAMES = 1_000
"""The longest list of models or providers in one expectation."""
OWN_KEYS = ("name", "important", "expect")
"""What an entry holds beside the fields of a request."""

Names = Annotated[tuple[ModelId, ...], Field(max_length=MAX_NAMES)]


class Expect(BaseModel):
    """What must hold of one choice. Everything that is given must."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    model_in: Names = ()
    """The chosen model is one of these ids or patterns such as `vendor/*`."""
    not_model_in: Names = ()
    """The chosen model is none of these ids or patterns."""
    provider_in: Names = ()
    """The chosen model's vendor is one of these."""
    min_score: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    """Its score (0–100) is at least this."""
    max_cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The expected cost of the task is known and at most this."""
    category: Category | None = None
    """The task is read as this category."""
    min_confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    """The chance that it is at least as good as the runner-up is at least this."""

    @field_validator("model_in", "not_model_in", "provider_in", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("model_in", "not_model_in")
    @classmethod
    def _bare(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(bare_id, ids))

    @model_validator(mode="after")
    def _no_empty_list(self) -> Self:
        for name in ("model_in", "not_model_in", "provider_in"):
            if name in self.model_fields_set and not getattr(self, name):
                raise ValueError(f"`{name}` is empty, so it could never fail, or never hold")
        return self

    @property
    def says_something(self) -> bool:
        """Whether any choice could break it."""
        return bool(self.model_fields_set)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCheck:
    """One entry: a request, what is expected of the choice, and whether the lock file remembers it."""

    name: str
    request: RouteRequest
    expect: Expect
    important: bool = False


def read_checks(document: Any, request: Callable[..., RouteRequest]) -> tuple[RouteCheck, ...]:
    """Check what a file of expectations holds: a list, or a mapping whose one key `routes` is the list.

    `request` makes a request from its fields, with the owner's defaults. Raises InvalidRequest, naming the entry,
    the key and the nearest known one.
    """
    if isinstance(document, Mapping) and set(document) == {"routes"}:
        document = document["routes"]
    if not isinstance(document, list) or not document:
        raise InvalidRequest(
            "the file holds no list of routes",
            hint="each route is an entry such as `- {name: ..., task: ..., expect: {model_in: [...]}}`",
        )
    if len(document) > MAX_ROUTES:
        raise TooLarge(
            f"the file holds {len(document):,} routes; the limit is {MAX_ROUTES:,}",
            hint="split it into several files",
        )
    return tuple(_unique(_entry(values, place, request) for place, values in enumerate(document, 1)))


def _unique(checks: Iterable[RouteCheck]) -> Iterator[RouteCheck]:
    seen = set()
    for check in checks:
        if check.name in seen:
            raise InvalidRequest(
                f"two routes are called `{check.name}`", hint="give each a name of its own: reports go by it"
            )
        seen.add(check.name)
        yield check


def _entry(values: Any, place: int, request: Callable[..., RouteRequest]) -> RouteCheck:
    if not isinstance(values, Mapping):
        raise InvalidRequest(
            f"route {place} is not a mapping", hint="an entry looks like `- name: ...`, one key a line"
        )
    name = values.get("name", f"route {place}")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= 200:
        raise InvalidRequest(
            f"route {place}: `name` must be a text of up to 200 characters", hint="put it in quotes"
        )
    where = f"route {place}" if "name" not in values else f"route {place} (`{name}`)"
    asked, expected = _parts(values, where)
    important = values.get("important", False)
    if not isinstance(important, bool):
        raise InvalidRequest(f"{where}: `important` must be true or false", hint="leave it out for false")
    if important and "name" not in values:
        raise InvalidRequest(
            f"{where} is important but has no `name`", hint="the lock file remembers it by its name"
        )
    try:
        expect = Expect.model_validate(expected)
        check = RouteCheck(name=name, request=request(**asked), expect=expect, important=important)
    except ValidationError as error:
        raise _placed(invalid(error, Expect), f"{where}, `expect`") from None
    except InvalidRequest as error:
        raise _placed(error, where) from None
    if not (expect.says_something or important):
        raise InvalidRequest(
            f"{where} expects nothing",
            hint=f"add `expect` with {', '.join(Expect.model_fields)}, or `important: true`",
        )
    return check


def _parts(values: Mapping[Any, Any], where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split an entry into the fields of its request and its expectations.

    Request fields may also stand inside `expect`, so that an entry can be written as one block; `category` there is
    an expectation.
    """
    expected = values.get("expect", {})
    if not isinstance(expected, Mapping):
        raise InvalidRequest(f"{where}: `expect` is not a mapping", hint="`expect: {model_in: [...]}`")
    fields, own = tuple(RouteRequest.model_fields), tuple(Expect.model_fields)
    _known(values, (*OWN_KEYS, *fields), where)
    _known(expected, (*own, *fields), f"{where}, `expect`")
    inside = {key: value for key, value in expected.items() if to_snake(key) not in own}
    beside = {key: value for key, value in values.items() if key not in OWN_KEYS}
    twice = sorted({to_snake(key) for key in inside} & {to_snake(key) for key in beside})
    if twice:
        raise InvalidRequest(f"{where}: `{twice[0]}` stands twice", hint="keep the one beside `expect`")
    return {**beside, **inside}, {key: v for key, v in expected.items() if key not in inside}


def _known(values: Mapping[Any, Any], names: tuple[str, ...], where: str) -> None:
    """Refuse keys that are not known in snake_case or camelCase, naming the nearest that is."""
    known = {*names, *map(to_camel, names)}
    for key in values:
        if key not in known:
            nearest = process.extractOne(
                str(key)[:100], names, scorer=OSA.normalized_similarity, score_cutoff=0.5
            )
            raise InvalidRequest(
                f"{where}: unknown key `{str(key)[:100]}`",
                hint=f"did you mean `{nearest[0]}`?" if nearest else f"known keys: {', '.join(names)}",
            )


def _placed(error: InvalidRequest, where: str) -> InvalidRequest:
    return type(error)(f"{where}: {error.message}", hint=error.hint, details=error.details)
