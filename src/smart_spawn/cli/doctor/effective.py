"""The settings in effect, key by key, secrets masked, and where each came from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from smart_spawn.settings import ENV_PREFIX, Settings

MASK = "********"
Row = dict[str, Any]


def effective(settings: Settings, config: Path | None) -> tuple[list[Row], str]:
    """Return a row for each setting that is not empty, and a sentence about the file they were read from."""
    path = settings_file(config)
    from_file = dict(_leaves(tomllib.loads(path.read_text(encoding="utf-8")))) if path else {}
    from_environment = {
        name[len(ENV_PREFIX) :].lower().replace("__", ".").replace("-", "_"): name
        for name in os.environ
        if name.upper().startswith(ENV_PREFIX)
    }

    def origin(key: str) -> str:
        spelled = key.lower().replace("-", "_")
        for variable_key, variable in from_environment.items():
            if spelled == variable_key or spelled.startswith(f"{variable_key}."):
                return f"${variable}"
        if key.startswith("providers.openrouter.") and not any(
            k.startswith("providers.openrouter") for k in from_file
        ):
            return "$OPENROUTER_API_KEY"
        return str(path) if any(key == k or key.startswith(f"{k}.") for k in from_file) else "default"

    rows = [
        {"key": key, "value": value, "origin": origin(key)}
        for key, value in _leaves(_shown(settings))
        if value not in (None, [], {})
    ]
    return (
        rows,
        f"read from `{path}` and the environment" if path else "no file, the environment and defaults",
    )


def settings_file(config: Path | None) -> Path | None:
    """Return the file that the settings were read from: the named one, this folder's, the home's, or none."""
    named = config or (
        Path(os.environ["SMART_SPAWN_CONFIG"]) if os.environ.get("SMART_SPAWN_CONFIG") else None
    )
    home = [Path(os.environ["HOME"], ".smart-spawn", "smart-spawn.toml")] if os.environ.get("HOME") else []
    candidates = [named] if named else [Path("smart-spawn.toml"), *home]
    return next((path for path in candidates if path.is_file()), None)


def _shown(value: object) -> Any:
    """Turn settings into plain values that may be shown to anybody."""
    if isinstance(value, BaseModel):
        return {name: _shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _shown(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_shown(part) for part in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _without_password(str(value))


def _without_password(text: str) -> str:
    """Hide what stands between a user name and the `@` of an address."""
    scheme, found, rest = text.partition("://")
    user, at, host = rest.rpartition("@")
    if not found or not at:
        return text
    return f"{scheme}://{user.partition(':')[0]}:{MASK}@{host}"


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
