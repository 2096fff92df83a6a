"""From documents that are held to a catalogue, without a network: today's, a past one's, or a folder's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path

from smart_spawn.catalog.build import build_catalog
from smart_spawn.catalog.facts import Facts, decode
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import InvalidRequest, NoCatalog, NotFound
from smart_spawn.scoring.scale import NormName
from smart_spawn.scoring.weights import Weights, effective_weights
from smart_spawn.settings import Settings
from smart_spawn.sources import ADAPTERS, all_sources, own
from smart_spawn.sources.archive import read_archive
from smart_spawn.sources.base import Payload, Source
from smart_spawn.sources.quarantine import SourceReading, read
from smart_spawn.store import Store

DEFAULT_NORM: NormName = "equated"
"""It predicts boards that were left out best: docs/adr/0008-equated-scales.md."""


def from_readings(
    readings: Sequence[SourceReading],
    settings: Settings,
    *,
    earlier: Facts | None,
    added: Weights | None = None,
) -> Catalog:
    """Build the catalogue of what was read. Raises NoCatalog when nobody lists any model.

    `added` are the weights that imports of own results named.
    """
    batches = [reading.batch for reading in readings if reading.batch is not None]
    if not any(batch.listings for batch in batches) and earlier is None:
        raise NoCatalog(
            "no source lists any model",
            hint="`openrouter` is the list of models: check `sources.openrouter` and the network",
        )
    return build_catalog(
        batches,
        weights=effective_weights(settings.scoring.weights, added),
        as_of=newest_day(readings, earlier),
        fetched_at={r.source: max(p.fetched_at for p in r.payloads) for r in readings if r.payloads},
        norm=norm_of(settings),
        earlier=earlier,
        missing={reading.source for reading in readings if reading.state == "missing"},
    )


def from_archive(listing: Path, root: Path, settings: Settings) -> Catalog:
    """Build a catalogue to pass on from a folder of documents; see `sources/archive.py`.

    Relayed readings are left out from the start: no scale may rest on what is not ours to pass on. Raises
    InvalidRequest, NoCatalog.
    """
    documents = read_archive(listing, root)
    own = settings.source("openrouter").model_copy(update={"relayed_benchmarks": False})
    settings = settings.model_copy(update={"sources": {**settings.sources, "openrouter": own}})
    sources = [source for source in all_sources(settings) if source.name in documents]
    readings = [read(source, None, documents[source.name]) for source in sources]
    for reading in readings:
        if reading.error is not None:
            raise InvalidRequest(
                f"the documents of `{reading.source}` cannot be used: {reading.error.message}",
                hint=reading.error.hint,
            )
    return from_readings(readings, settings, earlier=None)


def norm_of(settings: Settings) -> NormName:
    """Return the norm that readings are scaled by."""
    chosen = settings.scoring.norm
    return chosen or DEFAULT_NORM


def newest_day(readings: Sequence[SourceReading], earlier: Facts | None) -> date:
    """Return the day whose ages count: the newest on which any payload in use was downloaded.

    What is carried over from an earlier catalogue counts with the day of that.
    """
    days = [payload.fetched_at.date() for reading in readings for payload in reading.payloads]
    if earlier is not None and any(reading.state == "missing" for reading in readings):
        days.append(earlier.as_of)
    return max(days, default=date.min)


def own_reading(payloads: tuple[Payload, ...]) -> SourceReading:
    """Read the owner's document. Raises SourceChanged."""
    return SourceReading(source=own.SOURCE, state="held", batch=own.parse(payloads), payloads=payloads)


def rebuild(store: Store, settings: Settings, version: str) -> Catalog:
    """Build a past catalogue again from its stored payloads, under the weights and norm that it had.

    Raises NotFound when the version or its payloads are not stored any more.
    """
    body = store.catalogs.get(version)
    payloads = store.payloads.payloads_of(version)
    if body is None or not payloads:
        raise NotFound(
            f"catalogue version `{version}` cannot be rebuilt: its payloads are not stored",
            hint="`smart-spawn catalog versions` lists those that can",
        )
    facts = decode(body)
    readings = [
        read(source, None, [p for p in payloads if p.source == source.name])
        for source in _sources_as_then(facts, settings, {p.source for p in payloads})
    ]
    owners = tuple(p for p in payloads if p.source == own.SOURCE)
    readings += [own_reading(owners)] if owners else []
    for reading in readings:
        if reading.error is not None:
            raise reading.error
    return build_catalog(
        [reading.batch for reading in readings if reading.batch is not None],
        weights=facts.weights,
        as_of=facts.as_of,
        fetched_at={r.source: max(p.fetched_at for p in r.payloads) for r in readings if r.payloads},
        norm=facts.norm,  # type: ignore[arg-type]  # it was one of them when it was built
        earlier=facts,
        missing=facts.carried,
    )


def _sources_as_then(facts: Facts, settings: Settings, names: Collection[str]) -> list[Source]:
    """Return the readers of these sources as they were set when the facts were read, also of those now off."""
    rows = (facts.readings, facts.set_aside, facts.unmatched)
    relayed = any(row.source == "openrouter" for part in rows for row in part)
    return [
        adapter(settings.source(name).model_copy(update={"relayed_benchmarks": relayed}))
        for name, adapter in ADAPTERS.items()
        if name in names
    ]
