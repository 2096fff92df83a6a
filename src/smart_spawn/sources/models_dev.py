"""models.dev: a second opinion on what OpenRouter's models can do, and what their makers call deprecated.

Live: `GET https://models.dev/api.json` (MIT), one document of all providers. Costs are numbers in USD per
million tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from smart_spawn.model import Capabilities, Listing, Price, Rates
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Payload
from smart_spawn.sources.documents import Rows, changed, only, read_json

PART = "api"
SELLER = "openrouter"

MAKERS = {
    "anthropic": "anthropic",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "google": "google",
    "minimax": "minimax",
    "mistral": "mistralai",
    "moonshotai": "moonshotai",
    "openai": "openai",
    "xai": "x-ai",
    "zai": "z-ai",
}
"""Providers that are the makers of what they serve → the vendor part of catalogue ids. Resellers retire a model
for their own reasons."""


class _Modalities(msgspec.Struct):
    input: list[str]
    output: list[str]


class _Limit(msgspec.Struct):
    context: float | None = None
    output: float | None = None


class _Model(msgspec.Struct):
    id: str
    name: str
    tool_call: bool
    reasoning: bool
    modalities: _Modalities
    limit: _Limit
    cost: dict[str, Any] | None = None
    structured_output: bool = False
    status: str | None = None


class _Provider(msgspec.Struct):
    models: dict[str, Any]


class ModelsDev:
    """Listings under OpenRouter's ids, for checking, and the ids that makers have deprecated."""

    name = "models_dev"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://models.dev").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 24.0
        self.timeout_s = settings.timeout_s

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download the one document (about 5 MB)."""
        return (await http.get(f"{self.base_url}/api.json", part=PART),)

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read OpenRouter's models and the deprecated ones of makers. Raises SourceChanged, naming the field."""
        payload = only(payloads, self.name, PART)
        providers = read_json(payload, dict[str, _Provider])
        if SELLER not in providers:
            raise changed(self.name, f"`{PART}` has no provider `{SELLER}`")
        rows = Rows(payload)
        models = list(rows.of(list(providers[SELLER].models.values()), _Model))
        deprecated = {
            f"{vendor}/{model_id}"
            for provider, vendor in MAKERS.items()
            if provider in providers
            for model_id, model in providers[provider].models.items()
            if isinstance(model, dict) and model.get("status") == "deprecated"
        }
        deprecated |= {model.id for model in models if model.status == "deprecated"}
        return Batch(
            source=self.name,
            opinions=tuple(map(_listing, models)),
            deprecated=tuple(sorted(deprecated)),
            notes=tuple(rows.notes()),
        )


def _listing(model: _Model) -> Listing:
    return Listing(
        id=model.id,
        name=model.name,
        context_tokens=int(model.limit.context) if model.limit.context else None,
        max_output_tokens=int(model.limit.output) if model.limit.output else None,
        price=Price(base=_rates(model.cost or {})),
        capabilities=Capabilities(
            input_modalities=tuple("file" if kind == "pdf" else kind for kind in model.modalities.input),
            output_modalities=tuple(model.modalities.output),
            function_calling=model.tool_call,
            json=model.structured_output,
            reasoning=model.reasoning,
        ),
    )


def _rates(cost: dict[str, Any]) -> Rates:
    def rate(key: str) -> Decimal | None:
        value = cost.get(key)
        # Numbers go through their text: 0.1 is meant, not the nearest binary fraction.
        known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        return Decimal(str(value)) if known else None

    return Rates(
        prompt_usd_per_mtok=rate("input"),
        completion_usd_per_mtok=rate("output"),
        cached_input_usd_per_mtok=rate("cache_read"),
        cache_write_usd_per_mtok=rate("cache_write"),
        reasoning_usd_per_mtok=rate("reasoning"),
    )
