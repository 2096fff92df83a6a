"""Environment and `smart-spawn.toml` → one frozen `Settings`, read once, at the edge.

Order, later wins: defaults, the TOML file, environment variables `SMART_SPAWN_<NAME>` (nested with two
underscores), arguments given in code. Unknown keys are refused with the nearest known one.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError
from rapidfuzz import process

from smart_spawn.errors import SettingsError
from smart_spawn.model import CATEGORIES, Budget, Category, Mode

ENV_PREFIX = "SMART_SPAWN_"
NOT_SETTINGS = {"SMART_SPAWN_CONFIG"}
"""Environment variables with our prefix that are read elsewhere."""

SourceName = Literal[
    "openrouter",
    "artificial_analysis",
    "open_llm_leaderboard",
    "lmarena",
    "livebench",
    "aider_polyglot",
    "models_dev",
    "genai_prices",
]
Norm = Literal["zscore", "robust", "rank", "equated"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class SourceSettings(_Part):
    """One benchmark source: where it is, how often it is read, whether it is read at all."""

    enabled: bool | None = None
    """`None` is the source's own default: the five main sources are on (Artificial Analysis once it has a key), the
    others once the settings name them."""
    base_url: str | None = None
    releases_url: str | None = None
    """LiveBench only: where the list of releases is."""
    api_key: SecretStr | None = None
    refresh_hours: Annotated[float, Field(gt=0)] | None = None
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 20.0
    """The longest that one fetch of this source may take, all its requests together."""
    relayed_benchmarks: bool = True
    """OpenRouter only: use the readings that it relays of other boards."""
    show_values: bool = False
    """Artificial Analysis only: show its values to other users of this service. Its terms forbid that by default."""


class DataPolicySettings(_Part):
    """What a provider does with prompts, as its owner declares it. `None` means unknown."""

    trains_on_prompts: bool | None = None
    retains_prompts: bool | None = None
    region: str | None = None


class ProviderSettings(_Part):
    """An OpenAI-compatible server that can run models."""

    base_url: str
    api_key: SecretStr | None = None
    api_key_env: str | None = None
    models: tuple[str, ...] = ()
    """The catalogue ids that it serves, patterns such as `vendor/*` allowed; empty means every id."""
    model_names: Mapping[str, str] = Field(default_factory=dict)
    """Catalogue id → the name that this server knows it by, where they differ."""
    data_policy: DataPolicySettings = DataPolicySettings()
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120.0
    max_retries: Annotated[int, Field(ge=0, le=10)] = 1

    def key(self, environ: Mapping[str, str]) -> str | None:
        """Return the key to send, from the settings or from the named environment variable."""
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        return environ.get(self.api_key_env) if self.api_key_env else None


Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class ScoringSettings(_Part):
    """How readings become scores."""

    norm: Norm | None = None
    """`None` is the default of this release."""
    weights: Mapping[Category, Mapping[str, Weight]] = Field(default_factory=dict)
    """Category → benchmark → weight: replaces the shipped weight of that benchmark; 0 leaves it out."""


class RoutingSettings(_Part):
    """How choices are made."""

    max_task_chars: Annotated[int, Field(ge=1, le=10_000_000)] = 200_000
    expected_answer_tokens: Annotated[int, Field(ge=1)] = 700
    """Room that must be left for the answer, and its length where no benchmark measured it."""
    store_task_text: bool = False
    deny_providers: tuple[str, ...] = ()
    allow_training: bool = True


class ServerSettings(_Part):
    """Limits of the HTTP service."""

    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]", "testserver")
    request_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    refresh: bool = True
    """Whether `serve` refreshes the catalogue in the background."""


class CatalogSettings(_Part):
    """What is kept of past catalogues."""

    keep_days: Annotated[int, Field(ge=1)] = 90
    """Payloads and versions older than this are pruned, never the last good one of a source."""
    pinned_version: str | None = None


def _seven_categories(value: object) -> object:
    if isinstance(value, Mapping):
        return {Category(k): v for k, v in value.items()}
    return value


class Settings(_Part):
    """Everything that the owner can change."""

    home: Path = Path("~/.smart-spawn")
    database_url: str = "sqlite"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    default_budget: Budget = Budget.MEDIUM
    default_mode: Mode = Mode.SINGLE
    min_capability: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 40.0
    category_weights: Annotated[Mapping[Category, Weight], BeforeValidator(_seven_categories)] = Field(
        default_factory=dict
    )
    verbose: bool = False
    refresh_hours: Annotated[float, Field(gt=0)] = 6.0
    sources: Mapping[SourceName, SourceSettings] = Field(default_factory=dict)
    providers: Mapping[str, ProviderSettings] = Field(default_factory=dict)
    scoring: ScoringSettings = ScoringSettings()
    routing: RoutingSettings = RoutingSettings()
    server: ServerSettings = ServerSettings()
    catalog: CatalogSettings = CatalogSettings()
    max_cost_usd_per_run: Annotated[Decimal, Field(gt=0)] = Decimal(5)
    run_timeout_s: Annotated[float, Field(gt=0)] = 1800.0
    max_parallel_steps: Annotated[int, Field(ge=1, le=1000)] = 4

    def source(self, name: SourceName) -> SourceSettings:
        """Return the settings of one source, defaults where nothing was set."""
        return self.sources.get(name) or SourceSettings()

    @property
    def home_path(self) -> Path:
        """The home folder with `~` resolved. Nothing is created by asking."""
        return self.home.expanduser()


def load_settings(
    config: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read the settings once.

    `config` defaults to `$SMART_SPAWN_CONFIG`, then `./smart-spawn.toml`, then `~/.smart-spawn/smart-spawn.toml`;
    only a file that was named must exist. `overrides` are nested keys that win over everything.
    Raises SettingsError, which names the key, what is wrong, and the nearest known key.
    """
    env = os.environ if environ is None else environ
    values = _from_file(_find_config(config, env))
    origins = dict.fromkeys(_leaves(values), "the settings file")
    for name, raw in sorted(env.items()):
        if name.upper().startswith(ENV_PREFIX) and name not in NOT_SETTINGS:
            path = name[len(ENV_PREFIX) :].lower().split("__")
            path = _map_keys_restored(path)
            _put(values, path, _parsed(raw), name)
            origins[".".join(path)] = f"environment variable `{name}`"
    for dotted, value in (overrides or {}).items():
        _put(values, dotted.split("."), value, dotted)
        origins[dotted] = "an argument"
    values = _with_openrouter(values, env)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error, origins) from None


