"""Find the model that a published name means, by exact rules.

Bridges that a source gives come first, then aliases, then the name taken apart. Two models for one name is no match:
a wrong join costs more than a missed one. Source: docs/adr/0003-exact-names.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rapidfuzz import fuzz, process

from smart_spawn.matching.aliases import NO_MODEL, Alias, packaged_aliases
from smart_spawn.matching.entries import Entry, Tier, entries_of, judge
from smart_spawn.matching.grammar import word_set
from smart_spawn.matching.names import PublishedName, in_any_order, squash, take_apart
from smart_spawn.matching.targets import alias_keys, bridges_of, targets_of
from smart_spawn.model import Effort, Listing

BRIDGE_ONLY: Final = frozenset({"open_llm_leaderboard"})
"""Sources whose names are ids of files: thousands of fine-tunes carry the words of a model that they are not."""

GUARDED_WORDS: Final = word_set(
    "air code codex coder embed fast flash image lite max mini micro nano omni plus premier pro turbo ultra vision vl"
)
"""Words that make another product. A bridge whose id lacks one of the name's, or has one more, is a mistake."""

MAX_REMEMBERED: Final = 50_000
"""Ten times the names of all sources together; imports of the owner's own results come on top."""

NEAREST_COUNT: Final = 3
NEAREST_SCORE: Final = 60.0
"""Below this similarity (0-100) a suggestion helps nobody."""

