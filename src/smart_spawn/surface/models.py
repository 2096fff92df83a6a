"""Models as rows: `/models`, `/models/{id}`, `/compare`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any, Literal

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, UnknownModel
from smart_spawn.model import CATEGORIES, Category, Listing, PriceOverride, bare_id
from smart_spawn.scoring.candidates import DERIVED_SOURCE, STANDARD_ANSWER_TOKENS, STANDARD_PROMPT_TOKENS
from smart_spawn.scoring.reading import Reading
from smart_spawn.scoring.scale import shown

Tier = Literal["premium", "standard", "budget"]
STRONG_POINTS = 60.0
"""From this score on a category is listed among a model's `categories`: half a standard deviation above the mean."""
SPEED_BOARDS = {
    "aa_output_tokens_per_second": "outputTokensPerSecond",
    "aa_time_to_first_token_s": "timeToFirstToken",
}


def usd(value: Decimal | None) -> float | None:
    """Return a price as JSON shows it."""
    return None if value is None else float(value)


def pricing_json(listing: Listing) -> dict[str, Any]:
    """Return the list price in USD per million tokens, what is known of it."""
    rates = listing.price.base
    extra = {"cachedInput": rates.cached_input_usd_per_mtok, "reasoning": rates.reasoning_usd_per_mtok}
    return {
        "prompt": usd(rates.prompt_usd_per_mtok) if listing.price.known else None,
        "completion": usd(rates.completion_usd_per_mtok) if listing.price.known else None,
        **{name: usd(value) for name, value in extra.items() if value is not None},
    }


def tier_of(listing: Listing) -> Tier | None:
    """Return the price tier by input price: below 1 USD per million tokens, up to 5, above; None when unknown."""
    price = listing.price.base.prompt_usd_per_mtok
    if price is None or not listing.price.known:
        return None
    return "budget" if price < 1 else "standard" if price <= 5 else "premium"


def capabilities_json(listing: Listing) -> dict[str, bool]:
    """Return what the model can do."""
    can = listing.capabilities
    return {
        "vision": can.vision,
        "functionCalling": can.function_calling,
        "streaming": can.streaming,
        "json": can.json,
        "reasoning": can.reasoning,
    }


def model_row(catalog: Catalog, model_id: str, *, show: frozenset[str] | None = None) -> dict[str, Any]:
    """Return one model as `/models` lists it. Raises KeyError for an id that the catalogue does not hold."""
    listing = catalog.listings[catalog.index[model_id]]
    row = catalog.rows_of[model_id].start
    candidate = catalog.candidates[row]
    scores = catalog.category_scores(row)
    price = listing.price.base.prompt_usd_per_mtok
    readings = {b: r for b, r in candidate.readings.items() if r.source != DERIVED_SOURCE}
    return {
        "id": listing.id,
        "name": listing.name,
        "provider": listing.provider,
        "contextLength": listing.context_tokens,
        "maxOutputTokens": listing.max_output_tokens,
        "pricing": pricing_json(listing),
        "capabilities": capabilities_json(listing),
        "categories": [str(c) for c, score in scores.items() if score >= STRONG_POINTS],
        "scores": {str(c): shown(score) for c, score in scores.items()},
        "costEfficiency": {str(c): round(shown(score) / float(price), 2) for c, score in scores.items()}
        if price and listing.price.known
        else {},
        "tier": tier_of(listing),
        "benchmarks": {board: reading.value for board, reading in sorted(readings.items())},
        "speed": {name: readings[board].value for board, name in SPEED_BOARDS.items() if board in readings},
        "tags": _tags(listing),
        "reasoningEfforts": list(listing.capabilities.supported_efforts),
        "lastUpdated": catalog.facts.as_of.isoformat(),
        "sourcesCovered": sorted({r.source for r in readings.values()}),
    }


def _tags(listing: Listing) -> list[str]:
    tags = {
        str(listing.variant): listing.variant is not None,
        "router": listing.router,
        "alias": listing.alias_of is not None,
        "private": listing.private,
        "deprecated": listing.deprecated,
        "expiring": listing.expires_on is not None,
        "open-weights": listing.hugging_face_id is not None,
    }
    return [name for name, holds in tags.items() if holds]


def reading_json(reading: Reading) -> dict[str, Any]:
    """Return one reading with everything needed to trace it."""
    return {
        "benchmark": reading.benchmark,
        "source": reading.source,
        "edition": reading.edition or None,
        "publishedName": reading.published_name,
        "rule": reading.rule,
        "effort": reading.effort,
        "value": reading.value,
        "unit": reading.unit,
        "interval": None
        if reading.lower is None or reading.upper is None
        else [reading.lower, reading.upper],
        "votes": reading.votes,
        "publishedAt": reading.published_on.isoformat() if reading.published_on else None,
        "fetchedAt": reading.fetched_at.isoformat() if reading.fetched_at else None,
        "z": round(reading.z, 4),
        "plainZ": round(reading.z if reading.plain_z is None else reading.plain_z, 4),
        **({"unlinked": True} if reading.unlinked else {}),
        "score": shown(reading.points),
        "superseded": reading.superseded,
    }


