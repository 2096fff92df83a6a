"""Write what the OpenClaw plugin needs of our OpenAPI document: its routes, and the shapes they refer to.

    python -m scripts.plugin_api

The plugin generates its types from this file when it is built, so it can be built where no Python is. A test notices
when it is out of date.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smart_spawn.api.app import create_app
from smart_spawn.app import SmartSpawn
from smart_spawn.settings import Settings

FILE = Path(__file__).resolve().parent.parent / "integrations/openclaw/openapi.json"
PATHS = (
    "/api/pick",
    "/api/route",
    "/api/spawn",
    "/api/runs/{id}",
    "/api/runs/{id}/cancel",
    "/api/decompose",
    "/api/swarm",
    "/api/decisions/{id}/explain",
    "/api/models",
    "/api/status",
    "/api/feedback",
    "/api/spawn-log/outcome",
    "/api/community/report",
)
"""What the plugin asks for."""
PREFIX = "#/components/schemas/"


def plugin_document(whole: dict[str, Any]) -> dict[str, Any]:
    """Cut an OpenAPI document down to `PATHS`, without examples. Routes that it does not have are left out."""
    paths = {path: _plain(whole["paths"][path]) for path in PATHS if path in whole["paths"]}
    shapes = whole["components"]["schemas"]
    kept: dict[str, Any] = {}
    waiting = _named(paths)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = _plain(shapes[name])
            waiting |= _named(kept[name])
    return {
        "openapi": whole["openapi"],
        "info": {"title": whole["info"]["title"], "version": whole["info"]["version"]},
        "paths": paths,
        "components": {"schemas": dict(sorted(kept.items()))},
    }


def _plain(value: Any) -> Any:
    """Return the value without examples, which change with every catalogue, and titles, which repeat the names."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if not _noise(key, each)}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _noise(key: str, value: Any) -> bool:
    return key in ("example", "examples") or (key == "title" and isinstance(value, str))


def _named(value: Any) -> set[str]:
    """Collect the shapes that a piece of the document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"].removeprefix(PREFIX)} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(_named, value.values()))
    return set().union(*map(_named, value)) if isinstance(value, list) else set()


def plugin_api_text() -> str:
    """Return the file as it should be."""
    whole = create_app(SmartSpawn(Settings(), in_memory=True)).openapi()
    return json.dumps(plugin_document(whole), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(plugin_api_text(), encoding="utf-8")
