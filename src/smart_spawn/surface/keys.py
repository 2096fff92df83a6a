"""API keys as JSON, never with more of a secret than whoever made it just saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smart_spawn.store.keys import SCOPES, KeyRow, purse_key

if TYPE_CHECKING:
    from smart_spawn.app import SmartSpawn
    from smart_spawn.app.keys import NewKey


def key_json(app: SmartSpawn, row: KeyRow) -> dict[str, Any]:
    """Return one key, with what was spent in the present period of its cap."""
    return {
        "id": row.id,
        "name": row.name,
        "scopes": [scope for scope in SCOPES if scope in row.scopes],
        "capUsd": None if row.cap_usd is None else float(row.cap_usd),
        "capPeriod": row.cap_period,
        "spentUsd": float(app.store.keys.spent_usd(purse_key(row.id, row.cap_period, app.now()))),
        "createdAt": row.created_at.isoformat(timespec="seconds"),
        "lastUsedAt": row.last_used_at.isoformat(timespec="seconds") if row.last_used_at else None,
        "revokedAt": row.revoked_at.isoformat(timespec="seconds") if row.revoked_at else None,
    }


def keys_json(app: SmartSpawn) -> dict[str, Any]:
    """Return all keys, oldest first."""
    return {"data": [key_json(app, row) for row in app.keys.all()]}


def new_key_json(app: SmartSpawn, new: NewKey) -> dict[str, Any]:
    """Return a key that was just made, this once with its secret."""
    return {"data": {**key_json(app, new.row), "secret": new.secret}}
