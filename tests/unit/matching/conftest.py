"""The catalogue and the labelled names that matching is measured with."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast, get_args

import pytest

from smart_spawn.matching.index import NameIndex
from smart_spawn.model import Capabilities, Effort, Listing, Price

DATA = Path(__file__).parents[2] / "data" / "matching"
FIGURES = pytest.StashKey[list[str]]()

Rows = list[dict[str, str]]


def read_rows(name: str) -> Rows:
    """Read one table of names; lines that begin with `#` say what it is."""
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t"))


def listings_of(name: str) -> Iterator[Listing]:
    """Build the listings of one catalogue table."""
    for row in read_rows(name):
        efforts = [] if row["efforts"] == "-" else row["efforts"].split(",")
        assert set(efforts) <= set(get_args(Effort))
        router = row["id"].startswith("openrouter/")
        yield Listing(
            id=row["id"],
            name=row["name"],
            canonical_slug=row["id"] if row["canonical_slug"] == "=" else row["canonical_slug"],
            hugging_face_id=None if row["hugging_face_id"] == "-" else row["hugging_face_id"],
            created_at=datetime.combine(date.fromisoformat(row["listed_on"]), datetime.min.time(), UTC),
            alias_of=None if row["alias_of"] == "-" else row["alias_of"],
            price=Price(dynamic=router),
            router=router,
            capabilities=Capabilities(
                reasoning=row["thinking"] == "thinks",
                supported_efforts=cast("tuple[Effort, ...]", tuple(efforts)),
            ),
        )


@pytest.fixture(scope="session")
def rows() -> Callable[[str], Rows]:
    return read_rows


@pytest.fixture(scope="session")
def listings() -> tuple[Listing, ...]:
    return tuple(listings_of("catalog.tsv"))


@pytest.fixture(scope="session")
def names(listings: tuple[Listing, ...]) -> NameIndex:
    """Index the catalogue of 2026-08-08."""
    return NameIndex.of(listings)


@pytest.fixture(scope="session")
def old_names(listings: tuple[Listing, ...]) -> NameIndex:
    """Index it together with every id that left since May: many generations side by side."""
    return NameIndex.of((*listings, *listings_of("catalog_gone.tsv")))


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Show a measured figure at the end of the test output."""
    return request.config.stash.setdefault(FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures that the tests measured."""
    for line in config.stash.get(FIGURES, []):
        terminalreporter.write_line(f"matching: {line}")
