"""Catalogue versions: the body, what it was built from, and which one is served.

A version is stored and made the newest in one transaction: whenever a process dies, the last complete
catalogue is the one that the next start serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, or_, select

from smart_spawn.errors import NotFound
from smart_spawn.sources.base import Payload
from smart_spawn.store import tables as t
from smart_spawn.store.bodies import packed, unpacked
from smart_spawn.store.database import Database
from smart_spawn.store.payloads import ManifestEntry, payload_ids


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """One stored catalogue version, without its body."""

    version: str
    built_at: datetime
    size_bytes: int
    """Of the body, before compression."""
    current: bool
    """The one that is served: the pinned one, else the newest."""
    pinned: bool


class CatalogStore:
    """Catalogues by version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(
        self,
        version: str,
        body: bytes,
        *,
        built_at: datetime,
        manifest: Sequence[ManifestEntry | Payload] = (),
        current: bool = True,
    ) -> None:
        """Store a version with the documents it was built from; `current` makes it the newest.

        Saving a version again keeps its body and takes the newer date and documents. A pinned version goes
        on being served. Raises StoreError when a document of the manifest was never stored.
        """
        with self._database.write() as connection:
            ids = payload_ids(connection, manifest)
            row = {"version": version, "built_at": built_at, **packed(body)}
            connection.execute(self._database.upsert(t.catalogs, replace=("built_at",)).values(row))
            connection.execute(delete(t.catalog_payloads).where(t.catalog_payloads.c.version == version))
            rows = [{"version": version, "position": n, "payload_id": i} for n, i in enumerate(ids)]
            if rows:
                connection.execute(insert(t.catalog_payloads), rows)
            if current:
                self._choose(connection, newest=version)

    def current(self) -> tuple[str, bytes] | None:
        """Return version and body of the catalogue to serve: the pinned one, else the newest."""
        with self._database.read() as connection:
            version = _served(connection)
            body = None if version is None else _body(connection, version)
        return None if version is None or body is None else (version, body)

    def current_version(self) -> str | None:
        """Return the version to serve. Cheap: what an API worker asks to see whether it has to load anew."""
        with self._database.read() as connection:
            return _served(connection)

    def get(self, version: str) -> bytes | None:
        """Return the body of a version, or None when it is not stored."""
        with self._database.read() as connection:
            return _body(connection, version)

    def versions(self, limit: int = 100) -> tuple[StoredVersion, ...]:
        """Return what is stored, newest first."""
        c = t.catalogs.c
        query = (
            select(c.version, c.built_at, c.size_bytes).order_by(c.built_at.desc(), c.version).limit(limit)
        )
        with self._database.read() as connection:
            served, pinned = _served(connection), _pinned(connection)
            return tuple(
                StoredVersion(
                    version=row.version,
                    built_at=row.built_at,
                    size_bytes=row.size_bytes,
                    current=row.version == served,
                    pinned=row.version == pinned,
                )
                for row in connection.execute(query)
            )

    def pin(self, version: str) -> None:
        """Serve this version until it is unpinned, whatever is built meanwhile. Raises NotFound."""
        with self._database.write() as connection:
            if (
                connection.execute(
                    select(t.catalogs.c.version).where(t.catalogs.c.version == version)
                ).first()
                is None
            ):
                raise NotFound(
                    f"catalogue version `{version}` is not stored",
                    hint="`GET /catalog/versions` lists those that are",
                    details={"version": version},
                )
            self._choose(connection, pinned=version)

    def unpin(self) -> None:
        """Serve the newest version again."""
        with self._database.write() as connection:
            self._choose(connection, pinned=None)

    def pinned(self) -> str | None:
        """Return the version that was pinned."""
        with self._database.read() as connection:
            return _pinned(connection)

    def prune(self, before: datetime) -> int:
        """Delete versions built before a moment, never the newest nor the pinned one; return how many."""
        with self._database.write() as connection:
            return pruned_catalogs(connection, before)

    def _choose(self, connection: Connection, **columns: str | None) -> None:
        choice = self._database.upsert(t.catalog_choice, replace=tuple(columns))
        connection.execute(choice.values(slot=0, **columns))


def pruned_catalogs(connection: Connection, before: datetime) -> int:
    """Delete versions built before a moment that nobody has chosen."""
    choice = t.catalog_choice.c
    chosen = select(choice.slot).where(
        or_(choice.newest == t.catalogs.c.version, choice.pinned == t.catalogs.c.version)
    )
    return connection.execute(
        delete(t.catalogs).where(t.catalogs.c.built_at < before, ~chosen.exists())
    ).rowcount


def _served(connection: Connection) -> str | None:
    choice = t.catalog_choice.c
    version: str | None = connection.execute(
        select(func.coalesce(choice.pinned, choice.newest))
    ).scalar_one_or_none()
    return version


def _pinned(connection: Connection) -> str | None:
    version: str | None = connection.execute(select(t.catalog_choice.c.pinned)).scalar_one_or_none()
    return version


def _body(connection: Connection, version: str) -> bytes | None:
    c = t.catalogs.c
    row = connection.execute(select(c.codec, c.size_bytes, c.body).where(c.version == version)).first()
    if row is None:
        return None
    return unpacked(row.codec, row.size_bytes, row.body, what=f"catalogue `{version}`")
