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

TRIES = 5
FIRST_WAIT_S = 0.05


class Temporary(Protocol):
    """Tells whether trying again may help."""

    def __call__(self, error: StoreError) -> bool:
        """Return whether the database may answer later."""
        ...


class Lane:
    """Runs blocking calls in threads of its own, so that nothing else can use them up.

    SQLite takes one writer at a time, and one thread serves it best: more only wait for its lock.
    """

    def __init__(self, threads: int, *, temporary: Temporary) -> None:
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="journal")
        self._temporary = temporary

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

    def close(self) -> None:
        """Wait for what is under way and end the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _tried(self, work: Callable[[], T]) -> T:
        for number in range(TRIES - 1):
            try:
                return work()
            except StoreError as error:
                if not self._temporary(error):
                    raise
                time.sleep(FIRST_WAIT_S * 2**number)
        return work()
