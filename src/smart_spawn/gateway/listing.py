"""`/v1/models`: every name that a chat can be asked under."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from smart_spawn.app import SmartSpawn
from smart_spawn.gateway.names import OWNER, PREFIX, virtual_names, wanted
from smart_spawn.model import Listing
from smart_spawn.providers.registry import Providers


def model_rows(app: SmartSpawn) -> list[dict[str, Any]]:
    """Return our own names, then the models of the catalogue that some provider serves, by id."""
    catalog, chat, today = app.catalog, app.chat, app.now().date()
    rows = [_own(name, app) for name in virtual_names()]
    for listing in sorted(catalog.listings, key=lambda listing: listing.id):
        served = not isinstance(chat, Providers) or chat.serving(listing.id) is not None
        if served and listing.alive(today) and "text" in listing.capabilities.output_modalities:
            rows.append(_row(listing))
    return rows


def model_row(app: SmartSpawn, name: str) -> dict[str, Any]:
    """Return the row of one name, with or without our prefix. Raises UnknownModel."""
    found = wanted(name, app.catalog)
    if found.model_id is None:
        return _own(PREFIX + name.removeprefix(PREFIX), app)
    listing = app.catalog.listing(found.model_id)
    assert listing is not None  # noqa: S101  # `wanted` found it
    return _row(listing)


def _own(name: str, app: SmartSpawn) -> dict[str, Any]:
    since = datetime.combine(app.catalog.facts.as_of, time(), UTC)
    return {"id": name, "object": "model", "created": int(since.timestamp()), "owned_by": OWNER}


def _row(listing: Listing) -> dict[str, Any]:
    created = int(listing.created_at.timestamp()) if listing.created_at else 0
    return {"id": listing.id, "object": "model", "created": created, "owned_by": listing.provider}
