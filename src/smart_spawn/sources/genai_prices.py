"""genai-prices: a second opinion on what OpenRouter's models cost.

Live: one JSON file in the project's repository (MIT). Prices are numbers in USD per million tokens, some by
prompt length, some from a date on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from smart_spawn.model import Listing, Price, PriceOverride, Rates
from smart_spawn.settings import SourceSettings
from smart_spawn.sources.base import Batch, Http, Payload
from smart_spawn.sources.documents import Rows, changed, day, only, read_json

FILE = "/pydantic/genai-prices/main/prices/new_data/v2/data.json"
PART = "data"
SELLER = "openrouter"

RATES = {
    "prompt_usd_per_mtok": "input_mtok",
    "completion_usd_per_mtok": "output_mtok",
    "cached_input_usd_per_mtok": "cache_read_mtok",
    "cache_write_usd_per_mtok": "cache_write_mtok",
}


class _Model(msgspec.Struct):
    id: str
    prices: list[dict[str, Any]] | dict[str, Any]
    name: str = ""


class _Provider(msgspec.Struct):
    id: str
    models: list[Any]


class GenAIPrices:
    """Listings under OpenRouter's ids with a price each, for checking."""

    name = "genai_prices"

    def __init__(self, settings: SourceSettings) -> None:
        self.base_url = (settings.base_url or "https://raw.githubusercontent.com").rstrip("/")
        self.refresh_hours = settings.refresh_hours or 24.0
        self.timeout_s = settings.timeout_s

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download the one file."""
        return (await http.get(f"{self.base_url}{FILE}", part=PART),)

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read the prices in force on the day of the download. Raises SourceChanged, naming the field."""
        payload = only(payloads, self.name, PART)
        providers = {provider.id: provider for provider in read_json(payload, list[_Provider])}
        if SELLER not in providers:
            raise changed(self.name, f"`{PART}` has no provider `{SELLER}`")
        rows = Rows(payload)
        opinions = [
            Listing(id=model.id, name=model.name or model.id, price=price)
            for model in rows.of(providers[SELLER].models, _Model)
            if (price := _price(_in_force(model.prices, payload.fetched_at.date()))) is not None
        ]
        return Batch(source=self.name, opinions=tuple(opinions), notes=tuple(rows.notes()))


def _in_force(prices: list[dict[str, Any]] | dict[str, Any], on: date) -> Mapping[str, Any]:
    """Choose among dated prices: the last whose start has come. Ones with other conditions are not for us."""
    if isinstance(prices, dict):
        return prices
    current: Mapping[str, Any] = {}
    for entry in prices:
        constraint = entry.get("constraint") or {}
        start = day(constraint.get("start_date"))
        if not constraint or (start is not None and len(constraint) == 1 and start <= on):
            current = entry.get("prices") or {}
    return current


def _price(prices: Mapping[str, Any]) -> Price | None:
    """Read base rates and length tiers; `None` where nothing is priced."""
    base = {ours: _rate(prices.get(theirs)) for ours, theirs in RATES.items()}
    if base["prompt_usd_per_mtok"] is None:
        return None
    tiers: dict[int, dict[str, Decimal | None]] = {}
    for ours, theirs in RATES.items():
        value = prices.get(theirs)
        for tier in value.get("tiers", ()) if isinstance(value, dict) else ():
            tiers.setdefault(int(tier["start"]), {})[ours] = _rate(tier.get("price"))
    overrides = tuple(
        PriceOverride(rates=Rates(**rates), min_prompt_tokens=start) for start, rates in sorted(tiers.items())
    )
    return Price(base=Rates(**base), overrides=overrides)


def _rate(value: object) -> Decimal | None:
    if isinstance(value, dict):
        value = value.get("base")
    known = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    return Decimal(str(value)) if known else None
