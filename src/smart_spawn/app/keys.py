"""API keys: made, revoked, and at hand in memory so that checking one costs no query."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from smart_spawn.errors import InvalidRequest, NotFound
from smart_spawn.store.keys import SCOPES, CapPeriod, KeyRow, KeyStore, Scope, Version, purse_key

SECRET_BYTES = 32
MAX_NAME = 100
USED_EVERY = timedelta(minutes=1)
"""How exact it is known when a key was last used: one write a minute, whatever the load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made. Nobody can see its secret again."""

    row: KeyRow
    secret: str


def digest_of(secret: str) -> str:
    """Return the hash that a secret is stored as. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


class Keys:
    """The keys of one store. `active` is frozen; a change replaces it."""

    def __init__(self, store: KeyStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._version: Version | None = None
        self._active: Mapping[str, KeyRow] = {}
        self._used: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}

    @property
    def active(self) -> Mapping[str, KeyRow]:
        """The keys that open something, by the hash of their secret. Asks the store the first time only."""
        if self._version is None:
            self.check_for_newer()
        return self._active

    def check_for_newer(self) -> bool:
        """Take up keys that another process made or revoked, and note which were used. One small query."""
        version = self._store.version()
        changed = version != self._version
        if changed:
            self._active = {row.secret_sha256: row for row in self._store.all(active_only=True)}
            self._version = version
        self._note()
        return changed

    def find(self, secret: str) -> KeyRow | None:
        """Return the key that a secret belongs to. Takes as long for any wrong secret."""
        digest = digest_of(secret)
        row = self.active.get(digest)
        if row is None or not hmac.compare_digest(row.secret_sha256, digest):
            return None
        self._used[row.id] = self._now()
        return row

    def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        cap_usd: Decimal | None = None,
        cap_period: CapPeriod = "total",
    ) -> NewKey:
        """Make a key. Raises InvalidRequest, naming what cannot be."""
        secret = f"ss_{secrets.token_urlsafe(SECRET_BYTES)}"
        row = KeyRow(
            id=f"key_{secrets.token_hex(8)}",
            name=_name(name),
            secret_sha256=digest_of(secret),
            scopes=_scopes(scopes),
            cap_usd=cap_usd,
            cap_period=cap_period,
            created_at=self._now(),
        )
        self._store.add(row)
        self.check_for_newer()
        return NewKey(row=row, secret=secret)

    def all(self) -> Sequence[KeyRow]:
        """Return every key, revoked ones too, oldest first."""
        return self._store.all()

    def get(self, key_id: str) -> KeyRow:
        """Return one key by its id. Raises NotFound."""
        for row in self._store.all():
            if row.id == key_id:
                return row
        raise NotFound(
            f"there is no key `{key_id[:80]}`", hint="`smart-spawn keys list` shows their ids: `key_...`"
        )

    def revoke(self, key_id: str) -> KeyRow:
        """Let a key open nothing any more. Raises NotFound; a second time changes nothing."""
        row, at = self.get(key_id), self._now()
        revoked = self._store.revoke(key_id, at)
        self.check_for_newer()
        return replace(row, revoked_at=at) if revoked else row

    def credit(self, key_id: str, amount_usd: Decimal) -> KeyRow:
        """Take an amount off what counts against a key's cap in its present period. Raises NotFound, InvalidRequest.

        For calls that broke off: their worst case counts until somebody has seen the provider's bill.
        """
        row = self.get(key_id)
        purse = purse_key(row.id, row.cap_period, self._now())
        counted = self._store.spent_usd(purse)
        possible = amount_usd.is_finite() and 0 < amount_usd <= counted
        if not possible or not self._store.credit(purse, amount_usd):
            raise InvalidRequest(
                f"{amount_usd} USD cannot be taken off: {counted:f} USD count against `{row.id}`",
                hint="give an amount above 0 and no more than that",
                details={"countedUsd": str(counted)},
            )
        return row

    def _note(self) -> None:
        due = {
            key: at
            for key, at in list(self._used.items())
            if key not in self._noted or at - self._noted[key] >= USED_EVERY
        }
        if due:
            self._store.used(due)
            self._noted.update(due)


def _name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidRequest(
            f"`{name[:40]!a}` cannot be the name of a key",
            hint=f"use 1 to {MAX_NAME} printable characters, such as `laptop`",
        )
    return name


def _scopes(names: Sequence[str]) -> frozenset[Scope]:
    wrong = [name for name in names if name not in SCOPES]
    if wrong or not names:
        raise InvalidRequest(
            f"`{wrong[0][:40]}` is no scope" if wrong else "a key needs a scope",
            hint=f"one or more of: {', '.join(SCOPES)}",
            details={"valid": list(SCOPES)},
        )
    return frozenset(scope for scope in SCOPES if scope in names)
