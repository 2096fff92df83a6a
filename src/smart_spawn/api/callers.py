"""Who asks: the key of a request, and whether it may do what was asked."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.types import Scope as AsgiScope

from smart_spawn.api.allowance import Allowance
from smart_spawn.app import SmartSpawn
from smart_spawn.errors import Unauthorized
from smart_spawn.surface.caller import LOCAL, Caller, Scope, needed_scope, require

OPEN_PATHS = frozenset({"/health", "/api/health"})
"""What needs no key: whoever starts and watches the service asks it."""


class Callers:
    """Tells who sent a request. Without keys, on loopback, it is `LOCAL`, and asking costs nothing."""

    def __init__(self, app: SmartSpawn, *, wide: bool) -> None:
        self._app = app
        self._wide = wide
        self._allowance = Allowance(app.settings.server.max_requests_per_minute)

    def admit(self, scope: AsgiScope) -> None:
        """Let a request pass with its caller beside it. Raises Unauthorized, Forbidden, TooManyRequests.

        On an address that other machines can reach nobody passes without a key, also when the last was revoked.
        """
        keys = self._app.keys
        if not keys.active and not self._wide:
            return
        if scope["path"] in OPEN_PATHS and scope["method"] in ("GET", "HEAD"):
            return
        secret = _secret(scope)
        row = keys.find(secret) if secret else None
        if row is None:
            raise Unauthorized(
                "the API key is not one of this service" if secret else "this service asks for an API key",
                hint="send `Authorization: Bearer ss_...`; `smart-spawn keys create` makes one",
            )
        self._allowance.take(row.id)
        caller = Caller.of(row)
        needs = needed_scope(scope["method"], scope["path"])
        if needs is not None:
            require(caller, needs)
        scope["state"] = {**scope.get("state", {}), "caller": caller}


def caller_of(request: Request, needs: Scope | None = None) -> Caller:
    """Return who sent a request. Raises Forbidden where the key lacks the scope."""
    state: dict[str, Any] = request.scope.get("state", {})
    caller: Caller = state.get("caller", LOCAL)
    if needs is not None:
        require(caller, needs)
    return caller


def key_of(scope: AsgiScope) -> str | None:
    """Return the id of the key that a request came with."""
    caller: Caller = scope.get("state", {}).get("caller", LOCAL)
    return caller.key


def _secret(scope: AsgiScope) -> str:
    """Return the secret of `Authorization: Bearer` or of `x-api-key`; empty where there is none."""
    other = b""
    for name, value in scope["headers"]:
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return str(value[7:].strip(), "latin-1")
        if name == b"x-api-key":
            other = value
    return str(other.strip(), "latin-1")
