"""The shapes of what is learned: votes, beliefs, statistics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from smart_spawn.api.schemas import _Shape
from smart_spawn.model import Category

Share = Annotated[float, Field(ge=0, le=1)]


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


class Logged(_Shape):
    """Whether it was logged; false when too much arrives at once."""

    logged: bool


class LoggedAnswer(_Shape):
    """The answer of `/spawn-log`."""

    data: Logged


class SuccessRow(_Shape):
    """How often a model did well in a category."""

    model: str
    category: str
    success_rate: Share
    total: int


class ScoresAnswer(_Shape):
    """The answer of `/spawn-log/scores`."""

    data: list[SuccessRow]


class ScoresQuery(_Shape):
    """What `/spawn-log/scores` takes."""

    category: Category | None = None
    min_samples: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class StatsQuery(_Shape):
    """What `/spawn-log/stats` takes."""

    days: Annotated[int, Field(ge=1, le=3650, description="today included")] = 30


class DayRow(_Shape):
    """One day, UTC."""

    date: str
    spawns: int
    estimated_cost: float


class CascadeStats(_Shape):
    """How often cascades had to step up."""

    total: int
    cheap_only: int
    with_premium: int
    escalation_rate: Share
    avg_savings_per_cascade: float


class TopModel(_Shape):
    """A model that is used much."""

    model: str
    count: int
    avg_cost: float


class Spend(_Shape):
    """What was spent, in USD."""

    usd: float
    by_list_prices_usd: Annotated[float, Field(description="the part that is estimated by list prices")]
    unknown_cost: Annotated[int, Field(description="spawns whose cost nobody knows")]
    by_day: dict[str, float]
    by_model: dict[str, float]
    by_category: dict[str, float]
    by_mode: dict[str, float]
    by_key: Annotated[dict[str, float], Field(description="by the id of the key, or `local`")]


class Saved(_Shape):
    """What was saved against the baseline, in USD."""

    usd: float
    interval95: Annotated[list[float] | None, Field(description="by resampling the newest spawns")]
    compared: Annotated[int, Field(description="spawns with a known cost and baseline")]
    sample: int
    baseline: str


class GateStats(_Shape):
    """How often people liked what the gate had accepted."""

    judged: int
    good: int
    precision: float | None
    interval95: list[float] | None


class OutcomeWindow(_Shape):
    """Outcomes in a span of time."""

    outcomes: int
    good: int


class DriftRow(_Shape):
    """A model that does worse than it did."""

    model: str
    chance: Annotated[Share, Field(description="that it really does")]
    before: OutcomeWindow
    since: OutcomeWindow
    sentence: str


class Stats(_Shape):
    """What was done, spent and saved."""

    total_spawns: int
    by_model: dict[str, int]
    by_category: dict[str, int]
    by_mode: dict[str, int]
    total_estimated_cost: float
    savings: float
    since: str
    daily: list[DayRow]
    cascade: CascadeStats
    category_avg_cost: dict[str, float]
    top_models: list[TopModel]
    spend: Spend
    saved: Saved
    gate: Annotated[GateStats | None, Field(description="for keys with the scope `admin`")] = None
    drift: Annotated[list[DriftRow], Field(default_factory=list)]


class StatsAnswer(_Shape):
    """The answer of `/spawn-log/stats`."""

    data: Stats


class BelievedModel(_Shape):
    """A model that somebody voted on."""

    model: str
    votes: int
    points: Annotated[float, Field(description="what votes in all categories add to its score")]
    in_catalog: bool


class BeliefsMeta(_Shape):
    """Which beliefs these are."""

    beliefs_version: str
    day: str


class BeliefsAnswer(_Shape):
    """The answer of `/beliefs`."""

    data: list[BelievedModel]
    meta: BeliefsMeta


class BeliefRow(_Shape):
    """What is believed of a model in one category, in belief points, and how that follows."""

    benchmark_score: float | None
    prior: Annotated[float, Field(description="what the benchmark promises: 50 + 0.6 (score - 50)")]
    model_offset: Annotated[float, Field(description="what votes in all categories add")]
    votes: int
    weight: Annotated[float, Field(description="the votes in ratings, after age, kind and limits")]
    average: float | None
    belief: float
    spread: float
    points: Annotated[float, Field(description="what is added to the score")]
    sentence: str


class BeliefContext(_Shape):
    """What votes in a context add beyond that."""

    context: str
    category: str
    points: float


class Belief(_Shape):
    """What is believed of one model."""

    model: str
    in_catalog: bool
    beliefs_version: str
    categories: dict[Category, BeliefRow]
    contexts: list[BeliefContext]


class BeliefAnswer(_Shape):
    """The answer of `/beliefs/{id}`."""

    data: Belief


class ExportedVote(_Shape):
    """A vote as it was given."""

    at: str
    voter: str
    subject: str
    kind: Literal["rating", "outcome", "plugin", "gate"]
    model: str
    category: str
    tags: str
    cluster: str
    value: float
    comment: str | None
    reversed_at: str | None


class VotesMeta(_Shape):
    """Where the next page begins; null on the last."""

    next: int | None


class VotesAnswer(_Shape):
    """A page of all votes."""

    data: list[ExportedVote]
    meta: VotesMeta


class VotesQuery(_Shape):
    """What `GET /feedback/votes` takes."""

    after: Annotated[int, Field(ge=0, description="`meta.next` of the page before")] = 0
    limit: Annotated[int, Field(ge=1, le=5_000)] = 1_000


class ImportedVotes(_Shape):
    """What an import did."""

    added: int
    known: int
    reversed: int


class ImportedAnswer(_Shape):
    """The answer of `POST /feedback/votes`."""

    data: ImportedVotes


class Act(_Shape):
    """Something that the owner did to votes."""

    act: int
    what: Literal["reverse", "undo"]
    at: str
    votes: Annotated[int, Field(description="how many it changed")]
    voter: str | None
    since: str | None
    until: str | None
    of: Annotated[int | None, Field(description="the act that was undone")]


class ActAnswer(_Shape):
    """One act."""

    data: Act


class ActsAnswer(_Shape):
    """Every act, oldest first."""

    data: list[Act]


class CommunityRow(_Shape):
    """What others reported of a model in a category."""

    model: str
    category: str
    total_ratings: int
    avg_rating: float
    contributors: int


class CommunityScoresAnswer(_Shape):
    """The answer of `/community/scores`."""

    data: list[CommunityRow]


class CommunityScoresQuery(_Shape):
    """What `/community/scores` takes."""

    category: Category | None = None
    min_ratings: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class StageRow(_Shape):
    """How one caller's own model and our choices compare."""

    caller: Annotated[str, Field(description="id of the key, or `local`")]
    stage: Literal["shadow", "advise", "active"]
    stage_now: Literal["shadow", "advise", "active"]
    decisions: Annotated[int, Field(description="that named a `current` model")]
    differing: Annotated[int, Field(description="in which another model would have been chosen")]
    win_rate: Annotated[float | None, Field(description="mean chance that our choice is at least as good")]
    interval95: list[float] | None
    own_usd: Annotated[float, Field(description="expected cost of the differing ones, as served")]
    advised_usd: float
    earned: Annotated[Literal["advise", "active"] | None, Field(description="the stage that is earned")]


class StagesMeta(_Shape):
    """What was looked at."""

    stage: Literal["shadow", "advise", "active"]
    looked_at: Annotated[int, Field(description="the newest decisions")]


class StagesAnswer(_Shape):
    """The answer of `/stages`."""

    data: list[StageRow]
    meta: StagesMeta


SHAPES: tuple[type[BaseModel], ...] = (
    FeedbackAnswer,
    OutcomeAnswer,
    LoggedAnswer,
    ScoresAnswer,
    StatsAnswer,
    BeliefsAnswer,
    BeliefAnswer,
    VotesAnswer,
    ImportedAnswer,
    ActAnswer,
    ActsAnswer,
    StagesAnswer,
    CommunityScoresAnswer,
)
