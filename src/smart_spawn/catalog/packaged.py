"""The catalogue inside the package: everything works offline from the first second, and says how old it is."""

from __future__ import annotations

import gzip
from dataclasses import replace
from functools import cache
from importlib.resources import files

from smart_spawn.catalog.facts import Facts, decode, encode
from smart_spawn.model import Listing
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.sources.own import SOURCE as OWN

RESOURCE = "catalog.json.gz"
MAX_BYTES = 600_000
"""The most that the packaged catalogue may take, compressed."""
NOT_REDISTRIBUTED = ("aa_", "design_arena_")
"""Boards that are not ours to pass on: Artificial Analysis forbids it, and Design Arena reaches us by relay only."""


@cache
def packaged_facts() -> Facts | None:
    """Read the catalogue that ships with the package; None in a build without one."""
    resource = files(__package__).joinpath("data", RESOURCE)
    return decode(gzip.decompress(resource.read_bytes())) if resource.is_file() else None


def redistributable(facts: Facts) -> Facts:
    """Return the facts that may be passed on: no board that is not ours to pass on, nothing of the owner's own."""
    public: tuple[Listing, ...] = tuple(listing for listing in facts.listings if not listing.private)
    known = {listing.id for listing in public}
    published = {r.benchmark for r in facts.readings if r.source != OWN}
    published |= {board for row in shipped_weights().values() for board in row}
    return replace(
        facts,
        listings=public,
        readings=tuple(
            r
            for r in facts.readings
            if r.model_id in known and r.source != OWN and not r.benchmark.startswith(NOT_REDISTRIBUTED)
        ),
        scales=tuple(
            s
            for s in facts.scales
            if s.benchmark in published and not s.benchmark.startswith(NOT_REDISTRIBUTED)
        ),
        weights={
            category: {board: weight for board, weight in row.items() if board in published}
            for category, row in facts.weights.items()
        },
        set_aside=tuple(
            a for a in facts.set_aside if a.source != OWN and not a.benchmark.startswith(NOT_REDISTRIBUTED)
        ),
        unmatched=tuple(u for u in facts.unmatched if u.source not in ("artificial_analysis", OWN)),
        sources=tuple(s for s in facts.sources if s.source not in ("artificial_analysis", OWN)),
        attribution={k: v for k, v in facts.attribution.items() if k != "artificial_analysis"},
    )


def export(facts: Facts) -> bytes:
    """Write facts as the compressed file that `import` and the package read. Equal facts give equal bytes."""
    return gzip.compress(encode(facts), compresslevel=9, mtime=0)
