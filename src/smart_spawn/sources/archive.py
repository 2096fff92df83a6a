"""Documents from a folder instead of the network, each with the day on which it was really collected."""

from __future__ import annotations

import gzip
import tomllib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from smart_spawn.errors import InvalidRequest
from smart_spawn.sources.base import Payload


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    part: str
    path: str
    url: str
    day: date


class _Archive(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    document: Annotated[tuple[_Document, ...], Field(min_length=1, max_length=1_000)]


def read_archive(listing: Path, root: Path) -> Mapping[str, tuple[Payload, ...]]:
    """Read the documents that `listing` (TOML) names below `root`, by source, in the order of the listing.

    Files that end in `.gz` are unpacked. Raises InvalidRequest, naming the file or the entry that is wrong.
    """
    try:
        archive = _Archive.model_validate(tomllib.loads(listing.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise InvalidRequest(
            f"`{listing}` is no list of documents: {str(error).splitlines()[0]}",
            hint="each `[[document]]` has source, part, path, url and day; scripts/packaged_catalog.toml is one",
        ) from None
    found: dict[str, list[Payload]] = {}
    for document in archive.document:
        path = root / document.path
        if not path.resolve().is_relative_to(root.resolve()):
            raise InvalidRequest(
                f"`{document.path}` is not below `{root}`", hint="use a path inside the folder"
            )
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise InvalidRequest(
                f"`{path}` cannot be read: {error.strerror}", hint="check the folder given with `--root`"
            ) from None
        found.setdefault(document.source, []).append(
            Payload(
                source=document.source,
                part=document.part,
                url=document.url,
                body=gzip.decompress(raw) if path.suffix == ".gz" else raw,
                fetched_at=datetime.combine(document.day, time(), UTC),
            )
        )
    return {source: tuple(payloads) for source, payloads in found.items()}
