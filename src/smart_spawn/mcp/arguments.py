"""What tools take. Strict: a field nobody knows, or a number sent as text, is refused with its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smart_spawn.app.voting import LONGEST_COMMENT
from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Budget, Category, Mode, Requirement
from smart_spawn.routing.request import MAX_TASK_CHARS, invalid, tags_of

MAX_WAIT_S = 600.0
LONGEST_LIST = 1000

Given = TypeVar("Given", bound="Arguments")
PublishedStatus = Literal["queued", "running", "completed", "failed", "canceled"]
"""The names of states that published clients know."""

Task = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_TASK_CHARS,
        description="What is to be done, in the words of whoever asks.",
    ),
]
Context = Annotated[
    Annotated[str, Field(max_length=2_000)] | None,
    Field(description="Tags separated by commas, such as `typescript,security`: they nudge."),
]
ModelId = Annotated[str, Field(min_length=1, max_length=200)]
ModelIds = Annotated[list[ModelId], Field(max_length=500)]
RunId = Annotated[str, Field(min_length=1, max_length=100, description="The run's id: `run_...`.")]


class Arguments(BaseModel):
    """What one tool takes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @classmethod
    def read(cls, values: Mapping[str, Any] | None) -> Self:
        """Check what a client sent. Raises InvalidRequest, naming the field and what would have been right."""
        try:
            return cls.model_validate_json(msgspec.json.encode(values or {}))
        except ValidationError as error:
            raise invalid(error, cls) from None
        except (UnicodeEncodeError, msgspec.MsgspecError, RecursionError):
            raise InvalidRequest(
                "the arguments are no JSON", hint="send Unicode text, not nested deeply"
            ) from None

    def given(self, *left_out: str) -> dict[str, Any]:
        """Return the fields that were given, by their own names, without those left out."""
        return self.model_dump(exclude_none=True, exclude_unset=True, exclude=set(left_out))


class PickArguments(Arguments):
    """What `smartspawn_pick` takes."""

    task: Task
    budget: Annotated[Budget | None, Field(description="The price tier; `any` has no ceiling.")] = None
    category: Annotated[
        Category | None, Field(description="What kind of task it is, where you know better.")
    ] = None
    context: Context = None
    exclude: Annotated[ModelIds | None, Field(description="Ids or patterns (`vendor/*`) not to choose.")] = (
        None
    )
    only: Annotated[ModelIds | None, Field(description="Ids or patterns to choose from.")] = None
    require: Annotated[
        list[Requirement] | None, Field(max_length=10, description="What it must be able to do.")
    ] = None
    min_context: Annotated[int | None, Field(ge=0, le=100_000_000, description="Tokens it must take.")] = None

    def request(self) -> dict[str, Any]:
        """Return the fields of a routing request."""
        return {**self.given("context"), **_tags(self.context)}


class CompareArguments(Arguments):
    """What `smartspawn_compare` takes."""

    models: Annotated[list[ModelId], Field(min_length=2, max_length=5, description="Two to five model ids.")]


class ExplainArguments(Arguments):
    """What `smartspawn_explain` takes."""

    decision_id: Annotated[
        str, Field(min_length=1, max_length=100, description="A decision's id: `dec_...`.")
    ]


class FeedbackArguments(Arguments):
    """What `smartspawn_feedback` takes: one of the ids, and one of rating and outcome."""

    decision_id: Annotated[
        str | None, Field(max_length=100, description="The choice that is meant: `dec_...`.")
    ] = None
    run_id: Annotated[str | None, Field(max_length=100, description="The run that is meant: `run_...`.")] = (
        None
    )
    rating: Annotated[
        float | None, Field(ge=1, le=5, allow_inf_nan=False, description="From 1 to 5, the best.")
    ] = None
    outcome: Annotated[
        Literal["success", "failure"] | None, Field(description="Whether it did, where nobody rated it.")
    ] = None
    comment: Annotated[str | None, Field(max_length=LONGEST_COMMENT)] = None
    source: Annotated[
        Literal["person", "agent"] | None,
        Field(description="Who says so; `agent`, what a program saw of its own work, counts less."),
    ] = None


