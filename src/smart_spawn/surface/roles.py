"""Role blocks as JSON: `/roles/blocks`, `/roles/compose`."""

from __future__ import annotations

from typing import Any

from smart_spawn.spawn.roles import KINDS, ComposeRequest, Kind, blocks, compose, personas


def blocks_json() -> dict[str, Any]:
    """Return every block with its text."""
    return {
        "personas": [{"id": p.id, "title": p.title, "core": p.core} for p in personas().values()],
        **{kind: _texts(kind) for kind in KINDS if kind != "personas"},
        "counts": {kind: len(blocks(kind)) for kind in KINDS},
    }


def _texts(kind: Kind) -> list[dict[str, str]]:
    return [{"id": one, "instructions": text} for one, text in blocks(kind).items()]


def composed_json(request: ComposeRequest) -> dict[str, Any]:
    """Return a role put together with its task, ready to be sent; without known blocks it is the task alone."""
    role = compose(request)
    return {
        "hasRole": bool(role.prompt),
        "persona": role.persona.id if role.persona else None,
        "personaTitle": role.persona.title if role.persona else None,
        "stack": list(role.stack),
        "domain": role.domain,
        "format": role.format,
        "guardrails": list(role.guardrails),
        "wordCount": role.words,
        "fullPrompt": f"{role.prompt}\n\n---\n\nTask:\n{request.task}" if role.prompt else request.task,
        **({"warnings": list(role.warnings)} if role.warnings else {}),
    }
