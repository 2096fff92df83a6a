"""The development data as the pipeline sees it: read and matched once, scaled and scored many times."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

from smart_spawn.catalog.build import BoardKey, cohorts_of, equate, fit_scales, place
from smart_spawn.catalog.facts import Facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.matching.index import NameIndex
from smart_spawn.matching.match import Matched, match
from smart_spawn.model import Listing
from smart_spawn.scoring.scale import NormName, Scale
from smart_spawn.scoring.weights import shipped_weights
from smart_spawn.settings import Settings
from smart_spawn.sources import all_sources
from smart_spawn.sources.archive import read_archive
from smart_spawn.sources.base import Measurement
from smart_spawn.sources.quarantine import read

PROJECT = Path(__file__).resolve().parents[1]
ARCHIVE = PROJECT / "scripts" / "packaged_catalog.toml"
RELAYED_FROM = "openrouter"
"""The source whose readings are other publishers' boards, passed on."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """Every listing and measurement, with the models that they belong to."""

    listings: tuple[Listing, ...]
    matched: Matched
    as_of: date
    whole: Material | None = field(default=None, repr=False)
    """What this was before something was left out."""

    @property
    def boards(self) -> tuple[str, ...]:
        """Name every board that has a matched measurement, in alphabetical order."""
        return tuple(sorted({m.benchmark for m, _ in self.matched.pairs}))

    def without(self, boards: Collection[str]) -> Material:
        """Return the same material as if these boards had never been published."""
        return self._where([b for b in self.boards if b not in boards], relayed=True)

    def without_relayed(self) -> Material:
        """Return the same material without what one source passes on of others."""
        return self._where(self.boards, relayed=False)

    def catalog(self, norm: NormName) -> Catalog:
        """Scale and score everything under one norm, with the shipped weights."""
        scales = self._scales(norm)
        readings, _ = place(self.matched, scales, {}, norm=norm)
        return Catalog.of(
            Facts(
                as_of=self.as_of,
                listings=self.listings,
                readings=readings,
                scales=tuple(scales[key] for key in sorted(scales)),
                weights=shipped_weights(),
                norm=norm,
            )
        )

    @cached_property
    def _fitted(self) -> dict[NormName, dict[BoardKey, Scale]]:
        return {}

    @cached_property
    def _cohorts(self) -> Mapping[BoardKey, Mapping[str, Measurement]]:
        return cohorts_of(self.matched, self.listings)

    def _scales(self, norm: NormName) -> dict[BoardKey, Scale]:
        """Fit the scales; those of the whole are used again, since plain scales do not know each other."""
        own: NormName = "zscore" if norm == "equated" else norm
        whole = self.whole or self
        if own not in whole._fitted:
            whole._fitted[own] = fit_scales(whole.matched, whole.listings, norm=own)
        present = {(m.benchmark, m.edition) for m, _ in self.matched.pairs}
        scales = {key: scale for key, scale in whole._fitted[own].items() if key in present}
        return equate(scales, self._cohorts, self.matched) if norm == "equated" else scales

    def _where(self, boards: Collection[str], *, relayed: bool) -> Material:
        kept = frozenset(boards)

        def stays(m: Measurement) -> bool:
            return m.benchmark in kept and (relayed or m.source != RELAYED_FROM)

        return replace(
            self,
            whole=self.whole or self,
            matched=replace(
                self.matched,
                pairs=tuple(pair for pair in self.matched.pairs if stays(pair[0])),
                unpaired=tuple(pair for pair in self.matched.unpaired if stays(pair[0])),
            ),
        )


def load(root: Path, listing: Path = ARCHIVE) -> Material:
    """Read the documents below `root` that `listing` names. Raises InvalidRequest, naming what cannot be read."""
    documents = read_archive(listing, root)
    sources = [source for source in all_sources(Settings()) if source.name in documents]
    readings = [read(source, None, documents[source.name]) for source in sources]
    batches = [reading.batch for reading in readings if reading.batch is not None]
    listings = {model.id: model for batch in batches for model in batch.listings}
    ordered = tuple(listings[model_id] for model_id in sorted(listings))
    rows = sorted(
        (m for batch in batches for m in batch.measurements),
        key=lambda m: (m.source, m.benchmark, m.edition, m.published_name, m.value),
    )
    days = [payload.fetched_at.date() for reading in readings for payload in reading.payloads]
    return Material(
        listings=ordered, matched=match(rows, NameIndex.of(ordered)), as_of=max(days, default=date.min)
    )


def arguments(
    name: str, description: str | None, *, root: Sequence[str] = ("--root",)
) -> argparse.ArgumentParser:
    """Return a parser that every evaluation shares: where the data is, and whether to print JSON."""
    parser = argparse.ArgumentParser(
        prog=f"python -m evals {name}", description=(description or "").partition("\n")[0]
    )
    parser.add_argument(*root, type=Path, required=True, help="folder with the documents")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser
