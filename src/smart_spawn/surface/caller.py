"""Who asks: a key and what it may do, as every surface hands it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from smart_spawn.errors import Forbidden
from smart_spawn.runs.engine import KeyCap
from smart_spawn.store.keys import SCOPES, CapPeriod, KeyRow, Scope, purse_key

__all__ = ["LOCAL", "Caller", "Scope", "needed_scope", "require"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whoever sent a request."""

    key: str | None
    """The public id of the key, never the secret; `None` where no keys exist."""
    name: str
    scopes: frozenset[Scope]
    cap_usd: Decimal | None = None
    """What everything done with this key may cost in a period, in USD; `None` is no limit."""
    cap_period: CapPeriod = "total"

    @classmethod
    def of(cls, row: KeyRow) -> Caller:
        """Return the caller that a stored key stands for."""
        return cls(
            key=row.id,
            name=row.name,
            scopes=row.scopes,
            cap_usd=row.cap_usd,
            cap_period=row.cap_period,
        )

    def key_cap(self, at: datetime) -> KeyCap | None:
        """Return the purse that runs of this caller spend from, at a moment; `None` without a key."""
        if self.key is None:
            return None
        return KeyCap(key=purse_key(self.key, self.cap_period, at), cap_usd=self.cap_usd)

    @property
    def sees_only(self) -> str | None:
        """The key whose runs this caller may see and stop; `None` is all of them."""
        return None if "admin" in self.scopes else self.key


LOCAL = Caller(key=None, name="local", scopes=frozenset(SCOPES))
"""Everybody, as long as no key exists."""


def require(caller: Caller, needs: Scope) -> None:
    """Raise Forbidden where the caller's key lacks a scope."""
    if needs not in caller.scopes:
        raise Forbidden(
            f"the key `{caller.name}` may not do this: it lacks the scope `{needs}`",
            hint=f"use a key made with `--scope {needs}`",
            details={"needs": needs},
        )


_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_EXECUTING = ("/spawn", "/runs", "/v1")
_OWNING: Mapping[str, bool] = {
    "/refresh": False,
    "/catalog/rollback": False,
    "/private-models": True,
    "/benchmarks": True,
    "/keys": False,
    "/metrics": False,
    "/stages": False,
    "/feedback/votes": False,
    "/feedback/acts": False,
    "/feedback/reverse": False,
    "/feedback/undo": False,
}
"""What the owner does → whether reading it is for everybody who may choose."""


def needed_scope(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs: `admin` for the owner's work, `execute` for whatever costs money.

    Everything else is choosing and reading: `route`. Listing the models under `/v1` is reading too. `None` is any
    key: each tool under `/mcp` says for itself what it needs.
    """
    path = path.removeprefix("/api")
    if _below(path, "/mcp"):
        return None
    for prefix, open_to_readers in _OWNING.items():
        if _below(path, prefix):
            return "route" if open_to_readers and method in _READING else "admin"
    if _below(path, "/v1/models") and method in _READING:
        return "route"
    return "execute" if any(_below(path, prefix) for prefix in _EXECUTING) else "route"


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")
