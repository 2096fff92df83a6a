"""Which ids of a catalogue a name may lead to, and every id by which a source may call them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from smart_spawn.matching.aliases import Alias
from smart_spawn.matching.names import squash, take_apart
from smart_spawn.model import Listing, bare_id


def targets_of(listings: Sequence[Listing]) -> dict[str, Listing]:
    """Choose the id that carries the evidence of each model: the plain one, else the first variant for chat."""
    usable = [
        e for e in listings
        if not (e.router or e.price.dynamic or e.alias_of or e.id.startswith("~") or e.variant == "batch")
    ]  # fmt: skip  # one condition
    chosen: dict[str, Listing] = {}
    for listing in sorted(usable, key=lambda e: (e.variant is not None, e.id)):
        chosen.setdefault(listing.plain_id, listing)
    return {listing.id: listing for listing in chosen.values()}


def bridges_of(listings: Sequence[Listing], targets: Mapping[str, Listing]) -> dict[str, str]:
    """Map every id that a source may give, in lower case, to a target. A slug or file of two models maps to none."""
    by_plain = {listing.plain_id: listing.id for listing in targets.values()}
    given: defaultdict[str, set[str]] = defaultdict(set)
    for listing in targets.values():
        for text in (listing.canonical_slug, listing.hugging_face_id):
            if text:
                given[text.lower()].add(listing.id)
    found = {text: ids.pop() for text, ids in given.items() if len(ids) == 1}
    for listing in listings:
        if (target := by_plain.get(bare_id(listing.alias_of or listing.plain_id))) is not None:
            found[listing.id.lower()] = target  # an id is surer than any slug, so it may replace one
            found[listing.plain_id.lower()] = target
            found[f"openrouter/{listing.id.lower()}"] = target
    return found


def alias_keys(aliases: Iterable[Alias]) -> dict[str, Alias]:
    """Map each alias by its words as they stand and, where it names no setting, by its key."""
    keys: dict[str, Alias] = {}
    for alias in aliases:
        name = take_apart(alias.published)
        keys[squash(name.literal)] = alias
        if name.effort is None and name.thinking is None:
            keys.setdefault(squash(name.cohort_key), alias)
    return keys
