"""Environment and `smart-spawn.toml` → one frozen `Settings`, read once, at the edge.

Order, later wins: defaults, the TOML file, environment variables `SMART_SPAWN_<NAME>` (nested with two
underscores), arguments given in code. Unknown keys are refused with the nearest known one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from smart_spawn.errors import SettingsError
from smart_spawn.model import Category
from smart_spawn.settings.explain import explained
from smart_spawn.settings.shape import is_text, type_at
from smart_spawn.settings.values import Settings, masked

ENV_PREFIX = "SMART_SPAWN_"
NOT_SETTINGS = {"SMART_SPAWN_CONFIG", "SMART_SPAWN_URL", "SMART_SPAWN_API_KEY"}
"""Environment variables with our prefix that are read elsewhere; the last two by the Python client."""
MAX_FILE_BYTES = 1024 * 1024


def load_settings(
    config: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings once.

    `config` defaults to `$SMART_SPAWN_CONFIG`, then `./smart-spawn.toml`, then `~/.smart-spawn/smart-spawn.toml`;
    only a file that was named must exist. `overrides` are dotted keys that win over everything.
    Raises SettingsError, which names the key, where it was set, what is wrong, and the nearest known key.
    """
    return load_with_origins(config, environ=environ, overrides=overrides)[0]


def load_with_origins(
    config: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Settings, dict[str, str]]:
    """Read the settings, and tell of each dotted key that was set where: a file, a variable, an argument."""
    env = os.environ if environ is None else environ
    file = _find_config(config, env)
    values = _from_file(file)
    origins = dict.fromkeys(_leaves(values), f"`{file}`")
    for name, raw in sorted(env.items()):
        # An empty variable counts as one that was not set: compose files and shells pass such on.
        if name.upper().startswith(ENV_PREFIX) and name not in NOT_SETTINGS and raw.strip():
            path = _path(name)
            _put(values, origins, path, _parsed(raw, type_at(path)), f"environment variable `{name}`")
    for dotted, value in (overrides or {}).items():
        _put(values, origins, dotted.split("."), value, "an argument")
    values = _with_openrouter(values, origins, env)
    try:
        return Settings.model_validate(values), origins
    except ValidationError as error:
        raise explained(error, origins) from None


def effective(settings: Settings, origins: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Show every value in effect by dotted key, with where it was set; secrets and passwords are masked."""
    known = origins or {}

    def origin(key: str) -> str:
        around = (text for table, text in known.items() if key.startswith(f"{table}."))
        return known.get(key) or next(around, "default")

    return {key: {"value": value, "origin": origin(key)} for key, value in _shown_leaves(settings)}


def _shown_leaves(part: BaseModel | Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    pairs = (
        part.items()
        if isinstance(part, Mapping)
        else ((n, getattr(part, n)) for n in type(part).model_fields)
    )
    for name, value in pairs:
        key = f"{prefix}{name}"
        if isinstance(value, BaseModel) or (isinstance(value, Mapping) and value):
            yield from _shown_leaves(value, f"{key}.")
        elif isinstance(value, SecretStr):
            yield key, "***"
        elif value is None or isinstance(value, (bool, int, float)):
            yield key, value
        elif isinstance(value, tuple):
            yield key, [masked(str(each)) for each in value]
        else:
            yield key, {} if isinstance(value, Mapping) else masked(str(value))


def _with_openrouter(
    values: dict[str, Any], origins: dict[str, str], env: Mapping[str, str]
) -> dict[str, Any]:
    """Configure OpenRouter as the provider when its usual variable is set and the owner said nothing else."""
    providers = values.get("providers", {})
    if env.get("OPENROUTER_API_KEY") and isinstance(providers, dict) and "openrouter" not in providers:
        row = {"base_url": "https://openrouter.ai/api/v1", "api_key_env": "OPENROUTER_API_KEY"}
        origins["providers.openrouter"] = "environment variable `OPENROUTER_API_KEY`"
        return {**values, "providers": {**providers, "openrouter": row}}
    return values


def _find_config(config: Path | None, env: Mapping[str, str]) -> Path | None:
    named = config or (Path(env["SMART_SPAWN_CONFIG"]) if env.get("SMART_SPAWN_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            where = "`--config`" if config else "`SMART_SPAWN_CONFIG`"
            raise SettingsError(
                f"settings file `{named}` does not exist", hint=f"check the path after {where}"
            )
        return named
    home = Path(env["HOME"]) if env.get("HOME") else None
    for path in (Path("smart-spawn.toml"), *([home / ".smart-spawn" / "smart-spawn.toml"] if home else [])):
        if path.is_file():
            return path
    return None


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SettingsError(
                f"settings file `{path}` is larger than {MAX_FILE_BYTES:,} bytes", hint="name the right file"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"settings file `{path}` is not valid TOML: {error}",
            hint="texts need quotes, tables need `[brackets]`; `smart-spawn.example.toml` shows the form",
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"settings file `{path}` is not UTF-8 text", hint="save it as UTF-8") from None
    except OSError as error:
        raise SettingsError(
            f"settings file `{path}` cannot be read: {error.strerror or type(error).__name__}",
            hint="make it readable for the user who runs Smart Spawn",
        ) from None


def _path(name: str) -> list[str]:
    """Turn the name of a variable into keys. `fast_cheap` gets back the hyphen that a variable cannot spell."""
    path = name[len(ENV_PREFIX) :].lower().split("__")
    for n, part in enumerate(path):
        around = type_at(path[:n])
        if part == "fast_cheap" and get_origin(around) is Mapping and get_args(around)[0] is Category:
            path[n] = str(Category.FAST_CHEAP)
    return path


def _parsed(raw: str, expected: Any) -> Any:
    """Read a variable as what belongs there: texts as they are, lists also as `a,b`, the rest as TOML."""
    try:
        value = None if "\n" in raw else tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        value = None
    if is_text(expected):
        return value if isinstance(value, str) else raw  # quotes as in the file are accepted
    if get_origin(expected) is tuple and not isinstance(value, list):
        text = value if isinstance(value, str) else raw
        return [part.strip() for part in text.split(",") if part.strip()]
    return raw if value is None else value


def _put(
    values: dict[str, Any], origins: dict[str, str], path: Sequence[str], value: Any, origin: str
) -> None:
    at = values
    dotted = ".".join(path)
    for n, part in enumerate(path[:-1]):
        inner = at.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(
                f"{origin} sets `{dotted}`, but `{'.'.join(path[: n + 1])}` is a value and not a table",
                hint="remove one of the two",
                details={"key": dotted},
            )
        at = inner
    at[path[-1]] = value
    for key in [key for key in origins if key.startswith(f"{dotted}.")]:
        del origins[key]  # the whole table was replaced
    origins[dotted] = origin


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"
