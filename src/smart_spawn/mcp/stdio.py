"""`smart-spawn mcp`: MCP over standard input and output, until the input is closed or a signal comes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, cast

import structlog
from mcp.server.stdio import stdio_server

from smart_spawn.app import SmartSpawn
from smart_spawn.mcp.server import mcp_server

log = structlog.get_logger("smart_spawn.mcp")

MAX_MESSAGE_BYTES: Final = 8_000_000
"""A longer message is dropped: the longest task is a tenth of it."""
CHUNK_BYTES: Final = 65_536


async def speak(app: SmartSpawn) -> None:
    """Serve one client. Standard output carries the protocol alone; whatever else is written goes to standard error.

    Runs that are carried out here and have not ended go back to the queue at the end.
    """
    lines = Lines(sys.stdin.fileno())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lines.close)
    async with app, stdio_server(stdin=cast("Any", lines)) as (incoming, outgoing):
        server = mcp_server(app)
        await server.run(incoming, outgoing, server.create_initialization_options())


class Lines:
    """The lines of a file, which can be closed while nothing comes.

    The library reads in a thread that it waits for, so a signal would not end it before the client speaks again.
    """

    def __init__(self, file: int) -> None:
        self._file = os.dup(file)
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(maxsize=16)
        self._ended = asyncio.Event()
        threading.Thread(target=self._read, daemon=True, name="stdin").start()

    def close(self) -> None:
        """End as if the file had ended."""
        self._ended.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Give one line after the other."""
        ended = asyncio.create_task(self._ended.wait())
        try:
            while True:
                coming = asyncio.create_task(self._queue.get())
                await asyncio.wait({coming, ended}, return_when=asyncio.FIRST_COMPLETED)
                if ended.done() or (line := coming.result()) is None:
                    coming.cancel()
                    return
                yield line
        finally:
            ended.cancel()

    def _read(self) -> None:
        """Read in a thread that nobody waits for."""
        try:
            for line in _lines_of(self._file):
                self._put(line)
            self._put(None)
        except (OSError, RuntimeError):
            return  # the loop has ended before the file

    def _put(self, line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(self._queue.put(line), self._loop).result()


def _lines_of(file: int) -> Iterator[str]:
    """Split what comes into lines, dropping those that are longer than any message may be."""
    rest, dropping = bytearray(), False
    while part := os.read(file, CHUNK_BYTES):
        rest += part
        *whole, last = rest.split(b"\n")
        for line in whole:
            if not dropping:
                yield line.decode("utf-8", "replace")
            dropping = False
        rest = bytearray(last)
        if len(rest) > MAX_MESSAGE_BYTES:
            log.warning("message dropped", bytes_over=MAX_MESSAGE_BYTES)
            rest, dropping = bytearray(), True
    if rest and not dropping:
        yield rest.decode("utf-8", "replace")
