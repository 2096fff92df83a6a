"""One call for scripts: open, ask, close."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from smart_spawn.answers import Decision, SpawnResult
from smart_spawn.client.smart_spawn import SmartSpawn
from smart_spawn.errors import InvalidRequest

T = TypeVar("T")


def route(task: str = "", *, url: str | None = None, api_key: str | None = None, **options: Any) -> Decision:
    """Choose a model for a task, in a script. Options are the fields of `RouteRequest`. Raises SmartSpawnError.

    Asks the service at `url`, else at `SMART_SPAWN_URL`, else decides here. Opens and closes everything; whoever asks
    often keeps a `SmartSpawn` open.
    """
    return _once(lambda ss: ss.route(task, **options), url, api_key)


def spawn(task: str, *, url: str | None = None, api_key: str | None = None, **options: Any) -> SpawnResult:
    """Have the best model do a task, in a script. Options are the fields of `SpawnRequest`. Raises SmartSpawnError.

    The text is `result.output`. Blocks until it is there; event loops use `SmartSpawn.spawn`. Costs model calls.
    """
    return _once(lambda ss: ss.spawn(task, **options), url, api_key)


def _once(ask: Callable[[SmartSpawn], Awaitable[T]], url: str | None, api_key: str | None) -> T:
    async def asked() -> T:
        async with SmartSpawn(url, api_key=api_key) as ss:
            return await ask(ss)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asked())
    raise InvalidRequest(
        "this call would block the event loop that runs here",
        hint="`async with SmartSpawn() as ss:` and `await ss.route(...)` or `await ss.spawn(...)`",
    )
