"""Every table of the database, and the two things that SQLite and PostgreSQL spell differently: time and now.

Moments are stored as whole microseconds since 1970 in UTC: they sort, compare and survive the round trip
alike in both databases. Bodies are compressed bytes, opaque to SQL.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator

SCHEMA_REVISION = "0009"
"""The revision that these tables are: the newest in `migrations/versions`. A test holds the two together."""

REVISION_TABLE = "smart_spawn_schema"
"""Where the revision is kept. Named after us because a PostgreSQL database may be shared with others."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(TypeDecorator[datetime]):
    """An aware moment, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Refuse a naive moment: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"`{value}` has no time zone")
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Give the moment back in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


class now_us(FunctionElement[int]):  # noqa: N801  # reads as the SQL function that it stands for
    """The database's own clock in microseconds since 1970: one clock for all processes that share it."""

    type = BigInteger()
    inherit_cache = True


@compiles(now_us, "sqlite")
def _now_sqlite(element: now_us, compiler: Any, **options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"


@compiles(now_us, "postgresql")
def _now_postgresql(element: now_us, compiler: Any, **options: Any) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

payload_bodies = Table(
    "payload_bodies",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("codec", String(8), nullable=False),
    Column("size_bytes", BigInteger, nullable=False, comment="before compression"),
    Column("body", LargeBinary, nullable=False),
)

payloads = Table(
    "payloads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False),
    Column("part", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("sha256", ForeignKey("payload_bodies.sha256"), nullable=False, index=True),
    Column("fetched_at", Moment, nullable=False, index=True),
    Column("etag", Text),
    Column("last_modified", Text),
    Column("notices", Text, nullable=False, comment="JSON object of header name to value"),
    UniqueConstraint("source", "part", "sha256", "fetched_at"),
)

held_payloads = Table(
    "held_payloads",
    metadata,
    Column("source", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("payload_id", ForeignKey("payloads.id"), nullable=False, index=True),
)

quarantined = Table(
    "quarantined",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("source", Text, nullable=False, index=True),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

quarantined_payloads = Table(
    "quarantined_payloads",
    metadata,
    Column("quarantine_id", ForeignKey("quarantined.id", ondelete="CASCADE"), primary_key=True),
    Column("payload_id", ForeignKey("payloads.id"), primary_key=True, index=True),
)

catalogs = Table(
    "catalogs",
    metadata,
    Column("version", Text, primary_key=True),
    Column("codec", String(8), nullable=False),
    Column("size_bytes", BigInteger, nullable=False, comment="before compression"),
    Column("body", LargeBinary, nullable=False),
    Column("built_at", Moment, nullable=False, index=True),
)

catalog_payloads = Table(
    "catalog_payloads",
    metadata,
    Column("version", ForeignKey("catalogs.version", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("payload_id", ForeignKey("payloads.id"), nullable=False, index=True),
)

catalog_choice = Table(
    "catalog_choice",
    metadata,
    Column("slot", Integer, primary_key=True, autoincrement=False, comment="always 0: one row"),
    Column("newest", ForeignKey("catalogs.version")),
    Column("pinned", ForeignKey("catalogs.version")),
)

prices = Table(
    "prices",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column(
        "day", String(10), primary_key=True, comment="UTC day on which this price was first seen, YYYY-MM-DD"
    ),
    Column("price", LargeBinary, nullable=False, comment="JSON"),
)

known_ids = Table(
    "known_ids",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", Moment, nullable=False, index=True),
    Column("catalog_version", Text, nullable=False),
    Column("beliefs_version", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False, comment="by the database's clock"),
)

source_statuses = Table(
    "source_statuses",
    metadata,
    Column("source", Text, primary_key=True),
    Column("status", String(16), nullable=False),
    Column("last_pull", Moment),
    Column("last_ok", Moment),
    Column("count", Integer, nullable=False),
    Column("matched", Integer, nullable=False),
    Column("unmatched", Integer, nullable=False),
    Column("published_on", String(10)),
    Column("error", Text),
    Column("quarantined", Boolean, nullable=False),
    Column("notices", Text, nullable=False, comment="JSON object of header name to value"),
    Column("next_pull", Moment),
    Column("not_before", Moment),
    Column("requests_day", String(10), nullable=False),
    Column("requests_today", Integer, nullable=False),
)

Index("ix_payloads_source_part", payloads.c.source, payloads.c.part)
