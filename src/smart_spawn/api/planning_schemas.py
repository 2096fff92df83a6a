"""The shapes of plans and roles, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from smart_spawn.api.schemas import Pricing, Score, Text, _Shape
from smart_spawn.model import Budget, Category
from smart_spawn.spawn.roles import ComposeRequest
from smart_spawn.spawn.steps import PlanningRequest


class StepModel(_Shape):
    """Who does a step."""

    id: str
    name: str
    provider: str
    score: Score
    pricing: Pricing


class PlannedStep(_Shape):
    """One step of a sequence. Without a model the reason says why nobody can do it."""

    step: int
    task: str
    category: Category
    budget: Budget
    model: StepModel | None
    reason: str


class DecomposeAnswer(_Shape):
    """The answer of `/decompose`. A task that stays in one piece has a reason and nothing else."""

    decomposed: bool
    reason: Text = None
    total_steps: int | None = None
    steps: list[PlannedStep] | None = None
    original_task: Text = None
    context: Text = None


class SwarmTask(_Shape):
    """One node of the graph."""

    id: str
    description: str
    category: Category
    budget: Budget
    persona: str
    depends_on: list[str]
    model: StepModel | None
    reason: str
    wave: int


class Wave(_Shape):
    """What can be done at once. Waves count from 0."""

    wave: int
    task_ids: list[str]
    description: str


class Edge(_Shape):
    """One task that another waits for."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    type: str


class CostRange(_Shape):
    """What it may cost, in USD: as expected, and with long answers."""

    low: float
    high: float


class Dag(_Shape):
    """The graph of a swarm."""

    tasks: list[SwarmTask]
    waves: list[Wave]
    edges: list[Edge]
    total_tasks: int
    total_waves: int
    original_task: str
    context: Text
    estimated_cost: CostRange
    critical_path: list[str]
    warning: Text = None


class SwarmAnswer(_Shape):
    """The answer of `/swarm`. A task that stays in one piece has a reason and nothing else."""

    decomposed: bool
    reason: Text = None
    dag: Dag | None = None


class PersonaBlock(_Shape):
    """Somebody a model can be asked to be."""

    id: str
    title: str
    core: str


class Block(_Shape):
    """One block and its text."""

    id: str
    instructions: str


class BlocksAnswer(_Shape):
    """The answer of `/roles/blocks`."""

    personas: list[PersonaBlock]
    stack: list[Block]
    domains: list[Block]
    formats: list[Block]
    guardrails: list[Block]
    counts: dict[str, int]


class ComposeAnswer(_Shape):
    """The answer of `/roles/compose`."""

    has_role: bool
    persona: Text
    persona_title: Text
    stack: list[str]
    domain: Text
    format: Text
    guardrails: list[str]
    word_count: int
    full_prompt: str
    warnings: list[str] | None = None


SHAPES: tuple[type[BaseModel], ...] = (
    PlanningRequest,
    DecomposeAnswer,
    SwarmAnswer,
    ComposeRequest,
    ComposeAnswer,
    BlocksAnswer,
)
