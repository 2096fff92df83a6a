"""Compare the catalogue's listings with a second opinion on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from smart_spawn.model import Listing

MAX_DISAGREEMENT = Decimal("0.20")
"""Prices that differ by more than this share of the dearer one are shown as a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceDisagreement:
    """One rate on which two sources differ. In USD per million tokens."""

    model_id: str
    rate: str
    ours_usd_per_mtok: Decimal
    theirs_usd_per_mtok: Decimal
    source: str
    """Who says otherwise."""

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"`{self.model_id}`: the {self.rate} price is {self.ours_usd_per_mtok} USD/M here and "
            f"{self.theirs_usd_per_mtok} according to `{self.source}`"
        )


def price_disagreements(
    listings: Iterable[Listing], others: Iterable[Listing], *, source: str
) -> tuple[PriceDisagreement, ...]:
    """List the base rates that differ by more than 20 %, by id. Only what both state under one id is compared."""
    theirs = {listing.id: listing for listing in others}
    return tuple(
        disagreement
        for listing in sorted(listings, key=lambda listing: listing.id)
        if listing.id in theirs and not listing.price.dynamic
        for disagreement in _of_one(listing, theirs[listing.id], source)
    )


def _of_one(ours: Listing, theirs: Listing, source: str) -> Iterator[PriceDisagreement]:
    for rate in ("prompt", "completion"):
        here, there = (getattr(listing.price.base, f"{rate}_usd_per_mtok") for listing in (ours, theirs))
        if here is None or there is None:
            continue
        if abs(here - there) > MAX_DISAGREEMENT * max(here, there):
            yield PriceDisagreement(
                model_id=ours.id, rate=rate, ours_usd_per_mtok=here, theirs_usd_per_mtok=there, source=source
            )
