"""The network as sources see it: polite, bounded, and honest about what came back.

One `Transport` serves one source in one refresh over a shared client. Proxies and certificates come from the
environment (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), as httpx reads them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urljoin

import httpx

from smart_spawn.errors import SourceChanged, SourceUnavailable
from smart_spawn.sources.base import Payload

MAX_BODY_BYTES = 64 * 1024 * 1024
"""The largest document that is taken, unpacked. The largest we know is 5 MB."""
MAX_REDIRECTS = 3
DEFAULT_RETRY_WAIT_S = 1.0
"""The wait before the one retry where the source names none."""
NOTICE_HEADERS = ("deprecation", "sunset", "link")
NOTICE_RELATIONS = ("deprecation", "sunset", "successor-version")
"""Of `Link` headers only these are news; the hub sends others with every file."""
KEPT = "the data held before stays in use"

_REFUSALS = {
    401: ("refused us: a key is missing or wrong", "check `sources.{source}.api_key`"),
    403: (
        "refused us: this is not allowed for us",
        "check `sources.{source}.api_key` and its plan, or the proxy",
    ),
    404: ("has nothing at this address", "check `sources.{source}.base_url`"),
    410: ("has removed this address for good", "look for a newer release of smart-spawn"),
    429: ("asks us to come back later: too many requests", "it is asked again when it allows it"),
}


def open_client() -> httpx.AsyncClient:
    """Make the one client that all sources share. Redirects are off: `Transport` follows those it may."""
    return httpx.AsyncClient(
        headers={"User-Agent": f"smart-spawn/{version('smart-spawn')}"},
        follow_redirects=False,
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
        timeout=httpx.Timeout(600.0, connect=10.0),  # the whole fetch has its own, shorter time-out
    )


class Transport:
    """`Http` over httpx for one source: conditional, size-capped, one polite retry, keys kept at home."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        source: str,
        held: Sequence[Payload] = (),
        now: datetime,
        timeout_s: float,
    ) -> None:
        self.source = source
        self.requests = 0
        self.notices: dict[str, str] = {}
        self.rest_s: float | None = None
        """Seconds until the allowance is renewed, once it is used up."""
        self._client = client
        self._held = {payload.part: payload for payload in held}
        self._now = now
        self._deadline = time.monotonic() + timeout_s

    async def get(
        self,
        url: str,
        *,
        part: str,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        redirects: bool = False,
    ) -> Payload:
        """Download one document, or return the held one when it is still the same.

        Raises SourceUnavailable, with `status` and `retry_after_s`, and SourceChanged for a web page.
        """
        address = httpx.URL(url, params=params) if params else httpx.URL(url)
        try:
            return await self._ask(address, part, headers or {}, redirects)
        except SourceUnavailable as error:
            wait_s = self._worth_waiting_s(error)
            if wait_s is None:
                raise
        # One retry in place: the wait is what the source asked for, and only if it fits. A retry library would
        # add its own idea of both.
        await asyncio.sleep(wait_s)
        return await self._ask(address, part, headers or {}, redirects)

    def _worth_waiting_s(self, error: SourceUnavailable) -> float | None:
        if error.status is None or not (error.status == 429 or error.status >= 500):
            return None
        wait_s = DEFAULT_RETRY_WAIT_S if error.retry_after_s is None else error.retry_after_s
        # Half of what is left: the second answer needs time too.
        return wait_s if wait_s <= (self._deadline - time.monotonic()) / 2 else None

    async def _ask(
        self, address: httpx.URL, part: str, headers: Mapping[str, str], redirects: bool
    ) -> Payload:
        if self.rest_s is not None:
            raise self._unavailable(
                "has no requests left for us in this period", retry_after_s=self.rest_s, status=429
            )
        held = self._held.get(part)
        # Another base URL is another service: its documents are not compared with those of before.
        if held is not None and httpx.URL(held.url).copy_with(query=None) != address.copy_with(query=None):
            held = None
        sent = {**headers, **_conditions(held)}
        target = address
        for _ in range(MAX_REDIRECTS + 1):
            request = self._client.build_request("GET", target, headers=sent)
            self.requests += 1
            try:
                response = await self._client.send(request, stream=True)
                try:
                    if response.has_redirect_location and redirects:
                        target, sent = self._next_hop(target, response, sent, headers)
                        continue
                    return await self._received(response, address, part, held)
                finally:
                    await response.aclose()
            except httpx.HTTPError as error:
                raise self._broken(error) from None
        raise self._unavailable(f"redirected us more than {MAX_REDIRECTS} times")

    def _next_hop(
        self, target: httpx.URL, response: httpx.Response, sent: Mapping[str, str], own: Mapping[str, str]
    ) -> tuple[httpx.URL, dict[str, str]]:
        """Follow one redirect. What was sent to the first origin, keys above all, goes to no other."""
        hop = httpx.URL(urljoin(str(target), response.headers["location"]))
        if hop.scheme not in ("http", "https") or (target.scheme == "https" and hop.scheme != "https"):
            raise self._unavailable(f"redirects to an unsafe address ({hop.scheme}://{hop.host})")
        if (hop.scheme, hop.host, hop.port) == (target.scheme, target.host, target.port):
            return hop, dict(sent)
        return hop, {name: value for name, value in sent.items() if name not in own}

    async def _received(
        self, response: httpx.Response, address: httpx.URL, part: str, held: Payload | None
    ) -> Payload:
        """Turn an answer into a payload. Every answer that is not the document becomes an error."""
        self._note(response.headers)
        if response.status_code == 304 and held is not None:
            return held
        if response.status_code != 200:
            raise self._refused(response)
        body = await self._body(response)
        start = body[:256].lstrip().lower()
        if "text/html" in response.headers.get("content-type", "") or start.startswith(
            (b"<!doctype html", b"<html")
        ):
            raise SourceChanged(
                f"`{self.source}` answered a web page instead of `{part}`",
                source=self.source,
                hint=f"{KEPT}; a captive portal, a proxy or the source's own protection may stand in between",
            )
        if not body.strip():
            raise SourceChanged(f"`{self.source}` answered an empty `{part}`", source=self.source, hint=KEPT)
        return Payload(
            source=self.source,
            part=part,
            url=str(address),
            body=body,
            fetched_at=self._now,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            notices=_notices(response.headers),
        )

    async def _body(self, response: httpx.Response) -> bytes:
        announced = int(response.headers.get("content-length") or 0)
        chunks: list[bytes] = []
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if max(size, announced) > MAX_BODY_BYTES:
                    raise self._unavailable(f"sends more than {MAX_BODY_BYTES // 1024**2} MiB")
                chunks.append(chunk)
        except (httpx.RemoteProtocolError, httpx.DecodingError, httpx.ReadError):
            of = f" of {announced:,}" if announced else ""
            raise self._unavailable(
                f"stopped half way: {response.num_bytes_downloaded:,}{of} bytes came"
            ) from None
        return b"".join(chunks)

    def _note(self, headers: httpx.Headers) -> None:
        self.notices.update(_notices(headers))
        if headers.get("x-ratelimit-remaining", "").strip() == "0":
            self.rest_s = _reset_s(headers.get("x-ratelimit-reset"), self._now)

    def _refused(self, response: httpx.Response) -> SourceUnavailable:
        status = response.status_code
        if status == 403 and self.rest_s is not None:
            status = 429  # GitHub says "forbidden" when it means "too many"
        what, hint = _REFUSALS.get(status, ("", ""))
        if not what:
            what = "is in trouble itself" if status >= 500 else "answered something unexpected"
            hint = (
                "it is asked again at the next refresh"
                if status >= 500
                else "check `sources.{source}.base_url`"
            )
        retry_after_s = _retry_after_s(response.headers.get("retry-after"), self._now)
        return self._unavailable(
            f"{what} (HTTP {response.status_code})",
            hint=f"{KEPT}; {hint.format(source=self.source)}",
            status=status,
            retry_after_s=self.rest_s if retry_after_s is None else retry_after_s,
        )

    def _broken(self, error: httpx.HTTPError) -> SourceUnavailable:
        if isinstance(error, httpx.TimeoutException):
            return self._unavailable("did not answer in time")
        if isinstance(error, httpx.ConnectError | httpx.ProxyError):
            return self._unavailable(
                f"cannot be reached ({error})",
                hint=f"{KEPT}; check the network, `HTTPS_PROXY` and `sources.{self.source}.base_url`",
            )
        return self._unavailable(f"broke off the conversation ({error or type(error).__name__})")

    def _unavailable(
        self, what: str, *, hint: str = KEPT, status: int | None = None, retry_after_s: float | None = None
    ) -> SourceUnavailable:
        return SourceUnavailable(
            f"`{self.source}` {what}",
            source=self.source,
            hint=hint,
            status=status,
            retry_after_s=retry_after_s,
        )


def _conditions(held: Payload | None) -> dict[str, str]:
    conditions = {"If-None-Match": held.etag, "If-Modified-Since": held.last_modified} if held else {}
    return {name: value for name, value in conditions.items() if value}


def _notices(headers: httpx.Headers) -> dict[str, str]:
    found = {name: headers[name][:500] for name in NOTICE_HEADERS if headers.get(name)}
    if not any(relation in found.get("link", "") for relation in NOTICE_RELATIONS):
        found.pop("link", None)
    return found


def _retry_after_s(text: str | None, now: datetime) -> float | None:
    """Read `Retry-After`: seconds, or a date."""
    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


def _reset_s(text: str | None, now: datetime) -> float:
    """Read `X-RateLimit-Reset`, seconds since 1970 or from now; an hour where it is not said."""
    try:
        reset = float(text or "")
    except ValueError:
        return 3600.0
    return max(0.0, reset - now.timestamp()) if reset > 1e9 else max(0.0, reset)
