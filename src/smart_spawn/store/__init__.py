"""SQL persistence: SQLite by default, PostgreSQL with the extra `[postgres]`, one code for both."""

from smart_spawn.store.beliefs import BeliefStore
from smart_spawn.store.catalogs import CatalogStore, StoredVersion
from smart_spawn.store.community import CommunityStore, PosteriorRow, ReportRow
from smart_spawn.store.decisions import DecisionRow, DecisionStore
from smart_spawn.store.engine import Pruned, Store, open_store
from smart_spawn.store.keys import KeyRow, KeyStore
from smart_spawn.store.leases import Holder, Lease, Leases
from smart_spawn.store.models import KnownIds, PriceHistory, PricePoint
from smart_spawn.store.own import OwnStore
from smart_spawn.store.payloads import ManifestEntry, PayloadStore, Quarantine
from smart_spawn.store.ratings import ActRow, RatingRow, RatingStore
from smart_spawn.store.spawn_sums import SpawnSums
from smart_spawn.store.spawns import SpawnRow, SpawnStore
from smart_spawn.store.statuses import SourceStatus, StatusStore
from smart_spawn.store.writer import GroupWriter, WriterState

__all__ = [
    "ActRow",
    "BeliefStore",
    "CatalogStore",
    "CommunityStore",
    "DecisionRow",
    "DecisionStore",
    "GroupWriter",
    "Holder",
    "KeyRow",
    "KeyStore",
    "KnownIds",
    "Lease",
    "Leases",
    "ManifestEntry",
    "OwnStore",
    "PayloadStore",
    "PosteriorRow",
    "PriceHistory",
    "PricePoint",
    "Pruned",
    "Quarantine",
    "RatingRow",
    "RatingStore",
    "ReportRow",
    "SourceStatus",
    "SpawnRow",
    "SpawnStore",
    "SpawnSums",
    "StatusStore",
    "Store",
    "StoredVersion",
    "WriterState",
    "open_store",
]
