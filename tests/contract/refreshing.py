"""A home that was refreshed from the small publisher, for tests of what comes after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from smart_spawn.app import SmartSpawn
from smart_spawn.settings import Settings

NAMES = ("openrouter", "artificial_analysis", "open_llm_leaderboard", "lmarena", "livebench")
FIRST = datetime(
    2027, 11, 1, 12, tzinfo=UTC
)  # later than the catalogue in the package, so that it stands back
LATER = datetime(2027, 11, 2, 12, tzinfo=UTC)


def settings_for(url: str, home: Path, *, timeout_s: float = 5.0, **options: Any) -> Settings:
    """Point all five sources at one publisher."""
    rows = {
        name: {"base_url": f"{url}/{name}", "api_key": "own-key", "timeout_s": timeout_s} for name in NAMES
    }
    return Settings.model_validate({"home": home, "sources": rows, **options})


def environment_for(url: str, home: Path) -> Mapping[str, str]:
    """Return the same settings as environment variables."""
    found = {"SMART_SPAWN_HOME": str(home)}
    for name in NAMES:
        found[f"SMART_SPAWN_SOURCES__{name.upper()}__BASE_URL"] = f"{url}/{name}"
        found[f"SMART_SPAWN_SOURCES__{name.upper()}__API_KEY"] = "own-key"
        found[f"SMART_SPAWN_SOURCES__{name.upper()}__TIMEOUT_S"] = "5"
    return found


async def refreshed(settings: Settings, at: datetime = FIRST) -> str:
    """Refresh a new home once and return the version that is served.

    Without the catalogue of the package, beside which the small publisher would look like a source that shrank.
    """
    with patch("smart_spawn.app.shelf.packaged_facts", return_value=None):
        async with SmartSpawn(settings, now=lambda: at) as app:
            await app.refresh()
            return app.catalog.version