def _with_openrouter(values: dict[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Configure OpenRouter as the provider when its usual variable is set and the owner said nothing else."""
    providers = values.get("providers") or {}
    if env.get("OPENROUTER_API_KEY") and isinstance(providers, dict) and "openrouter" not in providers:
        row = {"base_url": "https://openrouter.ai/api/v1", "api_key_env": "OPENROUTER_API_KEY"}
        return {**values, "providers": {**providers, "openrouter": row}}
    return values


def _find_config(config: Path | None, env: Mapping[str, str]) -> Path | None:
    named = config or (Path(env["SMART_SPAWN_CONFIG"]) if env.get("SMART_SPAWN_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(f"settings file `{named}` does not exist", hint="check the path after `--config`")
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
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"settings file `{path}` is not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file `{path}` cannot be read: {error}") from None


def _parsed(raw: str) -> Any:
    """Read an environment value as a TOML value where it is one (numbers, booleans, lists), else as text."""
    try:
        return tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return raw


def _map_keys_restored(path: list[str]) -> list[str]:
    """Give names that hold a hyphen back what an environment variable cannot spell: `fast_cheap`."""
    names = {str(category).replace("-", "_"): str(category) for category in CATEGORIES}
    return [path[0], *(names.get(part, part) for part in path[1:])]


def _put(values: dict[str, Any], path: list[str], value: Any, origin: str) -> None:
    at = values
    for part in path[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise SettingsError(f"`{origin}` sets a key below `{part}`, which is a value and not a table")
    at[path[-1]] = value


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _explained(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if part != "[key]"]
    dotted = ".".join(path)
    origin = next((f" (from {text})" for key, text in origins.items() if key.lower().startswith(dotted.lower())), "")
    if first["type"] in ("extra_forbidden", "enum", "literal_error"):
        known = _known_keys(path[:-1]) if first["type"] == "extra_forbidden" or "[key]" in first["loc"] else []
        if known:
            nearest = process.extractOne(path[-1], known)
            return SettingsError(
                f"unknown settings key `{dotted}`{origin}",
                hint=f"did you mean `{'.'.join([*path[:-1], nearest[0]])}`?" if nearest else "",
                details={"key": dotted, "nearest": nearest[0] if nearest else None},
            )
    return SettingsError(
        f"settings key `{dotted}` is wrong: {first['msg'].lower()}, not {_shown(path, first.get('input'))}{origin}",
        hint="`smart-spawn doctor` shows the settings in effect",
        details={"key": dotted},
    )


def _shown(path: list[str], value: object) -> str:
    return "the given value" if any("key" in part for part in path) else f"`{value}`"


def _known_keys(path: list[str]) -> list[str]:
    """List the keys that may stand in this table of the settings."""
    tables: dict[str, list[str]] = {
        "": list(Settings.model_fields),
        "sources": list(SourceName.__args__),  # type: ignore[attr-defined]
        "category_weights": [str(c) for c in CATEGORIES],
        "scoring.weights": [str(c) for c in CATEGORIES],
        "scoring": list(ScoringSettings.model_fields),
        "routing": list(RoutingSettings.model_fields),
        "server": list(ServerSettings.model_fields),
        "catalog": list(CatalogSettings.model_fields),
    }
    if len(path) == 2 and path[0] == "sources":
        return list(SourceSettings.model_fields)
    if len(path) == 2 and path[0] == "providers":
        return list(ProviderSettings.model_fields)
    if len(path) == 3 and path[0] == "providers":
        return list(DataPolicySettings.model_fields)
    return tables.get(".".join(path), [])
