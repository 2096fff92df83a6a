"""`doctor --openclaw`: whether our plugin is installed there, set up rightly, and finds the service and models.

Reads OpenClaw's files and writes none. The rules for models are those of `integrations/openclaw/src/reach.ts` and
`names.ts`; both sides are held to them by `integrations/openclaw/test/names.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from smart_spawn import __version__
from smart_spawn.cli.doctor.finding import Finding

PACKAGE, PLUGIN = "openclaw-smart-spawn", "smart-spawn"
INSTALL = f"`openclaw plugins install {PACKAGE}`, then restart the gateway"
SETTINGS = (
    "apiUrl",
    "apiKey",
    "defaultBudget",
    "defaultMode",
    "categoryWeights",
    "verbose",
    "collectiveCount",
    "autoRoute",
    "timeoutMs",
    "telemetryOptIn",
    "communityUrl",
)
DEFAULT_URL = "http://127.0.0.1:3000/api"
PATIENCE_S = 5.0
MAX_CONFIG_BYTES = 5_000_000
SHOWN = 10
"""How many models are named; of the others the number."""


def check_openclaw(environ: Mapping[str, str], *, http: httpx.Client | None = None) -> Iterator[Finding]:
    """Look at OpenClaw from the ground up: its file, the plugin, its settings, the service, the models."""
    state = state_folder(environ)
    config, found = read_config(Path(environ.get("OPENCLAW_CONFIG_PATH") or state / "openclaw.json"))
    yield found
    if config is None:
        return
    yield _installed(state, config)
    entry = _at(config, "plugins", "entries", PLUGIN)
    yield from _switched_on(config, entry)
    settings = _at(entry, "config")
    yield _settings(settings)
    with http or httpx.Client(timeout=PATIENCE_S) as client:
        yield from _service_and_models(client, config, settings)


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return where OpenClaw keeps its state, by its own variables."""
    if environ.get("OPENCLAW_STATE_DIR"):
        return Path(environ["OPENCLAW_STATE_DIR"])
    return Path(environ.get("OPENCLAW_HOME") or environ.get("HOME") or Path.home()) / ".openclaw"


def read_config(file: Path) -> tuple[Mapping[str, Any] | None, Finding]:
    """Read `openclaw.json`. None with the reason when there is none or it cannot be read."""
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise ValueError("it is larger than 5 MB")
        config = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it holds no object")
    except FileNotFoundError:
        hint = "install OpenClaw and run it once, or set `OPENCLAW_STATE_DIR` to its folder"
        return None, Finding(check="openclaw", state="broken", message=f"there is no `{file}`", hint=hint)
    except (OSError, ValueError) as error:
        said = (
            "comments or includes are not read here"
            if isinstance(error, json.JSONDecodeError)
            else str(error)
        )
        hint = "`openclaw smart-spawn status` tells the same from inside OpenClaw"
        message = f"`{file}` cannot be read: {said}"
        return None, Finding(check="openclaw", state="warning", message=message, hint=hint)
    return config, Finding(check="openclaw", state="ok", message=f"reads `{file}`")


def references(config: Mapping[str, Any]) -> list[str]:
    """List the models that OpenClaw's configuration names, ours left out. What agents use comes first."""
    defaults = _at(config, "agents", "defaults")
    entries = [entry for entry in _at(config, "agents", "entries").values() if isinstance(entry, dict)]
    agents = [defaults, *entries]
    named = [ref for agent in agents for ref in (*_choices(_at(agent, "subagents")), *_choices(agent))]
    for provider, row in _at(config, "models", "providers").items():
        models = row.get("models") if isinstance(row, dict) else None
        named += [
            f"{provider}/{one['id']}" for one in models or () if isinstance(one, dict) and one.get("id")
        ]
    return [ref for ref in dict.fromkeys(named) if "/" in ref and not ref.startswith(f"{PLUGIN}/")]


def id_of(reference: str, ids: frozenset[str]) -> str | None:
    """Return the catalogue's id of a model as OpenClaw names it; None where no or more than one could be meant."""
    segments = reference.split("/")
    for start in range(len(segments) - 1):
        if (whole := "/".join(segments[start:])) in ids:
            return whole
    tails: dict[str, list[str]] = {}
    for each in sorted(ids):
        if ":" not in each:  # a variant is found by its whole id alone
            tails.setdefault(_spelled(each), []).append(each)
    tail = _spelled(reference)
    undated = re.sub(r"-(\d{8}|\d{4}-\d{2}-\d{2}|latest)$", "", tail)
    found = tails.get(tail) or tails.get(undated) or []
    if len(found) == 1:
        return found[0]
    return next((each for each in found if each.startswith(f"{segments[0]}/")), None)


def _spelled(name: str) -> str:
    return re.sub(r"[._@]", "-", name.rpartition("/")[2].lower())


