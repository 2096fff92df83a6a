"""`doctor --online`: whether sources and providers answer from here, through the proxies that are set."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from smart_spawn.cli.doctor.finding import Finding
from smart_spawn.settings import Settings
from smart_spawn.sources import all_sources

PATIENCE_S = 5.0
"""For all of one answer: a doctor is asked by somebody who waits."""


async def check_online(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Ask every source and provider at once for anything at all. Sends a key only to its own provider."""
    asked: list[tuple[str, str, str | None]] = [
        (f"reach source {source.name}", getattr(source, "base_url", ""), None)
        for source in all_sources(settings)
    ]
    asked += [
        (f"reach provider {name}", f"{row.base_url.rstrip('/')}/models", row.key(environ))
        for name, row in settings.providers.items()
    ]
    async with httpx.AsyncClient(timeout=PATIENCE_S, follow_redirects=False) as http:
        return await asyncio.gather(*(_reach(http, *one) for one in asked))


async def _reach(http: httpx.AsyncClient, check: str, url: str, key: str | None) -> Finding:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with asyncio.timeout(PATIENCE_S), http.stream("GET", url, headers=headers) as answer:
            status = answer.status_code
    except TimeoutError:
        said = f"no answer within {PATIENCE_S:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error) or type(error).__name__
    else:
        if key and status in (401, 403):
            return Finding(
                check=check,
                state="broken",
                message="the key is refused",
                hint="check the key in the settings",
            )
        if status < 500:
            return Finding(check=check, state="ok", message=f"answers (status {status})")
        said = f"it answers with status {status}"
    return Finding(
        check=check,
        state="warning",
        message=f"`{httpx.URL(url).host}` cannot be reached: {said}",
        hint="check the network, the proxies and `base_url`; the last good data stays in use",
    )
