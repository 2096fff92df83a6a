"""Bytes as they are stored: compressed where that helps, and never larger than they said when read back."""

from __future__ import annotations

import zlib

from smart_spawn.errors import StoreCorrupt

LEVEL = 6


def packed(body: bytes) -> dict[str, object]:
    """Return the columns `codec`, `size_bytes` and `body`. What does not shrink is kept as it is."""
    small = zlib.compress(body, LEVEL)
    if len(small) < len(body):
        return {"codec": "zlib", "size_bytes": len(body), "body": small}
    return {"codec": "raw", "size_bytes": len(body), "body": body}


def unpacked(codec: str, size_bytes: int, body: bytes, *, what: str) -> bytes:
    """Return the bytes as they came. Raises StoreCorrupt, naming `what`, when they are not whole."""
    try:
        whole = zlib.decompressobj().decompress(body, size_bytes + 1) if codec == "zlib" else body
    except zlib.error as error:
        raise _damaged(what, str(error)) from None
    if len(whole) != size_bytes:
        raise _damaged(what, f"{len(whole):,} bytes where {size_bytes:,} were stored")
    return whole


def _damaged(what: str, why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"the stored {what} is damaged: {why}",
        hint="refresh the sources, or restore the database from a copy",
    )
