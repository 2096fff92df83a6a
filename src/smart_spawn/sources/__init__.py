"""Where listings and measurements come from: one adapter a file, downloads apart from reading."""

from __future__ import annotations

from collections.abc import Callable

from smart_spawn.settings import Settings, SourceName, SourceSettings
from smart_spawn.sources.aider_polyglot import AiderPolyglot
from smart_spawn.sources.artificial_analysis import ArtificialAnalysis
from smart_spawn.sources.base import Source
from smart_spawn.sources.genai_prices import GenAIPrices
from smart_spawn.sources.livebench import LiveBench
from smart_spawn.sources.lmarena import LMArena
from smart_spawn.sources.models_dev import ModelsDev
from smart_spawn.sources.open_llm_leaderboard import OpenLLMLeaderboard
from smart_spawn.sources.openrouter import OpenRouter

__all__ = ["ADAPTERS", "ON_WHEN_NAMED", "all_sources", "is_enabled"]

ADAPTERS: dict[SourceName, Callable[[SourceSettings], Source]] = {
    "openrouter": OpenRouter,
    "artificial_analysis": ArtificialAnalysis,
    "open_llm_leaderboard": OpenLLMLeaderboard,
    "lmarena": LMArena,
    "livebench": LiveBench,
    "aider_polyglot": AiderPolyglot,
    "models_dev": ModelsDev,
    "genai_prices": GenAIPrices,
}
"""Every source by name, in the order in which status and tables show them."""

ON_WHEN_NAMED: frozenset[SourceName] = frozenset({"aider_polyglot", "models_dev", "genai_prices"})
"""Extra evidence: off until the settings name them."""


RETIRED: frozenset[SourceName] = frozenset({"open_llm_leaderboard"})
"""Sources that will never publish again: what is held of them cannot become stale, only old."""


def is_enabled(settings: Settings, name: SourceName) -> bool:
    """Tell whether a source is on: as the owner said, else the five main ones, Artificial Analysis with a key only.

    The others are on once the settings name them.
    """
    source = settings.source(name)
    if source.enabled is not None:
        return source.enabled
    if name == "artificial_analysis":
        return source.api_key is not None and bool(source.api_key.get_secret_value())
    return name not in ON_WHEN_NAMED or name in settings.sources


def all_sources(settings: Settings) -> tuple[Source, ...]:
    """Return the sources that are on, each with its own settings."""
    return tuple(
        adapter(settings.source(name)) for name, adapter in ADAPTERS.items() if is_enabled(settings, name)
    )
