"""Downloaded documents, stored whole before anybody reads them, so that any past catalogue can be rebuilt.

Equal bytes are stored once, under their hash. The last good set of each source is *held*: it stays in use,
and is never pruned, while newer answers of that source are unusable.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, exists, insert, select, update

from smart_spawn.errors import StoreCorrupt, StoreError
from smart_spawn.sources.base import Payload
from smart_spawn.store import tables as t
from smart_spawn.store.bodies import packed, unpacked
from smart_spawn.store.database import Database

MAX_QUARANTINES_PER_SOURCE = 10
"""A source that answers rubbish every hour must not fill the disk: the oldest records go first."""
MAX_REASON_CHARS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestEntry:
    """One document that a catalogue was built from."""

    source: str
    part: str
    sha256: str
    url: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """An answer of a source that was set aside, and why. Newest first where they are listed."""

    source: str
    reason: str
    at: datetime
    manifest: tuple[ManifestEntry, ...]


class PayloadStore:
    """Documents by source, and which of them are good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, *payloads: Payload) -> None:
        """Store documents, unread. One that is stored already only has its headers brought up to date."""
        with self._database.write() as connection:
            for payload in payloads:
                _saved(connection, self._database, payload)

    def mark_good(self, source: str, payloads: Sequence[Payload]) -> None:
        """Make these the last good set of a source, in this order, and store those that are not yet."""
        _refuse_strangers(source, payloads)
        with self._database.write() as connection:
            ids = [_saved(connection, self._database, payload) for payload in payloads]
            connection.execute(delete(t.held_payloads).where(t.held_payloads.c.source == source))
            rows = [{"source": source, "position": n, "payload_id": i} for n, i in enumerate(ids)]
            if rows:
                connection.execute(insert(t.held_payloads), rows)

    def held(self, source: str) -> tuple[Payload, ...]:
        """Return the last good set of a source, in its order; empty when there never was one."""
        link = t.held_payloads
        return self._read(_documents().join(link).where(link.c.source == source).order_by(link.c.position))

    def held_sources(self) -> tuple[str, ...]:
        """Return the sources that have a good set, by name."""
        with self._database.read() as connection:
            query = select(t.held_payloads.c.source).distinct().order_by(t.held_payloads.c.source)
            return tuple(connection.execute(query).scalars())

    def quarantine(self, source: str, payloads: Sequence[Payload], *, reason: str, at: datetime) -> None:
        """Keep an answer that could not be used, with the reason. The last good set stays as it is."""
        _refuse_strangers(source, payloads)
        with self._database.write() as connection:
            ids = {_saved(connection, self._database, payload) for payload in payloads}
            row = {"source": source, "reason": reason.replace("\0", "")[:MAX_REASON_CHARS], "at": at}
            [quarantine_id] = connection.execute(insert(t.quarantined).values(row)).inserted_primary_key or (
                None,
            )
            if ids:
                rows = [{"quarantine_id": quarantine_id, "payload_id": i} for i in sorted(ids)]
                connection.execute(insert(t.quarantined_payloads), rows)
            newest = (
                select(t.quarantined.c.id)
                .where(t.quarantined.c.source == source)
                .order_by(t.quarantined.c.id.desc())
                .limit(MAX_QUARANTINES_PER_SOURCE)
            )
            gone = t.quarantined.c.id.not_in(newest.scalar_subquery())
            connection.execute(delete(t.quarantined).where(t.quarantined.c.source == source, gone))

    def quarantined(self, source: str | None = None) -> tuple[Quarantine, ...]:
        """Return what was set aside, newest first."""
        query = select(t.quarantined).order_by(t.quarantined.c.at.desc(), t.quarantined.c.id.desc())
        if source is not None:
            query = query.where(t.quarantined.c.source == source)
        link = t.quarantined_payloads
        with self._database.read() as connection:
            return tuple(
                Quarantine(
                    source=row.source,
                    reason=row.reason,
                    at=row.at,
                    manifest=_entries(
                        connection.execute(_entry_query().join(link).where(link.c.quarantine_id == row.id))
                    ),
                )
                for row in connection.execute(query).all()
            )

    def manifest(self, version: str) -> tuple[ManifestEntry, ...]:
        """Return what a catalogue was built from, in order; empty for one that came from elsewhere."""
        link = t.catalog_payloads
        query = _entry_query().join(link).where(link.c.version == version).order_by(link.c.position)
        with self._database.read() as connection:
            return _entries(connection.execute(query))

    def payloads_of(self, version: str) -> tuple[Payload, ...]:
        """Return the documents that a catalogue was built from, in order."""
        link = t.catalog_payloads
        return self._read(_documents().join(link).where(link.c.version == version).order_by(link.c.position))

    def prune(self, keep_days: float, now: datetime) -> int:
        """Delete documents fetched more than `keep_days` days before `now`; return how many.

        Never those of a last good set, nor those that a kept catalogue version was built from.
        """
        with self._database.write() as connection:
            return pruned_payloads(connection, now - timedelta(days=keep_days))

    def _read(self, query: Select[Any]) -> tuple[Payload, ...]:
        with self._database.read() as connection:
            return tuple(_payload(row) for row in connection.execute(query))


