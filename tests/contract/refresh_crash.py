"""Kill a refresh at each of its writes: `python -m tests.contract.refresh_crash URL HOME WORK`.

Prints one JSON line a death: where it died, which version the next start serves, whether that is whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smart_spawn.app import SmartSpawn
from smart_spawn.refresh import rebuild
from smart_spawn.store.database import Database
from tests.contract.refreshing import LATER, settings_for

MAX_WRITES = 60
_write = Database.write


def dying_at(number: int, *, committed: bool) -> Any:
    """Return a `Database.write` that kills this process in, or right after, its n-th transaction."""
    seen = 0

    @contextmanager
    def write(self: Database, **options: Any) -> Iterator[Any]:
        nonlocal seen
        seen += 1
        mine = seen == number
        with _write(self, **options) as connection:
            yield connection
            if mine and not committed:
                os.kill(os.getpid(), signal.SIGKILL)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)

    return write


def refresh_and_die(url: str, home: Path, number: int, *, committed: bool) -> None:
    """Refresh in this process until it is killed; exit 0 when the refresh has fewer writes than that."""
    app = SmartSpawn(settings_for(url, home), now=lambda: LATER).open()
    Database.write = dying_at(number, committed=committed)  # type: ignore[method-assign]  # that is the point
    asyncio.run(app.refresh())
    os._exit(0)


def served(url: str, home: Path) -> dict[str, Any]:
    """Start anew and say what is served, and whether it is whole."""
    with SmartSpawn(settings_for(url, home), now=lambda: LATER) as app:
        version = app.catalog.version
        return {
            "version": version,
            "rebuilt": rebuild(app.store, app.settings, version).version,
            "damage": app.store.database.problems(),
        }


def main() -> None:
    """Die at every second write, before and after it is committed, until a refresh comes through."""
    url, start, work = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    for number in range(1, MAX_WRITES):
        committed = bool(number % 2)
        home = work / f"home{number}"
        shutil.copytree(start, home)
        child = os.fork()
        if child == 0:
            refresh_and_die(url, home, number, committed=committed)
        status = os.waitpid(child, 0)[1]
        died = os.WIFSIGNALED(status)
        line = json.dumps({"write": number, "died": died, **served(url, home)})
        print(line, flush=True)  # noqa: T201  # read by the test that started this
        shutil.rmtree(home)
        if not died:
            return


if __name__ == "__main__":
    main()
