"""Decide whether new data is good enough to replace what is held; if not, keep the old and say why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from smart_spawn.errors import SourceError
from smart_spawn.sources.base import Batch, Payload, Source
from smart_spawn.sources.documents import changed
from smart_spawn.sources.fetching import SourceFetch

MAX_SHRINK = 0.30
"""A source that loses more than this share of its rows from one refresh to the next has more likely broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """What one source contributes to the next catalogue, and why it is not newer than it is."""

    source: str
    state: Literal["new", "held", "quarantined", "missing"]
    """`new`: read from new payloads. `held`: nothing newer was to be had, and nothing is wrong.
    `quarantined`: something is wrong, the held data serves. `missing`: something is wrong and nothing is held."""
    batch: Batch | None = None
    payloads: tuple[Payload, ...] = ()
    """Those that `batch` was read from: the ones to keep."""
    error: SourceError | None = None
    """The reason, for a person: why the new data was not used."""


def accept(new: Batch, previous: Batch | None, *, expected: int | None = None) -> None:
    """Let a batch pass, or raise SourceChanged saying what is suspicious about it.

    `expected` is the row count of the catalogue in use; it counts where no batch is held to compare with.
    """
    if new.count == 0:
        raise changed(new.source, "it lists nothing")
    sizes = _sizes(previous, new) if previous is not None else [("rows", expected or 0, new.count)]
    for what, before, after in sizes:
        if after < before * (1 - MAX_SHRINK):
            raise changed(
                new.source, f"it shrank from {before:,} to {after:,} {what}, more than {MAX_SHRINK:.0%}"
            )


def _sizes(previous: Batch, new: Batch) -> list[tuple[str, int, int]]:
    """Compare what can be compared: editions that both have, or everything where editions do not overlap.

    A new edition starts small and pushes the oldest out; that is no fault.
    """
    before, after = _names_by_edition(previous), _names_by_edition(new)
    shared = before.keys() & after.keys()
    sizes = [("rows", previous.count, new.count)]
    if shared and before.keys() != after.keys():
        sizes = []
    for edition in sorted(shared):
        in_edition = f" of edition {edition}" if edition else ""
        sizes.append((f"models{in_edition}", len(before[edition]), len(after[edition])))
        sizes.append((f"readings{in_edition}", _readings(previous, edition), _readings(new, edition)))
    return sizes


def _names_by_edition(batch: Batch) -> Mapping[str, set[str]]:
    names: dict[str, set[str]] = {}
    for measurement in batch.measurements:
        names.setdefault(measurement.edition, set()).add(measurement.published_name)
    return names


def _readings(batch: Batch, edition: str) -> int:
    return sum(measurement.edition == edition for measurement in batch.measurements)


def read(
    source: Source, fetch: SourceFetch | None, held: Sequence[Payload], *, expected: int | None = None
) -> SourceReading:
    """Read what was fetched, or what is held when the new is missing or suspicious. Never raises SourceError.

    `fetch` is `None` when nobody was asked: the held payloads are read, as at a start or a rebuild. `expected`
    is how many rows of this source the catalogue in use has, for the first refresh after a shipped catalogue.
    """
    error = fetch.error if fetch is not None else None
    previous, held_error = _parsed(source, held) if held else (None, None)
    if fetch is not None and fetch.status == "ok":
        new, error = _parsed(source, fetch.payloads)
        if new is not None:
            try:
                accept(new, previous, expected=expected)
            except SourceError as suspicion:
                error = suspicion
            else:
                return SourceReading(source=source.name, state="new", batch=new, payloads=fetch.payloads)
    if previous is None:
        reason = error or held_error
        return SourceReading(source=source.name, state="missing", error=reason)
    if fetch is not None and fetch.status == "unchanged":
        held = fetch.payloads
    state: Literal["held", "quarantined"] = "quarantined" if error else "held"
    return SourceReading(source=source.name, state=state, batch=previous, payloads=tuple(held), error=error)


def _parsed(source: Source, payloads: Sequence[Payload]) -> tuple[Batch | None, SourceError | None]:
    """Parse, with every way to fail turned into an error for a person."""
    try:
        return source.parse(payloads), None
    except SourceError as error:
        return None, error
    except Exception as error:  # a parser's defect on odd data must not cost the other sources
        return None, changed(source.name, f"it could not be read ({type(error).__name__}: {error})"[:500])
