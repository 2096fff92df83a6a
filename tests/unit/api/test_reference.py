"""The page of routes says what the OpenAPI document says."""

from pathlib import Path

from scripts.http_reference import page


def test_the_reference_is_what_the_document_says(root: Path) -> None:
    """Whoever changes a route or an example makes the page anew: `python -m scripts.http_reference`."""
    assert (root / "docs" / "reference" / "http.md").read_text(encoding="utf-8") == page()
