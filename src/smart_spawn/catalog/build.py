"""The pipeline, read downwards: batches of listings and measurements → one frozen catalogue."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime

from smart_spawn.catalog.facts import Facts, SetAside, SourceFacts, Unmatched
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.matching.index import BRIDGE_ONLY, Match, NameIndex
from smart_spawn.matching.match import Matched, match
from smart_spawn.matching.names import take_apart
from smart_spawn.model import EFFORTS, Effort, Listing
from smart_spawn.scoring.equate import link_boards
from smart_spawn.scoring.reading import EFFORT_RANK, Reading
from smart_spawn.scoring.scale import LOG_UNITS, NormName, Scale, fit_scale
from smart_spawn.scoring.weights import Weights
from smart_spawn.sources.base import Batch, Measurement
from smart_spawn.sources.cross_check import price_disagreements
from smart_spawn.sources.own import SOURCE as OWN

USUAL_EFFORT: Effort = "high"
"""Stands for the default effort of a model that the catalogue does not hold."""
SIGMAS_OF_INTERVAL = 3.92
"""Width of a 95 % interval in standard errors."""

ATTRIBUTION: Mapping[str, str] = {
    "openrouter": "OpenRouter (openrouter.ai), public model list",
    "lmarena": "LMArena (arena.ai), leaderboard dataset, CC-BY-4.0",
    "livebench": "LiveBench (livebench.ai)",
    "open_llm_leaderboard": "Open LLM Leaderboard, Hugging Face (retired March 2025)",
    "artificial_analysis": "Source: Artificial Analysis (artificialanalysis.ai)",
}

BoardKey = tuple[str, str]
"""Board and edition: what shares a scale."""


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the search for cycles: these frozen values form none, and walking half a million takes a quarter more."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_without_collector()
def build_catalog(
    batches: Sequence[Batch],
    *,
    weights: Weights,
    as_of: date,
    fetched_at: Mapping[str, datetime] | None = None,
    norm: NormName = "zscore",
    earlier: Facts | None = None,
    missing: Collection[str] = (),
) -> Catalog:
    """Build a catalogue from what every source said. The order of batches and rows does not matter.

    Of the sources in `missing`, which should have spoken and could not be read at all, what `earlier` knew is
    carried over: its readings with their places on their scales and, where nobody lists models, its listings.
    """
    listings = _listings(batches, earlier)
    matched = match(_measurements(batches), NameIndex.of(listings))
    scales = fit_scales(matched, listings, norm=norm)
    if earlier is not None:
        scales |= _lent_scales(matched, earlier, missing)
    readings, set_aside = place(matched, scales, fetched_at or {}, norm=norm)
    facts = Facts(
        as_of=as_of,
        listings=listings,
        readings=readings,
        scales=tuple(scales[key] for key in sorted(scales)),
        weights=weights,
        unmatched=tuple(
            Unmatched(
                source=name.source,
                published_name=name.found.published,
                reason=name.found.reason,
                nearest=name.found.nearest,
            )
            for name in sorted(matched.unmatched, key=lambda name: (name.source, name.found.published))
        ),
        set_aside=set_aside,
        sources=_source_facts(batches, listings, matched, fetched_at or {}),
        attribution={
            batch.source: ATTRIBUTION[batch.source] for batch in batches if batch.source in ATTRIBUTION
        },
        norm=norm,
    )
    return Catalog.of(_carry_over(facts, earlier, missing) if earlier else facts)


def _carry_over(facts: Facts, earlier: Facts, missing: Collection[str]) -> Facts:
    """Add what an earlier catalogue knew of sources that could not be read."""
    lost = {name.source for name in earlier.sources} & set(missing)
    if not lost:
        return facts
    known = {listing.id for listing in facts.listings}
    kept = {(scale.benchmark, scale.edition) for scale in facts.scales}
    readings = [r for r in earlier.readings if r.source in lost and r.model_id in known]
    boards = {(r.benchmark, r.edition) for r in readings}
    scales = [
        s
        for s in earlier.scales
        if (s.benchmark, s.edition) in boards and (s.benchmark, s.edition) not in kept
    ]
    return replace(
        facts,
        readings=tuple(sorted((*facts.readings, *readings), key=_reading_order)),
        scales=tuple(sorted((*facts.scales, *scales), key=lambda s: (s.benchmark, s.edition))),
        unmatched=(*facts.unmatched, *(u for u in earlier.unmatched if u.source in lost)),
        sources=tuple(
            sorted(
                (*facts.sources, *(s for s in earlier.sources if s.source in lost)), key=lambda s: s.source
            )
        ),
        attribution={
            **facts.attribution,
            **{name: text for name, text in earlier.attribution.items() if name in lost},
        },
        carried=tuple(sorted(lost)),
    )


def _reading_order(r: Reading) -> tuple[object, ...]:
    return (r.model_id, r.benchmark, r.edition, r.published_name, r.source, r.value)


def _listings(batches: Sequence[Batch], earlier: Facts | None) -> tuple[Listing, ...]:
    """Return every model once, by id; a private listing wins over a public one of the same id.

    Where nobody lists public models, those of an earlier catalogue stay.
    """
    listed = [listing for batch in batches for listing in batch.listings]
    if earlier is not None and all(listing.private for listing in listed):
        listed += [listing for listing in earlier.listings if not listing.private]
    found: dict[str, Listing] = {}
    for listing in listed:
        if listing.id not in found or listing.private:
            found[listing.id] = listing
    return tuple(found[model_id] for model_id in sorted(found))


def _lent_scales(matched: Matched, earlier: Facts, missing: Collection[str]) -> dict[BoardKey, Scale]:
    """Return the scales of boards whose source could not be read, for own results that stand on them."""
    carried = {(r.benchmark, r.edition) for r in earlier.readings if r.source in set(missing)}
    measured = (*(m for m, _ in matched.pairs), *(m for m, _ in matched.unpaired))
    public = {(m.benchmark, m.edition) for m in measured if m.source != OWN}
    return {
        (scale.benchmark, scale.edition): scale
        for scale in earlier.scales
        if (scale.benchmark, scale.edition) in carried - public
    }


def _measurements(batches: Sequence[Batch]) -> list[Measurement]:
    rows = [m for batch in batches for m in batch.measurements]
    return sorted(rows, key=lambda m: (m.source, m.benchmark, m.edition, m.published_name, m.value))


def fit_scales(matched: Matched, listings: Iterable[Listing], *, norm: NormName) -> dict[BoardKey, Scale]:
    """Fit one scale per board and edition, over all the models that it tested, one reading each."""
    tested = cohorts_of(matched, listings)
    scales = {}
    for (benchmark, edition), cohort in tested.items():
        rows = sorted(cohort.values(), key=lambda m: (m.value, m.published_name))
        scale = fit_scale(
            [m.value for m in rows],
            benchmark=benchmark,
            edition=edition,
            unit=rows[0].unit,
            higher_is_better=rows[0].higher_is_better,
            norm=norm,
        )
        if scale is not None:
            scales[benchmark, edition] = scale
    return equate(scales, tested, matched) if norm == "equated" else scales


def equate(
    scales: Mapping[BoardKey, Scale], tested: Mapping[BoardKey, Mapping[str, Measurement]], matched: Matched
) -> dict[BoardKey, Scale]:
    """Link the scales through the models that boards share; the reference cohort is the catalogue's own models.

    Prices, lengths and speeds are other quantities than quality and stay as they are. When nothing can be linked,
    every board stays as it is; when only some cannot, those say so (`Scale.shared` is 0).
    """
    plain = {
        key: {
            member: scales[key].plain_z(m.value)
            for member, m in cohort.items()
            if not scales[key].suspect(m.value)
        }
        for key, cohort in tested.items()
        if key in scales and next(iter(cohort.values())).unit not in LOG_UNITS
    }
    links = link_boards(plain, reference={found.model_id for _, found in matched.pairs})
    if not links:
        return dict(scales)
    return {
        key: scale
        if key not in plain
        else replace(scale, offset=links[key].offset, slope=links[key].slope, shared=links[key].shared)
        if key in links
        else replace(scale, shared=0)
        for key, scale in scales.items()
    }


def cohorts_of(matched: Matched, listings: Iterable[Listing]) -> dict[BoardKey, dict[str, Measurement]]:
    """Return one measurement per board and model that it tested, also for models that the catalogue does not hold.

    A model with several effort rows counts once, at its default effort or the nearest to it: otherwise a maker who
    publishes six efforts would weigh six times in the mean that everybody is measured against.
    """
    defaults = {m.id: m.capabilities.default_effort for m in listings}
    cohorts: dict[BoardKey, dict[str, tuple[tuple[object, ...], Measurement]]] = defaultdict(dict)
    tested: list[tuple[Measurement, str, int]] = [
        (
            m,
            found.model_id,
            _distance_from_default(found.effort, defaults.get(found.model_id) or USUAL_EFFORT),
        )
        for m, found in matched.pairs
    ]
    stated = {
        name.found.published: take_apart(name.found.published).effort
        for name in matched.unmatched
        if name.source not in BRIDGE_ONLY  # the name of a file says nothing about effort
    }
    tested += [
        (m, f"?{lost.key}", _distance_from_default(stated.get(lost.published), USUAL_EFFORT))
        for m, lost in matched.unpaired
    ]
    public = {(m.benchmark, m.edition) for m, _, _ in tested if m.source != OWN}
    for measurement, member, order in tested:
        if measurement.source == OWN and (measurement.benchmark, measurement.edition) in public:
            continue  # an own value takes its place on a public scale and does not move it
        key = (order, measurement.published_name, -measurement.value)
        cohort = cohorts[measurement.benchmark, measurement.edition]
        if member not in cohort or key < cohort[member][0]:
            cohort[member] = (key, measurement)
    return {
        board: {member: measurement for member, (_, measurement) in cohort.items()}
        for board, cohort in cohorts.items()
    }


def _distance_from_default(effort: Effort | None, default: Effort) -> int:
    return 0 if effort is None else abs(EFFORT_RANK.get(effort, len(EFFORTS)) - EFFORT_RANK[default])


def place(
    matched: Matched, scales: Mapping[BoardKey, Scale], fetched_at: Mapping[str, datetime], *, norm: NormName
) -> tuple[tuple[Reading, ...], tuple[SetAside, ...]]:
    """Put every matched measurement on its board's scale; keep suspected unit errors apart, matched or not."""
    readings: list[Reading] = []
    set_aside: list[SetAside] = []
    for measurement, found in (*matched.pairs, *matched.unpaired):
        scale = scales.get((measurement.benchmark, measurement.edition))
        problem = (
            "the board has too few readings, or all are equal"
            if scale is None
            else "more than six robust standard deviations out: a unit error?"
            if scale.suspect(measurement.value)
            else None
        )
        if scale is None or problem:
            set_aside.append(
                SetAside(
                    source=measurement.source,
                    benchmark=measurement.benchmark,
                    published_name=measurement.published_name,
                    value=measurement.value,
                    reason=problem or "",
                )
            )
        elif isinstance(found, Match):
            readings.append(_reading(measurement, found, scale, fetched_at.get(measurement.source), norm))
    readings.sort(key=_reading_order)
    return tuple(readings), tuple(set_aside)


