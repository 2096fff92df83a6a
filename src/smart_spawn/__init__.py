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
    spawn: Callable[..., SpawnResult]
    from smart_spawn.app import SmartSpawn, SpawnResult
    from smart_spawn.catalog.snapshot import Catalog
    from smart_spawn.errors import (
        BudgetExceeded,
        InvalidRequest,
        NoCatalog,
        NoEligibleModel,
        NoModelInBudget,
        NoProvider,
        NotFound,
        ProviderError,
        RoutingError,
        RunError,
        SettingsError,
        SmartSpawnError,
        SourceError,
        StoreError,
        UnknownModel,
    )
    from smart_spawn.model import Budget, Category, Mode
    from smart_spawn.providers.fake import FakeProvider
    from smart_spawn.routing.decision import Decision
    from smart_spawn.routing.request import RouteRequest
    from smart_spawn.settings import Settings, load_settings
    from smart_spawn.spawn.request import SpawnRequest

__all__ = [
    "Budget",
    "BudgetExceeded",
    "Catalog",
    "Category",
    "Decision",
    "FakeProvider",
    "InvalidRequest",
    "Mode",
    "NoCatalog",
    "NoEligibleModel",
    "NoModelInBudget",
    "NoProvider",
    "NotFound",
    "ProviderError",
    "RouteRequest",
    "RoutingError",
    "RunError",
    "Settings",
    "SettingsError",
    "SmartSpawn",
    "SmartSpawnError",
    "SourceError",
    "SpawnRequest",
    "SpawnResult",
    "StoreError",
    "UnknownModel",
    "__version__",
    "load_settings",
    "route",
    "spawn",
]

_MODULE_OF = {
    "Budget": "model",
    "BudgetExceeded": "errors",
    "Catalog": "catalog.snapshot",
    "Category": "model",
    "Decision": "routing.decision",
    "FakeProvider": "providers.fake",
    "InvalidRequest": "errors",
    "Mode": "model",
    "NoCatalog": "errors",
    "NoEligibleModel": "errors",
    "NoModelInBudget": "errors",
    "NoProvider": "errors",
    "NotFound": "errors",
    "ProviderError": "errors",
    "RouteRequest": "routing.request",
    "RoutingError": "errors",
    "RunError": "errors",
    "Settings": "settings",
    "SettingsError": "errors",
    "SmartSpawn": "app",
    "SmartSpawnError": "errors",
    "SourceError": "errors",
    "SpawnRequest": "spawn.request",
    "SpawnResult": "app",
    "StoreError": "errors",
    "UnknownModel": "errors",
    "load_settings": "settings",
}
"""Where each public name stands. It is imported when somebody asks for it."""


def route(task: str, **options: Any) -> Decision:
    """Choose a model for a task, in a script. Options are the fields of `RouteRequest`. Raises SmartSpawnError.

    Opens and closes everything; whoever asks often keeps a `SmartSpawn` open.
    """
    from smart_spawn.app import SmartSpawn  # noqa: PLC0415

    with SmartSpawn() as ss:
        return ss.decide(ss.request(task=task, **options))


def _spawn(task: str, **options: Any) -> SpawnResult:
    """Have the best model do a task, in a script. Options are the fields of `SpawnRequest`. Raises SmartSpawnError.

    The text is `result.outcome.output`. Blocks until the answer is there; event loops use `SmartSpawn.spawn`.
    """
    import asyncio  # noqa: PLC0415

    from smart_spawn.app import SmartSpawn  # noqa: PLC0415

    async def once() -> SpawnResult:
        async with SmartSpawn() as ss:
            return await ss.spawn(task, **options)

    return asyncio.run(once())


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
