"""OpenRouter's public model list: ids, prices, context, capabilities, and readings that it relays.

Live: `GET https://openrouter.ai/api/v1/models`, no key. Prices are decimal texts in USD per token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from smart_spawn.model import EFFORTS, Capabilities, Listing, Price, PriceOverride, Rates
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Measurement, Payload
from smart_spawn.sources.documents import Rows, changed, day, number, only, read_json

PLACEHOLDER_YEAR = 2090
"""Expiry dates from here on mean "none": 2098-12-31 was seen on 2026-08-08."""

IMAGE_ARENAS = frozenset({"graphicdesign", "image", "imageediting", "logo"})
"""Design Arena boards of generated pictures: five models each, and nothing that a text answer is chosen by."""

_DAYS = {name: index for index, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


class _Architecture(msgspec.Struct):
    input_modalities: list[str]
    output_modalities: list[str]
    tokenizer: str | None = None


class _TopProvider(msgspec.Struct):
    context_length: float | None = None
    max_completion_tokens: float | None = None


class _Reasoning(msgspec.Struct):
    mandatory: bool = False
    supported_efforts: list[str] | None = None
    default_effort: str | None = None


class _AliasTarget(msgspec.Struct):
    slug: str


class _Model(msgspec.Struct):
    """What we need of a row. Anything else may come and go."""

    id: str
    name: str
    pricing: dict[str, Any]
    architecture: _Architecture
    supported_parameters: list[str]
    context_length: float | None
    canonical_slug: str | None = None
    hugging_face_id: str | None = None
    created: float | None = None
    top_provider: _TopProvider | None = None
    expiration_date: str | None = None
    reasoning: _Reasoning | None = None
    alias_target: _AliasTarget | None = None
    benchmarks: dict[str, Any] | None = None


class _Envelope(msgspec.Struct):
    data: list[Any]


class OpenRouter:
    """OpenRouter's catalogue: one listing per id, readings of other boards where it relays them."""

    name = "openrouter"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://openrouter.ai/api/v1").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 1.0
        self.timeout_s = settings.timeout_s
        self.relayed_benchmarks = settings.relayed_benchmarks

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download the whole list in one request.

        Never filtered on their side: asked with `supported_parameters=tools` the prices are another tier's.
        """
        return (await http.get(f"{self.base_url}/models", part="models"),)

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read one listing per row. Raises SourceChanged, naming the field."""
        payload = only(payloads, self.name, "models")
        rows = Rows(payload)
        models = list(rows.of(read_json(payload, _Envelope).data, _Model))
        if not models:
            raise changed(self.name, "`models` lists no model")
        notes: list[str] = rows.notes()
        listings = tuple(
            {listing.id: listing for listing in (_listing(model, notes) for model in models)}.values()
        )
        measurements = tuple(_relayed(models)) if self.relayed_benchmarks else ()
        return Batch(source=self.name, listings=listings, measurements=measurements, notes=tuple(notes))


def _listing(model: _Model, notes: list[str]) -> Listing:
    alias = model.id.startswith("~") or model.alias_target is not None
    top = model.top_provider or _TopProvider()
    # A prompt longer than the first provider takes is refused or sent to another price, so the smaller one holds.
    contexts = [int(tokens) for tokens in (model.context_length, top.context_length) if tokens]
    return Listing(
        id=model.id,
        name=model.name,
        canonical_slug=model.canonical_slug or None,
        hugging_face_id=model.hugging_face_id or None,
        created_at=datetime.fromtimestamp(model.created, UTC) if model.created else None,
        context_tokens=min(contexts, default=None),
        max_output_tokens=int(top.max_completion_tokens) if top.max_completion_tokens else None,
        price=_price(model, notes),
        capabilities=_capabilities(model),
        expires_on=_expiry(model.expiration_date),
        alias_of=(model.alias_target.slug if model.alias_target else model.id.lstrip("~")) if alias else None,
        # Aliases are marked with the tokenizer `Router` too, but stand for one model.
        router=model.architecture.tokenizer == "Router" and not alias,
    )


def _expiry(text: str | None) -> date | None:
    expires = day(text) if text else None
    return expires if expires and expires.year < PLACEHOLDER_YEAR else None


def _capabilities(model: _Model) -> Capabilities:
    asked = frozenset(model.supported_parameters)
    reasoning = model.reasoning or _Reasoning()
    default = reasoning.default_effort
    return Capabilities(
        input_modalities=tuple(model.architecture.input_modalities),
        output_modalities=tuple(model.architecture.output_modalities),
        function_calling="tools" in asked,
        json=bool(asked & {"response_format", "structured_outputs"}),
        reasoning="reasoning" in asked or reasoning.mandatory,
        reasoning_mandatory=reasoning.mandatory,
        supported_efforts=tuple(e for e in reasoning.supported_efforts or () if e in EFFORTS),
        default_effort=default if default in EFFORTS else None,
    )