def payload_ids(connection: Connection, manifest: Iterable[ManifestEntry | Payload]) -> list[int]:
    """Return the row of each document. Raises StoreError for one that was never stored."""
    ids = []
    for entry in manifest:
        found = connection.execute(_id_query(entry)).scalar_one_or_none()
        if found is None:
            raise StoreError(
                f"document `{entry.part}` of `{entry.source}` ({entry.sha256[:12]}) is not stored",
                hint="documents are stored before a catalogue is built from them",
            )
        ids.append(found)
    return ids


def pruned_payloads(connection: Connection, before: datetime) -> int:
    """Delete unused documents fetched before a moment, and bodies that nobody names any more."""
    connection.execute(delete(t.quarantined).where(t.quarantined.c.at < before))
    old = t.payloads.c.fetched_at < before
    free = [
        ~exists().where(link.c.payload_id == t.payloads.c.id)
        for link in (t.held_payloads, t.catalog_payloads, t.quarantined_payloads)
    ]
    gone = connection.execute(delete(t.payloads).where(old, *free)).rowcount
    named = exists().where(t.payloads.c.sha256 == t.payload_bodies.c.sha256)
    connection.execute(delete(t.payload_bodies).where(~named))
    return gone


def _saved(connection: Connection, database: Database, payload: Payload) -> int:
    """Store one document where it is new and return its row."""
    sha256 = payload.sha256
    known = connection.execute(select(t.payload_bodies.c.sha256).where(t.payload_bodies.c.sha256 == sha256))
    if known.first() is None:
        connection.execute(insert(t.payload_bodies).values(sha256=sha256, **packed(payload.body)))
    headers = {
        "etag": payload.etag,
        "last_modified": payload.last_modified,
        "notices": msgspec.json.encode(dict(payload.notices), order="sorted").decode(),
    }
    found: int | None = connection.execute(_id_query(payload)).scalar_one_or_none()
    if found is not None:
        connection.execute(update(t.payloads).where(t.payloads.c.id == found).values(headers))
        return found
    row = {
        "source": payload.source,
        "part": payload.part,
        "url": payload.url,
        "sha256": sha256,
        "fetched_at": payload.fetched_at,
        **headers,
    }
    key = connection.execute(insert(t.payloads).values(row)).inserted_primary_key
    assert key is not None  # noqa: S101  # both databases return it; for the type checker
    return int(key[0])


def _id_query(entry: ManifestEntry | Payload) -> Select[int]:
    return select(t.payloads.c.id).where(
        t.payloads.c.source == entry.source,
        t.payloads.c.part == entry.part,
        t.payloads.c.sha256 == entry.sha256,
        t.payloads.c.fetched_at == entry.fetched_at,
    )


def _documents() -> Any:
    body = t.payload_bodies
    return select(t.payloads, body.c.codec, body.c.size_bytes, body.c.body).join_from(t.payloads, body)


def _entry_query() -> Any:
    p = t.payloads.c
    return select(p.source, p.part, p.sha256, p.url, p.fetched_at).select_from(t.payloads)


def _entries(rows: Iterable[Row[Any]]) -> tuple[ManifestEntry, ...]:
    return tuple(ManifestEntry(**row._mapping) for row in rows)


def _payload(row: Row[Any]) -> Payload:
    what = f"document `{row.part}` of `{row.source}`"
    body = unpacked(row.codec, row.size_bytes, row.body, what=what)
    if hashlib.sha256(body).hexdigest() != row.sha256:
        raise StoreCorrupt(
            f"the stored {what} is damaged: its hash is not {row.sha256[:12]}", hint="refresh the source"
        )
    return Payload(
        source=row.source,
        part=row.part,
        url=row.url,
        body=body,
        fetched_at=row.fetched_at,
        etag=row.etag,
        last_modified=row.last_modified,
        notices=msgspec.json.decode(row.notices, type=dict[str, str]),
    )


def _refuse_strangers(source: str, payloads: Sequence[Payload]) -> None:
    strangers = sorted({payload.source for payload in payloads} - {source})
    if strangers:
        raise StoreError(
            f"documents of `{strangers[0]}` cannot stand for `{source}`", hint="store each source apart"
        )
