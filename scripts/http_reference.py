"""Write `docs/reference/http.md` from the OpenAPI document: `python -m scripts.http_reference`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from smart_spawn.api.app import create_app
from smart_spawn.api.document import DESCRIPTION
from smart_spawn.app import SmartSpawn
from smart_spawn.settings import Settings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "http.md"
HEAD = f"""# HTTP routes

{DESCRIPTION}

The service describes itself at `/openapi.json`, with every shape in full; `/docs` shows that document in a browser.
This page is made from it by `python -m scripts.http_reference`, and the examples were recorded from the service by
`python -m scripts.record_api_examples`, with long lists cut.
"""


def page() -> str:
    """Return the whole page."""
    document = create_app(SmartSpawn(Settings(), in_memory=True)).openapi()
    parts = [HEAD]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts.append(section(method.upper(), path, operation))
    return "\n".join(parts)


def section(method: str, path: str, operation: dict[str, Any]) -> str:
    """Return what there is to say of one route."""
    lines = [f"## `{method} {path}`", "", operation["description"], ""]
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| parameter | values | |", "|---|---|---|"]
        lines += [
            f"| `{p['name']}` | {values(p['schema'])} | {p.get('description', '')} |" for p in parameters
        ]
        lines.append("")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        lines += [f"Body: `{name_of(body['schema'])}`", "", *block(body.get("example"))]
    for status, answer in operation["responses"].items():
        content = next(iter(answer["content"].items()))
        if not status.startswith("2"):
            lines.append(f"- {status} {answer['description']}")
            continue
        query = {p["name"]: p["example"] for p in parameters if "example" in p}
        asked = f" of `{path}?{urlencode(query)}`" if query else ""
        shape = name_of(content[1]["schema"]) or "plain text"
        lines += [f"{status}: `{shape}`. The answer{asked}:", "", *block(content[1].get("example"))]
    return "\n".join([*lines, ""])


def values(schema: dict[str, Any]) -> str:
    """Say in a word or two what a parameter takes."""
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    named = [name_of(kind) or kind.get("type", "") for kind in kinds]
    for kind in kinds:
        if "enum" in kind:
            return ", ".join(f"`{value}`" for value in kind["enum"])
        if kind.get("type") == "array":
            return "list"
    return ", ".join(named)


def name_of(schema: dict[str, Any]) -> str:
    """Return the name of the shape that a schema refers to."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def block(example: Any) -> list[str]:
    """Return an example as a block of code."""
    if example is None:
        return []
    if isinstance(example, str):
        return ["```text", example, "```", ""]
    return ["```json", json.dumps(example, indent=1, ensure_ascii=False), "```", ""]


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
