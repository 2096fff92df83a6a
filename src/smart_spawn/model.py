"""The values everybody knows: categories, budgets, efforts, models as sold, and their prices.

Money is `Decimal` and its unit is in the name: `_usd_per_mtok` is USD per million tokens. `None` means
unknown; zero means zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, get_args


class Category(StrEnum):
    """What a task asks of a model. The order is the order of columns in every score matrix."""

    CODING = "coding"
    REASONING = "reasoning"
    CREATIVE = "creative"
    VISION = "vision"
    RESEARCH = "research"
    FAST_CHEAP = "fast-cheap"
    GENERAL = "general"


CATEGORIES: tuple[Category, ...] = tuple(Category)


class Budget(StrEnum):
    """A ceiling on the input price, in USD per million tokens (see `BUDGET_CEILING_USD_PER_MTOK`)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    ANY = "any"


BUDGETS: tuple[Budget, ...] = tuple(Budget)


class Mode(StrEnum):
    """How a task is carried out."""

    SINGLE = "single"
    COLLECTIVE = "collective"
    CASCADE = "cascade"
    PLAN = "plan"
    SWARM = "swarm"


Effort = Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"]
"""How long a model may think, as requests name it. `none` is thinking switched off."""

EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""From the longest thinking to none: the position is the rank."""

Variant = Literal["batch", "free", "thinking", "extended", "other"]
"""What follows the colon of a model id. `batch` is an asynchronous API and cannot answer a chat."""

Requirement = Literal["vision", "functionCalling", "json", "reasoning", "streaming"]
REQUIREMENTS: tuple[Requirement, ...] = get_args(Requirement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a seller bills, in USD per million tokens. `None` means no rate of its own is published."""

    prompt_usd_per_mtok: Decimal | None = None
    completion_usd_per_mtok: Decimal | None = None
    cached_input_usd_per_mtok: Decimal | None = None
    cache_write_usd_per_mtok: Decimal | None = None
    reasoning_usd_per_mtok: Decimal | None = None
    """For thinking tokens; where it is `None` they are billed as completion tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceOverride:
    """Rates that replace the usual ones while every condition holds; later overrides win, rate by rate."""

    rates: Rates
    min_prompt_tokens: int | None = None
    """Holds for prompts strictly longer than this."""
    utc_start_hhmm: int | None = None
    utc_end_hhmm: int | None = None
    """The half-open interval [start, end) of the UTC day, as HHMM numbers; it may wrap around midnight."""
    utc_days: tuple[int, ...] = ()
    """Days on which it holds, Monday = 0; empty means every day."""

    def holds(self, prompt_tokens: int, at: datetime) -> bool:
        """Tell whether these rates are billed for a prompt of this length at this moment."""
        if self.min_prompt_tokens is not None and prompt_tokens <= self.min_prompt_tokens:
            return False
        utc = at.astimezone(UTC)
        if self.utc_days and utc.weekday() not in self.utc_days:
            return False
        if self.utc_start_hhmm is None or self.utc_end_hhmm is None:
            return True
        now = utc.hour * 100 + utc.minute
        if self.utc_start_hhmm <= self.utc_end_hhmm:
            return self.utc_start_hhmm <= now < self.utc_end_hhmm
        return now >= self.utc_start_hhmm or now < self.utc_end_hhmm


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A list price: the usual rates, what changes them, and charges that do not go by tokens."""

    base: Rates = field(default_factory=Rates)
    overrides: tuple[PriceOverride, ...] = ()
    request_usd: Decimal | None = None
    image_usd: Decimal | None = None
    dynamic: bool = False
    """The seller decides per request (a router). Never a candidate."""

    @property
    def known(self) -> bool:
        """Whether both directions have a price, so that a cost can be stated at all."""
        return (
            not self.dynamic
            and self.base.prompt_usd_per_mtok is not None
            and self.base.completion_usd_per_mtok is not None
        )

    def rates(self, prompt_tokens: int, at: datetime) -> Rates:
        """Return the rates billed for a prompt of this length at this moment."""
        current = self.base
        for override in self.overrides:
            if override.holds(prompt_tokens, at):
                current = Rates(
                    **{
                        name: getattr(current, name)
                        if getattr(override.rates, name) is None
                        else getattr(override.rates, name)
                        for name in Rates.__dataclass_fields__
                    }
                )
        return current

    def cost_usd(
        self,
        *,
        prompt_tokens: int,
        completion_tokens: int,
        at: datetime,
        cached_tokens: int = 0,
        reasoning_tokens: int = 0,
    ) -> Decimal | None:
        """Return the list price of one call in USD, or `None` when a needed rate is unknown.

        `cached_tokens` are the part of `prompt_tokens` read from the provider's cache; `reasoning_tokens`
        the part of `completion_tokens` spent on thinking.
        """
        rates = self.rates(prompt_tokens, at)
        if self.dynamic or rates.prompt_usd_per_mtok is None or rates.completion_usd_per_mtok is None:
            return None
        cached_rate = rates.cached_input_usd_per_mtok
        if cached_rate is None:
            cached_rate = rates.prompt_usd_per_mtok
        reasoning_rate = rates.reasoning_usd_per_mtok
        if reasoning_rate is None:
            reasoning_rate = rates.completion_usd_per_mtok
        per_million = (
            (prompt_tokens - cached_tokens) * rates.prompt_usd_per_mtok
            + cached_tokens * cached_rate
            + (completion_tokens - reasoning_tokens) * rates.completion_usd_per_mtok
            + reasoning_tokens * reasoning_rate
        )
        return per_million / 1_000_000 + (self.request_usd or Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can take and do."""

    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    function_calling: bool = False
    json: bool = False
    streaming: bool = True
    reasoning: bool = False
    reasoning_mandatory: bool = False
    supported_efforts: tuple[Effort, ...] = ()
    default_effort: Effort | None = None

    @property
    def vision(self) -> bool:
        """Whether it takes images."""
        return "image" in self.input_modalities


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredPolicy:
    """What whoever serves a model declares to do with prompts. `None` means unknown."""

    trains_on_prompts: bool | None = None
    retains_prompts: bool | None = None
    region: str | None = None
    """Where prompts are processed, e.g. `eu`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A model as a seller offers it."""

    id: str
    """`vendor/model` or `vendor/model:variant`, as requests name it."""
    name: str
    canonical_slug: str | None = None
    hugging_face_id: str | None = None
    created_at: datetime | None = None
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    price: Price = field(default_factory=Price)
    capabilities: Capabilities = field(default_factory=Capabilities)
    expires_on: date | None = None
    """The first day on which it is no longer served. Placeholders of the far future are not kept."""
    alias_of: str | None = None
    """For a moving alias: the id that it stands for today."""
    router: bool = False
    """It hands the request to another model, so it has no strength of its own."""
    private: bool = False
    """Added by the owner; not in any public catalogue."""
    served_by: str | None = None
    """For a private model: the provider of the settings that runs it."""
    declared: DeclaredPolicy | None = None
    """For a private model: what its owner declares about prompts."""
    deprecated: bool = False
    """Its maker has announced its end, according to some source. Still a candidate, with a warning."""

    @property
    def provider(self) -> str:
        """The vendor part of the id."""
        return self.id.lstrip("~").partition("/")[0]

    @property
    def plain_id(self) -> str:
        """The id without its variant: evidence belongs to this."""
        return self.id.partition(":")[0]

    @property
    def variant(self) -> Variant | None:
        """What follows the colon of the id."""
        tail = self.id.partition(":")[2]
        if not tail:
            return None
        return tail if tail in ("batch", "free", "thinking", "extended") else "other"  # type: ignore[return-value]

    @property
    def answers_chats(self) -> bool:
        """Whether a chat request can be answered by this id itself, as long as it is served."""
        return not (self.router or self.price.dynamic or self.alias_of is not None or self.variant == "batch")

    def alive(self, on: date) -> bool:
        """Tell whether a chat request can be answered on this day by this id."""
        return self.answers_chats and (self.expires_on is None or on < self.expires_on)


def bare_id(model_id: str) -> str:
    """Drop the `openrouter/` that some clients put before every id, but not from OpenRouter's own models."""
    head, _, tail = model_id.partition("/")
    return tail if head == "openrouter" and "/" in tail else model_id
