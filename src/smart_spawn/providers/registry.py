"""Settings → the providers there are, and which of them serves a catalogue id."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from smart_spawn.errors import NoProvider, SettingsError
from smart_spawn.providers.openai_compatible import OpenAICompatible
from smart_spawn.runs.ports import ModelAnswer, ModelCall, RelayCall
from smart_spawn.settings import ProviderSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Who answers for a model, and how patient we are with it."""

    provider: str
    timeout_s: float
    max_retries: int


class Providers:
    """Every configured server behind one `ChatClient`. Nothing is opened before the first call.

    The first server in the order of the settings whose `models` match serves an id, unless `assigned` names one:
    a private model runs where its owner said.
    """

    def __init__(
        self,
        settings: Mapping[str, ProviderSettings],
        *,
        environ: Mapping[str, str] | None = None,
        assigned: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        env = os.environ if environ is None else environ
        for name, row in settings.items():
            _check(name, row)
        self._settings = dict(settings)
        self._assigned = assigned
        self._clients = {name: OpenAICompatible(name, row, environ=env) for name, row in settings.items()}

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        environ: Mapping[str, str] | None = None,
        assigned: Callable[[str], str | None] = lambda _: None,
    ) -> Providers:
        """Take the providers of the settings. Raises SettingsError for an address with a password in it."""
        return cls(settings.providers, environ=environ, assigned=assigned)

    @property
    def names(self) -> tuple[str, ...]:
        """The configured providers, in the order in which they are asked."""
        return tuple(self._settings)

    def serving(self, model_id: str) -> Serving | None:
        """Return who serves this id, `None` when nobody does."""
        own = self._assigned(model_id)
        for name, row in self._settings.items():
            if (
                name == own
                if own is not None
                else not row.models or any(fnmatchcase(model_id, pattern) for pattern in row.models)
            ):
                return Serving(provider=name, timeout_s=row.timeout_s, max_retries=row.max_retries)
        return None

    def require(self, model_id: str) -> Serving:
        """Return who serves this id. Raises NoProvider, naming the setting that is missing."""
        serving = self.serving(model_id)
        if serving is None:
            raise no_provider(model_id, self.names)
        return serving

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Have the serving provider answer. Raises NoProvider and every other ProviderError."""
        return await self._clients[self.require(call.model_id).provider].complete(call)

    async def relay(self, call: RelayCall) -> dict[str, Any]:
        """See `RelayClient.relay`. Raises NoProvider too."""
        return await self._clients[self.require(call.model_id).provider].relaying.complete(call)

    def relay_stream(self, call: RelayCall) -> AsyncGenerator[dict[str, Any], None]:
        """See `RelayClient.relay_stream`. Raises NoProvider at once."""
        return self._clients[self.require(call.model_id).provider].relaying.stream(call)

    async def open_relays(self) -> None:
        """Load what the first relayed call would have to wait for."""
        for client in self._clients.values():
            await client.relaying.open()

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()


def no_provider(model_id: str, names: tuple[str, ...]) -> NoProvider:
    """Say which setting is missing, so that somebody could run this model."""
    if not names:
        return NoProvider(
            f"no provider is configured, so `{model_id}` can be chosen but not called",
            model=model_id,
            hint="set `OPENROUTER_API_KEY`, or `providers.<name>.base_url` for any OpenAI-compatible server",
            details={"missing": ["OPENROUTER_API_KEY", "providers.<name>.base_url"]},
        )
    listed = ", ".join(f"`{name}`" for name in names)
    return NoProvider(
        f"none of the configured providers ({listed}) serves `{model_id}`",
        model=model_id,
        hint=f"add `{model_id}` or `{model_id.partition('/')[0]}/*` to `providers.{names[0]}.models`",
        details={"providers": list(names), "missing": [f"providers.{name}.models" for name in names]},
    )


def _check(name: str, row: ProviderSettings) -> None:
    parts = urlsplit(row.base_url)
    key = f"providers.{name}.base_url"
    if parts.username or parts.password:
        raise SettingsError(
            f"settings key `{key}` holds a user name or password, which would be shown in logs",
            hint=f"put the key into `providers.{name}.api_key` or name its variable in `api_key_env`",
            details={"key": key},
        )