def _price(model: _Model, notes: list[str]) -> Price:
    """Read what is billed. A price is stated only where it can be meant.

    `-1` means that the seller decides per request. Zero in both directions is a price on `:free` ids alone;
    elsewhere it marks what is not sold by the token (music) or not yet sold (unannounced models): unknown.
    """
    pricing = model.pricing
    prompt, completion = _per_mtok(pricing.get("prompt")), _per_mtok(pricing.get("completion"))
    if any(value is not None and value < 0 for value in (prompt, completion)):
        return Price(dynamic=True)
    if prompt == completion == 0 and not model.id.endswith(":free"):
        notes.append(f"`{model.id}`: a price of 0 without `:free` is read as unknown")
        return Price()
    if prompt is None or completion is None:
        notes.append(
            f"`{model.id}`: price {pricing.get('prompt')!r} / {pricing.get('completion')!r} is unknown"
        )
    overrides = pricing.get("overrides") or ()
    return Price(
        base=_rates(pricing),
        overrides=tuple(_overrides(model.id, overrides, notes)),
        request_usd=_positive(_usd(pricing.get("request"))),
        image_usd=_positive(_usd(pricing.get("image"))),
    )


def _rates(pricing: Mapping[str, Any]) -> Rates:
    def rate(key: str) -> Decimal | None:
        read = _per_mtok(pricing.get(key))
        return read if read is not None and read >= 0 else None

    return Rates(
        prompt_usd_per_mtok=rate("prompt"),
        completion_usd_per_mtok=rate("completion"),
        cached_input_usd_per_mtok=rate("input_cache_read"),
        cache_write_usd_per_mtok=rate("input_cache_write"),
        reasoning_usd_per_mtok=_positive(rate("internal_reasoning")),
    )


def _overrides(model_id: str, raw: object, notes: list[str]) -> Iterator[PriceOverride]:
    """Read conditional rates in their order. One with a condition that we do not know is set aside, aloud."""
    for entry in raw if isinstance(raw, list) else ():
        days = _days(entry.get("utc_days") or ()) if isinstance(entry, dict) else None
        bounds = (
            [number(entry.get(key)) for key in ("utc_start", "utc_end")] if days is not None else [None, None]
        )
        if days is None or (bounds[0] is None) != (bounds[1] is None):
            notes.append(f"`{model_id}`: a conditional price cannot be read and is left out")
            continue
        tokens = number(entry.get("min_prompt_tokens"))
        yield PriceOverride(
            rates=_rates(entry),
            min_prompt_tokens=None if tokens is None else int(tokens),
            utc_start_hhmm=None if bounds[0] is None else int(bounds[0]),
            utc_end_hhmm=None if bounds[1] is None else int(bounds[1]),
            utc_days=days,
        )


def _days(raw: object) -> tuple[int, ...] | None:
    """Read days of the week, Monday = 0, from English names; `None` when one of them is not known.

    Plain numbers are refused: whether 0 is a Sunday or a Monday is nowhere said.
    """
    if not isinstance(raw, list | tuple):
        return None
    days = [_DAYS.get(str(item)[:3].lower()) for item in raw]
    return tuple(sorted({d for d in days if d is not None})) if None not in days else None


def _usd(value: object) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        return None
    return read if read.is_finite() else None


def _per_mtok(value: object) -> Decimal | None:
    """Turn USD per token into USD per million tokens, exactly, and spelled without an exponent."""
    read = _usd(value)
    return None if read is None else Decimal(f"{read.scaleb(6):f}")


def _positive(value: Decimal | None) -> Decimal | None:
    return value if value else None


def _relayed(models: Iterable[_Model]) -> Iterator[Measurement]:
    """Read the relayed boards once per model: variants repeat the readings of their plain id."""
    models = list(models)
    plain = {model.id for model in models if ":" not in model.id}
    for model in models:
        if not model.benchmarks or model.id.startswith("~"):
            continue
        if ":" in model.id and (model.id.partition(":")[0] in plain or not model.id.endswith(":free")):
            continue
        analysis = model.benchmarks.get("artificial_analysis")
        for index in ("intelligence_index", "coding_index", "agentic_index"):
            value = number(analysis.get(index)) if isinstance(analysis, dict) else None
            if value is not None:
                yield _reading(model.id, f"aa_{index}", value, "index")
        yield from _design_arena(model.id, model.benchmarks.get("design_arena"))


def _design_arena(model_id: str, raw: object) -> Iterator[Measurement]:
    for entry in raw if isinstance(raw, list) else ():
        if not isinstance(entry, dict):
            continue
        category, value = str(entry.get("category", "")).lower(), number(entry.get("elo"))
        board = re.sub(r"[^a-z0-9]+", "_", category).strip("_")
        prefix = {"models": "design_arena", "agents": "design_arena_agents"}.get(str(entry.get("arena")))
        if prefix and board and value is not None and category not in IMAGE_ARENAS:
            yield _reading(model_id, f"{prefix}_{board}", value, "elo")


def _reading(model_id: str, benchmark: str, value: float, unit: Any) -> Measurement:
    return Measurement(
        source="openrouter",
        benchmark=benchmark,
        published_name=model_id,
        value=value,
        unit=unit,
        bridge=model_id,
    )
