"""The JSON schemas of tools, flat: many clients follow no references."""

from __future__ import annotations

from typing import Any

from smart_spawn.mcp.answers import Answer
from smart_spawn.mcp.arguments import Arguments


def input_schema(takes: type[Arguments]) -> dict[str, Any]:
    """Return the schema of what a tool takes."""
    return _flat(takes.model_json_schema())


def output_schema(gives: type[Answer]) -> dict[str, Any]:
    """Return the schema of what a tool gives back."""
    return _flat(gives.model_json_schema())


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """Put every definition where it is referred to, and leave titles out. Ours do not refer to themselves."""
    definitions = schema.pop("$defs", {})

    def flat(node: Any) -> Any:
        if isinstance(node, list):
            return [flat(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            meant = definitions[node["$ref"].rpartition("/")[2]]
            node = {**meant, **{key: value for key, value in node.items() if key != "$ref"}}
        return {
            key: {name: flat(each) for name, each in value.items()} if key == "properties" else flat(value)
            for key, value in node.items()
            if key != "title"
        }

    result: dict[str, Any] = flat(schema)
    result.setdefault("properties", {})
    return result
