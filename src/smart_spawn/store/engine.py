"""Open the store: the one database that everything durable lives in.

open_store(settings)  →  Store: payloads · catalogs · decisions · known_ids · prices · leases · statuses · own · keys
                        · spawns · ratings · beliefs · community
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL

from smart_spawn.errors import StoreUnwritable
from smart_spawn.settings import Settings
from smart_spawn.store.beliefs import BeliefStore, pruned_beliefs
from smart_spawn.store.catalogs import CatalogStore, pruned_catalogs
from smart_spawn.store.community import CommunityStore
from smart_spawn.store.database import Database, database_url
from smart_spawn.store.decisions import DecisionStore, pruned_decisions
from smart_spawn.store.keys import KeyStore
from smart_spawn.store.leases import Leases
from smart_spawn.store.models import KnownIds, PriceHistory
from smart_spawn.store.own import OwnStore
from smart_spawn.store.payloads import PayloadStore, pruned_payloads
from smart_spawn.store.purses import PurseStore
from smart_spawn.store.ratings import RatingStore
from smart_spawn.store.roster import Roster
from smart_spawn.store.run_journal import RunJournal
from smart_spawn.store.runs import RunStore
from smart_spawn.store.schema import make_current
from smart_spawn.store.spawns import SpawnStore
from smart_spawn.store.statuses import StatusStore
from smart_spawn.store.writer import STOP_S, GroupWriter

BELIEFS_LIVE = timedelta(days=2)
"""Beliefs are those of one day, so no decision that names them is made later than this after they were stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many rows a pruning deleted."""

    catalogs: int
    payloads: int
    decisions: int


class Store:
    """Everything durable.

    Its methods block on the disk, so event loops call them in a thread; only `decisions.save`, `beliefs.save` and
    `spawns.put` never wait.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.writer = GroupWriter(database)
        self.payloads = PayloadStore(database)
        self.catalogs = CatalogStore(database)
        self.decisions = DecisionStore(database, self.writer)
        self.known_ids = KnownIds(database)
        self.prices = PriceHistory(database)
        self.leases = Leases(database)
        self.own = OwnStore(database)
        self.keys = KeyStore(database)
        self.purses = PurseStore(database)
        self.statuses = StatusStore(database)
        self.runs = RunStore(database)
        self.journal = RunJournal(database)
        self.roster = Roster(database)
        self.spawns = SpawnStore(database, self.writer)
        self.ratings = RatingStore(database)
        self.beliefs = BeliefStore(database, self.writer)
        self.community = CommunityStore(database)

    @classmethod
    def in_memory(cls) -> Self:
        """Return an empty store that nothing outlives: for tests, and when the file on disk cannot be used."""
        return cls._ready(Database(URL.create("sqlite+pysqlite", database=":memory:")))

    @classmethod
    def open(cls, url: URL) -> Self:
        """Open the database at an address, creating file and tables where there are none. Raises StoreError."""
        database = Database(url)
        if database.path is not None and url.query.get("uri") != "true":
            _make_file(database.path)
        return cls._ready(database)

    def prune(self, keep_days: float, now: datetime) -> Pruned:
        """Delete what is older than `keep_days` days, all in one transaction.

        Kept whatever their age: the served and the newest catalogue, the last good set of each source, and
        the documents that a kept catalogue was built from.
        """
        before = now - timedelta(days=keep_days)
        with self.database.write() as connection:
            pruned_beliefs(connection, before - BELIEFS_LIVE)
            return Pruned(
                catalogs=pruned_catalogs(connection, before),
                payloads=pruned_payloads(connection, before),
                decisions=pruned_decisions(connection, before),
            )

    def close(self, timeout_s: float = STOP_S) -> None:
        """Write what is waiting, within the time, and close. Closing twice does nothing."""
        self.writer.close(timeout_s)
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @classmethod
    def _ready(cls, database: Database) -> Self:
        try:
            make_current(database)
        except BaseException:
            database.close()
            raise
        return cls(database)


def open_store(settings: Settings) -> Store:
    """Open the store that the settings name; use it as a context, or close it.

    Creates the home folder, for its owner alone. Raises SettingsError for an address that makes no sense,
    StoreUnwritable, StoreCorrupt, MigrationNeeded, or StoreError when a server cannot be reached.
    """
    return Store.open(database_url(settings.database_url, settings.home_path))


def _make_file(path: Path) -> None:
    """Create folder and file where they are missing, readable by their owner alone."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnwritable(
            f"`{path}` cannot be created: {error.strerror or type(error).__name__}",
            hint="set `home` (or `SMART_SPAWN_HOME`) to a folder that can be written",
            details={"file": str(path)},
        ) from None
