"""HTTP to one service: bounded, patient where patience helps, the key for its own origin alone.

Proxies and certificates come from the environment (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), as httpx reads them.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any

import httpx
import msgspec
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from smart_spawn.client.failures import error_of
from smart_spawn.errors import (
    Busy,
    InvalidRequest,
    ServiceError,
    ServiceUnreachable,
    TooManyRequests,
)

TRIES = 4
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 20.0
"""A service that asks for more is left alone: the caller decides."""
MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""The longest answer that is taken, unpacked. A run's may hold the artifacts of all its steps."""
MAX_EVENT_BYTES = 4 * 1024 * 1024
MAX_CONNECTIONS = 256
"""A run that is watched holds one."""
CONNECT_S = 10.0
RESTART_S = 120.0
"""How long a service may be away while one of its runs is watched: long enough to be started again."""
LONGEST_PAUSE_S = 5.0
SILENCE_S = 45.0
"""A stream that is silent for longer is dead: the service shows every ten seconds that it is alive."""

_GATEWAY = frozenset({502, 503, 504})
"""Without our words these come from a proxy in between."""


class Wire:
    """Asks one service, and tries again what may pass."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None,
        timeout_s: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = base_of(url)
        self._timeout_s = timeout_s
        headers = {"user-agent": f"smart-spawn/{version('smart-spawn')}", "accept": "application/json"}
        if api_key is not None:
            headers["authorization"] = f"Bearer {_sendable(api_key)}"
        self._http = httpx.AsyncClient(
            headers=headers,
            follow_redirects=False,  # the key stays with the origin that it was given for
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=10),
            transport=transport,
            # Reading the trusted certificates takes longer than a request; plain HTTP trusts none.
            verify=True if self._base.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def json(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Ask and return the JSON object that comes. Raises SmartSpawnError."""
        content = None if body is None else encoded(body)
        answer = await self._patiently(method, path, content, query, headers or {})
        try:
            value = msgspec.json.decode(answer)
        except msgspec.DecodeError:
            value = None
        if not isinstance(value, dict):
            raise _strange(self._base, "it is no JSON object")
        return value

    async def text(self, path: str) -> str:
        """Ask for a text. Raises SmartSpawnError."""
        return (await self._patiently("GET", path, None, None, {})).decode("utf-8", "replace")

    async def events(self, path: str, *, after: int) -> AsyncGenerator[dict[str, Any], None]:
        """Give the data of server-sent events above number `after`, going on where a connection was cut.

        Ends with the stream of a run that has ended. Raises SmartSpawnError when nothing new came for `RESTART_S`,
        or from the first `TRIES` connections.
        """
        tries, heard_at = 0, None
        while True:
            try:
                async with aclosing(self._connection(path, after)) as connection:
                    async for event in connection:
                        after, tries, heard_at = int(event["number"]), 0, time.monotonic()
                        yield event
                        if event["name"] == "run.ended":
                            return
                return  # 204: everything was seen
            except (ServiceUnreachable, Busy) as error:
                tries += 1
                late = tries >= TRIES if heard_at is None else time.monotonic() - heard_at > RESTART_S
                if late or not worth_another_try(error):
                    raise
                await asyncio.sleep(_wait_s(error, tries))

    async def _connection(self, path: str, after: int) -> AsyncGenerator[dict[str, Any], None]:
        """Give what one connection brings. Raises ServiceUnreachable when it ends before the run does."""
        headers = {"accept": "text/event-stream", "last-event-id": str(after)}
        timeout = httpx.Timeout(self._timeout_s, connect=min(CONNECT_S, self._timeout_s), read=SILENCE_S)
        try:
            async with self._http.stream("GET", self._at(path), headers=headers, timeout=timeout) as response:
                if response.status_code == 204:
                    return
                if response.status_code != 200:
                    raise self._refusal(response, await _bytes_of(response))
                async for event in _events_of(response):
                    if int(event["number"]) > after:
                        yield event
        except httpx.TransportError as error:
            raise self._unreachable(error) from None
        raise ServiceUnreachable(f"the stream from {_origin(self._base)} ended before the run did")

    async def _patiently(
        self,
        method: str,
        path: str,
        content: bytes | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> bytes:
        """Ask, and ask again after failures that may pass.

        Every request of ours may be sent twice: those that cost money carry a key under which they are one.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception(worth_another_try),
            wait=_wait,
            stop=stop_after_attempt(TRIES),
            sleep=asyncio.sleep,
            reraise=True,
        )
        return await retrying(self._once, method, path, content, query, headers)

    async def _once(
        self,
        method: str,
        path: str,
        content: bytes | None,
        query: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> bytes:
        own = {"content-type": "application/json"} if content is not None else {}
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream(
                    method, self._at(path), content=content, params=query, headers={**own, **headers}
                ) as response,
            ):
                body = await _bytes_of(response)
        except TimeoutError:
            raise ServiceUnreachable(
                f"{_origin(self._base)} gave no whole answer within {self._timeout_s:g} s",
                hint="is it busy? `timeout_s` gives it longer",
            ) from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise self._unreachable(error) from None
        if response.status_code >= 300:
            raise self._refusal(response, body)
        return body

    def _at(self, path: str) -> httpx.URL:
        return self._base.copy_with(
            raw_path=self._base.raw_path.rstrip(b"/") + b"/api" + path.encode("ascii")
        )

    def _refusal(self, response: httpx.Response, body: bytes) -> Exception:
        """Return the error that an answer stands for."""
        status, origin = response.status_code, _origin(self._base)
        wait_s = _retry_after_s(response.headers.get("retry-after"))
        if response.has_redirect_location:
            return ServiceError(
                f"{origin} sends us on to `{_shown(response.headers['location'])}`",
                hint="use that address, if you trust it: a key is not sent on by itself",
                status=status,
            )
        try:
            problem = msgspec.json.decode(body)["error"]
            problem["code"]
        except (msgspec.DecodeError, KeyError, TypeError, IndexError):
            problem = None
        if isinstance(problem, dict):
            return error_of(problem, status=status, retry_after_s=wait_s)
        if status in _GATEWAY or status == 429:
            kind = TooManyRequests if status == 429 else ServiceUnreachable
            return kind(
                f"{origin} answered {status} in words that are not Smart Spawn's",
                hint="look at the proxy in between",
                status=status,
                retry_after_s=wait_s,
            )
        return ServiceError(
            f"{origin} answered {status} in words that are not Smart Spawn's",
            hint="is this the address of a Smart Spawn service?",
            status=status,
        )

    def _unreachable(self, error: httpx.TransportError | httpx.DecodingError) -> ServiceUnreachable:
        origin = _origin(self._base)
        if isinstance(error, httpx.TimeoutException):
            return ServiceUnreachable(
                f"{origin} did not answer in time", hint="is it running, and not too busy?"
            )
        if isinstance(error, httpx.ConnectError | httpx.ProxyError):
            return ServiceUnreachable(
                f"{origin} cannot be reached ({error})",
                hint="is it running? `smart-spawn serve` starts one; `HTTPS_PROXY` and `NO_PROXY` count too",
            )
        return ServiceUnreachable(f"{origin} broke off the conversation ({error or type(error).__name__})")


def base_of(url: str) -> httpx.URL:
    """Read the address of a service, with or without `/api` at its end. Raises InvalidRequest."""
    try:
        address = httpx.URL(url.strip())
    except (httpx.InvalidURL, TypeError, AttributeError):
        address = httpx.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise InvalidRequest(
            "this is not the address of a service", hint="it starts with `https://` or `http://`"
        )
    if address.userinfo or address.query or address.fragment:
        raise InvalidRequest(
            "the address of a service has a scheme, a host, perhaps a port and a path, and no more",
            hint="a key goes into `api_key`",
        )
    path = address.path.rstrip("/").removesuffix("/api")
    return address.copy_with(path=path or "/")


def encoded(values: Mapping[str, Any]) -> bytes:
    """Write a body. Raises InvalidRequest for what JSON cannot hold."""
    try:
        return msgspec.json.encode(values, enc_hook=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(
            f"the request cannot be sent: {_shown(str(error))}", hint="use plain values", code="INVALID_BODY"
        ) from None


def _plain(value: Any) -> Any:
    """Let the request's own models stand in it."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"`{type(value).__name__}` is no value of JSON")
    return dump(mode="json", by_alias=True, exclude_unset=True)


def worth_another_try(error: BaseException) -> bool:
    """Tell whether the same request may succeed in a moment."""
    return isinstance(error, (Busy, ServiceUnreachable)) and (error.retry_after_s or 0.0) <= LONGEST_WAIT_S


_grows = wait_random_exponential(multiplier=FIRST_WAIT_S, max=8.0)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked_s = error.retry_after_s if isinstance(error, ServiceError) else None
    return _grows(state) if asked_s is None else asked_s


def _wait_s(error: ServiceError, tries: int) -> float:
    """Return how long to wait before the stream is taken up again."""
    grown_s = min(FIRST_WAIT_S * 2 ** min(tries - 1, 10), LONGEST_PAUSE_S)
    return grown_s if error.retry_after_s is None else error.retry_after_s


async def _bytes_of(response: httpx.Response) -> bytes:
    """Read an answer up to the limit. Raises ServiceError."""
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise ServiceError(f"the answer is longer than {MAX_ANSWER_BYTES // 1024**2} MiB")
        chunks.append(chunk)
    return b"".join(chunks)


async def _events_of(response: httpx.Response) -> AsyncGenerator[dict[str, Any], None]:
    """Give the data of each server-sent event. Raises ServiceError for what is none of ours."""
    if not response.headers.get("content-type", "").startswith("text/event-stream"):
        raise _strange(response.request.url, "it is no stream of events")
    held = b""
    async for chunk in response.aiter_bytes():
        *blocks, held = (held + chunk.replace(b"\r", b"")).split(b"\n\n")
        if len(held) > MAX_EVENT_BYTES:
            raise ServiceError(f"an event is longer than {MAX_EVENT_BYTES // 1024**2} MiB")
        for block in blocks:
            data = b"\n".join(line[5:] for line in block.split(b"\n") if line.startswith(b"data:"))
            if data:
                try:
                    event = msgspec.json.decode(data)
                    int(event["number"]), event["name"]
                except (msgspec.DecodeError, KeyError, TypeError, ValueError):
                    raise _strange(response.request.url, "an event in it is none of ours") from None
                yield event


def _strange(url: httpx.URL, what: str) -> ServiceError:
    return ServiceError(
        f"the answer of {_origin(url)} is not what Smart Spawn answers: {what}",
        hint="is this the address of a Smart Spawn service, of this version or newer?",
    )


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _sendable(api_key: str) -> str:
    key = api_key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidRequest(
            "the API key holds characters that no key has", hint="`smart-spawn keys create` makes one"
        )
    return key


def _shown(text: str) -> str:
    shown = text if len(text) <= 200 else text[:199] + "…"
    return shown if shown.isprintable() else ascii(shown)


def _retry_after_s(text: str | None) -> float | None:
    """Read `Retry-After`: seconds, or a date."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