def model_json(catalog: Catalog, model_id: str) -> dict[str, Any]:
    """Return one model with its readings and its scores per effort. Raises UnknownModel with the nearest ids."""
    known = bare_id(model_id)
    if known not in catalog.index:
        raise UnknownModel(model_id, catalog.nearest(known), field="id")
    listing = catalog.listings[catalog.index[known]]
    inherited = () if catalog.readings_of.get(known) else catalog.readings_of.get(listing.plain_id, ())
    readings = catalog.readings_of.get(known) or inherited
    return {
        **model_row(catalog, known),
        "expiresOn": listing.expires_on.isoformat() if listing.expires_on else None,
        "aliasOf": listing.alias_of,
        "efforts": [
            {
                "effort": catalog.candidates[row].effort,
                "default": catalog.candidates[row].plain,
                "scores": {str(c): shown(s) for c, s in catalog.category_scores(row).items()},
                "relativeAnswerLength": round(catalog.candidates[row].verbosity, 3),
                **_standard_answer(catalog, row),
            }
            for row in catalog.rows_of[known]
        ],
        "priceOverrides": [_override_json(override) for override in listing.price.overrides],
        "readings": [
            reading_json(r) | ({"inheritedFrom": r.model_id} if inherited else {}) for r in readings
        ],
    }


def _standard_answer(catalog: Catalog, row: int) -> dict[str, Any]:
    """Return how long an answer to the standard task is expected to be at this effort, and what it then costs."""
    candidate = catalog.candidates[row]
    tokens = math.ceil(STANDARD_ANSWER_TOKENS * candidate.verbosity)
    cost = candidate.listing.price.cost_usd(
        prompt_tokens=STANDARD_PROMPT_TOKENS,
        completion_tokens=tokens,
        at=datetime.combine(catalog.facts.as_of, time(12), UTC),
    )
    return {"expectedAnswerTokens": tokens, "expectedCostUsd": usd(cost)}


def _override_json(override: PriceOverride) -> dict[str, Any]:
    """Return rates that replace the usual ones, and when they do."""
    conditions = {
        "minPromptTokens": override.min_prompt_tokens,
        "utcStart": override.utc_start_hhmm,
        "utcEnd": override.utc_end_hhmm,
        "utcDays": list(override.utc_days) or None,
    }
    rates = override.rates
    prices = {
        "prompt": rates.prompt_usd_per_mtok,
        "completion": rates.completion_usd_per_mtok,
        "cachedInput": rates.cached_input_usd_per_mtok,
        "reasoning": rates.reasoning_usd_per_mtok,
    }
    return {
        "when": {name: value for name, value in conditions.items() if value is not None},
        "pricing": {name: usd(value) for name, value in prices.items() if value is not None},
    }


def compare_json(catalog: Catalog, ids: Sequence[str]) -> dict[str, Any]:
    """Return two to five models side by side, and the ids that the catalogue does not hold."""
    wanted = list(dict.fromkeys(bare_id(i) for i in ids))
    if not wanted:
        raise InvalidRequest(
            "`models` is missing", hint="name two to five, separated by commas", code="MISSING_PARAM"
        )
    if not 2 <= len(wanted) <= 5:
        raise InvalidRequest(
            f"`models` names {len(wanted)} different models", hint="name two to five, separated by commas"
        )
    found = [i for i in wanted if i in catalog.index]
    if not found:
        raise UnknownModel(wanted[0], catalog.nearest(wanted[0]), field="models")
    return {
        "data": {
            "models": [model_row(catalog, i) for i in found],
            "missing": [i for i in wanted if i not in catalog.index],
        }
    }


def models_json(
    catalog: Catalog,
    *,
    category: Category | None = None,
    tier: Tier | None = None,
    sort: str = "score",
    limit: int = 100,
    q: str = "",
    last_refresh: str | None = None,
) -> dict[str, Any]:
    """List models: filtered, sorted best first (cheapest first under `cost`), cut at `limit`.

    `sort` is `score`, `cost`, `efficiency` or a category. Raises InvalidRequest.
    """
    names = ["score", "cost", "efficiency", *map(str, CATEGORIES)]
    if sort not in names:
        raise InvalidRequest(f"`{sort}` is not a valid `sort`", hint=f"one of: {', '.join(names)}")
    by = Category(sort) if sort in CATEGORIES else category or Category.GENERAL
    rows = [
        row
        for row in (model_row(catalog, listing.id) for listing in catalog.listings)
        if (tier is None or row["tier"] == tier)
        and (category is None or str(category) in row["scores"])
        and (not q or q.casefold() in f"{row['id']} {row['name']}".casefold())
    ]

    def key(row: dict[str, Any]) -> tuple[object, ...]:
        price, score = row["pricing"]["prompt"], row["scores"].get(str(by))
        if sort == "cost":
            return (price is None, price or 0.0, row["id"])
        if sort == "efficiency":
            value = row["costEfficiency"].get(str(by))
            return (value is None, -(value or 0.0), row["id"])
        return (score is None, -(score or 0.0), row["id"])

    rows.sort(key=key)
    return {
        "data": rows[:limit],
        "meta": {
            "total": len(catalog),
            "filtered": len(rows),
            "returned": min(limit, len(rows)),
            "lastRefresh": last_refresh,
            "version": catalog.version,
        },
    }
