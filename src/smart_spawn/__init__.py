"""Smart Spawn reads a task, weighs real benchmark evidence, and chooses the best model within a budget.

    async with SmartSpawn() as ss:
        decision = await ss.route("Refactor this Python function to use asyncio", budget="low")

Names are loaded when they are used: `import smart_spawn` costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from smart_spawn.answers import (
        Artifact,
        Comparison,
        Cost,
        Decision,
        Model,
        Recommendation,
        Recommendations,
        Replay,
        Response,
        Run,
        RunEvent,
        RunRow,
        SpawnResult,
        Vote,
    )
    from smart_spawn.catalog.snapshot import Catalog
    from smart_spawn.client import SmartSpawn, route, spawn
    from smart_spawn.errors import (
        BudgetExceeded,
        Busy,
        Forbidden,
        IdempotencyConflict,
        InvalidRequest,
        NoCatalog,
        NoEligibleModel,
        NoModelInBudget,
        NoProvider,
        NotFound,
        ProviderError,
        RoutingError,
        RunError,
        RunNotCancellable,
        ServiceError,
        ServiceUnreachable,
        SettingsError,
        SmartSpawnError,
        SourceError,
        StoreError,
        TimedOut,
        TooLarge,
        Unauthorized,
        UnknownModel,
    )
    from smart_spawn.model import Budget, Category, Mode
    from smart_spawn.providers.fake import FakeProvider
    from smart_spawn.routing.request import RouteRequest
    from smart_spawn.settings import Settings, load_settings
    from smart_spawn.spawn.request import SpawnRequest

__all__ = [
    "Artifact",
    "Budget",
    "BudgetExceeded",
    "Busy",
    "Catalog",
    "Category",
    "Comparison",
    "Cost",
    "Decision",
    "FakeProvider",
    "Forbidden",
    "IdempotencyConflict",
    "InvalidRequest",
    "Mode",
    "Model",
    "NoCatalog",
    "NoEligibleModel",
    "NoModelInBudget",
    "NoProvider",
    "NotFound",
    "ProviderError",
    "Recommendation",
    "Recommendations",
    "Replay",
    "Response",
    "RouteRequest",
    "RoutingError",
    "Run",
    "RunError",
    "RunEvent",
    "RunNotCancellable",
    "RunRow",
    "ServiceError",
    "ServiceUnreachable",
    "Settings",
    "SettingsError",
    "SmartSpawn",
    "SmartSpawnError",
    "SourceError",
    "SpawnRequest",
    "SpawnResult",
    "StoreError",
    "TimedOut",
    "TooLarge",
    "Unauthorized",
    "UnknownModel",
    "Vote",
    "__version__",
    "load_settings",
    "route",
    "spawn",
]

_MODULE_OF = {
    "Artifact": "answers",
    "Budget": "model",
    "BudgetExceeded": "errors",
    "Busy": "errors",
    "Catalog": "catalog.snapshot",
    "Category": "model",
    "Comparison": "answers",
    "Cost": "answers",
    "Decision": "answers",
    "FakeProvider": "providers.fake",
    "Forbidden": "errors",
    "IdempotencyConflict": "errors",
    "InvalidRequest": "errors",
    "Mode": "model",
    "Model": "answers",
    "NoCatalog": "errors",
    "NoEligibleModel": "errors",
    "NoModelInBudget": "errors",
    "NoProvider": "errors",
    "NotFound": "errors",
    "ProviderError": "errors",
    "Recommendation": "answers",
    "Recommendations": "answers",
    "Replay": "answers",
    "Response": "answers",
    "RouteRequest": "routing.request",
    "RoutingError": "errors",
    "Run": "answers",
    "RunError": "errors",
    "RunEvent": "answers",
    "RunNotCancellable": "errors",
    "RunRow": "answers",
    "ServiceError": "errors",
    "ServiceUnreachable": "errors",
    "Settings": "settings",
    "SettingsError": "errors",
    "SmartSpawn": "client",
    "SmartSpawnError": "errors",
    "SourceError": "errors",
    "SpawnRequest": "spawn.request",
    "SpawnResult": "answers",
    "StoreError": "errors",
    "TimedOut": "errors",
    "TooLarge": "errors",
    "Unauthorized": "errors",
    "UnknownModel": "errors",
    "Vote": "answers",
    "load_settings": "settings",
    "route": "client",
}
"""Where each public name stands. It is imported when somebody asks for it."""


def _spawn(task: str, **options: Any) -> SpawnResult:
    from smart_spawn.client import spawn  # noqa: PLC0415

    return spawn(task, **options)


class _Package(ModuleType):
    """The package itself, in which `spawn` is the function.

    The folder `spawn/` has the same name, and importing it would bind the module over the function.
    """

    @property
    def spawn(self) -> Callable[..., SpawnResult]:
        return _spawn

    @spawn.setter
    def spawn(self, module: ModuleType) -> None:
        """Leave the name alone when the import system binds the folder; `sys.modules` knows it anyway."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("smart-spawn")
    if name not in _MODULE_OF:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
