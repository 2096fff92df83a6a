"""The lock file: what important routes chose when somebody last looked, small enough to review in a diff."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.checks.document import read_document
from smart_spawn.checks.expectation import MAX_ROUTES
from smart_spawn.errors import InvalidRequest
from smart_spawn.model import Category, Effort
from smart_spawn.routing.decision import Choice, Decision
from smart_spawn.routing.explain import row_of
from smart_spawn.routing.request import RouteRequest, invalid
from smart_spawn.scoring.scale import shown

HEAD = "# Written by `smart-spawn check --update`; review its changes like code.\n"
OTHERS = 3
"""How many of the next best are remembered, so that a later winner can be told from a newcomer."""
DECIMALS = 4
MAX_BYTES = 32 * 1024 * 1024
"""As many routes as a file of expectations may hold, with their boards."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class LockedRoute(_Part):
    """What one important route chose."""

    request: Annotated[str, Field(max_length=64)]
    """A hash of everything that was asked, so that a changed question is not taken for changed data."""
    model: Annotated[str, Field(max_length=200)]
    effort: Effort | None = None
    category: Category
    score: float
    """0–100, as shown."""
    input_usd_per_mtok: float | None = None
    output_usd_per_mtok: float | None = None
    boards: Annotated[dict[str, float], Field(max_length=1_000)] = Field(default_factory=dict)
    """Board → the model's value there, in the board's own unit."""
    others: Annotated[dict[str, float], Field(max_length=100)] = Field(default_factory=dict)
    """The next best → its score."""


class LockedCatalog(_Part):
    """Which data the choices were made from."""

    version: Annotated[str, Field(max_length=64)]
    as_of: date


class Lock(_Part):
    """All important routes by name."""

    format: Literal[1] = 1
    catalog: LockedCatalog
    policy: Annotated[str, Field(max_length=64)]
    routes: Annotated[dict[str, LockedRoute], Field(max_length=MAX_ROUTES)] = Field(default_factory=dict)


def request_digest(request: RouteRequest) -> str:
    """Name a request by everything that it asks: equal requests, equal name, on every machine."""
    asked = request.model_dump(mode="json", exclude_defaults=True)
    if "require" in asked:
        asked["require"] = sorted(asked["require"])  # a set has no order of its own
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]


def locked(request: RouteRequest, decision: Decision, catalog: Catalog) -> LockedRoute:
    """Return what the lock file remembers of one choice."""
    chosen = decision.selected
    base = catalog.listings[catalog.index[chosen.model]].price.base
    values = {"input": base.prompt_usd_per_mtok, "output": base.completion_usd_per_mtok}
    prices = {name: None if value is None else float(value) for name, value in values.items()}
    return LockedRoute(
        request=request_digest(request),
        model=chosen.model,
        effort=chosen.effort,
        category=decision.category,
        score=shown(chosen.score),
        input_usd_per_mtok=prices["input"],
        output_usd_per_mtok=prices["output"],
        boards=board_values(decision, chosen, catalog),
        others={choice.model: shown(choice.score) for choice in decision.others[:OTHERS]},
    )


def board_values(decision: Decision, choice: Choice, catalog: Catalog) -> dict[str, float]:
    """Return a candidate's value on every board that counts in the mix of a decision."""
    candidate = catalog.candidates[row_of(catalog, choice)]
    weighed = {board for c in decision.mix for board, w in catalog.facts.weights.get(c, {}).items() if w > 0}
    return {
        board: round(reading.value, DECIMALS)
        for board, reading in sorted(candidate.readings.items())
        if board in weighed
    }


def read_lock(path: Path) -> Lock:
    """Read a lock file. Raises InvalidRequest."""
    document = read_document(path, MAX_BYTES)
    rewrite = f"write it anew with `smart-spawn check ROUTES --lock {path} --update`"
    if not isinstance(document, Mapping) or "routes" not in document:
        raise InvalidRequest(f"`{path}` is not a lock file of routes", hint=rewrite)
    try:
        return Lock.model_validate(document)
    except ValidationError as error:
        wrong = invalid(error, Lock)
        raise InvalidRequest(f"`{path}`: {wrong.message}", hint=rewrite, details=wrong.details) from None


def encode_lock(lock: Lock) -> str:
    """Write a lock as YAML, sorted, so that equal locks are equal texts and a diff shows what changed."""
    values: dict[str, Any] = lock.model_dump(mode="json")
    return HEAD + yaml.safe_dump(
        values, sort_keys=True, allow_unicode=True, default_flow_style=False, width=110
    )


def write_lock(path: Path, lock: Lock) -> bool:
    """Write a lock file whole or not at all; tell whether it changed. Raises InvalidRequest."""
    body = encode_lock(lock).encode()
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if path.is_file() and path.read_bytes() == body:
            return False
        beside.write_bytes(body)
        beside.replace(path)
    except OSError as error:
        if beside.parent.is_dir():
            beside.unlink(missing_ok=True)
        raise InvalidRequest(
            f"`{path}` cannot be written: {error.strerror or type(error).__name__}",
            hint="name a file in a folder that exists and can be written",
        ) from None
    return True
