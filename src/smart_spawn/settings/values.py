"""Everything that the owner can change, with its default and its bounds.

Every field has a line under it: `docs/reference/settings.md` is made of these lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from smart_spawn.model import Budget, Category, Mode

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
Stage = Literal["shadow", "advise", "active"]
Norm = Literal["zscore", "robust", "rank", "equated"]

_CREDENTIALS = re.compile(r"(?<=://)([^/@\s]*)@")


def masked(text: str) -> str:
    """Hide user name and password of any URL in a text."""
    return _CREDENTIALS.sub("***@", text)


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it should be an address that begins with `http://` or `https://`")
    return url


WebAddress = Annotated[str, AfterValidator(_web_address)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, use_attribute_docstrings=True
    )

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Keep passwords inside URLs out of logs, as `SecretStr` keeps keys out."""
        for name, value in super().__repr_args__():
            yield name, masked(value) if isinstance(value, str) else value


class SourceSettings(_Part):
    """One benchmark source: where it is, how often it is read, whether it is read at all."""

    enabled: bool | None = None
    """`None` is the source's own default: the five main sources are on (Artificial Analysis once it has a key), the
    others once the settings name them."""
    base_url: WebAddress | None = None
    """Where it is, when not at its usual address: a mirror, for example."""
    releases_url: WebAddress | None = None
    """LiveBench only: where the list of releases is."""
    api_key: SecretStr | None = None
    """Sent to this source only."""
    refresh_hours: Positive | None = None
    """How often it is asked. `None` is the source's own cadence."""
    timeout_s: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 20.0
    """The longest that one fetch of this source may take, all its requests together."""
    relayed_benchmarks: bool = True
    """OpenRouter only: use the readings that it relays of other boards."""
    show_values: bool = False
    """Artificial Analysis only: show its values to other users of this service. Its terms forbid that by default."""


class DataPolicySettings(_Part):
    """What a provider does with prompts, as its owner declares it. `None` means unknown."""

    trains_on_prompts: bool | None = None
    """Whether prompts may end up in training data."""
    retains_prompts: bool | None = None
    """Whether prompts are kept after the answer."""
    region: str | None = None
    """Where prompts are processed, e.g. `eu`."""


class ProviderSettings(_Part):
    """An OpenAI-compatible server that can run models."""

    base_url: WebAddress
    """Where its API begins, e.g. `https://openrouter.ai/api/v1`."""
    api_key: SecretStr | None = None
    """Sent to this server only."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key, where it should not stand in a file."""
    models: tuple[str, ...] = ()
    """The catalogue ids that it serves, patterns such as `vendor/*` allowed; empty means every id."""
    model_names: Mapping[str, str] = Field(default_factory=dict)
    """Catalogue id → the name that this server knows it by, where they differ."""
    data_policy: DataPolicySettings = DataPolicySettings()
    """What it does with prompts."""
    timeout_s: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 120.0
    """The longest that one call may take."""
    max_retries: Annotated[int, Field(ge=0, le=10)] = 1
    """How often the same call is tried again when that may help."""
    max_calls_at_once: Annotated[int, Field(ge=1)] | None = None
    """Calls of all runs and workers that may be under way at the same time; `None` is no limit."""
    max_calls_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Calls of all runs and workers together; the others wait. `None` is no limit."""

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
    """A longer task is refused."""
    expected_answer_tokens: Annotated[int, Field(ge=1)] = 700
    """Room that must be left for the answer, and its length where no benchmark measured it."""
    store_task_text: bool = False
    """Keep the text of tasks with the decisions. Off: only a keyed hash, length, language and signals are kept."""
    deny_providers: tuple[str, ...] = ()
    """Vendors whose models are never chosen."""
    allow_training: bool = True
    """Whether prompts may go to providers that train on them or do not say."""
    stage: Stage = "active"
    """How far routing is trusted where a request names its `current` model. `shadow` serves that and keeps what would
    have been chosen in the decision alone, `advise` tells it in the answer too, `active` serves the choice."""
    stages: Mapping[str, Stage] = Field(default_factory=dict)
    """The same for single callers: the id of a key, or `local` for what comes without one."""
    explore: Annotated[float, Field(ge=0, le=3, allow_inf_nan=False)] = 0.75
    """How readily a model is tried out of which votes say little yet, in standard deviations; 0 never does. At most
    one task in five is used for it, none without votes, with a pinned model, with `only` or in a conversation."""
    learned_gain: Path | None = None
    """A file of `smart-spawn gain fit`: what similar tasks on record say of models, up to 10 score points each way.
    Read at start; `None` reads nothing."""


class ServerSettings(_Part):
    """Limits of the HTTP service."""

    max_body_bytes: Annotated[int, Field(ge=1024)] = 1_048_576
    """A larger request body is refused."""
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that answer."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]", "testserver")
    """Host names that requests may name; others are refused."""
    request_timeout_s: Positive = 30.0
    """The longest that one answer may take, runs apart."""
    max_requests_per_minute: Annotated[int, Field(ge=1)] | None = 6_000
    """Of one API key, in each process that answers; `None` is no limit. Without keys there is none."""
    refresh: bool = True
    """Whether `serve` refreshes the catalogue in the background."""


class CatalogSettings(_Part):
    """What is kept of past catalogues."""

    keep_days: Annotated[int, Field(ge=1)] = 90
    """Payloads and versions older than this are pruned, never the last good one of a source."""
    pinned_version: str | None = None
    """Serve this version whatever is newer."""


class CommunitySettings(_Part):
    """What is told to and heard from others."""

    enabled: bool = False
    """Take reports of others, and let them count a little where own votes and benchmarks leave doubt."""
    reports_per_day: Annotated[int, Field(ge=1)] = 1_000
    """Reports of one key, or of everybody without keys, that are taken on one day."""
    trusted: tuple[str, ...] = ()
    """Public keys of installations whose files are taken in, as `smart-spawn community key` shows them there."""


class RunsSettings(_Part):
    """How runs are carried out, and how long they are kept."""

    worker: bool = True
    """Whether `serve` starts a worker beside itself. More are started with `smart-spawn worker`."""
    at_once: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Runs that one worker carries out at the same time; the others wait in the queue."""
    keep_days: Annotated[int, Field(ge=1)] = 30
    """Runs that ended longer ago are deleted, with their prompts, answers and artifacts."""


