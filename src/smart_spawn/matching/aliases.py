"""Names that no rule can know, as data: each entry with its source."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from smart_spawn.errors import SettingsError

NO_MODEL = "-"
"""The id of an entry that forbids a match: a rule would find a model, and it would be the wrong one."""

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class Alias(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published name and the model it stands for."""

    published: _Text
    """The name without effort and thinking; with them only where they are part of the product."""
    id: Annotated[str, msgspec.Meta(pattern=r"^(-|[^/\s]+/\S+)$", max_length=300)]
    """A catalogue id, or `-` for no model. A model that is not sold today is no match."""
    source: _Text
    """Where the maker or publisher says so, or why no rule can."""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alias: tuple[Alias, ...] = ()


def read_aliases(text: str, *, origin: str = "aliases.toml") -> tuple[Alias, ...]:
    """Read and check a file of aliases. Raises SettingsError, naming the entry."""
    try:
        entries = msgspec.convert(tomllib.loads(text), type=_File).alias
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"`{origin}` cannot be used: {error}",
            hint='each `[[alias]]` needs `published`, `id` ("vendor/model" or "-") and `source`',
        ) from None
    seen: dict[str, str] = {}
    for entry in entries:
        if seen.setdefault(entry.published.lower(), entry.id) != entry.id:
            raise SettingsError(
                f"`{origin}` gives `{entry.published}` two models",
                hint="keep the entry whose source is better",
            )
    return entries


@cache
def packaged_aliases() -> tuple[Alias, ...]:
    """Return the aliases that ship with the package. Reads the file once, when first asked."""
    return read_aliases(resources.files(__package__).joinpath("aliases.toml").read_text(encoding="utf-8"))
