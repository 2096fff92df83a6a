"""Compressed bytes come back whole, or not at all."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_spawn.errors import StoreCorrupt
from smart_spawn.store.bodies import packed, unpacked


@given(st.binary(max_size=2_000))
def test_bytes_come_back_as_they_were(body: bytes) -> None:
    """Whatever the bytes are, and whether they shrink or not."""
    columns = packed(body)
    assert len(columns["body"]) <= len(body)  # type: ignore[arg-type]  # bytes
    assert unpacked(**columns, what="test") == body  # type: ignore[arg-type]  # the three columns


@pytest.mark.parametrize(
    ("codec", "size", "body"),
    [
        ("zlib", 5, b"rubbish"),
        ("zlib", 5_000, zlib.compress(b"x" * 5_000)[:-6]),
        ("zlib", 10, zlib.compress(b"x" * 10_000_000)),
        ("raw", 5, b"four"),
    ],
)
def test_damaged_bytes_are_an_error(codec: str, size: int, body: bytes) -> None:
    """Rubbish, half a body, and a body larger than it said are refused, without unpacking a bomb."""
    with pytest.raises(StoreCorrupt, match="the stored thing is damaged"):
        unpacked(codec, size, body, what="thing")
