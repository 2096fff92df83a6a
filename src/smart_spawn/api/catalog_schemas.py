"""The shapes of versions, own models and own results, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from smart_spawn.api.schemas import Number, Text, _Shape
from smart_spawn.manage.bodies import BenchmarkBody, PrivateModelBody
from smart_spawn.model import Budget, Category

Version = Annotated[str, Field(max_length=64, description="a version, or its first letters")]


class VersionsQuery(_Shape):
    """What `GET /catalog/versions` takes."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = 100


class DiffQuery(_Shape):
    """What `GET /catalog/diff` takes."""

    from_: Annotated[Version | None, Field(alias="from")] = None
    to: Version | None = None
    picks: Annotated[bool, Field(description="also compare the choices for 200 tasks at 4 budgets")] = True


class RollbackBody(_Shape):
    """What `POST /catalog/rollback` takes. Null serves the newest again."""

    version: Version | None


class StoredVersion(_Shape):
    """One stored catalogue."""

    version: str
    built_at: str
    bytes: int
    current: bool
    pinned: bool
    documents: Annotated[int, Field(description="stored documents that it was built from")]


class VersionsAnswer(_Shape):
    """The answer of `/catalog/versions`, newest first."""

    data: list[StoredVersion]
    meta: dict[str, Text]


class ModelsChanged(_Shape):
    """Ids that came, went, are not served any more, or will end on a day that was announced or moved."""

    added: list[str]
    removed: list[str]
    expired: list[str]
    expiring: list[str]


class PriceChanged(_Shape):
    """One rate of one model, in USD per million tokens. Null is unknown; zero is free."""

    model: str
    rate: str
    from_: Annotated[Number, Field(alias="from")]
    to: Number


class BoardMoved(_Shape):
    """What one board did to a score, in points, and why."""

    benchmark: str
    points: float
    cause: str
    from_: Annotated[Number, Field(alias="from")]
    to: Number


class ScoreChanged(_Shape):
    """A category score that moved by more than half a point."""

    model: str
    category: Category
    from_: Annotated[Number, Field(alias="from")]
    to: Number
    points: float
    boards: list[BoardMoved]


class PickChanged(_Shape):
    """A task for which another model is chosen."""

    task: str
    category: Category
    budget: Budget
    from_: Annotated[Text, Field(alias="from")]
    to: Text
    cause: str
    why: str


class PicksChanged(_Shape):
    """How many choices were compared, and those that changed."""

    asked: int
    changed: int
    changes: list[PickChanged]


class Diff(_Shape):
    """What changed between two versions."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    models: ModelsChanged
    prices: list[PriceChanged]
    scores: list[ScoreChanged]
    score_count: int
    picks: PicksChanged | None = None


class DiffAnswer(_Shape):
    """The answer of `/catalog/diff`."""

    data: Diff


class Served(_Shape):
    """The version that is served, and the one that is pinned."""

    served: str
    pinned: Text


class RollbackAnswer(_Shape):
    """The answer of `/catalog/rollback`."""

    data: Served


class PriceSince(_Shape):
    """A price and the day on which it was first seen, in USD per million tokens."""

    since: Text
    prompt: Number
    completion: Number
    cached_input: Number
    overrides: int


class Prices(_Shape):
    """What a model has cost, oldest first."""

    model: str
    prices: list[PriceSince]


class PricesAnswer(_Shape):
    """The answer of `/catalog/prices/{id}`."""

    data: Prices


class PrivateModel(PrivateModelBody):
    """A private model as it is stored."""

    id: str
    name: Annotated[str | None, Field(description="what people call it")]
    updated_at: str


class PrivateModelAnswer(_Shape):
    """The answer of `/private-models/{id}`. `meta` tells the catalogue that the change is in."""

    data: PrivateModel
    meta: Annotated[dict[str, Any], Field(default_factory=dict)]


class PrivateModelsAnswer(_Shape):
    """The answer of `/private-models`."""

    data: list[PrivateModel]


class RemovedAnswer(_Shape):
    """The answer of a deletion."""

    data: dict[str, Any]


class Board(_Shape):
    """One board with own results: how many models it has, and whether it counts."""

    benchmark: str
    unit: str
    edition: Text
    higher_is_better: bool
    public: Annotated[
        bool, Field(description="another source publishes it too; own values stand on its scale")
    ]
    models: int
    values: int
    counts: bool
    note: str
    categories: dict[str, float]


class ImportDone(_Shape):
    """What an import did, or with `dryRun` would do."""

    dry_run: bool
    format: str
    accepted: int
    rows: list[dict[str, Any]]
    boards: list[Board]
    notes: list[str]
    version: Text
    applied: bool


class ImportAnswer(_Shape):
    """The answer of `POST /benchmarks`."""

    data: ImportDone


class BoardsAnswer(_Shape):
    """The answer of `GET /benchmarks`."""

    data: list[Board]


SHAPES: tuple[type[BaseModel], ...] = (
    RollbackBody,
    VersionsAnswer,
    DiffAnswer,
    RollbackAnswer,
    PricesAnswer,
    PrivateModelBody,
    PrivateModelAnswer,
    PrivateModelsAnswer,
    RemovedAnswer,
    BenchmarkBody,
    ImportAnswer,
    BoardsAnswer,
)
