"""A YAML file from elsewhere: read within bounds, refused in one line that says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_spawn.checks.document import MAX_BYTES, MAX_DEPTH, parse_document, read_document
from smart_spawn.errors import InvalidRequest, TooLarge


def test_plain_yaml_is_read_with_or_without_a_byte_order_mark() -> None:
    """Editors of every system write files that can be read."""
    assert parse_document(b"- name: a\r\n  task: b\r\n", "x") == [{"name": "a", "task": "b"}]
    assert parse_document(b"\xef\xbb\xbf- 1\n", "x") == [1]
    assert parse_document(b"", "x") is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"- a: [1, 2\n- b", "(line 3"),
        (b"- a: 1\n  a: 2\n", "`a` stands twice"),
        (b"- &x [1]\n- *x\n", "aliases"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deep"),
        (b"[" * 100_000, "deep"),
        (b"\xff\xfe- a", "not UTF-8"),
        (b"- !!python/object/apply:os.system [id]\n", "could not determine a constructor"),
        (b"- 2026-99-99\n", "cannot be read"),
        (b"- " + b"9" * 5_000 + b"\n", "cannot be read"),
        (b"- a\n---\n- b\n", "single document"),
        (b"- \x00\n", "not YAML"),
        (b"- {? [a]: b}\n", "not YAML"),
    ],
    ids=[
        "half a list",
        "a key twice",
        "aliases",
        "too deep",
        "far too deep",
        "not text",
        "python objects",
        "no such day",
        "a huge number",
        "two documents",
        "control characters",
        "a list as a key",
    ],
)
def test_what_is_no_such_file_is_refused_in_a_line(body: bytes, said: str) -> None:
    """Whatever the file holds, the answer is one short message with the way out, never a crash."""
    with pytest.raises(InvalidRequest) as refused:
        parse_document(body, "routes.yaml")
    assert said in refused.value.message
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 400
    assert refused.value.hint


def test_a_small_file_cannot_become_a_large_value() -> None:
    """References that multiply are refused before anything is built from them."""
    lines = [b"a: &a [x, x, x, x, x, x, x, x, x]"]
    for name, previous in zip(b"bcdefghi", b"abcdefgh", strict=True):
        lines.append(b"%c: &%c [%s]" % (name, name, b", ".join([b"*%c" % previous] * 9)))
    with pytest.raises(InvalidRequest, match="aliases"):
        parse_document(b"\n".join(lines), "bomb.yaml")


def test_a_file_that_is_too_large_or_not_there_is_named(tmp_path: Path) -> None:
    """The limit and the path are in the message; the large file is not read to its end."""
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(TooLarge, match="1,048,576 bytes"):
        read_document(large)
    with pytest.raises(InvalidRequest, match=r"nowhere\.yaml` cannot be read: No such file"):
        read_document(tmp_path / "nowhere.yaml")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_document(tmp_path)
