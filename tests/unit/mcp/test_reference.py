"""The page of the tools says what there is."""

from pathlib import Path

from scripts.mcp_reference import page


def test_the_reference_is_what_the_tools_say(root: Path) -> None:
    """Whoever changes a tool makes the page anew: `python -m scripts.mcp_reference`."""
    assert (root / "docs" / "reference" / "mcp.md").read_text(encoding="utf-8") == page()