_TIER_RULES: Final = {
    Tier.ID: "name",
    Tier.HUGGING_FACE: "hugging face name",
    Tier.SLUG: "slug",
    Tier.NAME: "display name",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A published name and the model that it means."""

    published: str
    model_id: str
    rule: str
    """How it was found: the main rule, then what was taken off the name, joined by ` + `."""
    key: str
    """The model's own key: rows of one model at several efforts share it."""
    effort: Effort | None = None
    """The effort that the name states; `None` when it states none."""
    thinking: bool | None = None
    date: str | None = None
    """`2025-09-29`, `2025-09` or, without a year, `--09-29`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A published name that no rule leads to a model."""

    published: str
    reason: str
    key: str
    """Names that differ only in effort or thinking share it, so that a cohort counts the model once."""
    nearest: tuple[str, ...] = ()
    """Ids that look like it, best first. Suggestions for people; never joined."""


@dataclass(slots=True, kw_only=True)
class NameIndex:
    """Everything by which the models of one catalogue can be found."""

    targets: Mapping[str, Listing]
    """The ids that names may lead to: plain ids, or the only variant of a model that has no plain id."""
    bridges: Mapping[str, str]
    literals: Mapping[str, tuple[Entry, ...]]
    by_key: Mapping[str, tuple[Entry, ...]]
    by_words: Mapping[str, tuple[Entry, ...]]
    aliases: Mapping[str, Alias]
    suggestions: Mapping[str, str]
    """Ids with the name that is compared for suggestions."""
    _found: dict[tuple[str, str, bool, str | None], Match | Unmatched] = field(default_factory=dict)
    _tails: dict[str, str] = field(default_factory=dict)
    """Ids without their vendor, gathered once: thousands of names are compared with them."""

    @classmethod
    def of(cls, listings: Sequence[Listing], aliases: Iterable[Alias] | None = None) -> NameIndex:
        """Build the index; `aliases` defaults to the packaged ones."""
        targets = targets_of(listings)
        literals: defaultdict[str, list[Entry]] = defaultdict(list)
        by_key: defaultdict[str, list[Entry]] = defaultdict(list)
        by_words: defaultdict[str, list[Entry]] = defaultdict(list)
        for listing in targets.values():
            for entry in entries_of(listing):
                by_key[squash(entry.name.key)].append(entry)
                by_words[in_any_order(entry.name.key)].append(entry)
                if entry.tier is not Tier.NAME:
                    literals[squash(entry.name.literal)].append(entry)
        return cls(
            targets=targets,
            bridges=bridges_of(listings, targets),
            literals={k: tuple(v) for k, v in literals.items()},
            by_key={k: tuple(v) for k, v in by_key.items()},
            by_words={k: tuple(v) for k, v in by_words.items()},
            aliases=alias_keys(packaged_aliases() if aliases is None else aliases),
            suggestions={model_id: take_apart(model_id).key for model_id in targets},
        )

    def find(
        self, published: str, *, source: str, benchmark: str = "", bridge: str | None = None
    ) -> Match | Unmatched:
        """Find the model of one published name.

        `bridge` is an id that the source gives: catalogue id, canonical slug or Hugging Face id. A name with a
        search tool is found only on a board of searching models, or where no board is named.
        """
        searching = not benchmark or "search" in benchmark
        asked = (published, source if source in BRIDGE_ONLY else "", searching, bridge)
        if asked not in self._found:
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            self._found[asked] = self._find(published, source, searching, bridge)
        return self._found[asked]

    def nearest(self, key: str) -> tuple[str, ...]:
        """Suggest ids whose names look like this key."""
        if not self._tails:
            self._tails.update((model_id, model_id.partition("/")[2]) for model_id in self.targets)
        found = process.extract(
            key, self._tails, scorer=fuzz.ratio, limit=NEAREST_COUNT, score_cutoff=NEAREST_SCORE
        )
        return tuple(model_id for _, _, model_id in found)

    def _find(self, published: str, source: str, searching: bool, bridge: str | None) -> Match | Unmatched:
        if source in BRIDGE_ONLY:
            return self._by_bridge_alone(published, bridge or published)
        name = take_apart(published)
        by_name = self._by_name(name, searching)
        for id_given in (bridge, published if "/" in published else None):
            target = self.bridges.get(id_given.strip().lower()) if id_given else None
            if target is None or self._contradicted(name, target, by_name):
                continue
            rule = "bridge" if id_given is bridge else "catalogue id"
            return self._match(name, target, rule)
        return by_name

    def _by_bridge_alone(self, published: str, bridge: str) -> Match | Unmatched:
        """Join by the id of a file, exactly; what the name says besides is of the file, not a setting."""
        key = bridge.strip().lower()
        if (target := self.bridges.get(key)) is None:
            reason = "no model of the catalogue has this Hugging Face id"
            return Unmatched(
                published=published, reason=reason, key=key, nearest=self.nearest(key.rpartition("/")[2])
            )
        return Match(published=published, model_id=target, rule="bridge", key=take_apart(target).literal)

    def _contradicted(self, name: PublishedName, target: str, by_name: Match | Unmatched) -> bool:
        """Tell whether the name itself speaks against the id that its source gives."""
        if "/" in name.text:
            return False
        if isinstance(by_name, Match):
            return by_name.model_id != target
        listing = self.targets[target]
        known = {
            w for text in (listing.id, listing.name, listing.hugging_face_id or "") for w in _words(text)
        }
        wanted = set(_words(name.text))
        return not (wanted & GUARDED_WORDS <= known and set(_words(listing.id)) & GUARDED_WORDS <= wanted)

    def _by_name(self, name: PublishedName, searching: bool) -> Match | Unmatched:
        if name.several:
            return self._unmatched(name, "names more than one model")
        if name.search and not searching and not self._unique(self.literals.get(squash(name.literal), ())):
            return self._unmatched(name, "a model with a search tool, outside a board of searching models")
        for alias_key in (name.literal, name.cohort_key):
            if (alias := self.aliases.get(squash(alias_key))) is not None:
                return self._by_alias(name, alias, literal=alias_key == name.literal)
        if (
            entry := self._unique(self.literals.get(squash(name.literal), ()))
        ) is not None and entry.vendor_fits(name):
            return self._match(name, entry.listing.id, _TIER_RULES[entry.tier], taken=False)
        reasons: list[str] = []
        for rule, entries in (
            ("", self.by_key.get(squash(name.key), ())),
            ("word order", self.by_words.get(in_any_order(name.key), ())),
        ):
            judged = [(judge(name, entry), entry) for entry in entries]
            accepted = sorted(((v.cost, e) for v, e in judged if v.accepted), key=lambda pair: pair[0])
            reasons += [v.reason for v, _ in judged if not v.accepted]
            if not accepted:
                continue
            best = [e for cost, e in accepted if cost == accepted[0][0]]
            if len({e.listing.id for e in best}) > 1:
                return self._unmatched(name, "ambiguous: " + ", ".join(sorted({e.listing.id for e in best})))
            verdict = judge(name, best[0])
            return self._match(name, best[0].listing.id, verdict.rule or rule or _TIER_RULES[best[0].tier])
        return self._unmatched(name, min(reasons, default="no model of this name in the catalogue"))

    @staticmethod
    def _unique(entries: Sequence[Entry]) -> Entry | None:
        """Return the entry of the best tier, unless that tier holds two models."""
        best = [e for e in entries if e.tier == min(entry.tier for entry in entries)]
        return best[0] if len({e.listing.id for e in best}) == 1 else None

    def _by_alias(self, name: PublishedName, alias: Alias, *, literal: bool) -> Match | Unmatched:
        if alias.id == NO_MODEL:
            return self._unmatched(name, "an alias says that the catalogue has no such model")
        target = self.bridges.get(alias.id.lower())
        if target is None:
            return self._unmatched(name, f"stands for {alias.id}, which is not in the catalogue")
        if literal and squash(take_apart(alias.published).cohort_key) != squash(name.literal):
            name = replace(name, effort=None)  # the word is part of the product: ppl-sonar-pro-high
        return self._match(name, target, "alias", taken=not literal)

    def _match(self, name: PublishedName, model_id: str, rule: str, *, taken: bool = True) -> Match:
        listing = self.targets[model_id]
        effort = name.effort
        if effort is None and name.thinking is False and "none" in listing.capabilities.supported_efforts:
            effort = "none"
        removed = (
            ("effort", name.effort), ("thinking", name.thinking is not None), ("date", name.date),
            ("search tool", name.search), ("harness", name.harness), ("quantisation", name.quantisation),
        )  # fmt: skip  # a table
        parts = [rule, *(word for word, there in removed if there and taken)]
        return Match(
            published=name.text,
            model_id=model_id,
            rule=" + ".join(parts),
            key=take_apart(model_id).literal,
            effort=effort,
            thinking=name.thinking,
            date=str(name.date) if name.date else None,
        )

    def _unmatched(self, name: PublishedName, reason: str) -> Unmatched:
        return Unmatched(
            published=name.text, reason=reason, key=name.cohort_key, nearest=self.nearest(name.key)
        )


def _words(text: str) -> list[str]:
    return squash(take_apart(text).literal).split("-")
