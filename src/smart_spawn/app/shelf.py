"""The catalogues at hand: the one that is served, and past ones that decisions refer to."""

from __future__ import annotations

import fnmatch
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from smart_spawn.catalog.facts import Facts, decode, encode
from smart_spawn.catalog.packaged import packaged_facts
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import NotFound, SettingsError
from smart_spawn.scoring.weights import Weights, check_boards, effective_weights, shipped_weights
from smart_spawn.settings import Settings
from smart_spawn.store import Store

PAST_CATALOGS = 4
"""How many past catalogues are kept open, to explain decisions that were made with them."""


class Shelf:
    """Opens catalogues from the store or the package, under the owner's weights, and swaps in newer ones."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self.current: Catalog | None = None
        """The catalogue that requests are answered from; None where nothing is stored and none is packaged."""
        self._weights = effective_weights(settings.scoring.weights)
        self._stored_version: str | None = None
        self._pinned_version: str | None = None
        self._past: OrderedDict[str, Catalog] = OrderedDict()
        self._past_lock = threading.Lock()
        self._ever_held: frozenset[str] = frozenset()

    def open(self, store: Store) -> None:
        """Use this store. Opened again, the shelf still holds its catalogue where nothing newer was stored."""
        self._store = store
        if self.current is None or store.catalogs.current_version() != self._stored_version:
            self.load()

    def check_for_newer(self) -> bool:
        """Swap the catalogue when another process stored a newer one; tell whether it did. One small query."""
        pinned = self._settings.catalog.pinned_version
        catalogs = self._store.catalogs
        same = (pinned or catalogs.current_version()) == self._stored_version
        if same and catalogs.pinned() == self._pinned_version:
            return False
        self.load()
        return True

    def load(self) -> None:
        """Open the stored catalogue, or the packaged one where that is newer or nothing is stored."""
        stored = self._stored_catalog()
        facts = decode(stored[1]) if stored else None
        self._pinned_version = self._store.catalogs.pinned()
        pinned = bool(self._settings.catalog.pinned_version or self._pinned_version)
        packaged = packaged_facts() if facts is None or not pinned else None
        if facts is None or (packaged is not None and packaged.as_of > facts.as_of):
            facts = packaged
        self._stored_version = stored[0] if stored else None
        if facts is None:
            self._ever_held = self._store.known_ids.ever_held()
            return
        self._weights = self._effective_weights(facts)
        # A pinned catalogue is served as it was, weights included; any other under the owner's weights of today.
        catalog = Catalog.of(facts) if pinned and stored else self._opened(facts)
        if catalog.version != self._stored_version and self._store.catalogs.get(catalog.version) is None:
            self._store.catalogs.save(
                catalog.version,
                encode(catalog.facts),
                built_at=self._now(),
                manifest=self._store.payloads.manifest(stored[0]) if stored and facts is not packaged else (),
                current=stored is None,
            )
            self._store.known_ids.saw(catalog.index, self._now())
            self._stored_version = self._store.catalogs.current_version()
        self._ever_held = self._store.known_ids.ever_held() | catalog.index.keys()
        self.current = catalog

    def _stored_catalog(self) -> tuple[str, bytes] | None:
        """Return the stored catalogue to serve. Raises SettingsError when the settings pin one that is not stored."""
        version = self._settings.catalog.pinned_version
        if version is None:
            return self._store.catalogs.current()
        body = self._store.catalogs.get(version)
        if body is None:
            raise SettingsError(
                f"`catalog.pinned_version` is `{version[:40]}`, which is not stored",
                hint="`smart-spawn catalog versions` lists those that are; remove the key to serve the newest",
            )
        return version, body

    def _effective_weights(self, facts: Facts) -> Weights:
        """Lay the owner's weights over the shipped ones. Raises SettingsError for a board that nobody knows.

        A board that counted in the stored catalogue stays known, so that a source which drops it stops no service.
        """
        changes = self._settings.scoring.weights
        known = {scale.benchmark for scale in facts.scales} | {b.benchmark for b in self._store.own.boards()}
        for row in (*shipped_weights().values(), *facts.weights.values()):
            known |= row.keys()
        check_boards(changes, known)
        return effective_weights(changes, self._store.own.weights())

    def _opened(self, facts: Facts) -> Catalog:
        """Score facts under the owner's weights of today."""
        return Catalog.of(facts if facts.weights == self._weights else replace(facts, weights=self._weights))

    def past(self, version: str) -> Catalog:
        """Return the catalogue of a past decision. Raises NotFound when it was pruned."""
        if self.current is not None and self.current.version == version:
            return self.current
        with self._past_lock:
            if version in self._past:
                self._past.move_to_end(version)
                return self._past[version]
        body = self._store.catalogs.get(version)
        if body is None:
            raise NotFound(
                f"catalogue version `{version}` is not stored any more",
                hint="`catalog.keep_days` in the settings says how long versions are kept",
                details={"version": version},
            )
        catalog = Catalog.of(decode(body))
        with self._past_lock:
            self._past[version] = catalog
            while len(self._past) > PAST_CATALOGS:
                self._past.popitem(last=False)
        return catalog

    def ever_held(self, model_id: str) -> bool:
        """Tell whether any catalogue ever held this id, or any id that this pattern matches."""
        if model_id in self._ever_held:
            return True
        return any(c in model_id for c in "*?[") and bool(fnmatch.filter(self._ever_held, model_id))
