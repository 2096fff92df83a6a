"""Others: reports under keyed pseudonyms, and what whole installations have learned, in files that they sign."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smart_spawn.app.decision_log import DecisionLog
from smart_spawn.app.voting import LOCAL
from smart_spawn.errors import Forbidden, InvalidRequest, SettingsError, TooManyRequests
from smart_spawn.feedback import Beliefs
from smart_spawn.feedback.beliefs import EVEN, POINTS_PER_RATING, TYPICAL_RATING, Prior
from smart_spawn.feedback.outcome import BEST, WORST
from smart_spawn.settings import Settings
from smart_spawn.store import PosteriorRow, Store

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT, FORMAT_VERSION = "smart-spawn-posteriors", 1
LEAST_WEIGHT = 3.0
"""Votes, in ratings, below which nothing is published of a model in a category: single people stay unseen."""
MOST_POSTERIORS = 20_000
MOST_CONTRIBUTORS = 1_000_000
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A file of posteriors that was taken in."""

    publisher: str
    at: datetime
    posteriors: int


class Community:
    """What others say, and what they are told. Nothing goes out by itself: files are written when somebody asks."""

    def __init__(
        self, store: Store, settings: Settings, log: DecisionLog, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._settings = settings
        self._log = log
        self._now = now

    def report(
        self, model: str, category: str, rating: float, instance_id: str, *, caller: str | None = None
    ) -> None:
        """Add a report. Raises Forbidden where the owner takes none, TooManyRequests above a key's limit of a day."""
        if not self._settings.community.enabled:
            raise Forbidden(
                "this service takes no reports of others",
                hint="its owner can turn them on: `community.enabled = true` in the settings",
            )
        who, at = caller or LOCAL, self._now()
        most = self._settings.community.reports_per_day
        if self._store.community.reports_of(who, at) >= most:
            midnight = (
                (at + timedelta(days=1)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
            )
            raise TooManyRequests(
                f"{most:,} reports have come with this key today",
                hint="send the rest tomorrow, or raise `community.reports_per_day` in the settings",
                retry_after_s=(midnight - at).total_seconds(),
            )
        self._store.community.report(
            self._pseudonym(who, instance_id), model, category, rating, caller=who, at=at
        )

    def _pseudonym(self, caller: str, instance_id: str) -> str:
        """Return a name that nobody can trace back without this installation's key."""
        return str(self._log.digest(f"community\0{caller}\0{instance_id}"))

    # -- files ----------------------------------------------------------------------------------------------------

    @property
    def public_key(self) -> str:
        """The key that others trust to take in what this installation publishes, as hexadecimal digits."""
        return _public(self._private_key())

    def published(self, beliefs: Beliefs, prior: Prior) -> dict[str, Any]:
        """Return what this installation has learned, signed: means and counts, no votes and no voters."""
        rows = [
            [model, category, *_rating_of(beliefs, model, category, prior)]
            for (model, category), weight in zip(beliefs.own.cells, beliefs.own.counts.tolist(), strict=True)
            if weight >= LEAST_WEIGHT
        ]
        key = self._private_key()
        body = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "at": self._now().isoformat(),
            "publicKey": _public(key),
            "posteriors": rows[:MOST_POSTERIORS],
        }
        return {**body, "signature": key.sign(_signed(body)).hex()}

    def accept(self, document: Mapping[str, Any], *, trust: Sequence[str] = ()) -> Accepted:
        """Take in what a trusted installation published, in place of what it published before.

        Raises InvalidRequest for a file that is damaged, altered or older, Forbidden for one of somebody whom neither
        the settings nor `trust` name.
        """
        public_key, at = _verified(document)
        if public_key not in {*self._settings.community.trusted, *trust}:
            raise Forbidden(
                f"nobody trusts the publisher `{public_key}` here",
                hint="if you do, add it to `community.trusted` in the settings, or name it with `--trust`",
                details={"publicKey": public_key},
            )
        publisher = fingerprint(public_key)
        rows = [_posterior(row, publisher, at) for row in document["posteriors"]]
        held = [row.at for row in self._store.community.posteriors() if row.publisher == publisher]
        if held and max(held) > at:
            raise InvalidRequest(
                f"the file is of {at:%Y-%m-%d %H:%M}, and one of {max(held):%Y-%m-%d %H:%M} was taken in before",
                hint="take in the newest one",
            )
        unique = {(row.model, row.category): row for row in rows}
        self._store.community.put_posteriors(publisher, list(unique.values()))
        return Accepted(publisher=publisher, at=at, posteriors=len(unique))

    def _private_key(self) -> Ed25519PrivateKey:
        """Return this installation's key, made at the first use and readable by its owner alone."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415  # loads a large library
            Ed25519PrivateKey,
        )

        path = self._settings.home_path / "community.key"
        try:
            return Ed25519PrivateKey.from_private_bytes(_kept(path))
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the signing key `{path}` cannot be used: {error}",
                hint="remove the file to make another key; others then have to trust that one",
            ) from None


def fingerprint(public_key: str) -> str:
    """Return the short name of a publisher."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:24]


def _kept(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(file, "wb") as out:
        secret = os.urandom(32)
        out.write(secret)
    return secret


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def _signed(body: Mapping[str, Any]) -> bytes:
    """Return the bytes that a signature covers: everything but itself, in one spelling."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _verified(document: Mapping[str, Any]) -> tuple[str, datetime]:
    """Return who signed a document, and when. Raises InvalidRequest."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  # as above

    body = {name: value for name, value in document.items() if name != "signature"}
    if body.get("format") != FORMAT or body.get("version") != FORMAT_VERSION:
        raise InvalidRequest(
            f"this is no file of `{FORMAT}`, version {FORMAT_VERSION}",
            hint="`smart-spawn community publish` writes them",
        )
    try:
        public_key, at = str(body["publicKey"]).lower(), datetime.fromisoformat(str(body["at"]))
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(str(document["signature"])), _signed(body))
        if at.tzinfo is None or not isinstance(body["posteriors"], list):
            raise ValueError("a part is missing")
    except (InvalidSignature, KeyError, ValueError, TypeError, RecursionError):
        raise InvalidRequest(
            "the signature does not fit the file: it was altered, or is damaged",
            hint="fetch it again from whoever published it",
        ) from None
    if len(body["posteriors"]) > MOST_POSTERIORS:
        raise InvalidRequest(
            f"the file has more than {MOST_POSTERIORS:,} entries", hint="no installation has that many"
        )
    return public_key, at


def _posterior(row: Any, publisher: str, at: datetime) -> PosteriorRow:
    """Read one entry. Raises InvalidRequest."""
    match row:
        case [str() as model, str() as category, int() | float() as rating, int() as votes] if (
            WORST <= rating <= BEST
            and 0 < votes <= MOST_CONTRIBUTORS
            and 0 < len(model) <= 200
            and 0 < len(category) <= 40
        ):
            return PosteriorRow(
                publisher=publisher,
                model=model,
                category=category,
                rating=float(rating),
                contributors=votes,
                at=at,
            )
    raise InvalidRequest(
        f"`{str(row)[:80]}` is no entry", hint="each is model, category, rating from 1 to 5, number of votes"
    )


def _rating_of(beliefs: Beliefs, model: str, category: str, prior: Prior) -> tuple[float, int]:
    standing = beliefs.standing(model, category, prior)
    rating = TYPICAL_RATING + (standing.belief - EVEN) / POINTS_PER_RATING
    return round(min(max(rating, WORST), BEST), 2), standing.votes
