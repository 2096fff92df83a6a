"""Write docs/reference/mcp.md from the tools: `python -m scripts.mcp_reference`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smart_spawn.mcp.names import ARTIFACT, DECISION, RUN, STATUS
from smart_spawn.mcp.schemas import input_schema, output_schema
from smart_spawn.mcp.tools import TOOLS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference" / "mcp.md"
HEAD = f"""# Reference: MCP

`smart-spawn mcp` on standard input and output, and `POST /mcp` of the service. Written by
`python -m scripts.mcp_reference`; a test compares it with the tools. How to set a client up:
[the guide](../guides/mcp.md).

Arguments are strict: an unknown field, or a number sent as text, is refused by name. A failure is an error of the
tool (`isError`) whose structured content is `{{"error": {{"code", "message", "hint", "details"}}}}`, with the codes
of the [HTTP API](http.md). An unknown tool or resource is an error of the protocol. States of runs are `queued`,
`running`, `completed`, `failed` and `canceled`.

Resources, whose parts are percent-encoded: `{STATUS}`, `{DECISION}`, `{RUN}`,
`{ARTIFACT}`.
"""


def page() -> str:
    """Return the page as Markdown."""
    return "\n".join([HEAD, *(line for tool in TOOLS for line in _section(tool))]).rstrip() + "\n"


def _section(tool: Any) -> Iterator[str]:
    yield f"## {tool.name}\n"
    yield f"{tool.description}\n"
    yield f"Scope: `{tool.needs}`.\n"
    yield from _table("takes", input_schema(tool.takes))
    yield from _table("gives", output_schema(tool.gives))


def _table(head: str, schema: dict[str, Any]) -> Iterator[str]:
    fields = schema["properties"]
    if not fields:
        yield "Takes nothing.\n"
        return
    yield f"| {head} | | |"
    yield "|---|---|---|"
    for name, field in fields.items():
        must = "" if name in schema.get("required", ()) else "?"
        yield f"| `{name}{must}` | {_kind(field)} | {field.get('description', '').replace('|', ' or ')} |"
    yield ""


def _kind(field: dict[str, Any]) -> str:
    """Say in a few words what a value is."""
    if "anyOf" in field:
        return " or ".join(_kind(one) for one in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    if field.get("type") == "object" and field.get("properties"):
        return "object: " + ", ".join(f"`{name}`" for name in field["properties"])
    return str(field.get("type", "any"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
