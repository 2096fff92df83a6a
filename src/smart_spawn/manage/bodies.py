"""What an owner sends: a private model, and results. Checked strictly, since both change who is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from smart_spawn.model import Category, Effort
from smart_spawn.sources.base import Unit

Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
GivenUnit = Unit | Literal["fraction"]
"""`fraction` is 0–1 and becomes percent."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class PricingBody(_Body):
    """List prices in USD per million tokens. Null is unknown; zero is free."""

    prompt: Usd | None = None
    completion: Usd | None = None
    cached_input: Usd | None = None


class CapabilitiesBody(_Body):
    """What the model can take and do."""

    vision: bool = False
    function_calling: bool = False
    json_: Annotated[bool, Field(alias="json")] = False
    streaming: bool = True
    reasoning: bool = False


class DataPolicyBody(_Body):
    """What whoever runs it does with prompts. Null is unknown."""

    trains_on_prompts: bool | None = None
    retains_prompts: bool | None = None
    region: Annotated[str, Field(max_length=40)] | None = None


class PrivateModelBody(_Body):
    """What `PUT /private-models/{id}` takes."""

    name: Annotated[Name | None, Field(description="what people call it; the id when left out")] = None
    provider: Annotated[Name, Field(description="a provider of the settings, by name: never an address")]
    pricing: PricingBody = PricingBody()
    context_length: Annotated[Tokens | None, Field(description="tokens")] = None
    max_output_tokens: Tokens | None = None
    capabilities: CapabilitiesBody = CapabilitiesBody()
    reasoning_efforts: Annotated[tuple[Effort, ...], Field(max_length=7)] = ()
    default_effort: Effort | None = None
    hugging_face_id: Annotated[
        Name | None, Field(description="the file that it runs, by which published results are found")
    ] = None
    data_policy: DataPolicyBody = DataPolicyBody()


class ResultBody(_Body):
    """One result."""

    model: Name
    value: Any
    benchmark: Name | None = None
    unit: GivenUnit | None = None
    edition: Annotated[str, Field(max_length=80)] | None = None
    higher_is_better: bool | None = None
    lower: float | None = None
    upper: float | None = None
    date: date | str | None = None


class BenchmarkBody(_Body):
    """What `POST /benchmarks` takes: `results`, or the `content` of a file."""

    benchmark: Annotated[Name | None, Field(description="the board, where the rows do not name it")] = None
    unit: Annotated[GivenUnit | None, Field(description="`fraction` (0 to 1) becomes percent")] = None
    edition: Annotated[str, Field(max_length=80)] | None = None
    higher_is_better: bool | None = None
    categories: Annotated[
        Mapping[Category, Weight],
        Field(description="how much the board says about each category; the settings go before this"),
    ] = {}
    model: Annotated[Name | None, Field(description="the model, where the file names another or none")] = None
    task: Annotated[Name | None, Field(description="the one task of a result file that counts")] = None
    results: Annotated[tuple[ResultBody, ...] | None, Field(max_length=100_000)] = None
    content: Annotated[
        str | Mapping[str, Any] | None,
        Field(description="CSV or JSON, also of lm-evaluation-harness and inspect-ai"),
    ] = None
    dry_run: Annotated[bool, Field(description="check everything, store nothing")] = False
