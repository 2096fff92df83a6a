"""What a listing answers to, and whether a published name may mean it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from functools import cache
from typing import Final

from smart_spawn.matching.dates import PublishedDate
from smart_spawn.matching.grammar import word_set
from smart_spawn.matching.names import PublishedName, in_any_order, take_apart
from smart_spawn.model import Listing

HOSTS: Final = word_set("azure bedrock fireworks groq lambda ollama openrouter replicate together vertex")
"""Names before a slash that say where a model ran, not who made it."""

PREVIEW_SELLERS: Final = frozenset({"google"})
"""Makers that keep `preview` in the id of a model while everybody else already drops it."""

DAYS_BEFORE: Final = 45
"""A snapshot may be older than its listing: Claude Opus 4.5 is dated 23 days before it was sold here."""
DAYS_AFTER: Final = 7
"""A snapshot much younger than its listing is another one: DeepSeek V4 Pro of 13 August, sold since April."""
PREVIEW_DAYS: Final = 3
"""A dated preview is the model of an undated listing only when both are of the same days."""


SIZE: Final = re.compile(r"a?\d+(-\d+)?[bt]|\d+e|00\d")
"""A count of parameters or experts, or Google's first revision: a seller may leave it out and mean the same model."""


class Tier(IntEnum):
    """Where a listing's name comes from, the surest first."""

    ID = 0
    HUGGING_FACE = 1
    SLUG = 2
    NAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One name of one listing, taken apart."""

    listing: Listing
    tier: Tier
    name: PublishedName
    released: tuple[date, ...] = ()
    """The days on which this model may have appeared: of the listing, of its slug, of its names."""

    def vendor_fits(self, name: PublishedName) -> bool:
        """Tell whether what stands before a slash of the name is this model's maker or a mere host."""
        organisation = (self.listing.hugging_face_id or "").partition("/")[0]
        makers = {_letters(self.listing.provider), _letters(organisation)}
        return not name.vendor or _letters(name.vendor) in makers or _letters(name.vendor) in HOSTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a name may mean an entry; lower costs are better, compared from left to right."""

    accepted: bool
    cost: tuple[int, ...] = ()
    rule: str = ""
    """The rule when it is a special one."""
    reason: str = ""


def entries_of(listing: Listing) -> Iterator[Entry]:
    """List the names of one listing, each under its own key."""
    own = take_apart(listing.plain_id)
    slug = take_apart(listing.canonical_slug) if listing.canonical_slug else None
    shown = take_apart(listing.name.rpartition(": ")[2].removesuffix(" (free)"))
    file = take_apart(listing.hugging_face_id) if listing.hugging_face_id else None
    names = {Tier.ID: own} | ({Tier.HUGGING_FACE: file} if file else {})
    # Sellers shorten: Granite 4.0 Micro and UI-TARS 7B are other models than granite-4.0-h-micro and ui-tars-1.5-7b.
    if all(SIZE.fullmatch(word) for word in _words(own) - _words(shown)) or _words(shown) - _words(own):
        names[Tier.NAME] = shown
    # A slug's date is a day of selling. A slug that says less than the id (z-ai/glm-4.6-20251208 for glm-4.6v) would
    # answer to another model's name; so would one of another date (preview-03-25 for an id that says 05-06).
    same_date = slug is None or own.date is None or slug.date is None or own.date.agrees_with(slug.date)
    if slug is not None and same_date and len(slug.key) >= len(own.key):
        names[Tier.SLUG] = replace(slug, date=own.date)
    released = tuple(
        dict.fromkeys(
            day
            for day in (
                listing.created_at.date() if listing.created_at else None,
                *(_day(n.date) for n in (own, slug, shown, file) if n is not None),
            )
            if day is not None
        )
    )
    for tier, name in names.items():
        yield Entry(listing=listing, tier=tier, name=name, released=released)
        literal = replace(
            name, key=name.literal, effort=None, thinking=None, date=None, stage="", search=False
        )
        if tier is Tier.ID and (own.effort or own.thinking is not None or own.search) and own.date is None:
            # A product whose name looks like a setting may itself be set: gpt-5.1-codex-max at high.
            yield Entry(listing=listing, tier=tier, name=literal, released=released)


def judge(name: PublishedName, entry: Entry) -> Verdict:
    """Decide whether a name may mean this entry, whose key is the same."""
    own = entry.name
    if not entry.vendor_fits(name):
        return _rejected(f"`{name.vendor}` is not the maker of the model of this name")
    if own.search and not name.search:
        return _rejected("only a searching model of this name is sold")
    if (own.thinking is not None and own.thinking != name.thinking) or (
        own.effort and own.effort != name.effort
    ):
        return _rejected("only another setting of this name is sold")
    if name.tuned and not own.tuned:
        return _rejected("the catalogue's model of this name is not the instruct model")
    if name.thinking and not entry.listing.capabilities.reasoning:
        # Kimi K2 Thinking and Qwen3 Thinking 2507 are models of their own, beside a namesake that only answers.
        return _rejected("the catalogue's model of this name does not think")
    if (staged := _stage_cost(name, entry)) is None:
        return _rejected("another stage: a preview and a release may differ")
    if (dated := _date_cost(name, entry)) is None:
        return _rejected("another snapshot of a model of this name")
    settings = (own.thinking != name.thinking) + (own.effort != name.effort)
    cost = (
        staged,
        dated,
        settings,
        int(own.tuned != name.tuned),
        int(own.search != name.search),
        int(entry.tier),
    )
    rule = "preview of the same date" if staged and name.stage else "only a preview is sold" if staged else ""
    return Verdict(accepted=True, cost=cost, rule=rule)


def _stage_cost(name: PublishedName, entry: Entry) -> int | None:
    """0 for the same stage, 1 where two stages are known to be one model, None otherwise."""
    own = entry.name
    if name.stage == own.stage:
        return 0
    if name.stage and not own.stage and name.date is not None:
        if own.date is not None:
            return 1 if own.date.agrees_with(name.date) else None
        days = [abs(name.date.days_after(day)) for day in entry.released]
        return 1 if days and min(days) <= PREVIEW_DAYS and name.date.day is not None else None
    if own.stage == "preview" and not name.stage and entry.listing.provider in PREVIEW_SELLERS:
        return 1
    return None


def _date_cost(name: PublishedName, entry: Entry) -> int | None:
    """0 for the same date or none on both sides, 1 where the date is one of this model's, None otherwise."""
    own = entry.name.date
    if own is not None:
        return 0 if name.date is not None and own.agrees_with(name.date) else None
    if name.moving:
        # The latest GPT-5.3 Chat is GPT-5.3 Chat; the latest Mistral Large is whatever Mistral says that week.
        versioned = any(letter.isdigit() for letter in name.key)
        return 1 if entry.name.moving else 2 if versioned else None
    if name.date is None:
        return 0
    days = [name.date.days_after(day) for day in entry.released]
    # Previews follow each other within weeks, so theirs must be the very days.
    before, after = (PREVIEW_DAYS, PREVIEW_DAYS) if name.stage else (DAYS_BEFORE, DAYS_AFTER)
    return 1 if any(-before <= d <= after for d in days) else None


def _words(name: PublishedName) -> set[str]:
    return set(in_any_order(name.key).split("|"))


def _rejected(reason: str) -> Verdict:
    return Verdict(accepted=False, reason=reason)


def _day(published: PublishedDate | None) -> date | None:
    if published is None or published.year is None or published.day is None:
        return None
    return date(published.year, published.month, published.day)


@cache
def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
