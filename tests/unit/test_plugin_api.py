"""The OpenClaw plugin is built from what our OpenAPI document says."""

from pathlib import Path

from scripts.plugin_api import plugin_api_text


def test_the_plugin_knows_the_routes_as_they_are(root: Path) -> None:
    """Whoever changes a route that the plugin asks makes its file anew: `python -m scripts.plugin_api`."""
    known = (root / "integrations" / "openclaw" / "openapi.json").read_text(encoding="utf-8")
    assert known == plugin_api_text()
