"""The shapes of queries and answers, as the OpenAPI document shows them. Queries are also checked by them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from smart_spawn.model import Budget, Category, Effort, Mode, Requirement
from smart_spawn.routing.request import Diversity, ModelId, Tag

Score = Annotated[float, Field(description="0 to 100; 50 is the mean of the measured models")]
Chance = Annotated[float, Field(ge=0, le=1)]
Number = float | None
Text = str | None


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


# -- queries --------------------------------------------------------------------------------------------------------


class NoQuery(_Shape):
    """No parameters."""


class PickQuery(_Shape):
    """What `GET /pick` takes. Lists are separated by commas."""

    task: Annotated[str, Field(description="what is to be done, or the name of a category")] = ""
    category: Category | None = None
    budget: Annotated[Budget | None, Field(description="by input price, USD per million tokens")] = None
    exclude: Annotated[list[ModelId], Field(description="model ids or patterns such as `vendor/*`")] = []
    only: list[ModelId] = []
    models: Annotated[list[ModelId], Field(description="what the caller can reach")] = []
    pin: ModelId | None = None
    context: Annotated[list[Tag], Field(description="tags such as `typescript`")] = []
    require: list[Requirement] = []
    min_context: Annotated[int | None, Field(ge=0, description="tokens")] = None
    min_capability: Annotated[float | None, Field(ge=0, le=100)] = None
    explore: Annotated[
        bool | None, Field(description="false: never try out a model of which votes say little")
    ] = None
    current: Annotated[ModelId | None, Field(description="the model that the caller uses now")] = None
    session_id: Text = None


class RecommendQuery(_Shape):
    """What `GET /recommend` takes."""

    task: Annotated[str, Field(description="what is to be done, or the name of a category")] = ""
    category: Category | None = None
    budget: Budget | None = None
    count: Annotated[int, Field(ge=1, le=5)] = 1
    exclude: list[ModelId] = []
    only: list[ModelId] = []
    models: list[ModelId] = []
    require: list[Requirement] = []
    min_context: Annotated[int | None, Field(ge=0, description="tokens")] = None
    min_capability: Annotated[float | None, Field(ge=0, le=100)] = None
    context: list[Tag] = []
    diversity: Diversity = "medium"


class ModelsQuery(_Shape):
    """What `GET /models` takes."""

    category: Category | None = None
    tier: Literal["premium", "standard", "budget"] | None = None
    sort: Annotated[str, Field(description="`score`, `cost`, `efficiency` or a category")] = "score"
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    q: Annotated[str, Field(max_length=200, description="part of an id or name")] = ""


class CompareQuery(_Shape):
    """What `GET /compare` takes."""

    models: Annotated[list[ModelId], Field(max_length=50, description="two to five ids")] = []


class UnmatchedQuery(_Shape):
    """What `GET /catalog/unmatched` takes."""

    source: Text = None


class VerboseQuery(_Shape):
    """What `GET /decisions/{id}` takes."""

    verbose: Annotated[bool | None, Field(description="every candidate and every rejected model")] = None


class RefreshBody(_Shape):
    """What `POST /refresh` takes."""

    sources: Annotated[list[str], Field(description="names of sources; all when left out")] = []


# -- answers --------------------------------------------------------------------------------------------------------


class Pricing(_Shape):
    """List prices in USD per million tokens. Null is unknown; zero is free."""

    prompt: Number
    completion: Number
    cached_input: Number = None
    reasoning: Number = None


class BudgetTier(_Shape):
    """The input prices that a budget admits, in USD per million tokens. Null has no ceiling."""

    min: float
    max: Number


class Pick(_Shape):
    """The chosen model, and what to fall back on."""

    id: str
    name: str
    provider: str
    score: Score
    benchmark_score: Score
    personal_score: Number
    pricing: Pricing
    budget: Budget
    tier: BudgetTier
    candidate_count: int
    category: Category
    confidence: Chance
    reasoning_effort: Effort | None
    reason: str
    fallbacks: list[str]
    decision_id: str
    context_tags: list[str] = []
    context_boost: Number = None
    warnings: list[str] = []
    advised: Annotated[Text, Field(description="what would be chosen, in the stage `advise`")] = None


class PickAnswer(_Shape):
    """The answer of `/pick`."""

    data: Pick


class Capabilities(_Shape):
    """What a model can do."""

    vision: bool
    function_calling: bool
    streaming: bool
    json_: Annotated[bool, Field(alias="json")]
    reasoning: bool


class Speed(_Shape):
    """Measured speed, where somebody measured it."""

    output_tokens_per_second: Number = None
    time_to_first_token: Number = None


class ModelRow(_Shape):
    """One model of the catalogue."""

    id: str
    name: str
    provider: str
    context_length: int | None
    max_output_tokens: int | None
    pricing: Pricing
    capabilities: Capabilities
    categories: Annotated[list[Category], Field(description="where it is clearly above the mean")]
    scores: dict[Category, Score]
    cost_efficiency: Annotated[
        dict[Category, float], Field(description="score per USD and million input tokens")
    ]
    tier: Literal["premium", "standard", "budget"] | None
    benchmarks: Annotated[dict[str, float], Field(description="each in its own unit")]
    speed: Speed
    tags: list[str]
    reasoning_efforts: list[Effort]
    last_updated: str
    sources_covered: list[str]


class Recommendation(_Shape):
    """One recommended model."""

    model: ModelRow
    reason: str
    confidence: Chance
    reasoning_effort: Effort | None
    quality_given_up: Annotated[float, Field(description="points below the best, for the sake of diversity")]


class RecommendMeta(_Shape):
    """How a recommendation was read."""

    task: Category
    task_raw: str
    budget: Budget
    candidates_considered: int
    decision_id: str


class RecommendAnswer(_Shape):
    """The answer of `/recommend`."""

    data: list[Recommendation]
    meta: RecommendMeta


class Reading(_Shape):
    """One benchmark reading, traceable to its publication."""

    benchmark: str
    source: str
    edition: Text
    published_name: str
    rule: Annotated[str, Field(description="by which rule the published name led to the model")]
    effort: Effort | None
    value: float
    unit: str
    interval: list[float] | None
    votes: int | None
    published_at: Text
    fetched_at: Text
    z: Annotated[float, Field(description="standard deviations above the benchmark's mean")]
    plain_z: Annotated[
        Number, Field(description="the same on the board's own scale, before boards are linked")
    ] = None
    unlinked: Annotated[bool, Field(description="the board shares too few models to be linked")] = False
    score: Score
    superseded: bool
    inherited_from: Text = None


class Evidence(Reading):
    """A reading, and what it contributed to a score."""

    weight: float
    quality: Annotated[
        float, Field(description="0 to 1: what age, votes, effort and edition leave of its weight")
    ]
    contribution: Annotated[float, Field(description="points above or below 50")]
    inherited: Text


class TaskReading(_Shape):
    """What was read in the task. Its text is kept only where `routing.store_task_text` is on."""

    category: Category
    categories: dict[Category, Chance]
    mix: Annotated[dict[Category, float], Field(description="the shares that scores were mixed by")]
    signals: list[str]
    difficulty: Annotated[float, Field(description="0 to 1; reported, never relied upon")]
    language: str
    tokens: int
    characters: int
    text: Text = None


class Choice(_Shape):
    """A model at its place in the ranking."""

    model: str
    reasoning_effort: Effort | None
    provider: str
    score: Score
    pricing: Pricing
    expected_cost_usd: Number


class ScoreFeedback(_Shape):
    """What votes added to a score."""

    contribution: Annotated[float, Field(description="points; part of `score`")]
    beliefs: Annotated[dict[Category, str], Field(description="what is believed, in one line a category")]


class ScoreGain(_Shape):
    """What similar tasks on record added to a score."""

    contribution: Annotated[float, Field(ge=-10, le=10, description="points; part of `score`")]


class Selected(Choice):
    """The chosen model with its evidence."""

    scores: dict[Category, Score]
    evidence: list[Evidence]
    missing_evidence: Annotated[
        list[str], Field(description="benchmarks that would count and have nothing on it")
    ]
    context_tags: list[str] = []
    context_boost: Number = None
    feedback: Annotated[ScoreFeedback | None, Field(description="only where somebody voted on it")] = None
    learned_gain: Annotated[
        ScoreGain | None, Field(description="only where `routing.learned_gain` says something of it")
    ] = None


class Change(_Shape):
    """The one change that would have made an alternative win."""

    kind: Literal["weight", "benchmark", "budget", "exclude", "explore", "stage"]
    what: str
    value: float | str
    sentence: str


class Alternative(Choice):
    """Another model and its distance."""

    gap: Annotated[float, Field(description="points behind the chosen model")]
    would_win: Change


class RunnerUp(_Shape):
    """The next best model."""

    model: str
    score: Score
    gap: float


class CandidateRow(_Shape):
    """One candidate, when `verbose` asks for all."""

    model: str
    reasoning_effort: Effort | None
    score: float
    variance: float
    measured: bool
    scores: dict[Category, float]


class RejectedModel(_Shape):
    """One rejected model and the filter that removed it."""

    model: str
    filter: str


class RoutingDecision(_Shape):
    """A choice with its reasons: the answer of `/route`, and `routingDecision` everywhere else."""

    id: str
    created_at: str
    task: TaskReading
    budget: Budget
    selected: Selected
    reason: str
    confidence: Annotated[Chance, Field(description="that it is at least as good as the runner-up")]
    p_best: Annotated[Chance, Field(description="that it is the best of all candidates")]
    runner_up: RunnerUp | None
    alternatives: list[Alternative]
    fallbacks: list[str]
    candidate_count: int
    rejected: Annotated[dict[str, int], Field(description="filter: how many models it removed")]
    switching_cost_usd: Number = None
    warnings: list[str]
    stage: Annotated[Text, Field(description="how far routing is trusted, where `current` is named")] = None
    advised: Annotated[
        Choice | None, Field(description="what would have been chosen in place of `current`")
    ] = None
    catalog_version: str
    beliefs_version: str
    policy_version: str
    candidates: list[CandidateRow] = []
    rejected_models: list[RejectedModel] = []


class ReplayAnswer(_Shape):
    """A decision made again."""

    same: bool
    decision_id: str
    first: RoutingDecision
    again: RoutingDecision


class ModelsMeta(_Shape):
    """How a list of models was cut."""

    total: int
    filtered: int
    returned: int
    last_refresh: Text
    version: str


class ModelsAnswer(_Shape):
    """The answer of `/models`."""

    data: list[ModelRow]
    meta: ModelsMeta


class EffortRow(_Shape):
    """The scores of a model at one reasoning effort."""

    effort: Effort | None
    default: bool
    scores: dict[Category, Score]
    expected_answer_tokens: Annotated[int, Field(description="of the standard task: 1,000 prompt tokens")]
    expected_cost_usd: Annotated[float | None, Field(description="of the standard task")]
    relative_answer_length: float


class Model(ModelRow):
    """One model with everything known of it."""

    expires_on: Text
    alias_of: Text
    efforts: list[EffortRow]
    price_overrides: list[dict[str, Any]]
    readings: list[Reading]


class ModelAnswer(_Shape):
    """The answer of `/models/{id}`."""

    data: Model


class Comparison(_Shape):
    """Models side by side."""

    models: list[ModelRow]
    missing: Annotated[list[str], Field(description="ids that the catalogue does not hold")]


class CompareAnswer(_Shape):
    """The answer of `/compare`."""

    data: Comparison


class UnmatchedName(_Shape):
    """A published name that leads to no model."""

    source: str
    published_name: str
    reason: str
    nearest: list[str]


class UnmatchedAnswer(_Shape):
    """The answer of `/catalog/unmatched`."""

    data: list[UnmatchedName]


class Usage(_Shape):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    total_tokens: int


class AttemptError(_Shape):
    """Why an attempt gave no text."""

    code: str
    message: str


class Gate(_Shape):
    """Whether an answer was accepted."""

    accepted: bool
    faults: list[str] = []
    verified: bool = False
    confidence: Annotated[Number, Field(description="the chance that it is right, where it was judged")] = (
        None
    )


class Attempt(_Shape):
    """One call of a model."""

    step: Annotated[int | str, Field(description="its number, or its name within a run")]
    model: str
    provider: str
    reasoning_effort: Effort | None
    output: str
    usage: Usage | None
    cost_usd: Number
    cost_source: str
    baseline_usd: Annotated[Number, Field(description="the same tokens at the baseline model")]
    latency_ms: float
    finish_reason: Text
    gate: Gate
    error: AttemptError | None = None


class Cost(_Shape):
    """What a run cost, in USD. Null is unknown."""

    usd: Number
    estimated_usd: Number
    source: Literal["provider", "list-price", "unknown"]
    in_doubt_usd: Number
    baseline_usd: Number
    saved_usd: Number
    baseline: Text


class Dissent(_Shape):
    """An answer that said something else."""

    model: str
    answer: str


class Consensus(_Shape):
    """How the answers of a collective became one."""

    method: Literal["majority", "best-prior", "merge", "only-survivor"]
    agreement: Chance
    dissent: list[Dissent]


class Threshold(_Shape):
    """How sure we were, and how sure we wanted to be."""

    confidence: Number
    target: Number


class Escalation(_Shape):
    """A step up the ladder of a cascade."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    why: str
    gate: Threshold


