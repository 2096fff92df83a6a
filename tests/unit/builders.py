"""Small catalogues for tests, spelled in a line a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from smart_spawn.catalog.facts import Facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.model import Capabilities, Effort, Listing, Price, Rates
from smart_spawn.scoring.reading import Reading
from smart_spawn.scoring.weights import shipped_weights

TODAY = date(2026, 8, 8)
NOW = datetime(2026, 8, 8, 12, tzinfo=UTC)


def price(prompt: str | None, completion: str | None = None, **options: Any) -> Price:
    """Return a list price in USD per million tokens; completion is five times the prompt unless said otherwise."""
    if prompt is None:
        return Price(**options)
    out = Decimal(completion) if completion is not None else Decimal(prompt) * 5
    return Price(base=Rates(prompt_usd_per_mtok=Decimal(prompt), completion_usd_per_mtok=out), **options)


def listing(
    model_id: str, prompt: str | None = "1", completion: str | None = None, **options: Any
) -> Listing:
    """Return a model with tools, JSON, a 128k context and text only, unless said otherwise."""
    can = options.pop("can", {})
    efforts: tuple[Effort, ...] = can.get("supported_efforts", ())
    values: dict[str, Any] = {
        "name": model_id,
        "context_tokens": 128_000,
        "max_output_tokens": 16_000,
        "price": price(prompt, completion),
        "capabilities": Capabilities(
            **{"function_calling": True, "json": True, "reasoning": bool(efforts), **can}
        ),
    }
    return Listing(id=model_id, **{**values, **options})


def reading(model_id: str, benchmark: str, z: float, **options: Any) -> Reading:
    """Return a reading at a given place on its scale."""
    values: dict[str, Any] = {
        "source": benchmark.partition("_")[0],
        "edition": "",
        "published_name": model_id.partition("/")[2],
        "rule": "test",
        "value": 50 + 10 * z,
        "unit": "percent",
        "published_on": TODAY,
    }
    return Reading(model_id=model_id, benchmark=benchmark, z=z, **{**values, **options})


def catalog(
    listings: Sequence[Listing],
    scores: Mapping[str, Mapping[str, float]] | None = None,
    readings: Sequence[Reading] = (),
) -> Catalog:
    """Return a catalogue: `scores` gives z per model and benchmark, `readings` adds finer ones."""
    simple = [reading(m, b, z) for m, row in (scores or {}).items() for b, z in row.items()]
    return Catalog.of(
        Facts(as_of=TODAY, listings=tuple(listings), readings=(*simple, *readings), weights=shipped_weights())
    )
