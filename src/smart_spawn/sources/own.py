"""What the owner added: private models and own results, read from one document as every other source is.

The store writes the document whenever something changed (`document`), so a catalogue that was built from it can be
rebuilt, compared and rolled back like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from smart_spawn.model import Capabilities, Category, DeclaredPolicy, Effort, Listing, Price, Rates
from smart_spawn.sources.base import Batch, Measurement, Payload, Unit
from smart_spawn.sources.documents import only, read_json

SOURCE: Final = "own"
PART: Final = "models_and_results"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnModel:
    """A private model: where it runs, what it costs and can do."""

    id: str
    """`vendor/model`; not the id of a public one."""
    name: str
    provider: str
    """The name of a provider in the settings: never an address."""
    prompt_usd_per_mtok: Decimal | None = None
    completion_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    vision: bool = False
    function_calling: bool = False
    json: bool = False
    streaming: bool = True
    reasoning: bool = False
    efforts: tuple[Effort, ...] = ()
    default_effort: Effort | None = None
    hugging_face_id: str | None = None
    """The file that it runs, by which published results of it are found."""
    data_policy: DeclaredPolicy = field(default_factory=DeclaredPolicy)

    def listing(self) -> Listing:
        """Return it as a model that is on offer to its owner."""
        return Listing(
            id=self.id,
            name=self.name,
            hugging_face_id=self.hugging_face_id,
            context_tokens=self.context_tokens,
            max_output_tokens=self.max_output_tokens,
            price=Price(
                base=Rates(
                    prompt_usd_per_mtok=self.prompt_usd_per_mtok,
                    completion_usd_per_mtok=self.completion_usd_per_mtok,
                    cached_input_usd_per_mtok=self.cached_input_usd_per_mtok,
                )
            ),
            capabilities=Capabilities(
                input_modalities=("text", "image") if self.vision else ("text",),
                function_calling=self.function_calling,
                json=self.json,
                streaming=self.streaming,
                reasoning=self.reasoning or bool(self.efforts),
                supported_efforts=self.efforts,
                default_effort=self.default_effort,
            ),
            private=True,
            served_by=self.provider,
            declared=self.data_policy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBoard:
    """A board on which the owner has results: an own one, or a public one by its name and edition."""

    benchmark: str
    edition: str = ""
    unit: Unit = "percent"
    higher_is_better: bool = True
    public: bool = False
    """Another source publishes it too: own values take their place on its scale, and do not move it."""
    categories: Mapping[Category, float] = field(default_factory=dict)
    """Weights that the import named; the settings go before them. Empty for a public board."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnValue:
    """One own result."""

    benchmark: str
    edition: str = ""
    published_name: str
    """As the file names the model; matched as every published name is."""
    value: float
    lower: float | None = None
    upper: float | None = None
    measured_on: date | None = None


class _Document(msgspec.Struct, frozen=True):
    format: int
    models: tuple[OwnModel, ...] = ()
    boards: tuple[OwnBoard, ...] = ()
    values: tuple[OwnValue, ...] = ()


def document(
    models: Sequence[OwnModel],
    boards: Sequence[OwnBoard],
    values: Sequence[OwnValue],
    *,
    changed_at: datetime,
) -> Payload | None:
    """Write everything of the owner as one document; None when there is nothing. Equal content gives equal bytes."""
    if not models and not values:
        return None
    content = _Document(
        format=FORMAT,
        models=tuple(sorted(models, key=lambda m: m.id)),
        boards=tuple(sorted(boards, key=lambda b: (b.benchmark, b.edition))),
        values=tuple(sorted(values, key=lambda v: (v.benchmark, v.edition, v.published_name))),
    )
    body = msgspec.json.encode(content, order="deterministic")
    return Payload(source=SOURCE, part=PART, url="own:store", body=body, fetched_at=changed_at)


def parse(payloads: Sequence[Payload]) -> Batch:
    """Read the owner's document. Raises SourceChanged."""
    content = read_json(only(payloads, SOURCE, PART), _Document)
    boards = {(board.benchmark, board.edition): board for board in content.boards}
    return Batch(
        source=SOURCE,
        listings=tuple(model.listing() for model in content.models),
        measurements=tuple(
            _measurement(value, boards[value.benchmark, value.edition])
            for value in content.values
            if (value.benchmark, value.edition) in boards
        ),
        published_on=max((v.measured_on for v in content.values if v.measured_on), default=None),
    )


def _measurement(value: OwnValue, board: OwnBoard) -> Measurement:
    return Measurement(
        source=SOURCE,
        benchmark=value.benchmark,
        edition=value.edition,
        published_name=value.published_name,
        value=value.value,
        unit=board.unit,
        higher_is_better=board.higher_is_better,
        lower=value.lower,
        upper=value.upper,
        published_on=value.measured_on,
    )


def default_weights(boards: Sequence[OwnBoard]) -> dict[Category, dict[str, float]]:
    """Return the weights that imports named, by category."""
    weights: dict[Category, dict[str, float]] = {}
    for board in boards:
        for category, weight in board.categories.items():
            weights.setdefault(category, {})[board.benchmark] = weight
    return weights
