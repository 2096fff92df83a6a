"""The money of keys outside of runs: a worst case set aside before a call, the bill in its place afterwards."""

from __future__ import annotations

from sqlalchemy import select, true, update

from smart_spawn.store.database import Database
from smart_spawn.store.run_tables import purses

_C = purses.c


class PurseStore:
    """The purses of keys, which their runs spend from too. Each method is one transaction; all in micro-USD."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def reserve(self, key: str, amount: int, *, cap: int | None) -> int | None:
        """Set an amount aside under a key's cap; return what is left where it does not fit, else `None`.

        `key` is what `purse_key` names. The newest cap holds.
        """
        name = f"key:{key}"
        fits = true() if cap is None else _C.held_micro_usd + _C.spent_micro_usd + amount <= cap
        taken = (
            update(purses)
            .where(_C.name == name, fits)
            .values(held_micro_usd=_C.held_micro_usd + amount, cap_micro_usd=cap)
        )
        with self._database.write(alone=False) as connection:
            if connection.execute(taken).rowcount:
                return None
            empty = {"name": name, "cap_micro_usd": cap, "held_micro_usd": 0, "spent_micro_usd": 0}
            connection.execute(self._database.upsert(purses), empty)
            if connection.execute(taken).rowcount:
                return None
            used = select(_C.held_micro_usd + _C.spent_micro_usd).where(_C.name == name)
            return max(0, (cap or 0) - int(connection.execute(used).scalar_one()))

    def settle(self, key: str, *, reserved: int, cost: int) -> None:
        """Put the bill in the place of a reservation."""
        bill = (
            update(purses)
            .where(_C.name == f"key:{key}")
            .values(held_micro_usd=_C.held_micro_usd - reserved, spent_micro_usd=_C.spent_micro_usd + cost)
        )
        with self._database.write(alone=False) as connection:
            connection.execute(bill)