def _installed(state: Path, config: Mapping[str, Any]) -> Finding:
    files = sorted(state.glob(f"npm/projects/*/node_modules/{PACKAGE}/package.json"))
    linked = _at(config, "plugins", "load").get("paths") or []
    folders = [Path(path) for path in linked if isinstance(path, str)]
    files += [folder / "package.json" for folder in folders if _name(folder / "package.json") == PACKAGE]
    if not files:
        return Finding(check="plugin", state="broken", message=f"`{PACKAGE}` is not installed", hint=INSTALL)
    version = str(_json(files[0]).get("version", "unknown"))
    if version.split(".")[:2] != __version__.split(".")[:2]:
        return Finding(
            check="plugin",
            state="warning",
            message=f"is version {version}, this is {__version__}",
            hint="update the older one: answers may be misread",
        )
    return Finding(check="plugin", state="ok", message=f"`{PACKAGE}` {version} is installed")


def _switched_on(config: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[Finding]:
    allow = _at(config, "plugins").get("allow")
    if entry.get("enabled") is False:
        hint = f"`openclaw config set plugins.entries.{PLUGIN}.enabled true`"
        yield Finding(check="plugin switch", state="broken", message="is switched off", hint=hint)
    elif isinstance(allow, list) and allow and PLUGIN not in allow:
        hint = f"add `{PLUGIN}` to `plugins.allow`"
        yield Finding(
            check="plugin switch", state="broken", message="`plugins.allow` leaves it out", hint=hint
        )


def _settings(settings: Mapping[str, Any]) -> Finding:
    unknown = sorted(set(settings) - set(SETTINGS))
    if unknown:
        return Finding(
            check="plugin settings",
            state="broken",
            message=f"unknown: {', '.join(unknown)}",
            hint=f"known are {', '.join(SETTINGS)}",
        )
    shown = {name: "(set)" if name == "apiKey" else value for name, value in settings.items()}
    said = ", ".join(f"{name} {json.dumps(value)}" for name, value in shown.items()) or "all defaults"
    routes = "" if settings.get("autoRoute") is not False else "; spawns are not routed by themselves"
    return Finding(check="plugin settings", state="ok", message=said + routes)


def _service_and_models(
    http: httpx.Client, config: Mapping[str, Any], settings: Mapping[str, Any]
) -> Iterator[Finding]:
    url = str(settings.get("apiUrl") or DEFAULT_URL).rstrip("/")
    key = settings.get("apiKey")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        status = http.get(f"{url}/status", headers=headers)
        rows = http.get(f"{url}/models", params={"limit": "500"}, headers=headers)
        if status.status_code in (401, 403):
            hint = "`smart-spawn keys create` makes one; set it as `apiKey`"
            yield Finding(
                check="plugin service", state="broken", message=f"`{url}` refuses the key", hint=hint
            )
            return
        version = status.json()["data"]["version"]
        ids = frozenset(row["id"] for row in rows.json()["data"])
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        said = (str(error) if isinstance(error, httpx.HTTPError) else "") or "it is not Smart Spawn's answer"
        yield Finding(
            check="plugin service",
            state="broken",
            message=f"`{url}` cannot be asked: {said}; spawns keep OpenClaw's default model",
            hint="`smart-spawn serve` starts it; `apiUrl` ends in `/api`",
        )
        return
    yield Finding(check="plugin service", state="ok", message=f"`{url}` answers, version {version}")
    yield _models(references(config), ids, account=_has_account(config))


def _models(named: list[str], ids: frozenset[str], *, account: bool) -> Finding:
    known = [ref for ref in named if id_of(ref, ids)]
    unknown = [ref for ref in named if ref not in known]
    more = "; every model by the OpenRouter account" if account else ""
    said = f"{len(known)} of {len(named)} can be chosen: {_some(known) or 'none'}{more}"
    if not known and not account:
        hint = "add models that the catalogue knows to `models.providers`, or tell it yours: `private-models`"
        return Finding(check="plugin models", state="broken", message=said, hint=hint)
    if unknown:
        said += f"; unknown to the catalogue: {_some(unknown)}"
    return Finding(check="plugin models", state="ok", message=said)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _has_account(config: Mapping[str, Any]) -> bool:
    if _at(config, "models").get("mode") == "replace":
        return False
    profiles = [one for one in _at(config, "auth", "profiles").values() if isinstance(one, dict)]
    return "openrouter" in _at(config, "models", "providers") or any(
        profile.get("provider") == "openrouter" for profile in profiles
    )


def _choices(agent: Mapping[str, Any]) -> list[str]:
    choice = agent.get("model")
    if isinstance(choice, dict):
        fallbacks = choice.get("fallbacks")
        found = [choice.get("primary"), *(fallbacks if isinstance(fallbacks, list) else ())]
    else:
        found = [choice]
    return [ref for ref in found if isinstance(ref, str)]


def _at(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Return the object at a path; an empty one where there is none."""
    found: Any = value
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _json(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _name(file: Path) -> object:
    return _json(file).get("name")
