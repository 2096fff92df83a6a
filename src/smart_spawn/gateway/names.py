"""The names that `model` may have: ours, which choose, and those of the catalogue, which are taken at their word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import UnknownModel
from smart_spawn.model import BUDGETS, Budget, Mode, bare_id

PREFIX = "smart-spawn/"
MODES = {
    "auto": Mode.SINGLE,
    "cascade": Mode.CASCADE,
    "collective": Mode.COLLECTIVE,
    "swarm": Mode.SWARM,
}
OWNER = "smart-spawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller wants to answer: a way of choosing within a budget, or one model."""

    mode: Mode = Mode.SINGLE
    budget: Budget | None = None
    """`None` is the owner's default."""
    model_id: str | None = None
    """The one model; `None` leaves the choice to us."""


def virtual_names() -> Iterator[str]:
    """Give every name of ours, as `/v1/models` lists them."""
    for name in MODES:
        yield PREFIX + name
        yield from (f"{PREFIX}{name}:{budget}" for budget in BUDGETS)


def wanted(name: str, catalog: Catalog) -> Wanted:
    """Return what a name asks for, with or without our prefix. Raises UnknownModel with the nearest names."""
    mode, _, budget = name.removeprefix(PREFIX).partition(":")
    if mode in MODES and budget in ("", *BUDGETS):
        return Wanted(mode=MODES[mode], budget=Budget(budget) if budget else None)
    model_id = bare_id(name)
    listing = catalog.listing(model_id)
    if listing is None:
        raise UnknownModel(name[:200], _nearest(name[:200], catalog))
    return Wanted(model_id=listing.alias_of or model_id)


def _nearest(name: str, catalog: Catalog) -> tuple[str, ...]:
    from rapidfuzz import fuzz, process  # noqa: PLC0415  # only a mistyped name needs it

    ours = [own.removeprefix(PREFIX) for own in virtual_names()]
    found = process.extract(name.removeprefix(PREFIX), ours, scorer=fuzz.ratio, limit=2, score_cutoff=70)
    return (*(PREFIX + own for own, _, _ in found), *catalog.nearest(name))[:3]
