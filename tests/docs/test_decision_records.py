"""Decision records can be found by their number and read in the same order."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def test_each_number_is_used_once() -> None:
    """Two records never share a number, so that a reference in the code means one of them."""
    numbers = Counter(path.name[:4] for path in RECORDS)
    assert {number: count for number, count in numbers.items() if count > 1 or not number.isdigit()} == {}
    assert RECORDS


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_what_was_decided_and_what_was_refused(path: Path) -> None:
    """A record opens with its number and title, and has room for the context and the options refused."""
    text = path.read_text(encoding="utf-8")
    assert re.match(rf"# (ADR )?{path.name[:4]}\b", text)
    assert re.search(r"\bdecision\b", text, flags=re.IGNORECASE)


@pytest.mark.parametrize("folder", ["src", "docs", "scripts", "tests"])
def test_a_reference_to_a_record_leads_to_one(folder: str) -> None:
    """Code and documents that name `adr/` and a number name a record that exists."""
    known = {path.name[:4] for path in RECORDS}
    named = {
        (str(path.relative_to(ROOT)), number)
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".toml"}
        for number in re.findall(r"\badr/(\d{4})", path.read_text(encoding="utf-8"))
    }
    assert {place for place in named if place[1] not in known} == set()