class NoArguments(Arguments):
    """No arguments."""


class RoleArguments(Arguments):
    """Whom the models are asked to be, by the ids of role blocks."""

    persona: Annotated[str | None, Field(max_length=64)] = None
    stack: Annotated[list[Annotated[str, Field(max_length=64)]] | None, Field(max_length=50)] = None
    domain: Annotated[str | None, Field(max_length=64)] = None
    format: Annotated[str | None, Field(max_length=64)] = None
    guardrails: Annotated[list[Annotated[str, Field(max_length=64)]] | None, Field(max_length=50)] = None


class MergeArguments(Arguments):
    """How several answers become one."""

    style: Literal["concise", "detailed", "decision"] | None = None
    model: Annotated[ModelId | None, Field(description="Who merges the answers of a collective.")] = None


STYLES: Mapping[str, str] = {
    "concise": "Keep the answer as short as it can be without losing anything that matters.",
    "detailed": "Answer in full: the reasoning, the details and an example where one helps.",
    "decision": "End with one clear decision, the reasons for it, and what would change it.",
}
"""What a style asks of whoever writes an answer."""


class RunCreateArguments(Arguments):
    """What `smartspawn_run_create` takes."""

    task: Task
    mode: Annotated[
        Mode,
        Field(
            description="`single`: one model. `cascade`: the cheapest that will do. "
            "`collective`: several that agree. `plan`: steps in order. `swarm`: steps, many at a time."
        ),
    ]
    budget: Annotated[Budget | None, Field(description="The price tier; `any` has no ceiling.")] = None
    context: Context = None
    collectiveCount: Annotated[  # noqa: N815  # the name that published clients send
        int | None, Field(ge=1, le=5, description="How many models a collective has.")
    ] = None
    role: RoleArguments | None = None
    merge: MergeArguments | None = None

    def request(self) -> tuple[dict[str, Any], list[str]]:
        """Return the fields of a spawn request, and warnings of what has no effect."""
        role = {} if self.role is None else {"role": self.role.model_dump(exclude_none=True)}
        count = {} if self.collectiveCount is None else {"count": self.collectiveCount}
        judge = {} if self.merge is None or self.merge.model is None else {"judge": self.merge.model}
        task, warnings = self._styled()
        kept = self.given("task", "context", "collectiveCount", "role", "merge")
        return {
            **kept,
            "task": task,
            "wait": False,
            **_tags(self.context),
            **role,
            **count,
            **judge,
        }, warnings

    def _styled(self) -> tuple[str, list[str]]:
        style = None if self.merge is None else self.merge.style
        if style is None:
            return self.task, []
        if self.mode in (Mode.PLAN, Mode.SWARM):
            return self.task, [f"`merge.style` has no effect in mode `{self.mode}`"]
        return f"{self.task}\n\n{STYLES[style]}", []


class RunArguments(Arguments):
    """What `smartspawn_run_status` and `smartspawn_run_cancel` take."""

    run_id: RunId


class RunResultArguments(RunArguments):
    """What `smartspawn_run_result` takes."""

    include_raw: Annotated[bool, Field(description="Also return what each node answered.")] = False
    wait_s: Annotated[
        float,
        Field(
            ge=0,
            le=MAX_WAIT_S,
            allow_inf_nan=False,
            description="Seconds to wait for the end; progress is told on the way where the client asks for it.",
        ),
    ] = 0.0


class RunListArguments(Arguments):
    """What `smartspawn_run_list` takes."""

    status: PublishedStatus | None = None
    limit: Annotated[int, Field(ge=1, le=LONGEST_LIST)] = 20


class ArtifactArguments(RunArguments):
    """What `smartspawn_artifact_get` takes."""

    node_id: Annotated[
        str, Field(min_length=1, max_length=200, description="A node's id; `merged` is the final answer.")
    ]


def _tags(context: str | None) -> dict[str, Any]:
    return {} if context is None else {"context": tags_of(context)}
