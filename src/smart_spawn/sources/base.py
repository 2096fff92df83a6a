"""What every source of listings or measurements looks like.

A source downloads in `fetch` and reads in `parse`. What was downloaded is stored whole before it is read, so
every parser is tested on recorded bytes and every past catalogue can be rebuilt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from smart_spawn.model import Listing

Unit = Literal["percent", "elo", "index", "tokens", "tokens_per_s", "s", "usd", "points"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One downloaded document, unread."""

    source: str
    part: str
    """Which document of the source, e.g. `models`, `text_style_control`, `table_2026_06_25.csv`."""
    url: str
    body: bytes
    fetched_at: datetime
    """When these bytes arrived. A later 304 leaves it as it is."""
    etag: str | None = None
    last_modified: str | None = None
    notices: Mapping[str, str] = field(default_factory=dict)
    """`Deprecation`, `Sunset` and `Link` headers, lower-case names."""

    @property
    def sha256(self) -> str:
        """The hash of the bytes: the name under which they are stored."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One benchmark reading of one published name, in the benchmark's own unit."""

    source: str
    benchmark: str
    """Our name of the board, `<source prefix>_<column>` in lower case: `lmarena_coding`, `livebench_language`."""
    published_name: str
    value: float
    unit: Unit
    edition: str = ""
    """Release or index version. Readings of different editions are never put on one scale."""
    superseded: bool = False
    """From an older edition, used only for models that the newest does not have."""
    higher_is_better: bool = True
    lower: float | None = None
    upper: float | None = None
    """The published 95 % interval."""
    votes: int | None = None
    published_on: date | None = None
    bridge: str | None = None
    """An id that the source itself gives for the model: a catalogue id, canonical slug or Hugging Face id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All that one source said, read."""

    source: str
    listings: tuple[Listing, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    opinions: tuple[Listing, ...] = ()
    """What it says about listings of another source: for checking those, never on offer themselves."""
    deprecated: tuple[str, ...] = ()
    """Ids that the source calls deprecated, as `maker/model` in the maker's own spelling."""
    published_on: date | None = None
    notes: tuple[str, ...] = ()
    """What was set aside while reading, in words: failed runs, repeated rows, unknown columns."""

    @property
    def count(self) -> int:
        """How many rows of the source were read: listings or opinions, or else distinct published names."""
        return len(self.listings) or len(self.opinions) or len({m.published_name for m in self.measurements})


class Http(Protocol):
    """What a source may do on the network. Raises SourceUnavailable."""

    async def get(
        self,
        url: str,
        *,
        part: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        redirects: bool = False,
    ) -> Payload:
        """Return the document, whole. Asks conditionally when the part is held already, and then returns that.

        `redirects` allows a few hops, for downloads that a content network serves; `headers` are sent to the
        first origin only.
        """
        ...


class Source(Protocol):
    """One place that publishes listings or measurements."""

    @property
    def name(self) -> str:
        """The name under which settings and status know it."""
        ...

    @property
    def base_url(self) -> str:
        """Where it is asked, without the path."""
        ...

    @property
    def refresh_hours(self) -> float:
        """How often it is worth asking."""
        ...

    @property
    def timeout_s(self) -> float:
        """The longest that one fetch may take, all its requests together."""
        ...

    async def fetch(self, http: Http) -> Sequence[Payload]:
        """Download what there is, unread. Raises SourceUnavailable or SourceChanged."""
        ...

    def parse(self, payloads: Sequence[Payload]) -> Batch:
        """Read what was downloaded. Raises SourceChanged, naming what is missing."""
        ...
