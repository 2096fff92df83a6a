"""What votes taught, kept current and laid beside the catalogue that is served."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from smart_spawn.catalog.learned import Learned
from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import NotFound
from smart_spawn.feedback import Beliefs, Outcome, Tally
from smart_spawn.feedback.community import Report, community
from smart_spawn.feedback.outcome import KINDS
from smart_spawn.routing.decision import NO_BELIEFS, Decision
from smart_spawn.settings import Settings
from smart_spawn.store import RatingRow, Store

PAST_VIEWS = 4
"""How many catalogues with past beliefs are kept open, to explain decisions that were made with them."""


MOST_PUBLISHED = 20
"""What another installation published counts as so many ratings of one contributor at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    base: Catalog
    catalog: Catalog
    """The same with beliefs beside it."""
    laid: str
    """The version of these beliefs."""

    @property
    def version(self) -> str:
        """What decisions made with it name; `NO_BELIEFS` where nobody voted on a model of the catalogue."""
        learned = self.catalog.learned
        return learned.version if learned else NO_BELIEFS


class Learning:
    """The beliefs of one process. `view` is what requests read: it looks, and asks nobody, once beliefs are there."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.Lock()
        self._tally = Tally()
        self._read: tuple[object, ...] | None = None
        """The versions of the votes and reports that beliefs follow from, and the day."""
        self._last_id = self._last_act = 0
        self._beliefs: Beliefs | None = None
        self._view: _View | None = None
        self._stored: set[str] = set()
        self._past: OrderedDict[tuple[str, str], Catalog] = OrderedDict()

    def open(self, store: Store) -> None:
        """Use this store."""
        self._store = store
        self._read = None
        self._stored.clear()

    def view(self, catalog: Catalog) -> Catalog:
        """Return the catalogue with what is believed beside it."""
        held = self._view
        if held is not None and held.base is catalog and self._read is not None:
            return held.catalog
        with self._lock:
            if self._read is None:
                self._take_up()
            return self._lay(catalog).catalog

    def check_for_newer(self, catalog: Catalog | None) -> bool:
        """Take up votes that any process stored; tell whether there were some. A small query."""
        with self._lock:
            changed = self._take_up()
            if catalog is not None:
                self._lay(catalog)
        return changed

    def current(self) -> Beliefs:
        """Return the beliefs of now."""
        with self._lock:
            if self._read is None:
                self._take_up()
            assert self._beliefs is not None  # noqa: S101  # as `_take_up` leaves it
            return self._beliefs

    def keep(self, decision: Decision, catalog: Catalog) -> None:
        """See to it that the beliefs of a decision can be found again. Costs nothing after the first of a version.

        `catalog` is what it was made from; by now there may be newer beliefs.
        """
        version, learned = decision.beliefs_version, catalog.learned
        if learned is None or version != learned.version or version in self._stored:
            return
        self._store.beliefs.save(version, learned.beliefs.encode, decision.created_at)
        self._stored.add(version)

    def past(self, version: str, catalog: Catalog) -> Catalog:
        """Return a catalogue with the beliefs of a past decision beside it. Raises NotFound when they were pruned."""
        if version == NO_BELIEFS:
            return catalog
        held = self._view
        if held is not None and held.base is catalog and held.version == version:
            return held.catalog
        with self._lock:
            if found := self._past.get((catalog.version, version)):
                self._past.move_to_end((catalog.version, version))
                return found
        body = self._store.beliefs.get(version)
        if body is None:
            raise NotFound(
                f"beliefs version `{version}` is not stored any more",
                hint="`catalog.keep_days` in the settings says how long versions are kept",
                details={"version": version},
            )
        view = catalog.believing(Learned.of(Beliefs.decode(body), catalog))
        with self._lock:
            self._past[catalog.version, version] = view
            while len(self._past) > PAST_VIEWS:
                self._past.popitem(last=False)
        return view

    def _take_up(self) -> bool:
        """Count votes that are new, all of them again where some were reversed, and work out what follows."""
        now = self._now()
        listens = self._settings.community.enabled
        votes, day = self._store.ratings.version(), now.date()
        reports = self._store.community.version() if listens else ()
        read: tuple[object, ...] = (votes, reports, day)
        if read == self._read:
            return False
        self._count(*votes)
        beliefs = self._tally.beliefs(now)
        if listens and (others := self._reports()):
            beliefs = beliefs.with_community(community(others))
        self._beliefs, self._read = beliefs, read
        return True

    def _count(self, last_id: int, last_act: int) -> None:
        new: list[tuple[RatingRow, RatingRow | None]] | None = None
        if self._last_id and last_act == self._last_act and last_id >= self._last_id:
            new = self._replacing(self._last_id)
        if new is None:
            last_id = max(last_id, self._count_all())
        else:
            for row, replaced in new:
                for vote, count in ((replaced, self._tally.remove), (row, self._tally.add)):
                    if vote is not None and (outcome := outcome_of(vote)):
                        count(outcome)
        self._last_act = last_act
        self._last_id = max(last_id, new[-1][0].id if new else 0)

    def _count_all(self) -> int:
        """Count every vote that stands and return the id of the newest, which may have come just now."""
        tally, newest = Tally(), 0
        for row in self._store.ratings.standing():
            newest = row.id
            if outcome := outcome_of(row):
                tally.add(outcome)
        self._tally = tally
        return newest

    def _replacing(self, after: int) -> list[tuple[RatingRow, RatingRow | None]] | None:
        """Return votes that came, each with the one that it replaces; `None` where only counting all will do."""
        found = []
        for row in self._store.ratings.after(after):
            replaced = None if row.replaces is None else self._store.ratings.get(row.replaces)
            if row.reversed_at is not None or (replaced is not None and replaced.reversed_at is not None):
                return None
            found.append((row, replaced))
        return found

    def _reports(self) -> list[Report]:
        return [
            Report(
                contributor=row.contributor,
                model=row.model,
                category=row.category,
                ratings=row.ratings,
                total=row.total,
            )
            for row in self._store.community.reports()
        ] + [
            Report(
                contributor=f"published {row.publisher}",
                model=row.model,
                category=row.category,
                ratings=min(row.contributors, MOST_PUBLISHED),
                total=row.rating * min(row.contributors, MOST_PUBLISHED),
            )
            for row in self._store.community.posteriors()
        ]

    def _lay(self, catalog: Catalog) -> _View:
        held, beliefs = self._view, self._beliefs
        assert beliefs is not None  # noqa: S101  # as `_take_up` leaves it
        if held is not None and held.base is catalog and held.laid == beliefs.version:
            return held
        before = None if held is None else held.catalog.learned
        learned = None if beliefs.empty else Learned.of(beliefs, catalog, before)
        self._view = _View(base=catalog, catalog=catalog.believing(learned), laid=beliefs.version)
        return self._view


def outcome_of(row: RatingRow) -> Outcome | None:
    """Return a stored vote as what is learned from; `None` for a kind that a newer release made."""
    kind = next((kind for kind in KINDS if kind == row.kind), None)
    if kind is None:
        return None
    return Outcome(
        at=row.at,
        voter=row.voter,
        kind=kind,
        model=row.model,
        category=row.category,
        value=row.value,
        tags=tuple(row.tags.split(",")) if row.tags else (),
        cluster=row.cluster,
    )
