"""How many requests a key may send: a bucket that refills, one for each key and process."""

from __future__ import annotations

import time
from collections.abc import Callable

from smart_spawn.errors import TooManyRequests


class Allowance:
    """A minute's requests at once, then as many as flow in. Holds one row for each key that was used.

    Written here because a library for it keeps a thread, and four packages, for these lines.
    """

    def __init__(self, per_minute: int | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        """Key → requests left, and when that was counted."""

    def take(self, key: str) -> None:
        """Count one request. Raises TooManyRequests, with the seconds until the next one."""
        if self._most is None:
            return
        now, per_s = self._clock(), self._most / 60
        left, at = self._left.get(key, (float(self._most), now))
        left = min(float(self._most), left + (now - at) * per_s)
        if left < 1:
            self._left[key] = (left, now)
            raise TooManyRequests(
                f"the key `{key}` sent more than {self._most:,} requests in a minute",
                hint="send fewer, or raise `server.max_requests_per_minute` in the settings",
                details={"perMinute": self._most},
                retry_after_s=(1 - left) / per_s,
            )
        self._left[key] = (left - 1, now)
