"""The way from the event loop to a journal that blocks: few threads, and another try when the database is busy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar

from smart_spawn.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")

FIRST_WAIT_S = 0.05
LONGEST_WAIT_S = 0.5


class Temporary(Protocol):
    """Tells whether trying again may help."""

    def __call__(self, error: StoreError) -> bool:
        """Return whether the database may answer later."""
        ...


class Lane:
    """Runs blocking calls in threads of its own, so that nothing else can use them up.

    SQLite takes one writer at a time, and one thread serves it best: more only wait for its lock. `patience_s` is
    how long a call that the database cannot answer now is tried again.
    """

    def __init__(self, threads: int, *, temporary: Temporary, patience_s: float = 1.0) -> None:
        self.temporary = temporary
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="journal")
        self._patience_s = patience_s

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. A caller that is cancelled meanwhile is told when the call is through."""
        future = asyncio.wrap_future(self._pool.submit(self._tried, lambda: work(*args, **kwargs)))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait([future])
            if not future.cancelled():
                future.exception()  # it is the cancellation that is raised
            raise

    async def ask(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. A caller that is cancelled does not wait for it."""
        return await asyncio.wrap_future(self._pool.submit(self._tried, lambda: work(*args, **kwargs)))

    def close(self, *, wait: bool = True) -> None:
        """End the threads; with `wait` when what is under way is through, which may be never."""
        self._pool.shutdown(wait=wait, cancel_futures=True)

    def _tried(self, work: Callable[[], T]) -> T:
        until_s, wait_s = time.monotonic() + self._patience_s, FIRST_WAIT_S
        while True:
            try:
                return work()
            except StoreError as error:
                if not self.temporary(error) or time.monotonic() + wait_s > until_s:
                    raise
                time.sleep(wait_s)
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
