"""`SmartSpawn`: the one object that every surface calls. It wires the parts and holds the current catalogue."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio.to_thread

from smart_spawn.catalog.facts import decode
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import NotFound, SmartSpawnError
from smart_spawn.routing.decision import Decision, decode_decision, encode_decision
from smart_spawn.routing.policy import RoutingPolicy
from smart_spawn.routing.request import RouteRequest
from smart_spawn.routing.route import decide, route
from smart_spawn.settings import Settings, load_settings


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)


def new_decision_id(at: datetime) -> str:
    """Return an id that sorts by time and cannot be guessed."""
    return f"dec_{int(at.timestamp() * 1000):012x}{secrets.token_hex(6)}"