class Artifact(_Shape):
    """What a step of a plan left behind."""

    step: str
    name: str
    content: str
    model: str


class StepState(_Shape):
    """How a step of a plan ended."""

    step: str
    status: Literal["succeeded", "failed", "skipped"]
    wave: int
    model: Text
    why: str = ""


class SpawnAnswer(_Shape):
    """The answer of `/spawn`."""

    id: str
    status: str
    mode: Mode
    output: str
    model: Text
    routing_decision: RoutingDecision
    responses: list[Attempt]
    usage: Usage | None
    cost: Cost
    warnings: list[str]
    confidence: Number = None
    consensus: Consensus | None = None
    escalations: list[Escalation] | None = None
    below_threshold: Annotated[bool, Field(description="the best there was, and less than was asked for")] = (
        False
    )
    artifacts: list[Artifact] | None = None
    steps: list[StepState] | None = None


class SourceState(_Shape):
    """How one source is doing."""

    status: Literal["ok", "stale", "error", "off"]
    last_pull: Text
    last_good: Text
    data_from: Text
    count: int
    matched: int
    unmatched: int
    published_at: Text
    next_pull: Text
    error: Text = None
    quarantined: bool = False
    notices: list[str] = []
    notes: list[str] = []


class Status(_Shape):
    """How fresh the catalogue is."""

    status: Literal["ok", "stale", "degraded", "empty"]
    last_refresh: Text
    model_count: int
    models_with_scores: int
    models_with_benchmarks: int
    sources: dict[str, SourceState]
    catalog_version: Text
    catalog_as_of: Text
    norm: Text
    attribution: dict[str, str]
    version: str


class StatusAnswer(_Shape):
    """The answer of `/status`."""

    data: Status


class HealthAnswer(_Shape):
    """The answer of `/health` when a pick can be answered."""

    status: Literal["ok"]
    models: int
    catalog_version: str


class RefreshState(_Shape):
    """Whether this request started the refresh or found one running."""

    refresh: Literal["started", "running"]
    sources: list[str]


class RefreshAnswer(_Shape):
    """The answer of `/refresh`, before the refresh is done."""

    data: RefreshState


class Problem(_Shape):
    """What went wrong, and the way out."""

    code: str
    message: str
    hint: str
    details: dict[str, Any]


class ErrorAnswer(_Shape):
    """Every error has this shape."""

    error: Problem
