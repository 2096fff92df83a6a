"""Chat completions handed on to one server, whole or as a stream, without a package in between.

The openai package costs more CPU a call than all the rest of ours: docs/adr/0012-relay-without-the-package.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec

from smart_spawn.errors import BadAnswer, ProviderError, TimedOut
from smart_spawn.providers.answers import raise_if_empty, read_completion, says_something
from smart_spawn.providers.dialects import Dialect
from smart_spawn.providers.events import EventReader
from smart_spawn.providers.failures import Origin, broken_connection, error_of, failure, refusal
from smart_spawn.runs.ports import RelayCall
from smart_spawn.settings import ProviderSettings

if TYPE_CHECKING:
    import aiohttp

CONNECT_S = 10.0
"""The longest that a connection may take to be made."""
MAX_ANSWER_BYTES = 20_000_000
"""The longest answer that is read. Pictures in base64 are long."""
MAX_ERROR_BYTES = 64_000
PIECE_BYTES = 65_536


class Relay:
    """One server. Use it on one event loop, and `close` it there."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        *,
        key: str | None,
        dialect: Dialect,
        now: Callable[[], datetime],
    ) -> None:
        self._name = name
        self._settings = settings
        self._key = key
        self._dialect = dialect
        self._now = now
        self._url = f"{settings.base_url.rstrip('/')}/chat/completions"
        self._proxy: str | None = None
        self._session: aiohttp.ClientSession | None = None
        self._opening = asyncio.Lock()

    async def complete(self, call: RelayCall) -> dict[str, Any]:
        """Return the completion, after one try, within `call.timeout_s`. Raises ProviderError."""
        origin = self._origin(call)
        try:
            async with asyncio.timeout(call.timeout_s), self._posted(call, origin, stream=False) as response:
                body = await _bounded(response, origin)
                headers = response.headers
        except TimeoutError:
            raise failure(TimedOut, origin, why=f"gave no answer within {call.timeout_s:g} s") from None
        return read_completion(body, origin=origin, headers=headers, now=self._now())

    async def stream(self, call: RelayCall) -> AsyncGenerator[dict[str, Any], None]:
        """Give the chunks as they come. Raises ProviderError, also in the middle; closing it ends the call.

        A server that answers whole although it was asked for a stream gives one chunk.
        """
        origin = self._origin(call)
        try:
            async with self._posted(call, origin, stream=True) as response:
                if "json" in response.headers.get("content-type", ""):
                    body = await _bounded(response, origin)
                    yield _as_chunk(
                        read_completion(body, origin=origin, headers=response.headers, now=self._now())
                    )
                    return
                async for chunk in self._chunks(response, origin):
                    yield chunk
        except TimeoutError:
            raise failure(TimedOut, origin, why=f"was silent for {call.timeout_s:g} s") from None

    async def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def open(self) -> aiohttp.ClientSession:
        """Make ready for calls: half a second of imports, which the first call need not pay."""
        async with self._opening:
            if self._session is None:
                connector = await asyncio.to_thread(_prepared)
                self._proxy = _proxy_for(self._url)
                self._session = connector()
            return self._session

    async def _chunks(
        self, response: aiohttp.ClientResponse, origin: Origin
    ) -> AsyncGenerator[dict[str, Any], None]:
        reader, ending = EventReader(origin), _Ending()
        async for piece in response.content.iter_any():
            for chunk in reader.feed(piece):
                self._check(chunk, origin, response.headers)
                ending.see(chunk)
                yield chunk
            if reader.done:
                break
        for chunk in reader.end():
            self._check(chunk, origin, response.headers)
            ending.see(chunk)
            yield chunk
        ending.check(origin, done=reader.done)

    def _check(self, chunk: dict[str, Any], origin: Origin, headers: Mapping[str, str]) -> None:
        if error_of(chunk):
            raise refusal(origin, 200, chunk, headers, self._now())
        choices = chunk.get("choices")
        if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
            raise failure(BadAnswer, origin, why="sent an event that is no chunk of a completion")
        if choices and choices[0].get("error"):
            raise refusal(origin, 200, choices[0], headers, self._now())
        if choices and not isinstance(choices[0].setdefault("delta", {}) or {}, dict):
            raise failure(BadAnswer, origin, why="sent a chunk whose `delta` is no object")

    @asynccontextmanager
    async def _posted(
        self, call: RelayCall, origin: Origin, *, stream: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the call and give the answer, once it has status 200. Raises ProviderError, TimeoutError."""
        session = await self.open()
        import aiohttp  # noqa: PLC0415  # loaded by then

        wire_name = self._settings.model_names.get(call.model_id, call.model_id)
        body = msgspec.json.encode(self._dialect.relayed_body(call, wire_name, stream=stream))
        waits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=call.timeout_s)
        try:
            async with session.post(
                self._url,
                data=body,
                headers=self._headers(stream=stream),
                allow_redirects=False,
                timeout=waits,
                proxy=self._proxy,
            ) as response:
                if response.status != 200:
                    raise await self._refused(response, origin)
                if response.headers.get("content-encoding", "identity") != "identity":
                    raise failure(BadAnswer, origin, why="compressed its answer, which we had not asked for")
                yield response
        except TimeoutError as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                raise broken_connection(error, origin) from None
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise broken_connection(error, origin) from None

    async def _refused(self, response: aiohttp.ClientResponse, origin: Origin) -> ProviderError:
        head = await response.content.read(MAX_ERROR_BYTES)
        try:
            body = msgspec.json.decode(head)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            body = None
        return refusal(origin, response.status, body, response.headers, self._now())

    def _headers(self, *, stream: bool) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "accept": "text/event-stream" if stream else "application/json",
            "accept-encoding": "identity",  # what is read is what is counted
            "user-agent": "smart-spawn",
        }
        return {**headers, "authorization": f"Bearer {self._key}"} if self._key else headers

    def _origin(self, call: RelayCall) -> Origin:
        return Origin(provider=self._name, model=call.model_id, secret=self._key)


class _Ending:
    """Tells whether a stream came to its end, with something in it."""

    def __init__(self) -> None:
        self._said = False
        self._finish: str | None = None

    def see(self, chunk: Mapping[str, Any]) -> None:
        """Take note of a chunk."""
        for choice in chunk["choices"][:1]:
            self._said = self._said or says_something(choice["delta"] or {})
            self._finish = choice.get("finish_reason") or self._finish

    def check(self, origin: Origin, *, done: bool) -> None:
        """Raise BadAnswer, Refused for a stream that broke off or said nothing."""
        if self._finish is None and not done:
            raise failure(
                BadAnswer, origin, why="cut its answer off", hint="a later try or another model may work"
            )
        if not self._said:
            raise_if_empty(self._finish, origin)


def _as_chunk(completion: dict[str, Any]) -> dict[str, Any]:
    """Return a whole completion as the one chunk of a stream."""
    choice = completion["choices"][0]
    delta = dict(choice["message"])
    if isinstance(delta.get("tool_calls"), list):
        delta["tool_calls"] = [{"index": at, **tool} for at, tool in enumerate(delta["tool_calls"])]
    return {
        **completion,
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": choice.get("finish_reason") or "stop"}],
    }


async def _bounded(response: aiohttp.ClientResponse, origin: Origin) -> bytes:
    pieces, size = [], 0
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise failure(BadAnswer, origin, why=f"answered with more than {MAX_ANSWER_BYTES:,} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _prepared() -> Callable[[], aiohttp.ClientSession]:
    """Load what is large, and return what makes the session, which must be done on the loop."""
    import aiohttp  # noqa: PLC0415  # half a second of imports, and certificates to read
    import httpx2  # noqa: PLC0415  # as above

    context = httpx2.create_ssl_context()  # the same authorities as every other call of ours

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            # As many at once as the gate lets in.
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=PIECE_BYTES,
        )

    return session


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)
