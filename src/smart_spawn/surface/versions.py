"""Versions of the catalogue as JSON: `/catalog/versions`, `/catalog/diff`, `/catalog/rollback`, prices."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_spawn.errors import UnknownModel
from smart_spawn.manage import versions
from smart_spawn.manage.archive import archive_of, read_file
from smart_spawn.model import Price, bare_id
from smart_spawn.refresh import rebuild
from smart_spawn.scoring.scale import shown

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.catalog.diff import PriceChange, ScoreChange
    from smart_spawn.routing.picks import PickChange

LISTED = 500
"""How many changed scores and picks are listed; the counts are of all."""


def versions_json(app: SmartSpawn, limit: int = 100) -> dict[str, Any]:
    """List the stored versions, newest first, with the one that is served."""
    catalogs = app.store.catalogs
    return {
        "data": [
            {
                "version": row.version,
                "builtAt": row.built_at.isoformat(timespec="seconds"),
                "bytes": row.size_bytes,
                "current": row.current,
                "pinned": row.pinned,
                "documents": len(app.store.payloads.manifest(row.version)),
            }
            for row in catalogs.versions(limit)
        ],
        "meta": {"served": app.catalog.version, "pinned": catalogs.pinned()},
    }


def diff_json(
    app: SmartSpawn, first: str | None = None, second: str | None = None, *, picks: bool = True
) -> dict[str, Any]:
    """Compare two versions: by default the served one with the one before it. Raises NotFound."""
    before, after = versions.ends_of(app.store, app.catalog.version, first or None, second or None)
    found = versions.compare(app.catalog_of(before), app.catalog_of(after), app.policy, picks=picks)
    changes = found.catalog
    body: dict[str, Any] = {
        "from": changes.before,
        "to": changes.after,
        "models": {
            "added": list(changes.added),
            "removed": list(changes.removed),
            "expired": list(changes.expired),
            "expiring": list(changes.expiring),
        },
        "prices": [_price_json(change) for change in changes.prices],
        "scores": [_score_json(change) for change in changes.scores[:LISTED]],
        "scoreCount": len(changes.scores),
    }
    if found.picks is not None:
        body["picks"] = {
            "asked": found.picks.asked,
            "changed": len(found.picks.changes),
            "changes": [_pick_json(change) for change in found.picks.changes[:LISTED]],
        }
    return {"data": body}


def _price_json(change: PriceChange) -> dict[str, Any]:
    return {
        "model": change.model_id,
        "rate": change.rate,
        "from": _number(change.before),
        "to": _number(change.after),
    }


def _score_json(change: ScoreChange) -> dict[str, Any]:
    return {
        "model": change.model_id,
        "category": str(change.category),
        "from": None if change.before is None else shown(change.before),
        "to": None if change.after is None else shown(change.after),
        "points": round(change.points, 2),
        "boards": [
            {
                "benchmark": move.benchmark,
                "points": round(move.points, 2),
                "cause": move.cause,
                "from": move.before,
                "to": move.after,
            }
            for move in change.boards
        ],
    }


def _pick_json(change: PickChange) -> dict[str, Any]:
    return {
        "task": change.task,
        "category": str(change.category),
        "budget": str(change.budget),
        "from": change.before,
        "to": change.after,
        "cause": change.cause,
        "why": change.why,
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def rollback_json(app: SmartSpawn, version: str | None) -> dict[str, Any]:
    """Serve a stored version until told otherwise, or, with None, the newest again. Raises NotFound."""
    if version is None:
        versions.follow(app.store)
    else:
        versions.rollback(app.store, version)
    app.check_for_newer_catalog()
    return {"data": {"served": app.catalog.version, "pinned": app.store.catalogs.pinned()}}


def rebuild_json(app: SmartSpawn, version: str) -> dict[str, Any]:
    """Build a version again from its documents and say whether the hash is the same. Raises NotFound."""
    found = versions.resolve(app.store, version)
    again = rebuild(app.store, app.settings, found)
    return {
        "data": {
            "version": found,
            "rebuilt": again.version,
            "same": found == again.version,
            "documents": len(app.store.payloads.manifest(found)),
        }
    }


def import_json(app: SmartSpawn, path: Path) -> dict[str, Any]:
    """Take in a catalogue from a file. Raises InvalidRequest, StoreCorrupt."""
    taken = versions.take_in(app.store, read_file(path), app.now())
    app.check_for_newer_catalog()
    return {"data": {**asdict(taken), "served": app.catalog.version == taken.version}}


def archive(app: SmartSpawn, version: str | None = None) -> tuple[str, bytes]:
    """Return a version's name and its archive with all documents. Raises NotFound."""
    found = versions.resolve(app.store, version) if version else app.catalog.version
    return found, archive_of(app.store, found)


def prices_json(app: SmartSpawn, model_id: str) -> dict[str, Any]:
    """List what a model has cost, oldest first. Raises UnknownModel."""
    known = bare_id(model_id)
    points = app.store.prices.of(known)
    listing = app.catalog.listing(known)
    if not points and listing is None:
        raise UnknownModel(model_id, app.catalog.nearest(known), field="id")
    rows = [{"since": point.day.isoformat(), **_rates(point.price)} for point in points]
    if not rows and listing is not None:
        rows = [{"since": None, **_rates(listing.price)}]
    return {"data": {"model": known, "prices": rows}}


def _rates(price: Price) -> dict[str, Any]:
    base = price.base
    return {
        "prompt": _number(base.prompt_usd_per_mtok) if price.known else None,
        "completion": _number(base.completion_usd_per_mtok) if price.known else None,
        "cachedInput": _number(base.cached_input_usd_per_mtok),
        "overrides": len(price.overrides),
    }
