"""The addresses of resources: `smartspawn://...`. Parts are percent-encoded, so an id may hold anything."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

MERGED = "merged"
"""The node that stands for the final answer of a run."""
STATUS = "smartspawn://status"
DECISION = "smartspawn://decisions/{id}"
RUN = "smartspawn://runs/{run_id}"
ARTIFACT = "smartspawn://runs/{run_id}/artifacts/{node_id}"


def artifact_uri(run_id: str, node_id: str) -> str:
    """Return the address of what a node left behind."""
    return f"smartspawn://runs/{quote(run_id, safe='')}/artifacts/{quote(node_id, safe='')}"


def parts_of(uri: str, template: str) -> dict[str, str] | None:
    """Return the parts of an address by their names in a template; `None` when it is no such address."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/?#]+)", re.escape(template))
    found = re.fullmatch(pattern, uri)
    return None if found is None else {name: unquote(part) for name, part in found.groupdict().items()}
