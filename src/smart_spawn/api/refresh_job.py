"""The process that refreshes: one JSON order on standard input, one JSON report on standard output.

It ends itself when standard input does, because then the service that started it is gone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

from smart_spawn.app import SmartSpawn
from smart_spawn.errors import SmartSpawnError
from smart_spawn.refresh import report_json
from smart_spawn.settings import Settings
from smart_spawn.surface.failures import error_json


async def carry_out(order: Mapping[str, Any]) -> dict[str, Any]:
    """Refresh as ordered, and return the report or the error as every surface shows it."""
    try:
        async with SmartSpawn(Settings.model_validate(order["settings"])) as app:
            return report_json(await app.refresh(order["sources"], if_due=order["ifDue"]))
    except SmartSpawnError as error:
        return error_json(error)


def main() -> None:
    """Read the order, carry it out, report."""
    order = msgspec.json.decode(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    report = asyncio.run(carry_out(order))
    sys.stdout.buffer.write(msgspec.json.encode(report, enc_hook=str) + b"\n")
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
