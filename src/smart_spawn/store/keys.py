"""API keys: who may ask what. Of a secret only its hash is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

from sqlalchemy import BigInteger, Column, String, Table, Text, func, insert, select, update

from smart_spawn.errors import InvalidRequest
from smart_spawn.spawn.money import MICRO, micro_usd, usd
from smart_spawn.store.database import Database
from smart_spawn.store.run_tables import purses
from smart_spawn.store.tables import Moment, metadata

Scope = Literal["route", "execute", "admin"]
CapPeriod = Literal["total", "month"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
MAX_ACTIVE_KEYS = 10_000
"""Every process that answers holds them all in memory."""

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False, comment="separated by commas"),
    Column("cap_micro_usd", BigInteger),
    Column("cap_period", String(8), nullable=False, comment="total or month"),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)
_KEY = keys.c
Version = tuple[Any, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One key, without its secret."""

    id: str
    name: str
    secret_sha256: str
    """In hexadecimal."""
    scopes: frozenset[Scope]
    cap_usd: Decimal | None = None
    cap_period: CapPeriod = "total"
    """A cap counts from the beginning, or afresh in every calendar month (UTC)."""
    created_at: datetime
    last_used_at: datetime | None = None
    """To the minute or so."""
    revoked_at: datetime | None = None


def purse_key(key_id: str, period: CapPeriod, at: datetime) -> str:
    """Return what a key's money is counted under: its id, with the month where its cap is a month's."""
    return f"{key_id}:{at:%Y-%m}" if period == "month" else key_id


class KeyStore:
    """The keys of a service. Each change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, row: KeyRow) -> None:
        """Store a new key. Raises InvalidRequest when there are too many."""
        values = {
            "id": row.id,
            "name": row.name,
            "secret_sha256": row.secret_sha256,
            "scopes": ",".join(scope for scope in SCOPES if scope in row.scopes),
            "cap_micro_usd": None if row.cap_usd is None else micro_usd(row.cap_usd),
            "cap_period": row.cap_period,
            "created_at": row.created_at,
        }
        with self._database.write() as connection:
            active = select(func.count()).select_from(keys).where(_KEY.revoked_at.is_(None))
            if connection.execute(active).scalar_one() >= MAX_ACTIVE_KEYS:
                raise InvalidRequest(
                    f"there are {MAX_ACTIVE_KEYS:,} keys already", hint="revoke those that nobody uses"
                )
            connection.execute(insert(keys), values)

    def all(self, *, active_only: bool = False) -> Sequence[KeyRow]:
        """Return the keys, oldest first."""
        query = select(keys).order_by(_KEY.created_at, _KEY.id)
        if active_only:
            query = query.where(_KEY.revoked_at.is_(None))
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]

    def version(self) -> Version:
        """Return what differs whenever a key was added or revoked. One small query."""
        query = select(
            func.count(), func.count(_KEY.revoked_at), func.max(_KEY.created_at), func.max(_KEY.revoked_at)
        ).select_from(keys)
        with self._database.read() as connection:
            return tuple(connection.execute(query).one())

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Let a key open nothing any more; False when it is unknown or revoked already."""
        query = update(keys).where(_KEY.id == key_id, _KEY.revoked_at.is_(None)).values(revoked_at=at)
        with self._database.write() as connection:
            return connection.execute(query).rowcount > 0

    def used(self, moments: Mapping[str, datetime]) -> None:
        """Note when keys were last used."""
        with self._database.write() as connection:
            for key_id, at in moments.items():
                connection.execute(update(keys).where(_KEY.id == key_id).values(last_used_at=at))

    def spent_usd(self, key: str) -> Decimal:
        """Return what was spent from the purse of a key, as `purse_key` names it, calls under way included."""
        query = select(purses.c.spent_micro_usd + purses.c.held_micro_usd).where(
            purses.c.name == f"key:{key}"
        )
        with self._database.read() as connection:
            return usd(connection.execute(query).scalar_one_or_none() or 0)

    def credit(self, key: str, amount_usd: Decimal) -> bool:
        """Take an amount off what was spent from a purse; False where that is less."""
        amount = int(amount_usd * MICRO)  # rounded down: what counts is never less than what was billed
        enough = purses.c.spent_micro_usd + purses.c.held_micro_usd >= amount
        less = (
            update(purses)
            .where(purses.c.name == f"key:{key}", enough)
            .values(spent_micro_usd=purses.c.spent_micro_usd - amount)
        )
        with self._database.write() as connection:
            return connection.execute(less).rowcount > 0


def _row(row: Any) -> KeyRow:
    values = dict(row._mapping)
    cap = values.pop("cap_micro_usd")
    values["scopes"] = frozenset(values["scopes"].split(","))
    return KeyRow(**values, cap_usd=None if cap is None else usd(cap))