def _reading(
    measurement: Measurement, found: Match, scale: Scale, fetched_at: datetime | None, norm: NormName
) -> Reading:
    low, high = measurement.lower, measurement.upper
    error = (high - low) / SIGMAS_OF_INTERVAL if low is not None and high is not None else None
    z = scale.z(measurement.value)
    return Reading(
        model_id=found.model_id,
        benchmark=measurement.benchmark,
        source=measurement.source,
        edition=measurement.edition,
        published_name=measurement.published_name,
        rule=found.rule,
        value=measurement.value,
        unit=measurement.unit,
        z=z,
        plain_z=scale.plain_z(measurement.value) if norm == "equated" else None,
        unlinked=scale.shared == 0,
        reliability=scale.reliability(error),
        effort=found.effort,
        thinking=found.thinking,
        superseded=measurement.superseded,
        relayed=measurement.source == "openrouter",
        lower=low,
        upper=high,
        votes=measurement.votes,
        published_on=measurement.published_on,
        fetched_at=fetched_at,
    )


def _source_facts(
    batches: Sequence[Batch],
    listings: Sequence[Listing],
    matched: Matched,
    fetched_at: Mapping[str, datetime],
) -> tuple[SourceFacts, ...]:
    found: dict[str, set[str]] = defaultdict(set)
    lost: dict[str, set[str]] = defaultdict(set)
    for measurement, _ in matched.pairs:
        found[measurement.source].add(measurement.published_name)
    for name in matched.unmatched:
        lost[name.source].add(name.found.published)
    return tuple(
        SourceFacts(
            source=batch.source,
            published_on=batch.published_on,
            fetched_at=fetched_at.get(batch.source),
            count=batch.count,
            matched=len(found[batch.source]),
            unmatched=len(lost[batch.source]),
            notes=(
                *batch.notes,
                *map(str, price_disagreements(listings, batch.opinions, source=batch.source)),
            ),
        )
        for batch in sorted(batches, key=lambda batch: batch.source)
    )
