"""Join measurements with the models that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smart_spawn.matching.index import Match, NameIndex, Unmatched
from smart_spawn.sources.base import Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmatchedName:
    """A published name of one source that no rule leads to a model."""

    source: str
    found: Unmatched
    benchmarks: tuple[str, ...]
    """Where it appears, in order of first appearance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Every measurement with its model, and the names that have none."""

    pairs: tuple[tuple[Measurement, Match], ...]
    """In the order of the measurements."""
    unmatched: tuple[UnmatchedName, ...]
    """One per source and name, in order of first appearance. A name matched on any board is not here."""
    unpaired: tuple[tuple[Measurement, Unmatched], ...]
    """The measurements of unmatched names: they still belong to the cohort that a scale is fitted on."""


def match(measurements: Sequence[Measurement], index: NameIndex) -> Matched:
    """Find the model of every measurement. The unmatched travel along, to be counted and shown."""
    pairs: list[tuple[Measurement, Match]] = []
    unpaired: list[tuple[Measurement, Unmatched]] = []
    for reading in measurements:
        found = index.find(
            reading.published_name, source=reading.source, benchmark=reading.benchmark, bridge=reading.bridge
        )
        if isinstance(found, Match):
            pairs.append((reading, found))
        else:
            unpaired.append((reading, found))
    matched = {(reading.source, reading.published_name) for reading, _ in pairs}
    return Matched(pairs=tuple(pairs), unmatched=_names(unpaired, matched), unpaired=tuple(unpaired))


def _names(
    unpaired: Sequence[tuple[Measurement, Unmatched]], matched: set[tuple[str, str]]
) -> tuple[UnmatchedName, ...]:
    """Fold the readings of each unmatched name into one row."""
    rows: dict[tuple[str, str], tuple[Unmatched, dict[str, None]]] = {}
    for reading, found in unpaired:
        at = (reading.source, reading.published_name)
        if at not in matched:
            rows.setdefault(at, (found, {}))[1][reading.benchmark] = None
    return tuple(
        UnmatchedName(source=source, found=found, benchmarks=tuple(boards))
        for (source, _), (found, boards) in rows.items()
    )
