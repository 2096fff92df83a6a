"""`/docs`: the OpenAPI document for people, with a script that comes from this machine.

The framework's own page loads its script from a public host: nothing would be seen offline, and what that host sends
could ask this service for anything, as a page of its own.
"""

from __future__ import annotations

from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline'",  # the line that starts it stands in the page
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
    )
)


def add_docs_page(api: FastAPI) -> None:
    """Serve the page and what it loads."""

    @api.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        root = request.scope.get("root_path", "").rstrip("/")
        page = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=f"{api.title} {api.version}",
            swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/favicon-32x32.png",
        )
        page.headers["content-security-policy"] = POLICY
        return page

    api.mount("/docs", StaticFiles(packages=[("fastapi_swagger", "resources")]))  # as released, unchanged
