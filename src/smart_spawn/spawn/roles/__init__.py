"""Role blocks: who a model should be, what it works with, and what its answer must keep to. The texts are data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel
from rapidfuzz import process
from rapidfuzz.distance import OSA

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import Category
from smart_spawn.routing.request import MAX_TASK_CHARS, invalid

Kind = Literal["personas", "stack", "domains", "formats", "guardrails"]
KINDS: tuple[Kind, ...] = ("personas", "stack", "domains", "formats", "guardrails")
MAX_BLOCKS = 50
"""The most blocks of one kind in one role."""

PERSONA_OF: Mapping[Category, str] = {
    Category.CODING: "software-engineer",
    Category.REASONING: "problem-solver",
    Category.CREATIVE: "writer",
    Category.VISION: "analyst",
    Category.RESEARCH: "analyst",
    Category.FAST_CHEAP: "assistant",
    Category.GENERAL: "assistant",
}
"""Who does a step when nobody is named."""

BlockId = Annotated[str, Field(min_length=1, max_length=64)]
OneBlock = Annotated[str, Field(max_length=64)]
"""A block where there can be one; an empty text is none."""
BlockIds = Annotated[tuple[BlockId, ...], Field(max_length=MAX_BLOCKS)]


class Role(BaseModel):
    """The blocks that were chosen, by id. Ids that we do not know are warned of, not refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)

    persona: OneBlock | None = None
    stack: BlockIds = ()
    domain: OneBlock | None = None
    format: OneBlock | None = None
    guardrails: BlockIds = ()

    @field_validator("stack", "guardrails", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        if given is None:
            return ()
        return (given,) if isinstance(given, str) else given

    @field_validator("persona", "domain", "format", mode="before")
    @classmethod
    def _empty_is_none(cls, given: Any) -> Any:
        return None if given == "" else given

    @classmethod
    def of(cls, given: str | Mapping[str, Any] | None) -> Self:
        """Read a role: the id of a persona, or blocks by kind. Raises InvalidRequest, naming the field."""
        try:
            return cls.model_validate({"persona": given} if isinstance(given, str) else given or {})
        except ValidationError as error:
            raise invalid(error, cls) from None


class ComposeRequest(Role):
    """What `/roles/compose` takes: a role and the task that it is for."""

    task: str = ""

    @classmethod
    def of(cls, given: str | Mapping[str, Any] | None) -> Self:
        """Check what a caller gave. Raises InvalidRequest, naming the field."""
        request = super().of(given)
        if not request.task.strip():
            raise InvalidRequest("`task` is empty", hint="say what is to be done", code="MISSING_PARAM")
        if len(request.task) > MAX_TASK_CHARS:
            raise TooLarge(
                f"`task` is {len(request.task):,} characters; the limit is {MAX_TASK_CHARS:,}",
                hint="send the part that says what to do",
            )
        return request


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """Somebody to be: an id, a title, and what such a person pays attention to."""

    id: str
    title: str
    core: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedRole:
    """A role put together, known blocks only."""

    persona: Persona | None
    stack: tuple[str, ...] = ()
    domain: str | None = None
    format: str | None = None
    guardrails: tuple[str, ...] = ()
    prompt: str = ""
    """What a model is told to be; empty without a known block."""
    warnings: tuple[str, ...] = ()

    @property
    def words(self) -> int:
        """The length of the role, the task not counted."""
        return len(self.prompt.split())


@cache
def personas() -> Mapping[str, Persona]:
    """Return everybody a model can be asked to be, by id."""
    return {one: Persona(id=one, **row) for one, row in _read("personas").items()}


@cache
def blocks(kind: Kind) -> Mapping[str, str]:
    """Return the texts of one kind, by id; of personas their core."""
    if kind == "personas":
        return {one: persona.core for one, persona in personas().items()}
    return _read(kind)


def _read(kind: Kind) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{kind}.toml").read_text(encoding="utf-8"))


def compose(role: Role) -> ComposedRole:
    """Put a role together from its known blocks; each unknown one gives a warning with the nearest known."""
    warnings: list[str] = []

    def known(kind: Kind, asked: Sequence[str]) -> tuple[str, ...]:
        found = []
        for one in dict.fromkeys(asked):
            if one in blocks(kind):
                found.append(one)
            else:
                warnings.append(_unknown(kind, one))
        return tuple(found)

    persona = next(iter(known("personas", _one(role.persona))), None)
    stack = known("stack", role.stack)
    domain = next(iter(known("domains", _one(role.domain))), None)
    layout = next(iter(known("formats", _one(role.format))), None)
    guardrails = known("guardrails", role.guardrails)
    paragraphs = [
        f"You are {_with_article(personas()[persona].title)}. {personas()[persona].core}" if persona else "",
        _listed("Technology", "stack", stack),
        f"Field: {blocks('domains')[domain]}" if domain else "",
        f"Form of the answer: {blocks('formats')[layout]}" if layout else "",
        _listed("Always", "guardrails", guardrails),
    ]
    return ComposedRole(
        persona=personas()[persona] if persona else None,
        stack=stack,
        domain=domain,
        format=layout,
        guardrails=guardrails,
        prompt="\n\n".join(filter(None, paragraphs)),
        warnings=tuple(warnings),
    )


def _one(block_id: str | None) -> tuple[str, ...]:
    return () if block_id is None else (block_id,)


def _with_article(title: str) -> str:
    """Write a title inside a sentence: `an architect`, `a UI designer`."""
    inside = title if title[1].isupper() else title[0].lower() + title[1:]
    return f"{'an' if title[0] in 'AEIO' else 'a'} {inside}"


def _listed(heading: str, kind: Kind, ids: Sequence[str]) -> str:
    if not ids:
        return ""
    return "\n".join([f"{heading}:", *(f"- {one}: {blocks(kind)[one]}" for one in ids)])


def _unknown(kind: Kind, one: str) -> str:
    nearest = process.extractOne(one, list(blocks(kind)), scorer=OSA.normalized_similarity, score_cutoff=0.5)
    meant = f"; did you mean `{nearest[0]}`?" if nearest else ""
    return f"there is no `{one}` among the {kind}{meant}"
