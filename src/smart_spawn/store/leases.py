"""Leases: one process at a time does a thing, and one that was killed stands in nobody's way for long.

Expiry goes by the database's clock, so processes on machines with different clocks agree.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update

from smart_spawn.errors import StoreError
from smart_spawn.store import tables as t
from smart_spawn.store.database import Database
from smart_spawn.store.tables import now_us

TTL_S = 15.0
"""How long a lease outlives its last renewal. Renewed three times in that, a slow disk does not lose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds a lease, and for how much longer unless it is renewed."""

    owner: str
    remaining_s: float


class Lease:
    """A lease that was granted. `lost` tells that somebody else may hold it by now."""

    def __init__(self, leases: Leases, name: str, owner: str, ttl_s: float) -> None:
        self._leases = leases
        self.name = name
        self.owner = owner
        self.ttl_s = ttl_s
        self.lost = False

    def renew(self) -> bool:
        """Hold it for another full time; False when it ran out and is gone. Raises StoreError."""
        if not self.lost and not self._leases.extend(self.name, self.owner, self.ttl_s):
            self.lost = True
        return not self.lost

    def release(self) -> None:
        """Let the next one have it at once. Raises StoreError; it then expires by itself."""
        self._leases.drop(self.name, self.owner)
        self.lost = True


class Leases:
    """Leases by name. Every `acquire` is a holder of its own, also within one process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, name: str, ttl_s: float = TTL_S) -> Lease | None:
        """Take a lease that nobody holds; None when somebody does. Never waits for it."""
        owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        with self._database.write() as connection:
            now = connection.execute(select(now_us())).scalar_one()
            held = select(t.leases.c.owner).where(t.leases.c.name == name, t.leases.c.expires_us > now)
            if connection.execute(held).first() is not None:
                return None
            take = self._database.upsert(t.leases, replace=("owner", "expires_us"))
            connection.execute(take.values(name=name, owner=owner, expires_us=now + _us(ttl_s)))
        return Lease(self, name, owner, ttl_s)

    @contextmanager
    def hold(self, name: str, ttl_s: float = TTL_S) -> Iterator[Lease | None]:
        """Take a lease and renew it in the background until the block ends; None when somebody holds it."""
        lease = self.acquire(name, ttl_s)
        if lease is None:
            yield None
            return
        done = threading.Event()
        thread = threading.Thread(target=_renewing, args=(lease, done), name=f"lease-{name}", daemon=True)
        thread.start()
        try:
            yield lease
        finally:
            done.set()
            thread.join(timeout=ttl_s)
            lease.release()

    def holder(self, name: str) -> Holder | None:
        """Tell who holds a lease now."""
        c = t.leases.c
        with self._database.read() as connection:
            row = connection.execute(
                select(c.owner, (c.expires_us - now_us()).label("left")).where(c.name == name)
            ).first()
        return (
            Holder(owner=row.owner, remaining_s=row.left / 1e6) if row is not None and row.left > 0 else None
        )

    def extend(self, name: str, owner: str, ttl_s: float) -> bool:
        """Move the end of a lease that this owner still holds."""
        c = t.leases.c
        still = update(t.leases).where(c.name == name, c.owner == owner, c.expires_us > now_us())
        with self._database.write() as connection:
            return connection.execute(still.values(expires_us=now_us() + _us(ttl_s))).rowcount == 1

    def drop(self, name: str, owner: str) -> None:
        """Delete a lease of this owner; sweeps up expired ones as well."""
        c = t.leases.c
        with self._database.write() as connection:
            mine = (c.name == name) & (c.owner == owner)
            connection.execute(delete(t.leases).where(or_(mine, c.expires_us <= now_us())))


def _renewing(lease: Lease, done: threading.Event) -> None:
    while not done.wait(lease.ttl_s / 3):
        try:
            if not lease.renew():
                return
        except StoreError:
            continue  # the next try may come in time; if not, `renew` then finds the lease gone


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000)
