"""Names under which makers sell their models themselves, such as `claude-opus-4-6` → ids of the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from smart_spawn.catalog.snapshot import Catalog
from smart_spawn.errors import UnknownModel
from smart_spawn.gateway.names import wanted
from smart_spawn.matching.index import Match, NameIndex

MAX_NAME_CHARS = 200


class PublishedNames:
    """Finds models by their makers' names. The index is built when the first such name comes, once a catalogue."""

    def __init__(self) -> None:
        self._index: tuple[str, NameIndex] | None = None

    async def named(self, chat: Mapping[str, Any], catalog: Catalog) -> Mapping[str, Any]:
        """Return a chat under the id that its `model` leads to by an exact rule; every other comes back as it is."""
        name = chat["model"]
        try:
            wanted(name, catalog)
        except UnknownModel:
            if len(name) <= MAX_NAME_CHARS:
                # in a thread: the index of a whole catalogue takes a tenth of a second
                found = await asyncio.to_thread(self._find, name, catalog)
                return {**chat, "model": found}
        return chat

    def _find(self, name: str, catalog: Catalog) -> str:
        version, index = self._index or ("", None)
        if index is None or version != catalog.version:
            index = NameIndex.of(catalog.listings)
            self._index = (catalog.version, index)
        found = index.find(name, source="client")
        return found.model_id if isinstance(found, Match) else name
