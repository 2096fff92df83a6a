"""A `ChatClient` over any OpenAI-compatible server.

The openai package does the protocol; what it decides by itself is switched off or put right here: retries,
redirects, keys and headers taken from `OPENAI_*` variables, answers without a limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from smart_spawn.errors import BadAnswer, ProviderError, TimedOut
from smart_spawn.providers.answers import read_answer
from smart_spawn.providers.dialects import dialect_of
from smart_spawn.providers.failures import Origin, broken_connection, failure, refusal
from smart_spawn.providers.relaying import Relay
from smart_spawn.runs.ports import ModelAnswer, ModelCall
from smart_spawn.settings import ProviderSettings

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

MAX_ANSWER_BYTES = 5_000_000
"""The longest answer that is read; 128,000 tokens of text are about a tenth of it."""
MAX_ERROR_BYTES = 64_000
_SENT_HEADERS = frozenset(
    {"host", "content-type", "content-length", "accept", "accept-encoding", "connection"}
    | {"x-stainless-raw-response"}  # the client reads it back from the request, to know that we stream
)


class OpenAICompatible:
    """One configured server. Use it on one event loop, and `close` it there."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        *,
        environ: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._settings = settings
        self._key = settings.key(environ)
        self._dialect = dialect_of(name, settings.base_url)
        self._now = now
        self._client: AsyncOpenAI | None = None
        self._opening = asyncio.Lock()
        self.relaying = Relay(name, settings, key=self._key, dialect=self._dialect, now=now)

    async def complete(self, call: ModelCall) -> ModelAnswer:
        """Return the model's answer after one try, within `call.timeout_s`. Raises ProviderError."""
        origin = Origin(provider=self.name, model=call.model_id, secret=self._key)
        started = time.perf_counter()
        try:
            client = await self._open()
            async with asyncio.timeout(call.timeout_s):
                body, headers = await self._ask(client, call, origin)
        except ProviderError:
            raise
        except TimeoutError:
            raise failure(TimedOut, origin, why=f"gave no answer within {call.timeout_s:g} s") from None
        latency_ms = (time.perf_counter() - started) * 1000
        return read_answer(body, origin=origin, headers=headers, now=self._now(), latency_ms=latency_ms)

    async def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()
        await self.relaying.close()

    async def _ask(
        self, client: AsyncOpenAI, call: ModelCall, origin: Origin
    ) -> tuple[bytes, Mapping[str, str]]:
        import aiohttp  # noqa: PLC0415  # two seconds of imports, paid with the first call
        import httpx2  # noqa: PLC0415  # as above
        import openai  # noqa: PLC0415  # as above

        wire_name = self._settings.model_names.get(call.model_id, call.model_id)
        body = self._dialect.body(call, wire_name)
        try:
            async with _posted(client, body, call.timeout_s) as response:
                return await _bounded(response, origin), response.headers
        except openai.APIStatusError as error:
            raise self._refused(error, origin) from None
        except (openai.APIError, httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise broken_connection(error, origin) from None

    def _refused(self, error: Any, origin: Origin) -> ProviderError:
        try:
            body = msgspec.json.decode(error.response.content)
        except msgspec.DecodeError:
            body = None
        return refusal(origin, error.status_code, body, error.response.headers, self._now())

    async def _open(self) -> AsyncOpenAI:
        async with self._opening:
            if self._client is None:
                # In a thread: imports and certificates take two seconds of CPU, and others are being served.
                self._client = await asyncio.to_thread(self._connect)
            return self._client

    def _connect(self) -> AsyncOpenAI:
        import openai.resources.chat.completions  # noqa: F401, PLC0415  # else loaded by the first call
        from openai import AsyncOpenAI, DefaultAioHttpClient  # noqa: PLC0415  # two seconds, as above

        transport = DefaultAioHttpClient(
            follow_redirects=False,
            event_hooks={"request": [self._prepared], "response": [_bound_raw]},
        )
        return AsyncOpenAI(
            # A stand-in, so that OPENAI_API_KEY is never taken up; the true key is put in by `_prepared`.
            api_key="none",
            base_url=self._settings.base_url,
            max_retries=0,
            http_client=transport,
        )

    async def _prepared(self, request: httpx2.Request) -> None:
        """Send only what this server needs: no `OPENAI_*` extras, and the key only to its own origin."""
        for name in [name for name in request.headers if name.lower() not in _SENT_HEADERS]:
            del request.headers[name]
        request.headers["accept-encoding"] = "identity"  # what is read is what is counted
        request.headers["user-agent"] = "smart-spawn"
        if self._key and _origin(str(request.url)) == _origin(self._settings.base_url):
            request.headers["authorization"] = f"Bearer {self._key}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


@asynccontextmanager
async def _posted(
    client: AsyncOpenAI, body: dict[str, Any], timeout_s: float
) -> AsyncIterator[httpx2.Response]:
    # `model` and `messages` are named because the client insists; the whole body goes as it is.
    create = client.chat.completions.with_streaming_response.create
    extra = {key: value for key, value in body.items() if key not in ("model", "messages")}
    async with create(
        model=body["model"], messages=body["messages"], extra_body=extra, timeout=timeout_s
    ) as response:
        yield response.http_response


async def _bounded(response: httpx2.Response, origin: Origin) -> bytes:
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise failure(
                BadAnswer,
                origin,
                why=f"answered with more than {MAX_ANSWER_BYTES:,} bytes",
                hint="another model may work; nothing of that size is read",
            )
        chunks.append(chunk)
    return b"".join(chunks)


async def _bound_raw(response: httpx2.Response) -> None:
    """Put a limit on error bodies, which the client reads whole before we see them."""
    import httpx2  # noqa: PLC0415  # loaded by then

    whole = response.stream
    if response.status_code >= 300 and isinstance(whole, httpx2.AsyncByteStream):
        response.stream = _head(whole)


def _head(whole: httpx2.AsyncByteStream) -> httpx2.AsyncByteStream:
    import httpx2  # noqa: PLC0415  # loaded by then

    class Head(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MAX_ERROR_BYTES
            async for chunk in whole:
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return

        async def aclose(self) -> None:
            await whole.aclose()

    return Head()
