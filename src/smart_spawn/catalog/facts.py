"""What a catalogue knows, as plain values: the part that is stored, hashed, exported and diffed.

Scores are not facts: they follow from these and the code, and are computed when a catalogue is opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

import msgspec

from smart_spawn.errors import StoreCorrupt
from smart_spawn.model import Category, Listing
from smart_spawn.scoring.reading import Reading
from smart_spawn.scoring.scale import Scale

FORMAT: Final = 1
"""Raised when an older program could not read what this one writes."""
SCORING: Final = 1
"""Raised when the same facts and weights lead to other scores, so that versions differ too."""


CHUNK: Final = 5_000
"""Readings that are written at once for the hash: it needs no second copy of half a million of them."""
_READINGS: Final = b'"readings":[]'
"""Where the readings stand in the facts; inside a text its quotes would be escaped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A published name without a model here, why, and the ids that look most like it."""

    source: str
    published_name: str
    reason: str
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A reading that was kept out of the scores, and why."""

    source: str
    benchmark: str
    published_name: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What one source gave to this catalogue."""

    source: str
    published_on: date | None = None
    """The newest publication date that the source states."""
    fetched_at: datetime | None = None
    count: int = 0
    """Rows that it published: listings, or distinct names."""
    matched: int = 0
    unmatched: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a catalogue was built from, after matching and scaling."""

    as_of: date
    """The day whose ages count: the newest day on which a source was read."""
    listings: tuple[Listing, ...]
    readings: tuple[Reading, ...] = ()
    scales: tuple[Scale, ...] = ()
    unmatched: tuple[Unmatched, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    sources: tuple[SourceFacts, ...] = ()
    weights: Mapping[Category, Mapping[str, float]]
    """Category → board → weight: what the scores of this catalogue are made with."""
    norm: str = "zscore"
    carried: tuple[str, ...] = ()
    """Sources that could not be read at all: what an earlier catalogue knew of them was carried over."""
    attribution: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


def encode(facts: Facts) -> bytes:
    """Write facts as canonical JSON: equal facts give equal bytes, on every machine."""
    return msgspec.json.encode(facts, order="deterministic")


def decode(body: bytes) -> Facts:
    """Read what `encode` wrote. Raises StoreCorrupt."""
    try:
        facts = msgspec.json.decode(body, type=Facts)
    except msgspec.DecodeError as error:
        raise StoreCorrupt(
            f"this is no catalogue: {error}", hint="export it again, or `smart-spawn refresh`"
        ) from None
    if facts.format > FORMAT:
        raise StoreCorrupt(
            f"the catalogue has format {facts.format}; this version reads up to {FORMAT}",
            hint="update smart-spawn, or export the catalogue with this version",
        )
    return facts


def version_of(facts: Facts) -> str:
    """Name a catalogue by its content: 16 hex digits of the hash of facts and scoring rules.

    The moments of download do not count, so the same data fetched again is the same catalogue.
    """
    sources = tuple(replace(s, fetched_at=None) for s in facts.sources)
    head, tail = encode(replace(facts, readings=(), sources=sources)).split(_READINGS, 1)
    digest = hashlib.sha256(head + _READINGS[:-1])
    for start in range(0, len(facts.readings), CHUNK):
        rows = msgspec.to_builtins(facts.readings[start : start + CHUNK], order="deterministic")
        for row in rows:
            row["fetched_at"] = None
        digest.update(b"," if start else b"")
        digest.update(msgspec.json.encode(rows)[1:-1])
    digest.update(_READINGS[-1:] + tail)
    digest.update(SCORING.to_bytes(4, "big"))
    return digest.hexdigest()[:16]
