"""A catalogue as a file: its facts alone, or with every document that it was built from.

A file of facts is what ships in the package: compressed JSON. An archive is a zip with `manifest.json`,
`catalog.json` and one file a document, named by its hash; another machine rebuilds the same version from it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from smart_spawn.catalog.facts import Facts, decode, encode
from smart_spawn.errors import InvalidRequest, NotFound, StoreCorrupt, TooLarge
from smart_spawn.sources.base import Payload
from smart_spawn.store import Store

FORMAT = 1
MAX_FILE_BYTES = 256 * 1024 * 1024
"""A larger file is refused before it is read. All documents of today take 3 MB compressed."""
MAX_DOCUMENT_BYTES = 256 * 1024 * 1024
MAX_TOTAL_BYTES = 1024 * 1024 * 1024
MAX_DOCUMENTS = 10_000
MANIFEST, CATALOG, DOCUMENTS = "manifest.json", "catalog.json", "documents"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The moment of every file in the zip, so that equal content gives equal bytes."""
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """What a file holds."""

    facts: Facts
    version: str | None = None
    """As the file states it; `None` for a file of facts, which states none."""
    payloads: tuple[Payload, ...] = ()
    """In the order in which the catalogue was built from them."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    part: str
    url: str
    sha256: str
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: int
    version: str
    documents: tuple[_Document, ...]


def archive_of(store: Store, version: str) -> bytes:
    """Write a stored version with its documents as one zip. Raises NotFound when its documents are not stored."""
    body, payloads = store.catalogs.get(version), store.payloads.payloads_of(version)
    if body is None or not payloads:
        raise NotFound(
            f"the documents of catalogue version `{version}` are not stored",
            hint="`smart-spawn catalog versions` shows which versions have theirs; "
            "`smart-spawn catalog export FILE` writes the facts alone",
            details={"version": version},
        )
    manifest = _Manifest(format=FORMAT, version=version, documents=tuple(map(_document, payloads)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as into:
        _add(into, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
        _add(into, CATALOG, encode(decode(body)))
        for sha256, content in sorted({p.sha256: p.body for p in payloads}.items()):
            _add(into, f"{DOCUMENTS}/{sha256}", content)
    return file.getvalue()


def _document(payload: Payload) -> _Document:
    return _Document(
        source=payload.source,
        part=payload.part,
        url=payload.url,
        sha256=payload.sha256,
        fetched_at=payload.fetched_at,
        etag=payload.etag,
        last_modified=payload.last_modified,
    )


def _add(into: zipfile.ZipFile, name: str, content: bytes) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    into.writestr(info, content)


def read_file(path: Path) -> Archive:
    """Read a file that `catalog export` wrote, of either kind. Raises InvalidRequest, TooLarge, StoreCorrupt."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise TooLarge(
                f"`{path}` has {size:,} bytes; a catalogue has at most {MAX_FILE_BYTES:,}",
                hint="name a file that `smart-spawn catalog export` wrote",
            )
        body = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"`{path}` cannot be read: {error.strerror or type(error).__name__}",
            hint="name a file that `smart-spawn catalog export` wrote",
        ) from None
    return read_archive(body) if body.startswith(_ZIP) else Archive(facts=_read_facts(body))


def _read_facts(body: bytes) -> Facts:
    if not body.startswith(_GZIP):
        return decode(body)
    try:
        whole = zlib.decompressobj(wbits=31).decompress(body, MAX_DOCUMENT_BYTES + 1)
    except zlib.error as error:
        raise _damaged(str(error)) from None
    if len(whole) > MAX_DOCUMENT_BYTES:
        raise _damaged(f"it unpacks to more than {MAX_DOCUMENT_BYTES:,} bytes")
    return decode(whole)


def read_archive(body: bytes) -> Archive:
    """Read a zip of a catalogue and its documents, each checked against its hash. Raises StoreCorrupt."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            _check_sizes(archive)
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=_Manifest)
            if manifest.format > FORMAT:
                raise _damaged(f"it has format {manifest.format}; this release reads up to {FORMAT}")
            payloads = tuple(_payload(archive, document) for document in manifest.documents)
            facts = decode(archive.read(CATALOG))
    except KeyError as error:
        raise _damaged(f"{str(error.args[0])[:120]}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _damaged(str(error)[:120]) from None
    except msgspec.DecodeError as error:
        raise _damaged(f"its manifest is wrong: {error}"[:200]) from None
    return Archive(facts=facts, version=manifest.version, payloads=payloads)


def _check_sizes(archive: zipfile.ZipFile) -> None:
    """Refuse what would fill the memory. The zip reader itself stops at the sizes that entries declare."""
    entries: Sequence[zipfile.ZipInfo] = archive.infolist()
    if len(entries) > MAX_DOCUMENTS:
        raise _damaged(f"it holds {len(entries):,} files; an archive has at most {MAX_DOCUMENTS:,}")
    if any(e.file_size > MAX_DOCUMENT_BYTES for e in entries) or (
        sum(e.file_size for e in entries) > MAX_TOTAL_BYTES
    ):
        raise _damaged(f"it unpacks to more than {MAX_TOTAL_BYTES:,} bytes")


def _payload(archive: zipfile.ZipFile, document: _Document) -> Payload:
    if document.fetched_at.tzinfo is None:
        raise _damaged(
            f"document `{document.part[:80]}` of `{document.source[:80]}` has a date without a zone"
        )
    payload = Payload(
        source=document.source,
        part=document.part,
        url=document.url,
        body=archive.read(f"{DOCUMENTS}/{document.sha256}"),
        fetched_at=document.fetched_at,
        etag=document.etag,
        last_modified=document.last_modified,
    )
    if payload.sha256 != document.sha256:
        raise _damaged(
            f"document `{document.part[:80]}` of `{document.source[:80]}` is not what was exported"
        )
    return payload


def _damaged(why: str) -> StoreCorrupt:
    return StoreCorrupt(
        f"the file is no archive of a catalogue, or is damaged: {why}",
        hint="export it again and copy it whole",
    )
