"""The page that shows the OpenAPI document works without a network, and loads nothing from elsewhere."""

from __future__ import annotations

import re

import httpx
import pytest


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
async def test_everything_that_the_page_loads_is_served_here(http: httpx.AsyncClient, path: str) -> None:
    """Script, style, picture and document are files of this service."""
    page = await http.get(path)
    assert page.status_code == 200
    loaded = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)""", page.text)
    assert len(loaded) == 4
    for link in loaded:
        assert link.startswith("/")
        answer = await http.get(link)
        assert answer.status_code == 200
        assert len(answer.content) > 100
    assert "http:" not in page.text
    assert "https:" not in page.text


async def test_the_browser_is_told_to_load_nothing_else(http: httpx.AsyncClient) -> None:
    """Even a script that was tampered with could send nothing away."""
    policy = (await http.get("/docs")).headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "http" not in policy


@pytest.mark.parametrize("path", ["/redoc", "/docs/nothing", "/docs/..%2f..%2fsettings.py"])
async def test_there_are_no_other_pages(http: httpx.AsyncClient, path: str) -> None:
    """What is not there is refused in the usual words."""
    answer = await http.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"
