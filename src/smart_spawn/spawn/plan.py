"""A plan: steps that depend on each other, checked once to be a directed graph without cycles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from smart_spawn.errors import InvalidRequest, TooLarge
from smart_spawn.model import Budget, Category

MAX_PLAN_STEPS = 1_000
MAX_STEP_CHARS = 200_000
MAX_ID_CHARS = 80
SHOWN_IDS = 8
"""How many ids a message names before it says how many more there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do, and what has to be done before it."""

    id: str
    task: str
    name: str = ""
    """What its result is called; the id where nothing is said."""
    depends_on: tuple[str, ...] = ()
    category: Category | None = None
    """`None` is read from the task."""
    budget: Budget | None = None
    """`None` is the budget of the whole."""
    persona: str | None = None
    role: Mapping[str, Any] = field(default_factory=dict)
    """Role blocks by kind, as `/roles/compose` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps whose dependencies exist and form no cycle. Made by `Plan.of`."""

    steps: tuple[Step, ...]
    waves: tuple[tuple[str, ...], ...]
    """Ids by the longest chain of dependencies before them: all of a wave can be done at once."""

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Plan:
        """Check steps. Raises InvalidRequest (TooLarge for a long text), naming the steps that are wrong."""
        _check_sizes(steps)
        _check_ids(steps)
        cleaned = tuple(replace(s, depends_on=tuple(dict.fromkeys(s.depends_on))) for s in steps)
        return cls(steps=cleaned, waves=_waves(cleaned))

    def step(self, step_id: str) -> Step:
        """Return one step. Raises KeyError."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

    @property
    def wave_of(self) -> Mapping[str, int]:
        """The number of each step's wave, from 0."""
        return {step_id: number for number, wave in enumerate(self.waves) for step_id in wave}

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a step and one that waits for it."""
        return tuple((before, step.id) for step in self.steps for before in step.depends_on)

    @property
    def leaves(self) -> tuple[str, ...]:
        """The steps that nobody waits for: their results are the result of the plan."""
        awaited = {before for step in self.steps for before in step.depends_on}
        return tuple(step.id for step in self.steps if step.id not in awaited)

    def critical_path(self, weight: Callable[[Step], float] = lambda _: 1.0) -> tuple[tuple[str, ...], float]:
        """Return the chain of steps that takes longest, and how long, with weights of zero or more.

        Equal chains: the one whose last step comes first.
        """
        steps = {step.id: step for step in self.steps}
        longest: dict[str, float] = {}
        through: dict[str, str | None] = {}
        for step_id in (one for wave in self.waves for one in wave):
            step = steps[step_id]
            last = max(step.depends_on, key=lambda before: longest[before], default=None)
            through[step_id] = last
            longest[step_id] = weight(step) + (longest[last] if last is not None else 0.0)
        end = max(self.steps, key=lambda step: longest[step.id]).id
        path: list[str] = []
        at: str | None = end
        while at is not None:
            path.append(at)
            at = through[at]
        return tuple(reversed(path)), longest[end]


def _check_sizes(steps: Sequence[Step]) -> None:
    if not steps:
        raise InvalidRequest("the plan has no steps", hint="name at least one in `steps`")
    if len(steps) > MAX_PLAN_STEPS:
        raise InvalidRequest(
            f"the plan has {len(steps):,} steps; the limit is {MAX_PLAN_STEPS:,}",
            hint="join steps, or start several runs",
            details={"field": "steps", "limit": MAX_PLAN_STEPS},
        )
    for step in steps:
        if not step.task.strip():
            raise InvalidRequest(f"step `{step.id[:MAX_ID_CHARS]}` has no task", hint="say what it does")
        if len(step.task) > MAX_STEP_CHARS:
            raise TooLarge(
                f"step `{step.id[:MAX_ID_CHARS]}` is {len(step.task):,} characters; the limit is {MAX_STEP_CHARS:,}",
                hint="send the part that says what to do, or a summary of the material",
                details={"step": step.id[:MAX_ID_CHARS]},
            )


def _check_ids(steps: Sequence[Step]) -> None:
    seen: set[str] = set()
    for step in steps:
        if not 0 < len(step.id) <= MAX_ID_CHARS or not step.id.isprintable():
            raise InvalidRequest(
                f"`{step.id[:MAX_ID_CHARS]}` cannot be the id of a step",
                hint=f"use 1 to {MAX_ID_CHARS} printable characters",
                details={"field": "steps"},
            )
        if step.id in seen:
            raise InvalidRequest(
                f"two steps have the id `{step.id}`",
                hint="give each its own",
                details={"field": "steps", "step": step.id},
            )
        seen.add(step.id)
    for step in steps:
        unknown = [before for before in step.depends_on if before not in seen]
        if unknown:
            raise InvalidRequest(
                f"step `{step.id}` depends on {_named(unknown)}, which is no step of the plan",
                hint=f"the steps are: {_named([s.id for s in steps])}",
                details={"field": "steps", "step": step.id, "unknown": unknown[:SHOWN_IDS]},
            )


def _waves(steps: Sequence[Step]) -> tuple[tuple[str, ...], ...]:
    """Layer the graph by its longest paths, in the order of the steps. Raises InvalidRequest for a cycle."""
    waiting = {step.id: len(step.depends_on) for step in steps}
    after: dict[str, list[str]] = {step.id: [] for step in steps}
    for step in steps:
        for before in step.depends_on:
            after[before].append(step.id)
    place = {step.id: number for number, step in enumerate(steps)}
    waves: list[tuple[str, ...]] = []
    ready = [step_id for step_id, count in waiting.items() if count == 0]
    while ready:
        waves.append(tuple(ready))
        freed = []
        for step_id in ready:
            for later in after[step_id]:
                waiting[later] -= 1
                if waiting[later] == 0:
                    freed.append(later)
        ready = sorted(freed, key=place.__getitem__)
    stuck = [step.id for step in steps if waiting[step.id] > 0]
    if stuck:
        cycle = _cycle(steps, set(stuck))
        raise InvalidRequest(
            f"the steps wait for each other in a circle: {_named(cycle, ' → ')}",
            hint="remove one of these dependencies",
            details={"field": "steps", "cycle": cycle[:SHOWN_IDS]},
        )
    return tuple(waves)


def _cycle(steps: Sequence[Step], stuck: set[str]) -> list[str]:
    """Return one circle among steps that never become ready, each before the one it waits for."""
    before = {s.id: next(b for b in s.depends_on if b in stuck) for s in steps if s.id in stuck}
    at, path = min(stuck), []
    while at not in path:  # every stuck step waits for a stuck step, so this walk comes round
        path.append(at)
        at = before[at]
    return [*path[path.index(at) :], at]


def _named(ids: Sequence[str], between: str = ", ") -> str:
    shown = between.join(f"`{one}`" for one in ids[:SHOWN_IDS])
    return shown + (f" and {len(ids) - SHOWN_IDS:,} more" if len(ids) > SHOWN_IDS else "")
