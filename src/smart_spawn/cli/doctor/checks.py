"""The checks, from the ground up. Each returns what it found and raises nothing that a broken part could raise."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from smart_spawn.app import SmartSpawn
from smart_spawn.app.gain import load_gain
from smart_spawn.cli.doctor.finding import Finding
from smart_spawn.errors import SmartSpawnError
from smart_spawn.settings import Settings
from smart_spawn.store import Store, open_store
from smart_spawn.store.database import database_url
from smart_spawn.surface.status import status_json


def broken(check: str, error: SmartSpawnError) -> Finding:
    """Report an error as what is wrong."""
    return Finding(check=check, state="broken", message=error.message, hint=error.hint)


def check_home(home: Path) -> Finding:
    """Tell whether the home folder can be written, without creating it."""
    way_out = "make it writable, or set `home` (or `SMART_SPAWN_HOME`) to another folder"
    if home.exists() and not home.is_dir():
        return Finding(check="home", state="broken", message=f"`{home}` is not a folder", hint=way_out)
    if not home.exists():
        nearest = next(parent for parent in home.parents if parent.exists())
        if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
            return Finding(check="home", state="ok", message=f"`{home}` will be made when it is needed")
        return Finding(check="home", state="broken", message=f"`{home}` cannot be created", hint=way_out)
    try:
        with tempfile.TemporaryFile(dir=home):
            return Finding(check="home", state="ok", message=f"`{home}` can be written")
    except OSError as error:
        said = error.strerror or type(error).__name__
        return Finding(
            check="home", state="broken", message=f"`{home}` cannot be written: {said}", hint=way_out
        )


def check_database(settings: Settings) -> Finding:
    """Open the database where there is one, and read all of it."""
    try:
        url = database_url(settings.database_url, settings.home_path)
        file = Path(str(url.database)) if url.get_backend_name() == "sqlite" else None
        if file is not None and not file.exists():
            return Finding(check="database", state="ok", message=f"`{file}` will be made when it is needed")
        with open_store(settings) as store:
            return _soundness(store)
    except SmartSpawnError as error:
        return broken("database", error)


def _soundness(store: Store) -> Finding:
    damaged = store.database.problems()
    if damaged:
        return Finding(
            check="database",
            state="broken",
            message=f"{store.database.name} is damaged: {damaged[0]}",
            hint="move the file aside and start again; nothing is deleted by itself",
        )
    return Finding(
        check="database", state="ok", message=f"{store.database.name} is sound, its schema is current"
    )


def check_catalog(settings: Settings, *, stored: bool) -> Iterator[Finding]:
    """Open the catalogue, the packaged one when `stored` is false, and look at each source."""
    plain = settings.routing.model_copy(update={"learned_gain": None})  # has a check of its own
    settings = settings.model_copy(update={"routing": plain})
    try:
        with SmartSpawn(settings, in_memory=not stored) as app:
            body = status_json(app)["data"]
            version = app.catalog.version
    except SmartSpawnError as error:
        yield broken("catalogue", error)
        return
    models = f"{body['modelCount']} models, {body['modelsWithScores']} with scores"
    yield Finding(
        check="catalogue", state="ok", message=f"version {version}, data of {body['catalogAsOf']}, {models}"
    )
    for name, row in body["sources"].items():
        yield _source(name, row)


def _source(name: str, row: Mapping[str, object]) -> Finding:
    check = f"source {name}"
    published = row["publishedAt"] or str(row["dataFrom"] or "an unknown day")[:10]
    if row["status"] == "off":
        return Finding(check=check, state="ok", message="is off")
    if row["status"] == "error":
        return Finding(
            check=check,
            state="warning",
            message=f"{row['error']}; data of {published} stays in use",
            hint=f"`smart-spawn refresh --source {name}` tries again",
        )
    if row["status"] == "stale":
        return Finding(
            check=check,
            state="warning",
            message=f"is stale: data of {published}, {row['matched']} matched",
            hint="`smart-spawn refresh` asks for newer data",
        )
    return Finding(check=check, state="ok", message=f"data of {published}, {row['matched']} matched")


def check_learned_gain(settings: Settings) -> Iterator[Finding]:
    """Read the file of learned gain, where the settings name one."""
    try:
        gain = load_gain(settings.routing.learned_gain)
    except SmartSpawnError as error:
        yield broken("learned gain", error)
        return
    if gain is not None:
        yield Finding(
            check="learned gain",
            state="ok",
            message=f"version {gain.version}, {gain.prompts:,} prompts, helps {', '.join(gain.helped)}",
        )


def check_providers(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Tell who could run a model, and whether their keys are there."""
    from smart_spawn.providers.registry import Providers  # noqa: PLC0415

    if not settings.providers:
        yield Finding(
            check="providers",
            state="warning",
            message="none is configured: models can be chosen, not called",
            hint="set `OPENROUTER_API_KEY`, or `providers.<name>.base_url` for any OpenAI-compatible server",
        )
        return
    try:
        Providers.of(settings, environ=environ)
    except SmartSpawnError as error:
        yield broken("providers", error)
        return
    for name, row in settings.providers.items():
        if row.api_key_env and not row.key(environ):
            yield Finding(
                check=f"provider {name}",
                state="warning",
                message=f"the environment variable `{row.api_key_env}` is empty",
                hint=f"set `{row.api_key_env}`, or remove `providers.{name}.api_key_env`",
            )
        else:
            served = ", ".join(row.models) or "every model"
            key = "with a key" if row.key(environ) else "without a key"
            yield Finding(check=f"provider {name}", state="ok", message=f"serves {served}, {key}")
