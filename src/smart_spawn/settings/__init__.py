"""The settings: what may be set (`values`), where it is read (`load`), what is wrong with it (`explain`)."""

from smart_spawn.settings.load import ENV_PREFIX, effective, load_settings, load_with_origins
from smart_spawn.settings.values import (
    CatalogSettings,
    DataPolicySettings,
    Norm,
    ProviderSettings,
    RoutingSettings,
    ScoringSettings,
    ServerSettings,
    Settings,
    SourceName,
    SourceSettings,
)

__all__ = [
    "ENV_PREFIX",
    "CatalogSettings",
    "DataPolicySettings",
    "Norm",
    "ProviderSettings",
    "RoutingSettings",
    "ScoringSettings",
    "ServerSettings",
    "Settings",
    "SourceName",
    "SourceSettings",
    "effective",
    "load_settings",
    "load_with_origins",
]