class Settings(_Part):
    """Everything that the owner can change."""

    home: Path = Path("~/.smart-spawn")
    """Folder of the SQLite file and of artifacts; made when needed, for its owner alone."""
    database_url: str = "sqlite"
    """`sqlite` is a file in `home`; `sqlite:///path` another file; `postgresql://user@host/name` a server."""
    host: str = "127.0.0.1"
    """Address to listen on. One wider than this machine is refused while no key exists."""
    port: Annotated[int, Field(ge=0, le=65535)] = 3000
    """0 takes any free one."""
    default_budget: Budget = Budget.MEDIUM
    """By input price in USD per million tokens: `low` < 1, `medium` <= 5, `high` and `any` without a ceiling."""
    default_mode: Mode = Mode.SINGLE
    """How a task is carried out when the caller does not say."""
    min_capability: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 40.0
    """A model below this in the mixed category score is not a candidate."""
    category_weights: Mapping[Category, Weight] = Field(default_factory=dict)
    """Multipliers by category; 1 changes nothing, 0 leaves a category out."""
    verbose: bool = False
    """Show every candidate and every rejected model in decisions."""
    refresh_hours: Positive = 6.0
    """The rhythm of the whole pipeline; each source has its own cadence within it."""
    sources: Mapping[SourceName, SourceSettings] = Field(default_factory=dict)
    """Where evidence comes from."""
    providers: Mapping[str, ProviderSettings] = Field(default_factory=dict)
    """Who runs models. `openrouter` is there by itself when `OPENROUTER_API_KEY` is set."""
    scoring: ScoringSettings = ScoringSettings()
    """How readings become scores."""
    routing: RoutingSettings = RoutingSettings()
    """How choices are made."""
    server: ServerSettings = ServerSettings()
    """Limits of the HTTP service."""
    catalog: CatalogSettings = CatalogSettings()
    """What is kept of past catalogues."""
    community: CommunitySettings = CommunitySettings()
    """What is told to and heard from others."""
    runs: RunsSettings = RunsSettings()
    """How runs are carried out, and how long they are kept."""
    max_cost_usd_per_run: Annotated[Decimal, Field(gt=0)] = Decimal(5)
    """A run can never spend more than this."""
    run_timeout_s: Positive = 1800.0
    """The longest that one run may take."""
    max_parallel_steps: Annotated[int, Field(ge=1, le=1000)] = 4
    """Steps of one run that may be carried out at once."""

    def source(self, name: SourceName) -> SourceSettings:
        """Return the settings of one source, defaults where nothing was set."""
        return self.sources.get(name) or SourceSettings()

    @property
    def home_path(self) -> Path:
        """The home folder with `~` resolved. Nothing is created by asking."""
        return self.home.expanduser()
